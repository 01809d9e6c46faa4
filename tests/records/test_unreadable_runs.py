"""Runs that cannot be read are named and the others are given; what other versions wrote is tolerated."""

import errno
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from graphlab.core.errors import StoreError
from graphlab.records import record as record_module
from graphlab.records.record import FORMAT
from graphlab.records.store import Store, UnreadableRunWarning, digest, read_record
from tests.records.stored import RESULT, SPEC, put, record


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
