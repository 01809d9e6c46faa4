"""The study of supernets: what chance comes to, by other means, and what it keeps."""

from __future__ import annotations

import json
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest

from graphlab.core.errors import InputError
from graphlab.nas.registry import find_table
from graphlab.nas.tables import PERCENT
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment
from tests.nas.small_tables import small_table

STUDIES = json.loads((ROOT / "experiments" / "results" / "studies" / "nas_one_shot.json").read_text())

FIRST = ("darts, first order", "darts, second order", "pc-darts", "darts-pt", "darts-pt, fixed", "spos")
EVOLVED = {"strategy.population": 4, "strategy.generations": 1, "strategy.parents": 2}
SPLIT = {"strategy.levels": 1, "strategy.split_epochs": 2, "strategy.contexts": 1}
SMALL: dict[str, dict[str, int]] = {
    "tanglenas": {},
    "rarts": {},
    "sd-darts": {"strategy.every": 1},
    "few-shot": {**EVOLVED, **SPLIT},
    "few-shot, darts": SPLIT,
    "pa-da": EVOLVED,
    "shift-nas": {"strategy.draws": 2},
    "parzc": {"strategy.startup": 2, "strategy.pool": 4},
}
STUDIED = {"darts", "pc-darts", "darts-pt", "spos"} | {label.partition(",")[0] for label in SMALL}


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


def test_what_is_stored_is_of_the_strategies_with_seeds(study):
    assert STUDIES
    for found in STUDIES:
        assert found["table"] in study.TABLES
        assert list(found["strategies"]) == [
            label for label in (*study.STRATEGIES, "chance") if label in found["strategies"]
        ]
        assert {*FIRST, "chance"} <= set(found["strategies"])
        assert len(found["seeds"]) >= 3


def test_every_one_shot_strategy_is_studied(study):
    assert {name for name, _ in study.STRATEGIES.values()} == STUDIED


def line(worth: float) -> dict[str, list[float]]:
    return {"validation regret, best of 1": [worth, 0.0]}


def test_strategies_are_added_to_a_result_file_and_others_stay(study, tmp_path):
    out = tmp_path / "results.json"
    study.add(out, "cora", (0, 1), {"chance": line(1)})
    study.add(out, "cora", (0, 1), {"spos": line(2)})
    study.add(out, "citeseer", (0, 1), {"spos": line(3)})
    study.add(out, "cora", (0, 1), {"darts, first order": line(4), "spos": line(5)})
    cora, citeseer = json.loads(out.read_text())
    assert list(cora["strategies"].items()) == [("darts, first order", line(4)), ("spos", line(5)), ("chance", line(1))]
    assert citeseer == {"table": "citeseer", "seeds": [0, 1], "strategies": {"spos": line(3)}}
    with pytest.raises(InputError, match=r"has the seeds \[0, 1\] for cora"):
        study.add(out, "cora", (0, 1, 2), {"spos": line(6)})


@pytest.mark.real_data
@pytest.mark.parametrize(
    "label", [pytest.param(label, marks=() if label == "tanglenas" else pytest.mark.slow) for label in sorted(SMALL)]
)
def test_a_strategy_is_studied_with_small_settings(study, label, tmp_path, monkeypatch):
    """And a second call, which finds the search in its store, comes to the same."""
    strategy, settings = study.STRATEGIES[label]
    brief = {"strategy.epochs": 2} if strategy == "parzc" else {"strategy.epochs": 2, "strategy.shrink": 16}
    small = brief | SMALL[label]
    monkeypatch.setitem(study.STRATEGIES, label, (strategy, {**settings, **small}))
    monkeypatch.setattr(study, "NAMED", (1, 3))
    results = []
    for out in (tmp_path / "first.json", tmp_path / "again.json"):
        study.study("cora", [label], (0,), str(tmp_path / "runs"), out)
        results.append(json.loads(out.read_text()))
    assert results[0] == results[1]
    (cora,) = results[0]
    assert list(cora["strategies"]) == [label, "chance"]
    assert cora["strategies"][label]["validation regret, best of 3"][0] >= 0


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
