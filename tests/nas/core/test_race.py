"""Racing: promotions against a plain re-reading of the rules, further seeds, and the same race after any stop."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from graphlab.core.seeds import SeedStream
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.estimate import is_worse, seed_variance, shrunk_means
from graphlab.nas.core.race import RaceConfig, Standings
from graphlab.testing.searches import Letters, Score, run_search

STARTS = {"best": dict(zip((f"letter_{i}" for i in range(4)), "abcd", strict=True))}


class Noisy(Score):
    noise = 0.3


def race(strategy="random", count=120, config=None, where=None, seed=0, stop_at=None, starts=None, budget=None):
    space = Letters()
    objective = Noisy(space, stop_at=stop_at)
    own = {"startup": 4} if strategy == "agnn" else {}
    return run_search(
        strategy,
        space,
        objective,
        count,
        where,
        seed,
        race=config or RaceConfig(),
        starts=starts or {},
        num_seeds=10,
        budget=budget,
        **own,
    )


def evaluations(loop):
    return [(outcome.key, outcome.fidelity.share, outcome.fidelity.seed) for outcome in loop.outcomes]


def test_what_is_promoted_was_among_the_best_third_of_its_rung():
    config = RaceConfig(share=0.0)
    shares = config.shares
    rungs = {share: {} for share in shares}
    for outcome in race(config=config).outcomes:
        share = outcome.fidelity.share
        if share > shares[0]:
            below = rungs[shares[shares.index(share) - 1]]
            best = sorted(below, key=below.get, reverse=True)[: len(below) // config.eta]
            assert outcome.key in best
            assert outcome.fidelity.before == shares[shares.index(share) - 1]
        if outcome.score is not None:  # one word diverges
            rungs[share][outcome.key] = outcome.score
    sizes = [len(rungs[share]) for share in shares]
    assert sizes[0] > 60  # a place in the best third may be lost again, but not the rung
    assert 0 <= sizes[1] - sizes[0] // 3 <= 6 and 0 <= sizes[2] - sizes[1] // 3 <= 3


def test_nothing_is_evaluated_twice_and_every_new_architecture_is_new():
    loop = race("evolution")
    assert max(Counter(evaluations(loop)).values()) == 1
    firsts = [outcome.key for outcome in loop.outcomes if outcome.is_new]
    assert len(set(firsts)) == len(firsts)


def test_further_seeds_take_their_share_and_go_to_leaders_in_turn():
    loop = race(count=400)
    epochs = sum(outcome.epochs for outcome in loop.outcomes)
    on_seeds = sum(outcome.epochs for outcome in loop.outcomes if outcome.fidelity.seed)
    assert 0.4 < on_seeds / epochs < 0.55
    seeds = defaultdict(list)
    for outcome in loop.outcomes:
        if outcome.fidelity.share == 1:
            seeds[outcome.key].append(outcome.fidelity.seed)
    assert all(own == list(range(len(own))) for own in seeds.values())
    assert max(map(len, seeds.values())) <= 10


def test_hyperband_begins_at_every_rung_in_its_proportions():
    config = RaceConfig(ladder="hyperband", share=0.0)
    assert Counter(config.first_rungs) == {0: 9, 1: 5, 2: 3}
    begun = Counter(outcome.fidelity.share for outcome in race(config=config, count=60).outcomes if outcome.is_new)
    assert begun[1 / 9] > begun[1 / 3] > begun[1.0] > 0


def test_a_new_architecture_is_told_at_the_lowest_rung_whatever_it_began_with():
    for outcome in race(config=RaceConfig(ladder="hyperband"), starts=STARTS, count=40).outcomes:
        if outcome.is_new:
            whole = outcome.fidelity.epochs(9)
            assert outcome.as_told.score == pytest.approx(outcome.score - (whole - 1) / 100)


def test_hand_set_networks_come_first_and_are_trained_whole():
    loop = race(starts=STARTS | {"again": STARTS["best"]}, count=30)
    first, second = loop.outcomes[:2]
    assert (first.start, first.fidelity.share) == ("best", 1.0)
    assert not second.start


@pytest.mark.parametrize("strategy", ["random", "evolution", "agnn"])
def test_a_race_that_is_stopped_at_any_evaluation_goes_on_the_same(strategy, tmp_path):
    whole = evaluations(race(strategy, 40, starts=STARTS))
    for stop_at in range(1, 40, 3):
        where = tmp_path / str(stop_at)
        with pytest.raises(KeyboardInterrupt):
            race(strategy, 40, where=where, stop_at=stop_at, starts=STARTS)
        assert evaluations(race(strategy, 40, where=where, starts=STARTS)) == whole


def test_a_budget_of_epochs_is_kept_and_can_be_raised(tmp_path):
    short = race(budget=Budget(epochs=100), where=tmp_path)
    assert 100 - 9 < sum(outcome.epochs for outcome in short.outcomes) <= 100
    longer = race(budget=Budget(epochs=300), where=tmp_path)
    assert evaluations(longer) == evaluations(race(budget=Budget(epochs=300)))
    again = race(budget=Budget(epochs=100), where=tmp_path)
    assert again.objective.calls == []
    assert Budget(epochs=100).within(again.outcomes) == Budget(epochs=100).within(longer.outcomes)


@pytest.mark.slow
def test_racing_finds_better_networks_than_single_noisy_values_at_equal_cost():
    """The truth is known here: the mean without noise, over 20 searches of 900 epochs each."""
    space = Letters()
    truth = Score(space)

    def worth(outcome):
        return truth.evaluate(outcome.values, lambda step, value: None).metrics["validation"]

    raced, single = [], []
    for seed in range(20):
        loop = race(budget=Budget(epochs=900), seed=seed)
        raced.append(worth(Standings(RaceConfig(), loop.outcomes).answer.first))
        config = RaceConfig(rungs=1, share=0.0)
        alone = race(budget=Budget(epochs=900), seed=seed, config=config)
        finished = [outcome for outcome in alone.outcomes if outcome.score is not None]
        single.append(worth(max(finished, key=lambda outcome: outcome.score)))
    assert statistics.fmean(raced) > statistics.fmean(single)


def test_the_answer_is_no_worse_than_the_best_hand_set_network_by_its_own_estimate():
    for seed in range(5):
        standings = Standings(RaceConfig(), race(starts=STARTS, count=200, seed=seed).outcomes)
        estimates = standings.estimates()
        starts = [key for key, standing in standings.by_key.items() if standing.first.start]
        assert estimates[standings.answer.first.key] >= max(estimates[key] for key in starts)


def test_what_fails_is_out_and_never_the_answer():
    class Failing(Noisy):
        def evaluate_at(self, values, fidelity, on_step):
            if fidelity.seed == 2 and values["letter_0"] == "a":
                values = dict.fromkeys(values, "e")
            return super().evaluate_at(values, fidelity, on_step)

    space = Letters()
    loop = run_search("random", space, Failing(space), 300, race=RaceConfig(), num_seeds=10)
    failed = {outcome.key for outcome in loop.outcomes if outcome.state == "failed"}
    assert failed
    standings = Standings(RaceConfig(), loop.outcomes)
    assert standings.answer.first.key not in failed
    after = {key: max(o.index for o in loop.outcomes if o.key == key) for key in failed}
    assert all(next(o for o in loop.outcomes if o.index == last).state == "failed" for last in after.values())


@given(st.lists(st.lists(st.floats(-1, 1), min_size=1, max_size=6), min_size=2, max_size=8))
@settings(deadline=None)
def test_means_are_drawn_towards_the_mean_of_all_and_keep_the_order_of_equals(scores):
    means, centre = [statistics.fmean(own) for own in scores], statistics.fmean(map(statistics.fmean, scores))
    for mean, estimate in zip(means, shrunk_means(scores), strict=True):
        assert min(mean, centre) - 1e-9 <= estimate <= max(mean, centre) + 1e-9


def test_shrinking_is_that_of_the_normal_model():
    """Its mean squared error is near that of the posterior mean with known variances, and below that of the means."""
    random = SeedStream(0).numpy()
    truth = random.normal(0, 0.5, 4000)
    counts = random.integers(1, 6, 4000)
    scores = [list(mean + random.normal(0, 1.0, n)) for mean, n in zip(truth, counts, strict=True)]
    assert seed_variance(scores) == pytest.approx(1.0, rel=0.05)
    known = [statistics.fmean(own) * 0.25 / (0.25 + 1 / len(own)) for own in scores]

    def error(estimates):
        return statistics.fmean((a - b) ** 2 for a, b in zip(estimates, truth, strict=True))

    assert error(shrunk_means(scores)) < 1.03 * error(known) < error([statistics.fmean(own) for own in scores]) / 1.5


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=10))
@settings(deadline=None)
def test_worse_is_by_the_paired_test(pairs):
    scores, leading = dict(enumerate(a for a, _ in pairs)), dict(enumerate(b for _, b in pairs))
    gains = [b - a for a, b in pairs]
    if max(gains) - min(gains) < 1e-3:
        return
    expected = ttest_rel(list(leading.values()), list(scores.values()), alternative="greater").pvalue
    found = is_worse(scores, leading, fewest=2, level=0.05)
    assert found == (expected < 0.05) or abs(expected - 0.05) < 1e-6
    assert not is_worse(scores, leading, fewest=len(pairs) + 1, level=0.05)
