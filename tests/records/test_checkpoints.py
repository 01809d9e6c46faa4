"""Checkpoints and curves: whole or absent, of their own run, and never called damaged when they are not."""

import errno
import json
import math
import multiprocessing
import os
import resource
import shutil
import signal
from dataclasses import replace

import pytest
import torch

from graphlab.core.errors import StoreError
from graphlab.experiment.figures import learning_curves
from graphlab.records.record import Result, RunRecord
from graphlab.records.store import CheckpointFolder, Store
from tests.records.stored import RESULT, SPEC, put, record

FORK = multiprocessing.get_context("fork")


def test_values_that_are_not_finite_are_null_in_the_curve(tmp_path):
    failed = Result("failed", "accuracy", "max", 1, 1, error={"kind": "divergence", "message": "loss is nan"})
    folder = put(Store(tmp_path), RunRecord(SPEC, failed, 1.0, {}, ({"epoch": 1, "loss": float("nan")},)))
    assert json.loads((folder.path / "metrics.json").read_text()) == [{"epoch": 1, "loss": None}]


def save_with_little_space(path, pipe):
    """Save two checkpoints, of which the second is larger than a file may be."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    folder = CheckpointFolder(path)
    folder.save_checkpoint("last", {"weights": torch.zeros(10)})
    try:
        folder.save_checkpoint("last", {"weights": torch.zeros(100_000)})
    except Exception as error:
        pipe.send((type(error).__name__, str(error)))


def test_a_disk_that_fills_up_in_the_middle_of_a_checkpoint(tmp_path):
    """A real write that fails, in torch's writer: one clear error, and the checkpoint before it is still there."""
    here, there = FORK.Pipe()
    process = FORK.Process(target=save_with_little_space, args=(tmp_path, there))
    process.start()
    process.join()
    kind, message = here.recv()
    assert kind == "StoreError" and os.strerror(errno.EFBIG) in message
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]
    assert torch.load(tmp_path / "last.pt", weights_only=True)["weights"].tolist() == [0.0] * 10


def test_what_ended_a_diverged_run_is_not_a_number(tmp_path):
    """JSON has no NaN; it is null there and a NaN again once it is read, so that curves stay numbers."""
    failed = replace(RESULT, status="failed", validation={}, test={}, error={"kind": "divergence", "message": "m"})
    put(Store(tmp_path), replace(record(), result=failed, curve=curve_of(0.5, 0.1, math.nan)))
    (found,) = Store(tmp_path).records()
    assert math.isnan(found.curve[2]["validation_mae"])
    whole = replace(record(), curve=curve_of(0.3, 0.0, 0.2))
    drawn = [line.get_xydata().tolist() for line in learning_curves([whole, found], "mae").axes[0].lines]
    assert drawn == [[[1, 0.3], [2, 0.0], [3, 0.2]], [[1, 0.5], [2, 0.1]], [[1, 0.4], [2, 0.05]]]


def curve_of(*values):
    return tuple({"epoch": epoch, "loss": 1.0, "validation_mae": value} for epoch, value in enumerate(values, start=1))


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES)), StoreError, "cannot be read: Permission denied"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), StoreError, "cannot be read: Input/output error"),
        (torch.OutOfMemoryError("no memory"), torch.OutOfMemoryError, "no memory"),
        (MemoryError("no memory"), MemoryError, "no memory"),
    ],
)
def test_a_whole_checkpoint_is_not_called_damaged(tmp_path, monkeypatch, error, raised, words):
    """Nobody is to be told to delete it."""

    def fail(*arguments, **options):
        raise error

    folder = CheckpointFolder(tmp_path)
    folder.save_checkpoint("last", {"weights": torch.zeros(10)})
    monkeypatch.setattr(torch, "load", fail)
    with pytest.raises(raised, match=words) as caught:
        folder.restore_checkpoint("last", "cpu", dict)
    assert "delete" not in str(caught.value)


class Code:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_checkpoint_that_holds_code_is_refused_and_the_code_does_not_run(tmp_path):
    folder, mark = put(Store(tmp_path), record()), tmp_path / "executed"
    torch.save({"weights": torch.zeros(1), "code": Code(mark)}, folder.path / "last.pt")
    with pytest.raises(StoreError, match=r"last\.pt is damaged or of something else"):
        folder.restore_checkpoint("last", "cpu", dict)
    assert not mark.exists()
    function, arguments = Code(mark).__reduce__()
    function(*arguments)
    assert mark.exists(), "this is what a reader of pickles would have executed"


@pytest.mark.parametrize("name", ["last", "best"])
def test_a_checkpoint_of_another_run_is_refused(tmp_path, name):
    """Of the same model, so that its tensors would fit: a run would go on, or be read, as what it is not."""
    mine, other = (put(Store(tmp_path), record(seed=seed)) for seed in (0, 1))
    for folder in (mine, other):
        folder.save_checkpoint(name, {"weights": torch.zeros(2)})
    shutil.copy(other.path / f"{name}.pt", mine.path)
    with pytest.raises(StoreError, match=f"{name}.pt is damaged or of something else"):
        mine.restore_checkpoint(name, "cpu", dict)
    assert other.restore_checkpoint(name, "cpu", dict)
    assert mine.beside(other.path.name).restore_checkpoint(name, "cpu", dict)


def test_a_checkpoint_that_does_not_say_whose_it_is_is_read(tmp_path):
    """As they were written before they did."""
    folder, found = put(Store(tmp_path), record()), {}
    torch.save({"weights": torch.ones(2)}, folder.path / "last.pt")
    assert folder.restore_checkpoint("last", "cpu", found.update)
    assert found["weights"].tolist() == [1, 1]
