"""A rehearsal is the search itself: the same architectures in the same order as the driver's study names them."""

from __future__ import annotations

import pytest

from graphlab.core.errors import ConfigError
from graphlab.nas.results.rehearsal import prepare, rehearse, through_study
from graphlab.nas.strategy import Controller
from graphlab.nas.table import TableObjective
from tests.nas.small_tables import WORDS, small_table

OURS = ("agnn", "bayesian", "evolution", "graphnas", "local-search", "predictor")


@pytest.mark.parametrize("name", OURS)
def test_asking_directly_names_what_the_driver_evaluates(name):
    table = small_table()
    objective = TableObjective(table)
    strategy = prepare(name, WORDS, objective, 5, {})
    assert isinstance(strategy, Controller)
    driven = through_study(strategy, objective, 30)
    direct = rehearse(name, table, seed=5, budget=30)
    assert [one.key for one in direct] == [one.key for one in driven]
    assert [(one.number, one.slot, one.score, one.values) for one in direct] == [
        (one.number, one.slot, one.score, one.values) for one in driven
    ]


@pytest.mark.parametrize("name", [*OURS, "random", "tpe"])
def test_an_architecture_is_evaluated_once_and_a_seed_repeats(name):
    table = small_table()
    first = [one.key for one in rehearse(name, table, seed=2, budget=40)]
    assert len(set(first)) == 40
    assert first == [one.key for one in rehearse(name, table, seed=2, budget=40)]
    assert first != [one.key for one in rehearse(name, table, seed=3, budget=40)]


@pytest.mark.parametrize("name", ["bayesian", "predictor", "evolution"])
def test_it_ends_when_nothing_is_left(name):
    table = small_table()
    found = rehearse(name, table, budget=len(table) + 20)
    assert len({one.key for one in found}) == len(found) >= len(table) - 5


def test_settings_are_checked():
    with pytest.raises(ConfigError):
        rehearse("bayesian", small_table(), settings={"poool": 3})
