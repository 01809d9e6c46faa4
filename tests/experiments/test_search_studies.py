"""The studies of searches run, small, and say what they did."""

from __future__ import annotations

import json
import statistics

import pytest

import graphlab as gl
from graphlab.nas.registry import find_space
from tests.experiments.loading import load_experiment


@pytest.fixture
def study(tmp_path, monkeypatch):
    def run(name, *words):
        out = tmp_path / "study.json"
        monkeypatch.setattr("sys.argv", [f"{name}.py", *map(str, words), "--out", str(out)])
        load_experiment(name).main()
        return json.loads(out.read_text())

    return run


@pytest.mark.slow
def test_a_search_stands_beside_the_networks_that_people_take(study, tmp_path):
    words = ("--datasets", "karate", "--searches", 1, "--epochs", 2000, "--retrain", "2", "--store", tmp_path / "runs")
    (entry,) = study("search_study", *words, "--strategies", "random")
    *hand, answer = entry["rows"]
    names = [row["network"] for row in hand]
    assert names == [
        *(f"hand-set {name}" for name in find_space("gnn-micro-tuned").hand_set()),
        "gcn, its recipe",
        "gat, its recipe",
    ]
    assert all(row["test"]["n"] == 2 for row in entry["rows"])
    assert answer["cost"]["epochs"] <= 2000
    model, settings = find_space("gnn-micro-tuned").settings(answer["answer"]["architecture"])
    again = gl.run(model, "karate", seeds=2, store=tmp_path / "runs", device="cpu", **settings)
    assert answer["by_seed"] == {str(record.seed): record.test_value for record in again.records}
    (line,) = entry["compared"]
    best = max(hand, key=lambda row: row["test"]["mean"])
    assert line["less"] == best["network"]
    differences = [answer["by_seed"][seed] - best["by_seed"][seed] for seed in ("0", "1")]
    assert line["mean"] == pytest.approx(statistics.fmean(differences))
    assert study("search_study", *words, "--strategies", "random") == [entry]


@pytest.mark.slow
def test_searches_without_a_signal_are_counted(study, tmp_path):
    found = study("search_without_signal", "--searches", 2, "--store", tmp_path / "runs")
    for part in found.values():
        rows = part["rows"]
        assert part["searches"] == len(rows) == 2
        assert part["covered"] == sum(row["interval"][0] <= row["test"] <= row["interval"][1] for row in rows)
        assert part["report"] == pytest.approx(statistics.fmean(row["report"] for row in rows))


def test_labels_are_shuffled_and_nothing_else():
    module = load_experiment("search_without_signal")
    own, again, other = module.shuffled(0), module.shuffled(0), module.shuffled(1)
    plain = gl.load(module.DATASET)
    assert own.graph["y"].equal(again.graph["y"]) and not own.graph["y"].equal(other.graph["y"])
    assert own.graph["y"].bincount().equal(plain.graph["y"].bincount())
    assert not own.graph["y"].equal(plain.graph["y"])
    assert own.graph["edge_index"].equal(plain.graph["edge_index"])
    assert own.split().test.equal(plain.split().test)


@pytest.mark.real_data
def test_races_on_noisy_look_ups_are_set_beside_the_highest(study):
    words = ("--tables", "nas-bench-graph/cora", "--strategies", "random", "--budget", 20, "--longer", 40, "--seeds", 3)
    found = study("nas_racing", *words)
    rules = found["strategies"]["random"]
    assert list(rules) == ["highest of 20", "highest of 40", "race of 20"]
    assert all(parts["validation"]["mean"] >= 0 for parts in rules.values())
    assert found["race"]["rungs"] == 1


@pytest.mark.slow
@pytest.mark.real_data
def test_networks_that_learn_are_counted(study, tmp_path):
    found = study("search_spaces", "--networks", 1, "--epochs", 2, "--store", tmp_path / "runs")["networks"]
    names = list(found)
    assert names[0] == "as published" and names[-1] == "gnn-micro-tuned"
    assert all(row["networks"] == 1 and 0 <= row["not learned"] <= 1 for row in found.values())
