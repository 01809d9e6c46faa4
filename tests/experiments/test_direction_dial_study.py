"""The study of the dial: what is stored, what the page says of it, and a part of it done again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

STORED = ROOT / "experiments" / "results" / "studies" / "direction_dial.json"


@pytest.fixture(scope="module")
def study():
    return load_experiment("direction_dial")


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text())


def test_direction_is_used_and_nothing_else(study, stored):
    assert list(stored["models"]) == list(study.MODELS)
    assert all(len(rows) == 5 for rows in stored["models"].values())
    chance = np.mean([row["symmetrised"] for row in stored["models"]["mlp"]])
    for model, rows in stored["models"].items():
        assert abs(np.mean([row["symmetrised"] for row in rows]) - chance) < 0.02
        if model != "mlp":
            assert min(row["exchanged"] for row in rows) >= 0.95 and min(row["accuracy"] for row in rows) > 0.95


def test_the_page_has_the_stored_table(study, stored):
    text = (ROOT / "docs" / "DIRECTED.md").read_text(encoding="utf-8")
    assert "\n".join(study.table(stored)) in text


def test_a_graph_of_the_study_has_nothing_but_direction(study):
    graph = study.draw(0)
    low, high = graph.y[graph.edge_index]
    assert not ((low == 1) & (high == 0)).any()
    inside = (low == high).float().mean()
    assert abs(inside - (study.CLASS_SIZE - 1) / (2 * study.CLASS_SIZE - 1)) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dir-gnn", "magnet", "adpa", "nste"])
def test_a_network_exchanges_the_classes_of_a_reversed_graph(study, model, tmp_path):
    row = study.row(model, 7, tmp_path)
    assert row["accuracy"] > 0.95 and row["exchanged"] >= 0.95 and abs(row["symmetrised"] - 0.5) < 0.07
