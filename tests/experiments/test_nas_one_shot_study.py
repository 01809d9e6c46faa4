"""The study of supernets: what chance comes to, by other means, and what it keeps."""

from __future__ import annotations

import json
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest

from graphlab.nas.registry import find_strategy, find_table
from graphlab.nas.tables import PERCENT
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment
from tests.nas.small_tables import small_table

STUDIES = json.loads((ROOT / "experiments" / "results" / "studies" / "nas_one_shot.json").read_text())


@pytest.fixture(scope="module")
def study():
    return load_experiment("nas_one_shot")


@pytest.mark.parametrize("count", [1, 2])
def test_what_chance_comes_to_is_the_mean_over_every_draw(study, count):
    table = small_table(noise=0.1)
    assert len(np.unique(table.validation)) == len(table)
    best = [max(drawn, key=lambda row: table.validation[row]) for drawn in combinations(range(len(table)), count)]
    found = study.by_chance(table, count)
    assert found.validation == pytest.approx(PERCENT * (table.validation.max() - fmean(table.validation[best])))
    assert found.test == pytest.approx(PERCENT * (table.test.max() - fmean(table.test[best])))


def test_chance_misses_nothing_with_the_whole_table(study):
    assert study.by_chance(small_table(), len(small_table())).validation == pytest.approx(0)


def test_every_strategy_is_there_with_its_seeds(study):
    assert STUDIES
    for found in STUDIES:
        assert found["table"] in study.TABLES
        assert list(found["strategies"]) == [*study.STRATEGIES, "chance"]
        assert len(found["seeds"]) >= 3
    assert {find_strategy(name).__name__ for name, _ in study.STRATEGIES.values()} == {
        "DARTS",
        "DARTSPT",
        "PCDARTS",
        "SPOS",
    }


@pytest.mark.real_data
@pytest.mark.parametrize("found", STUDIES, ids=[one["table"] for one in STUDIES])
def test_no_regret_is_below_none_and_more_names_are_no_worse(study, found):
    table = find_table(f"nas-bench-graph/{found['table']}")
    for name, line in found["strategies"].items():
        one, ten = (line[f"validation regret, best of {count}"][0] for count in study.NAMED)
        assert 0 <= ten <= one, name
    for count in study.NAMED:
        expected = study.by_chance(table, count)
        kept = found["strategies"]["chance"]
        assert kept[f"validation regret, best of {count}"] == [pytest.approx(expected.validation)]
        assert kept[f"test regret, best of {count}"] == [pytest.approx(expected.test)]
