"""A simulation is the search itself: the architectures that a study names, in the same order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphlab.core.errors import ConfigError
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.history import MemoryHistory
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.optuna.history import open_history
from graphlab.nas.registry import make_strategy
from graphlab.nas.results.simulation import simulate
from graphlab.nas.tables import TableObjective
from tests.nas.small_tables import WORDS, small_table

OURS = ("agnn", "bayesian", "evolution", "graphnas", "local-search", "predictor")


@pytest.mark.parametrize("name", OURS)
def test_a_history_in_memory_has_the_outcomes_of_a_study(name, tmp_path):
    table = small_table()
    objective = TableObjective(table)
    strategy = make_strategy(name, {}, WORDS, objective, seed=5)
    stored = SearchLoop(strategy, objective, open_history(tmp_path, "study", strategy), Budget(30))
    stored.run()
    simulated = simulate(name, table, seed=5, budget=30)
    assert [replace(outcome, seconds=0.0) for outcome in simulated] == [
        replace(outcome, seconds=0.0) for outcome in stored.outcomes
    ]


def test_a_search_in_memory_that_stopped_goes_on():
    """The interrupted evaluation is made again, with the choices that it had."""
    table = small_table()
    whole = simulate("evolution", table, seed=1, budget=30)

    class Stopping(TableObjective):
        stopped = False

        def evaluate(self, values, on_step):
            if table.space.key(values) == whole[24].key and not self.stopped:
                self.stopped = True
                raise KeyboardInterrupt
            return super().evaluate(values, on_step)

    objective = Stopping(table)
    strategy = make_strategy("evolution", {}, WORDS, objective, seed=1)
    loop = SearchLoop(strategy, objective, MemoryHistory(WORDS, objective.optimised), Budget(30))
    with pytest.raises(KeyboardInterrupt):
        loop.run()
    assert len(loop.history.outcomes) == 24
    loop.run()
    assert [outcome.key for outcome in loop.outcomes] == [outcome.key for outcome in whole]
    assert [outcome.params for outcome in loop.outcomes] == [outcome.params for outcome in whole]


@pytest.mark.parametrize("name", [*OURS, "random", "tpe"])
def test_an_architecture_is_evaluated_once_and_a_seed_repeats(name):
    table = small_table()
    first = [outcome.key for outcome in simulate(name, table, seed=2, budget=40)]
    assert len(set(first)) == 40
    assert first == [outcome.key for outcome in simulate(name, table, seed=2, budget=40)]
    assert first != [outcome.key for outcome in simulate(name, table, seed=3, budget=40)]


@pytest.mark.parametrize("name", ["bayesian", "predictor", "evolution"])
def test_it_ends_when_nothing_is_left(name):
    table = small_table()
    found = simulate(name, table, budget=len(table) + 20)
    assert len({one.key for one in found}) == len(found) >= len(table) - 5


def test_settings_are_checked():
    with pytest.raises(ConfigError):
        simulate("bayesian", small_table(), settings={"poool": 3})
