"""Runs that start from the weights of others: the same weights, said in the record, in one mean with their like."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from graphlab.comparison.configurations import configurations
from graphlab.comparison.recipe import check_recipe
from graphlab.core.errors import ConfigError, InputError, StoreError
from graphlab.experiment.definition import read_experiment
from graphlab.experiment.plan import plan_of
from graphlab.experiment.reproduce import reproduce
from graphlab.experiment.run import run
from graphlab.records.store import Store
from graphlab.testing.examples import example

SMALL = {"dim": 8, "num_layers": 2, "lr": 0.005}


def pretrained(store, seeds=1):
    return run("ultra", example("kg-transductive"), seeds=seeds, store=store, epochs=2, **SMALL)


def test_a_run_of_no_epochs_is_the_other_run_on_other_data(tmp_path):
    first = pretrained(tmp_path).records[0]
    second = run(
        "ultra", example("kg-inductive"), store=tmp_path, epochs=0, start=first.id, dim=8, num_layers=2, lr=0.005
    ).records[0]
    assert second.spec.training["start"] == first.id and first.spec.training["start"] is None
    assert second.result.best_epoch == 0
    trained = restore_weights(tmp_path, first)
    assert all(torch.equal(trained[key], value) for key, value in restore_weights(tmp_path, second).items())
    untrained = run("ultra", example("kg-inductive"), store=tmp_path, epochs=0, **SMALL).records[0]
    assert untrained.id != second.id and untrained.result.test != second.result.test


def restore_weights(store, record):
    found = {}
    Store(store).folder(record.spec).restore_checkpoint("best", "cpu", lambda saved: found.update(saved["model"]))
    return found


def test_training_goes_on_from_the_weights(tmp_path):
    first = pretrained(tmp_path).records[0]
    tuned = run("ultra", example("kg-transductive"), store=tmp_path, epochs=1, start=first.id, **SMALL).records[0]
    before, after = restore_weights(tmp_path, first), restore_weights(tmp_path, tuned)
    assert any(not torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize(
    ("start", "settings", "message"),
    [
        ("0123456789abcdef", {}, "is not there"),
        ("first", {"dim": 16}, "do not fit"),
        ("no-id", {}, "cannot be 'no-id'"),
    ],
)
def test_what_cannot_be_started_from_is_said(tmp_path, start, settings, message):
    first = pretrained(tmp_path).records[0]
    start = first.id if start == "first" else start
    with pytest.raises((InputError, ConfigError), match=message):
        run("ultra", example("kg-inductive"), store=tmp_path, epochs=0, start=start, **{**SMALL, **settings})


def test_a_run_whose_start_failed_fails_too_and_the_others_go_on(tmp_path):
    first, other = pretrained(tmp_path, seeds=2).records
    error = {"kind": "divergence", "message": "the loss is nan in epoch 2"}
    result = replace(first.result, status="failed", error=error)
    Store(tmp_path).folder(first.spec).finish(replace(first, result=result))
    options = {"store": tmp_path, "epochs": 0, **SMALL}
    failed = run("ultra", example("kg-inductive"), start=first.id, **options).records[0]
    assert failed.result.error == {
        "kind": "failed-start",
        "message": f"its start, run {first.id}, failed: the loss is nan in epoch 2",
    }
    assert run("ultra", example("kg-inductive"), start=other.id, **options).records[0].result.status == "finished"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda best: best.unlink(), "whose weights are gone"),
        (lambda best: best.write_bytes(best.read_bytes()[:-100]), "is damaged"),
    ],
)
def test_a_start_without_its_weights_is_not_started_from(tmp_path, spoil, message):
    """It went on from weights that nobody had trained, and called the damaged ones those of another model."""
    first = pretrained(tmp_path).records[0]
    spoil(Store(tmp_path).path / first.id / "best.pt")
    with pytest.raises(StoreError, match=message):
        run("ultra", example("kg-inductive"), store=tmp_path, epochs=0, start=first.id, **SMALL)


EXPERIMENT = """
title: Started
seeds: 2
runs:
  - {model: nbfnet, dataset: kinship-rules/inductive, settings: {training.epochs: 1, model.dim: 4}}
  - model: nbfnet
    dataset: kinship-rules/inductive
    start: kinship-rules/inductive
    settings: {training.epochs: 0, model.dim: 4}
"""


@pytest.fixture
def experiment(tmp_path):
    (tmp_path / "started.yaml").write_text(EXPERIMENT)
    return tmp_path / "started.yaml"


def test_an_experiment_starts_each_seed_from_the_run_with_that_seed(tmp_path, experiment):
    comparison = reproduce(experiment, store=tmp_path / "runs")
    first, second = comparison.runs
    assert [r.spec.training["start"] for r in second.records] == [r.id for r in first.records]
    for before, after in zip(first.records, second.records, strict=True):
        assert after.result.test == before.result.test
        assert plan_of(after.spec).spec(after.seed) == after.spec
        assert not check_recipe(after.spec).is_followed
    groups = configurations(comparison.records, comparison.records)
    assert [len(group.records) for group in groups] == [2, 2]
    (rows,) = comparison.leaderboards.values()
    assert sorted(row.ours.n for row in rows if row.metric == "mrr") == [2, 2]
    assert reproduce(experiment, store=tmp_path / "runs").records == comparison.records


def test_runs_are_done_after_what_they_start_from(tmp_path, experiment):
    """The processes take runs in opposite orders."""
    comparison = reproduce(experiment, store=tmp_path / "runs", workers=2)
    assert comparison.ok and len(comparison.records) == 4


def test_a_start_must_stand_above(experiment):
    lines = experiment.read_text().replace("start: kinship-rules/inductive", "start: kg/umls")
    experiment.write_text(lines)
    with pytest.raises(ConfigError, match="does not run before"):
        read_experiment(experiment)
