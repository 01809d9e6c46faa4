"""The study of tables left out: its closed form, its rules and its verdicts against slow computations."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.nas.results.simulation import simulate
from graphlab.nas.surrogates import sources
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment
from tests.nas.small_tables import small_table

KEPT = ROOT / "experiments" / "results" / "studies" / "nas_left_out.json"
STUDY = load_experiment("nas_left_out")


@pytest.fixture
def tables(monkeypatch):
    """Three tables of one truth, found by name."""
    own = {f"words-{i}": replace(small_table(i, 0.02), name=f"words-{i}", digest=f"words-{i}") for i in range(3)}
    monkeypatch.setattr(sources, "read_once", own.__getitem__)
    return own


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 9), min_size=1, max_size=7), st.data())
def test_the_expected_best_is_the_mean_over_all_draws(regrets, data):
    draws = data.draw(st.integers(1, len(regrets)))
    brute = np.mean([regrets[min(rows)] for rows in combinations(range(len(regrets)), draws)])
    assert STUDY.expected_best(np.array(regrets), draws) == pytest.approx(brute, abs=1e-9)


def test_structure_explains_what_follows_from_it_and_no_noise():
    random = np.random.default_rng(0)
    points = random.standard_normal((400, 5))
    linear, noise = points @ np.arange(5.0), random.standard_normal(400)
    assert STUDY.explained(points, linear - linear.mean()) > 0.99
    assert abs(STUDY.explained(points, noise - noise.mean())) < 0.1


def test_the_centre_is_the_medoid_of_the_near_best():
    table = small_table(3)
    rows = [int(row) for row in np.argsort(-table.validation)[:5]]
    points = STUDY.points_of(table.space)([table.architectures[row] for row in rows])
    sums = [sum(float(np.linalg.norm(a - b)) for b in points) for a in points]
    worse = [int(row) for row in np.argsort(table.validation)[:20]]
    assert sums[rows.index(STUDY.centre(table, worse + rows))] == pytest.approx(min(sums))


def test_a_difference_is_in_standard_errors():
    own, chance = np.array([3.0, 5.0]), np.array([1.0, 1.0, 4.0])
    error = np.sqrt(own.var(ddof=1) / 2 + chance.var(ddof=1) / 3)
    assert STUDY.behind(own, chance) == pytest.approx(2 / error)
    assert STUDY.behind(own, own[::-1]) == 0
    assert STUDY.behind(np.ones(3), np.zeros(3)) == np.inf


def test_the_table_left_out_has_no_part_in_the_choice_of_its_rule():
    regrets = {
        "best": {"a": np.array([1.0]), "b": np.array([1.0]), "c": np.array([9.0])},
        "smoothed": {"a": np.array([2.0]), "b": np.array([2.0]), "c": np.array([0.0])},
    }
    assert STUDY.best_elsewhere(regrets, "c") == "best"
    assert STUDY.best_elsewhere(regrets, "a") == "smoothed"


def test_a_study_goes_on_from_its_store(tables, tmp_path, monkeypatch):
    cells, rules = STUDY.strategies(tmp_path, tables, ["evolution", "transfer"], range(3), 24)
    with monkeypatch.context() as patch:
        patch.setattr(STUDY, "follow", None)
        assert STUDY.strategies(tmp_path, tables, ["evolution", "transfer"], range(3), 24) == (cells, rules)
    table = tables["words-1"]
    regrets = []
    for seed in range(3):
        best = max(simulate("evolution", table, seed=seed, budget=24), key=lambda outcome: outcome.score or 0)
        regrets.append(100 * (table.test.max() - table.test[table.row(best.values)]))
    assert cells["evolution"]["words-1"]["mean"] == pytest.approx(np.mean(regrets), abs=6e-4)
    assert rules["evolution"]["regret"]["best"]["words-1"] == cells["evolution"]["words-1"]["mean"]
    assert {own["behind"] for own in cells["random"].values()} == {0.0}


def test_a_shortlist_answers_by_its_last_quarter(tables, tmp_path):
    shortlist = STUDY.shortlists(tmp_path, tables, range(2), 40)["random"]["words-0"]
    table, options = tables["words-0"], {"base": "random", "after": 30, "sources": ["words-1", "words-2"]}
    regrets = []
    for seed in range(2):
        listed = simulate("shortlist", table, seed=seed, budget=40, settings=options)[30:]
        best = max(listed, key=lambda outcome: outcome.score or 0)
        regrets.append(100 * (table.test.max() - table.test[table.row(best.values)]))
    assert shortlist["mean"] == pytest.approx(np.mean(regrets), abs=6e-4)


def test_no_strategy_is_behind_chance_on_more_than_one_table():
    cells = json.loads(KEPT.read_text(encoding="utf-8"))["strategies"]
    for own in cells.values():
        assert sum(cell["behind"] > 2 for cell in own.values()) <= 1


@pytest.mark.real_data
def test_the_kept_anatomy_is_that_of_the_table():
    table = STUDY.find_table("nas-bench-graph/pubmed")
    assert STUDY.anatomy(table) == json.loads(KEPT.read_text(encoding="utf-8"))["why"]["nas-bench-graph/pubmed"]
