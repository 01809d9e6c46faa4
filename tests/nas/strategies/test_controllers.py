"""The policies of GraphNAS and AGNN: probabilities that sum to one, and learning that follows the reward."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from graphlab.core.config import Choices
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Decision
from graphlab.nas.strategies.agnn import AGNN
from graphlab.nas.strategies.graphnas import Controller, GraphNAS, log_likelihood, sample
from graphlab.testing.searches import Score


def all_words(space):
    names = [decision.name for decision in space.decisions]
    return [dict(zip(names, word, strict=True)) for word in itertools.product("abcde", repeat=len(names))]


def outcome(space, values, score, number=0, notes=None):
    key = space.key(values)
    return Outcome(number, number, values, values, key, "finished", (score,), score, {}, (), notes or {}, 0.0, None)


def test_the_chances_of_all_architectures_sum_to_one(letters):
    torch.manual_seed(0)
    controller = Controller(letters.decisions[:3], 8).double()
    with torch.no_grad():
        for parameter in controller.parameters():
            parameter.mul_(20)
        letters.decisions = letters.decisions[:3]
        total = sum(float(log_likelihood(controller, values)[0].exp()) for values in all_words(letters))
    assert total == pytest.approx(1.0, abs=1e-9)


def test_what_is_drawn_has_the_chances_of_the_policy(letters):
    torch.manual_seed(1)
    controller = Controller(letters.decisions[:2], 8)
    with torch.no_grad():
        for parameter in controller.parameters():
            parameter.mul_(30)
    random = np.random.default_rng(0)
    drawn = [tuple(sample(controller, random).values()) for _ in range(3000)]
    for word in itertools.product("abcde", repeat=2):
        values = {"letter_0": word[0], "letter_1": word[1]}
        expected = float(log_likelihood(controller, values)[0].detach().exp())
        error = 4 * np.sqrt(expected * (1 - expected) / len(drawn)) + 1e-3
        assert drawn.count(word) / len(drawn) == pytest.approx(expected, abs=error)


def test_likelihoods_have_gradients_of_float64(letters):
    torch.manual_seed(2)
    controller = Controller(letters.decisions, 4).double()
    values = dict(zip((d.name for d in letters.decisions), "abed", strict=True))
    parameters = list(controller.parameters())

    def both(*given):
        names = [name for name, _ in controller.named_parameters()]
        return torch.func.functional_call(
            _Wrapped(controller, values), {f"controller.{n}": p for n, p in zip(names, given, strict=True)}, ()
        )

    assert torch.autograd.gradcheck(both, parameters)


class _Wrapped(torch.nn.Module):
    def __init__(self, controller, values):
        super().__init__()
        self.controller, self.values = controller, values

    def forward(self):
        return log_likelihood(self.controller, self.values)


def test_graphnas_makes_what_was_rewarded_likelier(letters):
    strategy = GraphNAS(GraphNAS.Config(lr=0.01), letters, Score(letters), SeedStream(0))
    good, bad = (dict(zip((d.name for d in letters.decisions), word, strict=True)) for word in ("aaaa", "eeed"))
    before = [float(log_likelihood(strategy.controller, values)[0]) for values in (good, bad)]
    for number in range(20):
        strategy.tell(outcome(letters, good, 1.0, 2 * number))
        strategy.tell(outcome(letters, bad, 0.0, 2 * number + 1))
    after = [float(log_likelihood(strategy.controller, values)[0]) for values in (good, bad)]
    assert after[0] > before[0]
    assert after[1] < before[1]


def draws(strategy, wanted):
    """The first proposal of which this holds."""
    asked = (strategy.ask(np.random.default_rng(seed)) for seed in itertools.count())
    return next(one for one in asked if wanted(one))


def told(space, proposal, score):
    """Its outcome, as a study knows it."""
    found = outcome(space, space.canonical(proposal.choices), score, notes=dict(proposal.notes))
    return replace(found, params=dict(proposal.choices))


def test_the_gradient_of_graphnas_is_that_of_what_it_drew(toy):
    """Of "z", which the search knows as "y"; the reward is 1 below its average, of which a 20th is its own."""
    strategy = GraphNAS(GraphNAS.Config(entropy=0.0, clip_norm=100.0), toy, Score(toy), SeedStream(0))
    strategy.tell(told(toy, draws(strategy, lambda one: one.choices["a"] == "x"), 2.0))
    drawn = draws(strategy, lambda one: one.choices["a"] == "z")
    # Nothing reads the last decision.
    weights = [weight for name, weight in strategy.controller.named_parameters() if name != "embeddings.3.weight"]
    expected = torch.autograd.grad(log_likelihood(strategy.controller, drawn.choices)[0], weights)
    strategy.tell(told(toy, drawn, 1.0))
    for weight, gradient in zip(weights, expected, strict=True):
        assert torch.allclose(weight.grad, 0.95 * gradient, rtol=1e-5, atol=1e-7)


def test_graphnas_learns_nothing_of_what_chance_chose(letters):
    letters.decisions = letters.decisions[:1]
    strategy = GraphNAS(GraphNAS.Config(), letters, Score(letters), SeedStream(0))
    for number, word in enumerate("abcde"):
        strategy.tell(outcome(letters, {"letter_0": word}, float(number)))
    before = [weight.clone() for weight in strategy.controller.parameters()]
    strategy.tell(told(letters, strategy.ask(np.random.default_rng(0)), 9.0))
    assert all(torch.equal(one, other) for one, other in zip(before, strategy.controller.parameters(), strict=True))
    assert strategy.baseline < 4.0


def test_what_graphnas_drew_outlives_an_interruption(toy, run_search, tmp_path):
    whole = run_search("graphnas", toy, Score(toy), 24).history.outcomes
    with pytest.raises(KeyboardInterrupt):
        run_search("graphnas", toy, Score(toy, stop_at=11), 24, where=tmp_path)
    rest = run_search("graphnas", toy, Score(toy), 24, where=tmp_path).history.outcomes
    assert [outcome.params for outcome in rest] == [outcome.params for outcome in whole]
    assert any(one.params["a"] == "z" for one in rest)


def kept(letters, **settings):
    """AGNN with "baba" as its best."""
    config = AGNN.Config(startup=1, **settings)
    strategy = AGNN(config, letters, Score(letters), SeedStream(0))
    best = dict(zip((d.name for d in letters.decisions), "baba", strict=True))
    strategy.tell(outcome(letters, best, 1.0))
    return strategy, best


def changed(parent, drawn, kind="letter"):
    """What AGNN notes of an offspring."""
    return {"changes": [{"kind": kind, "in": parent, "drawn": drawn}]}


def test_agnn_changes_one_kind_of_the_best(letters):
    letters.decisions = tuple(
        Decision(d.name, d.range, "first" if i < 2 else "last") for i, d in enumerate(letters.decisions)
    )
    strategy, best = kept(letters)
    for seed in range(20):
        proposal = strategy.ask(np.random.default_rng(seed))
        different = {name for name, value in proposal.choices.items() if value != best[name]}
        (change,) = proposal.notes["changes"]
        assert different <= {d.name for d in letters.kinds[change["kind"]]}
        assert different


def test_agnn_keeps_the_best_and_nothing_worse(letters):
    strategy, best = kept(letters)
    worse = {**best, "letter_0": "e"}
    strategy.tell(outcome(letters, worse, 0.5, 1, changed(best, worse)))
    assert strategy.ask(np.random.default_rng(0)).notes["changes"][0]["in"] == best
    better = {**best, "letter_0": "a"}
    strategy.tell(outcome(letters, better, 2.0, 2, changed(best, better)))
    assert strategy.ask(np.random.default_rng(0)).notes["changes"][0]["in"] == better


@pytest.mark.parametrize("choose", ["drawn", "highest"])
def test_agnn_learns_which_option_is_better(choose, letters):
    letters.decisions = tuple(Decision(d.name, Choices(tuple("abc")), d.name) for d in letters.decisions)
    strategy, best = kept(letters, lr=0.02, choose=choose)

    def chance(value):
        likelihood, _ = strategy._likelihood(changed(best, {"letter_0": value}, "letter_0")["changes"])
        return float(likelihood.exp())

    assert chance("a") + chance("c") == pytest.approx(1.0, abs=1e-6)
    before = chance("a")
    for number in range(1, 40):
        value, score = ("a", 0.9) if number % 2 else ("c", 0.1)
        values = {**best, "letter_0": value}
        strategy.tell(outcome(letters, values, score, number, changed(best, {"letter_0": value}, "letter_0")))
    assert chance("a") > before + 0.1


def test_agnn_goes_on_where_no_neighbour_is_left(letters):
    strategy, best = kept(letters)
    for number, values in enumerate(letters.neighbours(best), start=1):
        strategy.tell(outcome(letters, values, 0.0, number))
    proposal = strategy.ask(np.random.default_rng(3))
    assert letters.key(proposal.choices) not in strategy.seen


def test_the_nearest_option_of_a_range_stands_for_a_value(toy):
    depth, rate = toy.decisions[2], toy.decisions[3]
    assert depth.options[depth.nearest(3)] == 3
    assert rate.options[rate.nearest(0.9)] == pytest.approx(1.0)
