"""Every registered strategy and space keeps its contract, and a broken one is told."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from graphlab.nas.core.strategy import Proposal, Strategy
from graphlab.nas.optuna.samplers import ATTEMPT, suggest
from graphlab.nas.registry import SPACES, STRATEGIES, find_space
from graphlab.nas.strategies.evolution import Evolution
from graphlab.testing import searches
from graphlab.testing import strategies as checks
from graphlab.testing.searches import Letters, Score, Toy
from graphlab.testing.spaces import SPACE_CHECKS, check_canonical, check_neighbours, check_settings
from graphlab.testing.strategies import (
    STRATEGY_CHECKS,
    check_continuation,
    check_failures,
    check_registration,
    check_seed,
    strategies,
)

ON_MORE = {
    "darts",
    "darts-pt",
    "eas",
    "elastic",
    "few-shot",
    "lpgnas",
    "pa-da",
    "parzc",
    "pc-darts",
    "rarts",
    "screened",
    "sd-darts",
    "shift-nas",
    "shortlist",
    "spos",
    "tanglenas",
    "transfer",
}
"""On a supernet, by proxies or from tables: their tests are in files of their own."""


def named(check) -> str:
    return check.__name__.removeprefix("check_")


def test_every_strategy_is_looked_at():
    assert ON_MORE.isdisjoint(strategies())
    assert {*strategies(), *ON_MORE} >= set(STRATEGIES.names())


@pytest.mark.parametrize("check", STRATEGY_CHECKS, ids=named)
@pytest.mark.parametrize("strategy", strategies())
def test_a_strategy_keeps_its_contract(check, strategy, tmp_path):
    check(strategy, tmp_path)


@pytest.mark.parametrize("strategy", strategies())
def test_a_search_that_stops_while_it_asks_again_goes_on_the_same(strategy, tmp_path, monkeypatch):
    """With half of a choice on record; of 25 architectures 20 are asked for, so that many come twice."""
    space = Letters(places=2)

    def keys(where):
        loop = searches.run_search(strategy, space, Score(space), 20, tmp_path / where)
        return [outcome.key for outcome in loop.history.outcomes]

    def stop(space, trial):
        if trial.user_attrs[ATTEMPT]:
            suggest(SimpleNamespace(decisions=space.decisions[:1]), trial)
            raise KeyboardInterrupt
        return suggest(space, trial)

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr("graphlab.nas.optuna.history.suggest", stop)
        keys("stopped")
    assert keys("stopped") == keys("whole")


@pytest.mark.parametrize("check", SPACE_CHECKS, ids=named)
@pytest.mark.parametrize("space", [*SPACES.names(), "gcn"])
def test_a_space_keeps_its_contract(check, space):
    check(find_space(space))


@pytest.mark.parametrize("check", [check for check in SPACE_CHECKS if check is not check_settings], ids=named)
@pytest.mark.parametrize("space", [Toy(), Letters()], ids=lambda space: space.name)
def test_the_spaces_that_strategies_are_tried_on_keep_it_but_for_models(check, space):
    check(space)


class Turned(Toy):
    """Two spellings, of which each is taken for the one."""

    def canonical(self, values):
        choices = self.checked(values)
        return choices | {"a": {"x": "x", "y": "z", "z": "y"}[choices["a"]]}


class Crowded(Letters):
    """Names neighbours twice."""

    def neighbours(self, values):
        around = list(super().neighbours(values))
        yield from (*around, around[0])


@pytest.mark.parametrize(("check", "space"), [(check_canonical, Turned()), (check_neighbours, Crowded())])
def test_a_broken_space_is_told(check, space):
    with pytest.raises(AssertionError):
        check(space)


class Unseeded(Strategy):
    """Takes chance from elsewhere than from what it is given."""

    count = itertools.count()

    def ask(self, random):
        return Proposal(self.space.sample(np.random.default_rng(next(self.count))))


class Uncited(Evolution):
    citation = replace(Evolution.citation, authors="")


class Impatient(Evolution):
    """Wants a score of everything."""

    def tell(self, outcome):
        super().tell(outcome)
        assert outcome.score is not None


BROKEN = [
    (check_seed, Unseeded),
    (check_continuation, Unseeded),
    (check_registration, Uncited),
    (check_failures, Impatient),
]


@pytest.mark.parametrize(("check", "strategy"), BROKEN)
def test_a_broken_strategy_is_told(check, strategy, tmp_path, monkeypatch):
    for module in (searches, checks):
        monkeypatch.setattr(module, "find_strategy", lambda name: strategy)
    with pytest.raises(AssertionError):
        check("broken", tmp_path)
