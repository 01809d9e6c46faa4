"""The study of topology: its contrasts by hand, what is stored, and what the page says of it."""

from __future__ import annotations

import json

import networkx as nx
import numpy as np
import pytest
from scipy import stats

import graphlab as gl
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

COMPARED = ("degree_train", "degree_test", "ego_density")
STORED = ROOT / "experiments" / "results" / "studies" / "topology.json"


@pytest.fixture(scope="module")
def study():
    return load_experiment("topology")


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text())


def row(dataset, values):
    correlations = {name: {"values": values.get(name, [0.0, 0.1, 0.05])} for name in ("tc_test", *COMPARED)}
    return {"dataset": dataset, "model": "gcn", "correlations": correlations}


def test_contrasts_are_paired_and_corrected(study):
    ahead, behind = [0.5, 0.62, 0.55], [-0.5, -0.4, -0.52]
    tested = study.contrasts([row("a", {"tc_test": ahead}), row("b", {"tc_test": behind})])
    assert len(tested) == 6
    differences = np.array([ahead, behind]) - [0.0, 0.1, 0.05]
    raw = [stats.ttest_1samp(each, 0).pvalue for each in differences for _ in range(3)]
    smallest = min(raw)
    assert min(each["p"] for each in tested) == pytest.approx(min(1.0, 6 * smallest))
    assert all(each["p"] >= p for each, p in zip(tested, raw, strict=True))
    first = stats.ttest_1samp(differences[0], 0).confidence_interval(0.95)
    assert tested[0]["interval"] == pytest.approx([first.low, first.high], abs=1e-4)
    assert study.verdict(tested[:3]) == "holds" and study.verdict(tested[3:]) == "does not hold"
    assert study.verdict([{**tested[0], "p": 0.2}, *tested[1:3]]) == "undecided"


def test_a_row_is_of_a_study(study, tmp_path):
    graph = nx.relaxed_caveman_graph(12, 5, 0.3, seed=0)
    links = gl.dataset(graph, name="caves", task="link-prediction", split="random-70/10/20")
    runs = gl.run("gae", links, seeds=2, epochs=3, store=tmp_path)
    found = gl.analyze("topology", runs, pagerank=False)
    got = study.row_of("caves", "gcn", found)
    for name, each in found.mean_correlations().items():
        assert np.tanh(np.mean(np.arctanh(got["correlations"][name]["values"]))) == pytest.approx(each.value, abs=1e-5)
    assert got["results"]["mrr"]["values"][1] == found.seeds[1].performance.mrr.mean()


def test_what_is_stored(study, stored):
    assert [(each["dataset"], each["model"]) for each in stored["rows"]] == [
        (dataset, model) for dataset in study.DATASETS for model in study.MODELS
    ]
    assert all(each["seeds"] == [0, 1, 2, 3, 4] for each in stored["rows"])
    assert stored["contrasts"] == study.contrasts(stored["rows"])
    for name, (model, settings) in study.MODELS.items():
        assert stored["settings"][name] == {"model": model, **study.TRAINING, **settings}


def test_the_page_has_the_stored_table(study, stored):
    text = (ROOT / "docs" / "TOPOLOGY.md").read_text(encoding="utf-8")
    assert "\n".join(study.table(stored)) in text
