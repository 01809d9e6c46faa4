"""Checkpoints from when models of nodes had the last layer that is now the task's head.

`store-heads` holds a run of gin on karate which that code finished, and the same run stopped after half of its epochs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import graphlab as gl
from graphlab.model.zoo.gin import GIN
from graphlab.records.store import Store

HERE = Path(__file__).parent / "store-heads"
SETTINGS = {
    "hidden_dim": 8,
    "num_layers": 2,
    "epochs": 24,
    "scheduler": "cosine",
    "lr": 0.03,
    "weight_decay": 1e-3,
}

STOPPED = 12
"""Epochs of the stopped run."""


@pytest.fixture(autouse=True)
def of_then(monkeypatch):
    """What gin gives is what it gave then, as far as its version says: its numbers differ by rounding."""
    monkeypatch.setattr(GIN, "version", 1)


@pytest.fixture
def store(tmp_path, request):
    return Path(shutil.copytree(HERE / request.param, tmp_path / "store"))


@pytest.mark.parametrize("store", ["finished"], indirect=True)
def test_a_finished_run_is_there_and_is_restored(store):
    before = (next(store.glob("*/result.json"))).stat().st_mtime_ns
    (record,) = gl.run("gin", "karate", store=store, progress=False, **SETTINGS)
    assert next(store.glob("*/result.json")).stat().st_mtime_ns == before
    trained = gl.restore(record, store)
    assert trained.task.evaluate(trained.learner, "test") == pytest.approx(dict(record.result.test), rel=1e-5)


@pytest.mark.parametrize("store", ["stopped"], indirect=True)
def test_a_stopped_run_goes_on_from_what_it_had(store):
    """To the epoch where it was stopped; since then gin draws the dropout of its features in another way."""
    (record,) = gl.run("gin", "karate", store=store, progress=False, **SETTINGS)
    (whole,) = Store(HERE / "finished").records()
    assert record.id == whole.id and len(record.curve) == 24
    for row, expected in zip(record.curve[:STOPPED], whole.curve, strict=False):
        assert dict(row) == pytest.approx(dict(expected), rel=1e-4)
    losses = [row["loss"] for row in record.curve]
    assert sum(losses[STOPPED:]) / (24 - STOPPED) < losses[0] / 2
