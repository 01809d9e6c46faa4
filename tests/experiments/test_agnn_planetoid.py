"""The study of Auto-GNN: three searches, what sharing saves of one, and the best of each trained anew."""

from __future__ import annotations

import json
from operator import itemgetter
from statistics import fmean

import pytest

import graphlab as gl
from graphlab.nas.registry import find_space
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

KEPT = json.loads((ROOT / "experiments" / "results" / "studies" / "agnn_planetoid.json").read_text())

LEAST = ("--trials", "2", "--alone", "1", "--retrain", "0")


SHORT = {"training.epochs": 4}


def trained_anew(architecture, store):
    model, settings = find_space("gnn-micro").settings(architecture)
    return gl.run(model, "karate", seeds=2, store=store, **SHORT, **settings)


def validation(runs):
    return fmean(record.result.validation["accuracy"] for record in runs.records)


@pytest.fixture
def study(tmp_path, monkeypatch):
    def run(dataset, *words):
        options = ["--datasets", dataset, "--out", str(tmp_path / "found.json"), "--store", str(tmp_path / "runs")]
        sizes = ["--trials", "13", "--alone", "12", "--epochs", "4", "--warm-up", "1", "--retrain", "2", "--top", "3"]
        monkeypatch.setattr("sys.argv", ["agnn_planetoid.py", *options, *sizes, *words])
        load_experiment("agnn_planetoid").main()
        return json.loads((tmp_path / "found.json").read_text())

    return run


def test_searches_are_of_equal_time_or_equal_evaluations_and_their_best_is_trained_anew(study, tmp_path):
    (found,) = study("karate")
    sharing, random, alone = found["arms"]
    assert [sharing["arm"], random["arm"], alone["arm"]] == ["agnn, sharing", "random, equal time", "agnn"]
    assert [sharing["evaluations"], alone["evaluations"]] == [13, 12]
    shared = sharing["inherited"]
    assert len(shared) == 13 and 0 in shared and max(shared) > 0
    assert sharing["epochs"] == sum(1 if part else 4 for part in shared)
    assert alone["epochs"] == 4 * 12 and alone["inherited"] == []
    saved = found["sharing / alone"]
    assert saved["evaluations"] == 12
    assert saved["epochs"] == sum(1 if part else 4 for part in shared[:12]) / 48
    assert random["seconds"] >= sharing["seconds"]
    for arm in found["arms"]:
        best, chosen = (trained_anew(one["architecture"], tmp_path / "runs") for one in (arm, arm["of the top"]))
        assert arm["test"] == best.summary().to_json()
        assert arm["of the top"]["test"] == chosen.summary().to_json()
        assert arm["of the top"]["validation"] == validation(chosen) >= validation(best)
    assert study("karate") == [found]


def test_of_the_top_the_highest_mean_over_the_seeds_stands_beside_the_best(study, tmp_path):
    (found,) = study("karate")
    again = gl.search("agnn", "karate", space="gnn-micro", trials=12, on="validation", store=tmp_path / "runs", **SHORT)
    first, *rest = again.retrain_top(3, seeds=2).values()
    assert len(rest) == 2
    assert found["arms"][2]["of the top"]["test"] == first.summary().to_json()


def test_a_data_set_is_added_to_what_the_study_has_of_others(study):
    study("karate", *LEAST)
    found = study("sbm/undirected-h0.9", *LEAST)
    assert [entry["dataset"] for entry in found] == ["karate", "sbm/undirected-h0.9"]
    assert all("test" not in arm for entry in found for arm in entry["arms"])


@pytest.mark.parametrize("entry", KEPT, ids=itemgetter("dataset"))
def test_what_is_kept_adds_up(entry):
    sharing, random, alone = entry["arms"]
    size, saved = entry["setup"], entry["sharing / alone"]
    assert (
        [sharing["evaluations"], alone["evaluations"]] == [size["trials"], size["alone"]] == [saved["evaluations"]] * 2
    )
    assert saved["seconds"] == pytest.approx(sharing["seconds"] / alone["seconds"], abs=1e-3)
    assert saved["epochs"] == sharing["epochs"] / alone["epochs"]
    assert random["seconds"] >= sharing["seconds"]
    tests = [test for arm in entry["arms"] for test in (arm["test"], arm["of the top"]["test"])]
    assert [test["n"] + test["failed"] for test in tests] == [size["retrain"]] * 6


def test_the_readme_says_what_is_kept():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for arms in zip(*(entry["arms"] for entry in KEPT), strict=True):
        cells = [f"{in_percent(arm['test'])} ({in_percent(arm['of the top']['test'])})" for arm in reversed(arms)]
        assert f"| {' | '.join(cells)} |" in text


def in_percent(test):
    return f"{100 * test['mean']:.1f} ± {100 * test['std']:.1f}"
