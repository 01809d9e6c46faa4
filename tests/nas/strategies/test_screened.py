"""A screen and the strategy whose proposals it chooses among."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from graphlab.core.config import Choices
from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.objectives import NetworkObjective
from graphlab.nas.strategies.screened import Screened
from graphlab.task.kinds.node_classification import NodeClassification
from graphlab.testing.searches import Score


class Guessed(Score, NetworkObjective):
    """Proxies think most of a first letter "e"; with a "b" there is no network, as comes out only when it is built."""

    def plan(self, values):
        return SimpleNamespace(task=NodeClassification)

    def guess(self, proxy, values):
        if values["letter_0"] == "b":
            raise ConfigError("a width of 94 cannot be shared by 5 heads")
        return float("abcde".index(values["letter_0"]))


def screened(space, base, draws, **settings):
    config = Screened.Config(base=base, draws=draws, settings=settings)
    return Screened(config, space, Guessed(space), SeedStream(0))


def test_a_screen_asks_its_base_for_what_no_other_worker_has_in_hand(letters):
    strategy = screened(letters, "local-search", 1, startup=1)
    centre = dict.fromkeys((decision.name for decision in letters.decisions), "a")
    strategy.tell(outcome(letters, 0, centre, 1.0))
    *others, last = letters.neighbours(centre)
    strategy.under_way = {letters.key(one) for one in others}
    assert strategy.ask(np.random.default_rng(0)).choices == last


def outcome(space, number, values, score):
    key = space.key(values)
    return Outcome(number, number, values, values, key, "finished", (score,), score, {}, (), {}, 0.0, None)


@pytest.mark.parametrize("base", ["random", "evolution", "local-search", "graphnas", "agnn", "bayesian", "predictor"])
def test_a_screen_looks_at_as_many_as_it_was_told_to(base, letters):
    """Strategies that name one and the same until they are told of an outcome among them."""
    strategy = screened(letters, base, 6, **{"startup": 5} if base == "bayesian" else {})
    random = SeedStream(1).numpy()
    told = {letters.key(values): values for values in (letters.sample(random) for _ in range(30))}
    for number, values in enumerate(told.values()):
        strategy.tell(outcome(letters, number, values, float(random.random())))
    asked = []
    strategy._guess = lambda values: asked.append(letters.key(values)) or 0.0
    strategy.ask(np.random.default_rng(0))
    assert len(set(asked)) == len(asked) == 6 and not set(asked) & set(told)


def test_a_screen_passes_over_what_cannot_be_built(letters):
    letters.decisions = tuple(replace(one, range=Choices(("a", "b"))) for one in letters.decisions)
    strategy = screened(letters, "random", 40)
    assert {strategy.ask(np.random.default_rng(seed)).choices["letter_0"] for seed in range(5)} == {"a"}
    assert -np.inf in strategy._values.values()
