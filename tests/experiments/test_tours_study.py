"""The study of tours: a run goes on to the same weights, tours are valid, and what is stored is what the study says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from graphlab.core.errors import InputError
from graphlab.tours.exact import held_karp
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

STORED = ROOT / "experiments" / "results" / "studies" / "tours.json"
TINY = {
    "sizes": [5, 6],
    "batch": 2,
    "steps": 4,
    "warmup": 2,
    "every": 2,
    "validation": 2,
    "test": 3,
    "test_nodes": 6,
    "samples": 2,
    "hidden_dim": 8,
    "heads": 2,
    "num_layers": 1,
}


@pytest.fixture(scope="module")
def study():
    return load_experiment("tours")


@pytest.fixture
def quick(study, monkeypatch):
    """Labels by dynamic programming, so that LKH, an extra, need not be there."""
    monkeypatch.setattr(study, "lkh", lambda instance, runs: held_karp(instance))
    return study.DEFAULTS | TINY


def test_a_run_goes_on_to_the_same_weights(study, quick, tmp_path, monkeypatch):
    whole = study.learn(quick, tmp_path / "whole")
    training = study.training

    def interrupted(run):
        for loss in training(run):
            yield loss
            if run.step == 2:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(study, "training", interrupted)
        study.learn(quick, tmp_path / "parts")
    resumed = study.learn(quick, tmp_path / "parts")
    states = [torch.load(tmp_path / part / "tours-weights-1.pt", weights_only=True) for part in ("whole", "parts")]
    for part in ("network", "average"):
        assert all(torch.equal(states[0][part][key], states[1][part][key]) for key in states[0][part])
    assert [point["loss"] for point in whole["curve"]] == [point["loss"] for point in resumed["curve"]]
    unmeasured = [{**row, "seconds": None} for row in whole["test"]]
    assert unmeasured == [{**row, "seconds": None} for row in resumed["test"]]


def test_labels_are_optimal_and_sizes_go_round(study, quick):
    run = study.Run(quick)
    for step, nodes in enumerate((5, 6, 5)):
        run.step = step
        costs, truth = study.training_batch(run)
        assert costs.shape == truth.shape == (2, nodes, nodes)
        assert (truth.sum(2) == 2).all() and torch.equal(truth, truth.transpose(1, 2))
        for matrix, adjacency in zip(costs.numpy(), truth.numpy(), strict=True):
            best = held_karp(study.TourInstance(matrix.astype(np.float64))).length
            assert (matrix * adjacency).sum() / 2 == best


def test_every_method_is_compared_on_proved_optima(study, quick):
    rows = study.compare(study.Run(quick))
    assert [row["method"] for row in rows] == [
        "nearest neighbour",
        "greedy",
        "2-opt of greedy",
        "tree search on costs",
        "floydnet, 1 sample",
        "floydnet, 2 samples",
        "floydnet, 1 sample, no repair",
        "tree search on the mean of 2 samples",
    ]
    assert all(row["proved"] == 100 for row in rows)
    assert all(row["valid"] == 100 for row in rows if "no repair" not in row["method"])
    assert rows[5]["gap"] <= rows[4]["gap"]


def test_the_rate_rises_and_falls_to_nothing(study):
    settings = study.DEFAULTS | {"steps": 100, "warmup": 10, "lr": 1.0}
    rates = [study.rate(step, settings) for step in range(101)]
    assert rates[9] == rates[10] == 1.0 and rates[0] == 0.1 and rates[100] == 0
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_bad_input(study, quick, tmp_path):
    for wrong in ({"steps": 0}, {"samples": 0}, {"sizes": [2, 5]}, {"sizes": [6, 5]}):
        with pytest.raises(InputError):
            study.learn(quick | wrong)
    study.learn(quick, tmp_path)
    with pytest.raises(InputError, match="other settings: batch"):
        study.learn(quick | {"batch": 3}, tmp_path)


def test_what_is_stored(study):
    for result in json.loads(STORED.read_text()):
        assert set(result["settings"]) == set(study.DEFAULTS)
        assert result["curve"][-1]["step"] == result["settings"]["steps"]
        by_method = {row["method"]: row for row in result["test"]}
        assert all(row["proved"] == 100 for row in by_method.values())
        assert all(row["valid"] == 100 for name, row in by_method.items() if "no repair" not in name)
        several = f"floydnet, {result['settings']['samples']} samples"
        assert by_method[several]["optimal"] >= by_method["floydnet, 1 sample"]["optimal"]
