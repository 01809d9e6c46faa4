"""The study of CLRS-30: runs resume to the same weights, and what is stored is what the study says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from graphlab.algorithms.registry import CLRS_30, algorithm
from graphlab.algorithms.trajectory import published_split, sample_split
from graphlab.core.errors import DivergenceError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.model.algorithmic.network import Network
from graphlab.model.algorithmic.processors import MODULES, ProcessorConfig
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

STORED = ROOT / "experiments" / "results" / "studies" / "clrs.json"
TINY = {"hidden_dim": 16, "batch": 2, "lengths": [4, 5], "every": 2, "steps": 4, "instances": 2}


@pytest.fixture(scope="module")
def study():
    return load_experiment("clrs")


@pytest.fixture
def quick(study, monkeypatch):
    """Instances of 6 nodes in place of the published splits."""
    small = study.published_split("bfs", "validation").__class__(4, 6, 2)
    monkeypatch.setattr(study, "published_split", lambda name, part: small)
    return study.PUBLISHED | TINY


def test_a_run_goes_on_to_the_same_weights(study, quick, tmp_path):
    whole = study.learn("bfs", "floydnet", 3, quick, tmp_path / "whole")
    study.learn("bfs", "floydnet", 3, quick | {"steps": 2}, tmp_path / "parts")
    resumed = study.learn("bfs", "floydnet", 3, quick, tmp_path / "parts")
    states = [
        torch.load(tmp_path / part / "bfs-floydnet-3.pt", weights_only=True)["network"] for part in ("whole", "parts")
    ]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert [point["loss"] for point in whole["curve"]] == [point["loss"] for point in resumed["curve"]]
    assert whole["test"] == resumed["test"]


def test_a_finished_run_is_not_trained_again(study, quick, tmp_path):
    first = study.learn("minimum", "mpnn", 0, quick, tmp_path)
    assert study.learn("minimum", "mpnn", 0, quick, tmp_path) == first


def test_other_settings_are_refused(study, quick, tmp_path):
    study.learn("minimum", "mpnn", 0, quick | {"steps": 2}, tmp_path)
    with pytest.raises(InputError, match="other settings: lr"):
        study.learn("minimum", "mpnn", 0, quick | {"lr": 0.1}, tmp_path)


def test_a_loss_that_is_not_finite_ends_a_run(study, quick, monkeypatch):
    monkeypatch.setattr(study.Network, "loss", lambda network, _: torch.full((), torch.inf, requires_grad=True) * 1.0)
    with pytest.raises(DivergenceError):
        study.learn("bfs", "mpnn", 0, quick)


@pytest.mark.parametrize("name", ["bfs", "bridges", "kmp_matcher", "optimal_bst"])
def test_training_instances(study, name):
    """Lengths take turns, positions are random, and a step has the same instances for every processor."""
    settings, stream = study.PUBLISHED | {"batch": 3}, SeedStream(0)
    first, second = (study.training_batch(name, step, settings, stream) for step in (0, 1))
    assert (first.num_nodes, second.num_nodes) == ((5, 8) if name == "optimal_bst" else (4, 7))
    again = study.training_batch(name, 0, settings, stream)
    assert all(torch.equal(first.inputs[key], again.inputs[key]) for key in first.inputs)
    assert not torch.equal(second.inputs["pos"][0], second.inputs["pos"][1])


def test_what_is_scored_is_the_beginning_of_the_published_split(study):
    chunks = study.published_instances("bfs", "test", 5)
    batch = sample_split("bfs", "test", hints=False)
    assert [len(part) for _, part in chunks] == [4, 1]
    assert (chunks[1][1].outputs["pi"][0] == batch.outputs["pi"][4]).all()


@pytest.mark.usefixtures("quick")
def test_the_command_keeps_a_row_for_each_run(study, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(study, "CLRS_30", ("bfs", "minimum"))
    words = [
        "clrs.py",
        "--all",
        "--processors",
        "mpnn",
        "pair-product",
        "--small",
        "--hidden-dim",
        "16",
        "--lengths",
        "4",
    ]
    words += ["--batch", "2", "--no-hints", "--out", str(tmp_path / "clrs.json")]
    for steps in ("1", "2"):
        monkeypatch.setattr(sys, "argv", [*words, "--steps", steps])
        study.main()
    stored = json.loads((tmp_path / "clrs.json").read_text())
    assert [(row["algorithm"], row["processor"]) for row in stored] == [
        ("bfs", "mpnn"), ("bfs", "pair-product"), ("minimum", "mpnn"), ("minimum", "pair-product")
    ]  # fmt: skip
    assert all(row["steps"] == 2 and row["settings"]["hints"] is False for row in stored)
    assert capsys.readouterr().out.count("2 algorithms") == 4


def test_a_budget_of_seconds_ends_a_run(study, quick):
    row = study.learn("minimum", "mpnn", 0, quick | {"steps": 10**6, "seconds": 0.05})
    assert row["seconds"] >= 0.05 and row["steps"] < 1000


@pytest.mark.parametrize("settings", [{"steps": 0}, {"instances": -1}])
def test_a_run_of_nothing_is_refused(study, quick, settings):
    with pytest.raises(InputError, match="the number of"):
        study.learn("minimum", "mpnn", 0, quick | settings)


@pytest.fixture
def rows():
    return json.loads(STORED.read_text())


def test_stored_runs_are_of_networks_of_today(study, rows):
    for row in rows:
        settings = row["settings"]
        assert set(settings) == set(study.PUBLISHED)
        config = ProcessorConfig(**{key: settings[key] for key in ProcessorConfig.model_fields})
        network = Network(algorithm(row["algorithm"]), row["processor"], config, hints=settings["hints"])
        assert sum(weights.numel() for weights in network.parameters()) == row["parameters"]


def test_stored_scores_are_those_of_the_selected_step(rows):
    for row in rows:
        assert row["algorithm"] in CLRS_30 and row["processor"] in MODULES
        best = max(point["validation"] for point in row["curve"])
        assert row["validation"] == best
        assert [point["validation"] for point in row["curve"] if point["step"] == row["best_step"]] == [best]
        assert row["test"] == pytest.approx(sum(row["test_scores"].values()) / len(row["test_scores"]), abs=1e-4)
        for part in ("validation", "test"):
            count = published_split(row["algorithm"], part).count
            assert row[f"{part}_instances"] == min(count, row["settings"]["instances"] or count)


def test_processors_have_one_budget(rows):
    for name in {row["algorithm"] for row in rows}:
        settings = [row["settings"] for row in rows if row["algorithm"] == name]
        assert all(other == settings[0] for other in settings)


def test_the_page_says_what_is_stored(rows):
    text = Path(ROOT / "docs" / "ALGORITHMS.md").read_text(encoding="utf-8")
    for name in dict.fromkeys(row["algorithm"] for row in rows):
        of = {row["processor"]: row for row in rows if row["algorithm"] == name}
        cells = [
            f"{100 * of[key]['validation']:.1f} / {100 * of[key]['test']:.1f}"
            for key in ("floydnet", "edge-transformer", "triplet-gmpnn", "mpnn")
        ]
        assert f"| {name} | {' | '.join(cells)} |" in text
