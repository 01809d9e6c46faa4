"""The store: who may work on a run, what can be read without writing, and what a run's name stands for."""

import dataclasses
import errno
import json
import math
import multiprocessing
import os
import resource
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import filelock
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import StoreError
from graphlab.experiment.figures import learning_curves
from graphlab.experiment.run import run
from graphlab.records import record as record_module
from graphlab.records.record import FORMAT, Result, RunRecord, RunSpec
from graphlab.records.store import CheckpointFolder, Store, UnreadableRunWarning, digest, read_record
from graphlab.testing.examples import example

FORK = multiprocessing.get_context("fork")
SPEC = RunSpec(
    model="gcn",
    dataset="planetoid/cora",
    task="node-classification",
    seed=0,
    data="0" * 64,
    model_config={"hidden_dim": 16, "dropout": 0.5},
    task_config={},
    training={"epochs": 200, "patience": None},
    protocol={"metric": "accuracy", "split": "public"},
    departures={"training.epochs": 200, "training.patience": None},
    versions={"model": 1, "task": 1, "loop": 1},
)
RESULT = Result("finished", "accuracy", "max", 23_063, 200, 90, {"accuracy": 0.8}, {"accuracy": 0.81})


def record(**fields):
    curve = ({"epoch": 1, "loss": 1.5, "validation_accuracy": 0.8},)
    return RunRecord(replace(SPEC, **fields), RESULT, 2.5, {"python": "3.11.7"}, curve)


def put(store, run_record):
    folder = store.folder(run_record.spec)
    folder.begin()
    folder.finish(run_record)
    return folder


def test_the_id_of_a_run_is_what_it_was():
    """If this fails, every store in the world is asked to train again."""
    assert SPEC.id == "74e5bbadfc2baf61"


DESCRIPTIVE = {"model_config", "task_config", "training", "protocol"}
"""What departs from the defaults is in the identity; the whole is there to be read."""

DECISIVE = [f.name for f in dataclasses.fields(RunSpec) if f.name not in DESCRIPTIVE]


@pytest.mark.parametrize("field", DECISIVE)
def test_what_decides_a_result_is_part_of_the_id(field):
    value = getattr(SPEC, field)
    other = {**value, "more": 1} if isinstance(value, dict) else value + type(value)(1)
    assert replace(SPEC, **{field: other}).id != SPEC.id


@pytest.mark.parametrize("field", sorted(DESCRIPTIVE))
def test_what_only_describes_a_run_is_not_part_of_the_id(field):
    """So that a new setting with a neutral default, or a new line of a protocol, makes no run another one."""
    assert replace(SPEC, **{field: {**getattr(SPEC, field), "new": 1}}).id == SPEC.id


def test_versions_0_1_0_named_runs_by_the_whole_of_what_they_wrote(old_store):
    for folder in old_store.glob("*/spec.json"):
        spec = RunSpec.from_json(json.loads(folder.read_text()))
        assert spec.id == folder.parent.name


def test_the_id_does_not_depend_on_the_order_of_settings():
    assert replace(SPEC, departures=dict(reversed(SPEC.departures.items()))).id == SPEC.id


names = st.text(min_size=1, max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
scores = st.dictionaries(names, numbers, max_size=4)
plain = st.none() | st.booleans() | st.integers() | numbers | st.text(max_size=10)
configs = st.dictionaries(names, plain, max_size=4)
specs = st.builds(
    RunSpec,
    model=names,
    dataset=names,
    task=names,
    seed=st.integers(0, 2**64),
    data=names,
    model_config=configs,
    task_config=configs,
    training=configs,
    protocol=st.dictionaries(names, st.text() | st.integers() | numbers, max_size=4),
    departures=configs,
    versions=st.dictionaries(names, st.integers(1), max_size=3),
    code=st.text(max_size=4),
    kind=st.sampled_from(["run", "trial"]),
    eligibility=st.text(max_size=4),
)
results = st.builds(
    Result,
    status=st.sampled_from(["finished", "failed"]),
    metric=names,
    direction=st.sampled_from(["max", "min"]),
    num_parameters=st.integers(0),
    epochs=st.integers(0),
    best_epoch=st.none() | st.integers(0),
    validation=scores,
    test=scores,
    error=st.none() | st.fixed_dictionaries({"kind": names, "message": st.text()}),
)
notices = st.lists(names, max_size=2).map(tuple)
files = st.dictionaries(names, names, max_size=2)
rows = st.dictionaries(names, numbers, max_size=3)


@given(specs, results, st.lists(rows, max_size=3), st.floats(0, 1e9), notices, files)
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_what_is_read(tmp_path_factory, spec, result, curve, seconds, notices, files):
    store = Store(tmp_path_factory.mktemp("store"))
    written = RunRecord(spec, result, seconds, {"python": "3.11.7"}, tuple(curve), notices, "c0de", "da7a", files)
    folder = put(store, written)
    assert folder.read_finished() == written
    assert store.records(trials=True) == [written]
    assert store.records() == ([written] if spec.kind == "run" else [])


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


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("spec.json", "[{}]"),
        ("spec.json", "7"),
        ("result.json", "null"),
        ("environment.json", "{}"),
        ("environment.json", "[]"),
        ("metrics.json", '{"epoch": 1}'),
        ("metrics.json", "[1]"),
    ],
)
def test_json_of_another_shape_is_named_and_the_other_runs_are_read(tmp_path, file, text):
    folder = put(Store(tmp_path), record())
    put(Store(tmp_path), record(seed=1))
    (folder.path / file).write_text(text)
    with pytest.raises(StoreError, match=file):
        read_record(folder.path)
    with pytest.warns(UnreadableRunWarning, match=file) as warned:
        assert Store(tmp_path).records() == [record(seed=1)]
    assert len(warned) == 1 and folder.path.name in str(warned[0].message)


@pytest.mark.parametrize(
    "change",
    [
        {"identity": 5},
        {"identity": {"seed": math.nan}},
        {"identity": {"versions": 5}},
        {"identity": {"versions": [1]}},
        {"identity": {"settings": [1]}},
        {"identity": {"code": 3}},
        {"protocol": 5},
        {"settings": None},
    ],
    ids=str,
)
def test_a_spec_of_other_kinds_is_named_and_the_other_runs_are_read(tmp_path, change):
    """Some of these had made the whole store unreadable."""
    store = Store(tmp_path)
    put(store, record(seed=1))
    path = put(store, record()).path / "spec.json"
    values = json.loads(path.read_text())
    for key, value in change.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(values))
    with pytest.warns(UnreadableRunWarning, match=SPEC.id):
        assert [each.seed for each in store.records()] == [1]
    with pytest.raises(StoreError, match=r"spec\.json"):
        read_record(path.parent)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, json.dumps(dict.fromkeys(record_module.LEGACY, 5))], ids=["deep", "old"]
)
def test_a_spec_of_any_text_is_named(tmp_path, text):
    store = Store(tmp_path)
    put(store, record(seed=1))
    (put(store, record()).path / "spec.json").write_text(text)
    with pytest.warns(UnreadableRunWarning, match=SPEC.id):
        assert [each.seed for each in store.records()] == [1]


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("result", "test", None),
        ("result", "test", [1]),
        ("result", "test", {"accuracy": "high"}),
        ("result", "validation", {"accuracy": None}),
        ("result", "test", {"accuracy": math.nan}),
        ("result", "error", "text"),
        ("result", "metric", 5),
        ("result", "epochs", True),
        ("environment", "notices", "one"),
        ("environment", "files", 5),
        ("environment", "seconds", "long"),
    ],
)
def test_a_result_of_other_kinds_is_named_and_the_other_runs_are_read(tmp_path, file, key, value):
    """As a later version may write them, with their digest."""
    store = Store(tmp_path)
    put(store, record(seed=1))
    folder = put(store, record()).path
    stored = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("result", "environment", "metrics")}
    stored[file][key] = value
    del stored["environment"]["digest"]
    if value != {"accuracy": math.nan}:  # of which there is no digest
        stored["environment"]["digest"] = digest(stored["environment"], stored["metrics"], stored["result"])
    for name, values in stored.items():
        (folder / f"{name}.json").write_text(json.dumps(values))
    with pytest.warns(UnreadableRunWarning, match=SPEC.id):
        assert [each.seed for each in store.records()] == [1]


def test_a_folder_that_may_not_be_entered_is_named(tmp_path, monkeypatch):
    store = Store(tmp_path)
    put(store, record(seed=1))
    locked = put(store, record()).path / "spec.json"
    stat = Path.stat

    def refused(path, **options):
        if path == locked:
            raise PermissionError(errno.EACCES, "Permission denied")
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refused)
    with pytest.warns(UnreadableRunWarning, match="Permission denied"):
        assert [each.seed for each in store.records()] == [1]


def test_a_store_that_may_not_be_read_is_one_error(tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(StoreError, match=r"cannot read the store .*: Permission denied"):
        Store(tmp_path).records()


def test_what_a_later_version_adds_is_tolerated(tmp_path):
    """A part of the identity, of the environment, of the result and of the spec that this version does not know."""
    spec = replace(SPEC, more={"sampler": "fan-outs"})
    folder = put(Store(tmp_path), replace(record(), spec=spec))
    assert spec.id != SPEC.id
    later = json.loads((folder.path / "spec.json").read_text()) | {"tags": ["mine"]}
    (folder.path / "spec.json").write_text(json.dumps(later))
    result = RESULT.to_json() | {"calibration": 0.1}
    environment = {"seconds": 2.5, "python": "3.11.7", "carbon": 3}
    curve = json.loads((folder.path / "metrics.json").read_text())
    (folder.path / "result.json").write_text(json.dumps(result))
    whole = environment | {"digest": digest(environment, curve, result)}
    (folder.path / "environment.json").write_text(json.dumps(whole))
    (read,) = Store(tmp_path).records()
    assert read.spec == spec and read.result == RESULT and read.environment == {"python": "3.11.7", "carbon": 3}


def test_what_an_earlier_version_did_not_write_has_its_default(tmp_path):
    folder = put(Store(tmp_path), record())
    result = {name: value for name, value in RESULT.to_json().items() if name not in ("error", "best_epoch")}
    environment = {"seconds": 2.5, "python": "3.11.7"}
    curve = json.loads((folder.path / "metrics.json").read_text())
    (folder.path / "result.json").write_text(json.dumps(result))
    whole = environment | {"digest": digest(environment, curve, result)}
    (folder.path / "environment.json").write_text(json.dumps(whole))
    assert Store(tmp_path).records() == [replace(record(), result=replace(RESULT, best_epoch=None))]


def test_a_format_of_the_future_is_named_and_left_alone(tmp_path):
    folder = put(Store(tmp_path), record())
    later = json.loads((folder.path / "spec.json").read_text()) | {"format": FORMAT + 1}
    (folder.path / "spec.json").write_text(json.dumps(later))
    with pytest.warns(UnreadableRunWarning, match=f"format is {FORMAT + 1}"):
        assert Store(tmp_path).records() == []


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
