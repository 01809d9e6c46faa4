"""The store: who may work on a run, and what can be read without writing."""

import errno
import multiprocessing
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import filelock
import pytest

from graphlab.core.errors import StoreError
from graphlab.core.files import write_json
from graphlab.experiment.run import run
from graphlab.records.store import Store
from graphlab.testing.examples import example
from tests.records.stored import SPEC, put, record

FORK = multiprocessing.get_context("fork")


def test_records_come_oldest_first_finished_or_not(tmp_path):
    store = Store(tmp_path)
    for age, seed in enumerate((4, 1, 3)):
        folder = store.folder(replace(SPEC, seed=seed))
        folder.begin()
        os.utime(folder.path / "spec.json", (1000 + age, 1000 + age))
    store.folder(replace(SPEC, seed=3)).finish(record(seed=3))
    assert [(r.seed, r.result.status) for r in store.records()] == [
        (4, "unfinished"),
        (1, "unfinished"),
        (3, "finished"),
    ]


def test_a_run_is_finished_by_its_last_file(tmp_path, monkeypatch):
    """Killed right before result.json: everything else is there, and the run is not."""
    folder = Store(tmp_path).folder(SPEC)
    folder.begin()

    def write_until_killed(path, value):
        if path.name == "result.json":
            raise KeyboardInterrupt
        write_json(path, value)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("graphlab.records.store.write_json", write_until_killed)
        folder.finish(record())
    assert {path.name for path in folder.path.iterdir()} == {"spec.json", "environment.json", "metrics.json"}
    assert folder.read_finished() is None
    assert [one.result.status for one in Store(tmp_path).records()] == ["unfinished"]
    folder.finish(record())
    assert Store(tmp_path).records() == [record()]


def test_what_other_processes_are_writing_is_not_a_record_yet(tmp_path):
    store = Store(tmp_path)
    put(store, record())
    (tmp_path / "0123456789abcdef").mkdir()
    (tmp_path / "0123456789abcdef" / ".spec.json.5e.tmp").write_text("{")
    (tmp_path / "0123456789abcdef.lock").touch()
    assert store.records() == [record()]


def test_a_run_that_is_deleted_while_the_store_is_read_is_left_out(tmp_path, monkeypatch):
    store = Store(tmp_path)
    put(store, record())
    gone = put(store, record(seed=1)).path
    iterdir = Path.iterdir

    def listed(path):
        entries = list(iterdir(path))
        shutil.rmtree(gone)
        return entries

    monkeypatch.setattr(Path, "iterdir", listed)
    assert store.records() == [record()]


def test_what_a_killed_process_left_half_written_is_deleted(tmp_path):
    """A checkpoint may be large, and a run may be killed many times."""
    folder = put(Store(tmp_path), record())
    whole = sorted(folder.path.iterdir())
    (folder.path / ".last.pt.5e0c.tmp").write_bytes(b"half")
    folder.begin()
    assert sorted(folder.path.iterdir()) == whole


def claim_and_wait(store, pipe):
    with Store(store).folder(SPEC).claim() as mine:
        pipe.send(mine)
        pipe.recv()


@pytest.fixture
def other(tmp_path):
    """Another process that holds the claim until it is sent something."""
    here, there = FORK.Pipe()
    process = FORK.Process(target=claim_and_wait, args=(tmp_path, there))
    process.start()
    assert here.recv() is True
    yield process, here
    process.kill()
    process.join()


def test_one_process_at_a_time(tmp_path, other):
    process, pipe = other
    folder = Store(tmp_path).folder(SPEC)
    with folder.claim() as mine:
        assert mine is False
    with Store(tmp_path).folder(replace(SPEC, seed=1)).claim() as mine:
        assert mine is True
    pipe.send("let go")
    process.join()
    with folder.claim() as mine, folder.claim() as again:
        assert (mine, again) == (True, False)


def test_the_claim_of_a_dead_process_is_free(tmp_path, other):
    process, _ = other
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with Store(tmp_path).folder(SPEC).claim() as mine:
        assert mine is True


@pytest.mark.parametrize("error", [KeyboardInterrupt, StoreError("x")])
def test_a_claim_ends_with_the_work_however_that_ends(tmp_path, error):
    folder = Store(tmp_path).folder(SPEC)
    with pytest.raises((KeyboardInterrupt, StoreError)), folder.claim():
        raise error
    with folder.claim() as mine:
        assert mine is True


def test_a_store_that_cannot_be_locked_says_so(tmp_path, monkeypatch):
    def refuse(lock):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(filelock.FileLock, "_acquire", refuse)
    with pytest.raises(StoreError, match="No locks available"), Store(tmp_path).folder(SPEC).claim():
        pass


def test_finished_runs_are_read_without_writing_anything(tmp_path, monkeypatch):
    def go():
        return run(
            "gcn", example("node-classification"), seeds=2, store=tmp_path, progress=False, **{"training.epochs": 2}
        )

    def refuse(*arguments, **options):
        raise PermissionError(errno.EROFS, "Read-only file system")

    first = go()
    files = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    for name in ("mkdir", "touch", "replace", "unlink"):
        monkeypatch.setattr(Path, name, refuse)
    monkeypatch.setattr(filelock.FileLock, "_acquire", refuse)
    assert go().records == first.records
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == files


def test_a_disk_that_is_full_from_the_start(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = Store(tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            store.folder(SPEC).begin()
    assert store.records() == []
    assert not [p for p in store.path.rglob("*") if p.is_file()]
