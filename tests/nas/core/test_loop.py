"""The driver: every evaluation once, none lost, and the same trials after an interruption."""

from __future__ import annotations

import itertools
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import torch
from optuna.trial import TrialState

from graphlab.core.config import Choices
from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.execute import OutOfMemoryError
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.outcome import SAME_AS, Evaluation, Outcome
from graphlab.nas.core.space import Decision
from graphlab.nas.optuna.history import RESULT, open_history
from graphlab.nas.optuna.storage import open_storage
from graphlab.nas.registry import find_strategy
from graphlab.nas.strategies.evolution import Evolution
from graphlab.testing.searches import Letters, Score

OWN = ["evolution", "local-search", "agnn", "graphnas"]
OPTUNAS = ["random", "tpe", "nsga2"]
ALL = [*OWN, *OPTUNAS]


def named(loop):
    return [outcome.key for outcome in loop.history.outcomes]


@pytest.fixture
def score():
    return Score


def test_a_search_that_is_done_evaluates_nothing(letters, score, run_search, tmp_path):
    run_search("random", letters, score(letters), 10, where=tmp_path)
    again = score(letters)
    run_search("random", letters, again, 10, where=tmp_path)
    assert again.calls == []


@pytest.mark.parametrize("strategy", [*ALL, "gp", "bayesian", "predictor"])
def test_a_space_of_one_architecture_is_searched(strategy, toy, score, run_search):
    toy.decisions = (Decision("a", Choices(("y",)), "letter"), Decision("depth", Choices((1,)), "depth"))
    own = {"startup": 1} if strategy in ("agnn", "local-search") else {}
    loop = run_search(strategy, toy, score(toy), 3, **own)
    assert len(named(loop)) == 1
    assert loop.exhausted


def test_what_diverges_is_on_record_and_counts(letters, score, run_search):
    letters.decisions = tuple(replace(one, range=Choices(("d", "e"))) for one in letters.decisions)
    objective = score(letters)
    loop = run_search("random", letters, objective, 16)
    failed = [outcome for outcome in loop.history.outcomes if outcome.state == "failed"]
    assert [("".join(one.values.values()), one.error, one.score) for one in failed] == [
        ("eeee", "the loss is nan", None)
    ]
    assert len(objective.calls) == 16


def test_pruning_stops_what_is_worse_than_the_median(letters, score, run_search):
    loop = run_search("random", letters, score(letters, steps=3), 40, prune_after=5)
    states = [outcome.state for outcome in loop.history.outcomes]
    assert len(states) == 40
    assert states[:5] == ["finished"] * 5
    assert 5 < states.count("pruned") < 35


def test_a_repeated_name_costs_nothing_and_says_whose_it_is(letters, score, run_search):
    letters.decisions = letters.decisions[:2]
    loop = run_search("random", letters, score(letters), 20)
    trials = loop.history.study.get_trials(deepcopy=False)
    repeats = [trial for trial in trials if SAME_AS in trial.user_attrs.get(RESULT, {})]
    assert loop.history.repeats.total() == len(repeats) > 0
    for trial in repeats:
        first = trials[trial.user_attrs[RESULT][SAME_AS]]
        assert trial.params == first.params
        assert trial.values is None
        assert first.values


def test_several_objectives_are_all_told(letters, score, run_search):
    loop = run_search("nsga2", letters, score(letters, names=("validation", "parameters")), 60)
    best = loop.history.study.best_trials
    assert all(len(trial.values) == 2 for trial in best)
    every = [outcome.objectives for outcome in loop.history.outcomes]
    for (a, b), (c, d) in itertools.product([tuple(t.values) for t in best], every):
        assert not (c >= a and d <= b and (c, d) != (a, b))


@pytest.mark.parametrize("strategy", ["evolution", "local-search", "agnn"])
def test_our_strategies_beat_chance(strategy, letters, score, run_search):
    """On the mean over seeds: the objective has no local optimum."""
    found = {
        name: sum(
            max(
                outcome.score or 0
                for outcome in run_search(name, letters, score(letters), 60, seed=seed).history.outcomes
            )
            for seed in range(5)
        )
        for name in (strategy, "random")
    }
    assert found[strategy] > found["random"]


class TakenForDead(Score):
    """At its first evaluation somebody else fails the trial, as of a worker that gave no sign of life for too long."""

    folder: Path

    def evaluate(self, values, on_step):
        if not self.calls:
            study = optuna.load_study(study_name="study", storage=open_storage(self.folder, "study"))
            study.tell(study.trials[-1].number, state=TrialState.FAIL)
        return super().evaluate(values, on_step)


def test_a_worker_that_was_taken_for_dead_goes_on(letters, run_search, tmp_path):
    objective = TakenForDead(letters)
    objective.folder = tmp_path
    found = run_search("random", letters, objective, 5, where=tmp_path)
    assert sorted(outcome.index for outcome in found.history.outcomes) == [0, 1, 2, 3, 4]
    assert len(objective.calls) == 6 and objective.calls[0] == objective.calls[1]


class Bumpy(Score):
    """Without a slope, and with scores of nothing and below: a local search starts again and again."""

    def evaluate(self, values, on_step):
        found = super().evaluate(values, on_step)
        return Evaluation({**found.metrics, "validation": int(self.space.key(values)[:4], 16) % 7 - 3.0})


@pytest.mark.parametrize(("strategy", "settings"), [("agnn", {"startup": 3}), ("local-search", {"startup": 3})])
def test_a_search_that_starts_again_goes_on_as_if_it_had_never_stopped(
    strategy, settings, letters, run_search, tmp_path
):
    """So little is left here that a stop falls between a restart, or a proposal, and what was learned of it."""
    letters.decisions = letters.decisions[:2]
    whole = named(run_search(strategy, letters, Bumpy(letters), 22, **settings))
    for stop_at in range(3, 21):
        where = tmp_path / str(stop_at)
        with pytest.raises(KeyboardInterrupt):
            run_search(strategy, letters, Bumpy(letters, stop_at=stop_at), 22, where=where, **settings)
        assert named(run_search(strategy, letters, Bumpy(letters), 22, where=where, **settings)) == whole


def test_a_local_search_leaves_no_centre_for_what_is_worse(letters, run_search):
    class Below(Score):
        def evaluate(self, values, on_step):
            found = super().evaluate(values, on_step)
            return Evaluation({**found.metrics, "validation": 0.0 if len(self.calls) == 1 else -1.0})

    outcomes = run_search("local-search", letters, Below(letters), 10, startup=1).history.outcomes
    centre = letters.neighbours(outcomes[0].values)
    assert {outcome.key for outcome in outcomes[1:]} <= {letters.key(outcome) for outcome in centre}


@pytest.mark.parametrize("strategy", ["agnn", "graphnas", "evolution", "local-search", "bayesian", "predictor"])
def test_decisions_that_others_take_away_are_no_obstacle(strategy, toy, run_search):
    """All 18 architectures of a space in which one decision is made under another."""
    toy.decisions = toy.decisions[:3]
    own = {"startup": 2} if strategy not in ("graphnas", "evolution") else {}
    for seed in range(3):
        loop = run_search(strategy, toy, Score(toy), 18, seed=seed, **own)
        assert len(set(named(loop))) == 18


def test_what_a_proposal_was_noted_with_outlives_an_interruption(letters, run_search, tmp_path):
    settings = {"startup": 3}
    whole = run_search("agnn", letters, Score(letters), 9, **settings)
    with pytest.raises(KeyboardInterrupt):
        run_search("agnn", letters, Score(letters, stop_at=6), 9, where=tmp_path, **settings)
    rest = run_search("agnn", letters, Score(letters), 9, where=tmp_path, **settings)
    assert [outcome.notes for outcome in rest.history.outcomes] == [outcome.notes for outcome in whole.history.outcomes]
    assert all(outcome.notes for outcome in rest.history.outcomes[3:])


class Undefined(Score):
    """What has a `c` in it has no score, or one beyond all bounds."""

    def evaluate(self, values, on_step):
        found = super().evaluate(values, on_step)
        wrong = {"c": math.nan, "d": math.inf}.get(values["letter_0"])
        return found if wrong is None else Evaluation({**found.metrics, "validation": wrong})


def test_a_score_that_is_no_number_is_a_failure_and_asked_for_once(letters, run_search):
    letters.decisions = letters.decisions[:2]
    objective = Undefined(letters)
    outcomes = run_search("random", letters, objective, 25).history.outcomes
    assert len(objective.calls) == len(set(objective.calls)) == 25
    errors = {outcome.values["letter_0"]: outcome.error for outcome in outcomes if outcome.state == "failed"}
    assert errors == {"c": "validation is nan", "d": "validation is inf"}


class Unbuildable(Score):
    """Some first letters are no network, as comes out only when it is built or trained."""

    errors = {
        "b": ConfigError("a width of 94 cannot be shared by 5 heads"),
        "c": OutOfMemoryError(MemoryError("run 0")),
        "d": torch.OutOfMemoryError("2 GiB are wanted"),
        "e": MemoryError("and so does numpy"),
    }

    def evaluate(self, values, on_step):
        if error := self.errors.get(values["letter_0"]):
            raise error
        return super().evaluate(values, on_step)


def test_an_architecture_that_cannot_be_trained_does_not_end_the_search(letters, run_search):
    outcomes = run_search("random", letters, Unbuildable(letters), 30).history.outcomes
    assert len(outcomes) == 30
    failed = {outcome.values["letter_0"]: outcome.error for outcome in outcomes if outcome.state == "failed"}
    assert failed == {
        "b": "a width of 94 cannot be shared by 5 heads",
        "c": "it does not fit into memory: run 0",
        "d": "it does not fit into memory: 2 GiB are wanted",
        "e": "it does not fit into memory: and so does numpy",
    }


def test_the_memory_of_the_machine_can_be_too_small_as_well(letters, run_search):
    class Large(Score):
        def evaluate(self, values, on_step):
            if values["letter_0"] == "a":
                torch.empty(10**15)
            return super().evaluate(values, on_step)

    outcomes = run_search("random", letters, Large(letters), 20).history.outcomes
    failed = {outcome.values["letter_0"]: outcome.error for outcome in outcomes if outcome.state == "failed"}
    assert set(failed) == {"a"} and failed["a"].startswith("it does not fit into memory: ")


def test_other_errors_of_a_network_are_failures_of_its_trial(letters, run_search):
    class Wrong(Score):
        def evaluate(self, values, on_step):
            if values["letter_0"] == "a":
                torch.ones(2) @ torch.ones(3)
            return super().evaluate(values, on_step)

    outcomes = run_search("random", letters, Wrong(letters), 20).history.outcomes
    failed = {outcome.values["letter_0"]: outcome.error for outcome in outcomes if outcome.state == "failed"}
    assert len(outcomes) == 20 and set(failed) == {"a"}
    assert failed["a"].startswith("RuntimeError: inconsistent tensor size")


def test_fewer_evaluations_than_there_are_give_the_first_of_them(letters, run_search, tmp_path):
    first = run_search("tpe", letters, Score(letters), 8, tmp_path / "short").outcomes
    run_search("tpe", letters, Score(letters), 30, tmp_path / "long")
    objective = Score(letters)
    again = run_search("tpe", letters, objective, 8, tmp_path / "long")
    assert [outcome.key for outcome in again.outcomes] == [outcome.key for outcome in first]
    assert objective.calls == [] and len(again.history.outcomes) == 30


def test_a_search_of_all_there_is_waits_for_what_another_worker_has_in_hand(tmp_path):
    space = Letters(places=3)

    def worker():
        strategy = Evolution(Evolution.Config(), space, Score(space), SeedStream(0))
        return SearchLoop(strategy, Score(space), open_history(tmp_path, "study", strategy), Budget(200))

    slow, quick = worker(), worker()
    with slow.history.open(), ThreadPoolExecutor(1) as pool:
        with slow.history.exclusive():
            trial = slow._ask()
        search = pool.submit(quick.run)
        while not quick.exhausted:
            time.sleep(0.01)
        time.sleep(0.5)
        waited = not search.done()
        slow._evaluate(trial)
        search.result(timeout=60)
    assert waited
    assert len({outcome.key for outcome in quick.outcomes}) == 125


def test_what_a_worker_has_taken_is_known_before_another_one_asks(letters, run_search, tmp_path):
    """Both would name the same: chance has no part in what follows the first two."""
    one, other = (run_search("bayesian", letters, Score(letters), 4, where=tmp_path, startup=2) for _ in range(2))
    one.budget = other.budget = Budget(6)
    taken = one._ask(), other._ask()
    chosen = [letters.key(one.history.study.trials[trial.number].params) for trial in taken]
    assert len(set(chosen)) == 2


@pytest.mark.parametrize("strategy", ["bayesian", "predictor", "evolution", "agnn", "local-search"])
def test_what_another_worker_has_in_hand_is_not_proposed(strategy, letters):
    found = find_strategy(strategy)
    own = {} if strategy == "evolution" else {"startup": 2}
    made = found(found.Config(**own), letters, Score(letters), SeedStream(0))
    random = SeedStream(1).numpy()
    for number in range(20):
        values = letters.sample(random)
        worth = float(sum("edcba".index(letter) for letter in values.values()))
        key = letters.key(values)
        made.tell(Outcome(number, number, values, values, key, "finished", (worth,), worth, {}, (), {}, 0.0, None))
    first = made.ask(SeedStream(2).numpy()).choices
    made.under_way = {letters.key(first)}
    assert letters.key(made.ask(SeedStream(2).numpy()).choices) not in made.taken
