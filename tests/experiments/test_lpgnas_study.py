"""The study of LPGNAS runs, small, and says what it did."""

from __future__ import annotations

import json

import pytest

import graphlab as gl
from graphlab.nas.registry import find_space
from graphlab.nas.results.hypervolume import hypervolume
from tests.experiments.loading import load_experiment


@pytest.fixture(scope="module")
def study():
    return load_experiment("lpgnas")


def run(study, monkeypatch, folder):
    words = "--datasets karate --betas 0.1,1 --names 1 --searches 1 --epochs 6 --training-epochs 3 --retrain 1"
    own = ["--store", str(folder / "runs"), "--out", str(folder / "study.json")]
    monkeypatch.setattr("sys.argv", ["lpgnas.py", *words.split(), *own])
    study.main()
    return json.loads((folder / "study.json").read_text())


@pytest.mark.slow
def test_fronts_stand_beside_schemes_by_hand_and_chance(study, monkeypatch, tmp_path):
    (entry,) = run(study, monkeypatch, tmp_path)
    (search,) = entry["searches"]
    assert search["lpgnas alone"]["evaluated"] == 2 and search["seconds"] > 0
    assert search["lpgnas"]["evaluated"] == 2 + len(find_space(study.SPACE).hand_set())
    assert {row["beta"] for row in search["lpgnas alone"]["front"]} <= {0.1, 1.0}
    assert len(entry["by hand"]) == len(study.HAND_SET) * len(study.SCHEMES)
    reference = entry["reference"]
    (floats,) = (row for row in entry["by hand"] if row["network"] == "gat floats")
    assert floats["bits"] == reference["bits"]
    for name in ("lpgnas", "lpgnas alone", "random"):
        points = [(row["test"]["mean"], row["bits"] / reference["bits"]) for row in search[name]["front"]]
        assert search["hypervolume"][name] == pytest.approx(hypervolume(points, (reference["accuracy"], 1.0)))
    assert search["hypervolume"]["by hand and random"] >= search["hypervolume"]["by hand"]
    front = search["lpgnas alone"]["front"]
    for component, row in entry["formats"].items():
        assert sum(row["counts"].values()) == 2 * len(front)
        assert row["counts"][front[0]["architecture"][f"{component}_format_1"]] > 0
    model, settings = find_space(study.SPACE).settings(front[0]["architecture"])
    again = gl.run(model, "karate", seeds=1, store=tmp_path / "runs", device="cpu", epochs=3, **settings)
    assert front[0]["test"]["by_seed"] == {"0": again.records[0].test_value}
    assert run(study, monkeypatch, tmp_path) == [entry], "a finished study says the same again"


def test_formats_are_counted_over_networks_and_layers(study):
    space = find_space(study.SPACE)
    values = space.hand_set()["gcn"] | {"weight_format_1": "binary-channel", "linear_format_2": "q1.6"}
    found = study.formats_of([values, space.hand_set()["gat"]])
    assert found["weight"]["counts"]["binary-channel"] == 1 and found["weight"]["counts"]["float32"] == 3
    assert found["weight"]["mean bits"] == pytest.approx((1 + 3 * 32) / 4)
    assert found["linear"]["mean bits"] == pytest.approx((8 + 3 * 32) / 4)
