"""Stores of version 0.1.0, whose runs have ids of another make: brought to this version, one run at a time."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from graphlab.core.config import departures
from graphlab.core.errors import GraphLabError, StoreError
from graphlab.core.files import write_json
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.data.identity import identify
from graphlab.data.load import load
from graphlab.experiment.plan import plan_on
from graphlab.model.registry import find_model
from graphlab.records.record import RunRecord, RunSpec
from graphlab.records.store import MIGRATED, RunFolder, Store
from graphlab.task.registry import find_task
from graphlab.training.config import TrainingConfig

CHECKPOINTS = ("last", "best")

RENAMED = {
    f"citation/{name}-links": f"planetoid/{name}@links-without-features" for name in ("cora", "citeseer", "pubmed")
}
"""Data sets that were families of their own and are splits of another now, the same to the bit."""

FORMER_SPLIT = "random"
"""What those called their splits."""


@dataclass(frozen=True)
class Migration:
    """What became of a store's old runs.

    Attributes:
        moved: From old ids to new ones. Old ids go on to name their runs.
        left: By id, why a run is as it was. It can be read, and is not taken for a run of this version.
    """

    moved: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"moved": dict(self.moved), "left": dict(self.left)}

    def __repr__(self) -> str:
        reasons = "".join(f"\n  {run}: {reason}" for run, reason in self.left.items())
        return f"{len(self.moved)} runs migrated, {len(self.left)} left as they were{reasons}"


def migrate(store: str | os.PathLike[str] | None = None) -> Migration:
    """Give the runs of a store that version 0.1.0 made the ids of this version, so that they are found and continued,
    and those of data sets that have another name now that name.

    Each run is checked against its data set as it is loaded now. Migration can be interrupted and started again; a
    second process that starts it waits for the first.

    Args:
        store: Folder of runs; default `$GRAPHLAB_STORE`, else `./runs`.

    Raises:
        StoreError: The store cannot be written to.
    """
    place = Store(store)
    if not any(map(_is_old, place.records(trials=True))):
        return Migration()
    try:
        with FileLock(place.path / "migrate.lock"):
            return _migrate(place)
    except OSError as error:
        raise StoreError(
            f"cannot write to the store {place.path}: {error.strerror or error}",
            hint="free space, or mend its permissions; what is there is unharmed",
        ) from error


def _migrate(place: Store) -> Migration:
    known = place.migrated()
    moved: dict[str, str] = {}
    left: dict[str, str] = {}
    datasets: dict[str, Dataset | GraphLabError] = {}
    old = {record.id: record for record in place.records(trials=True) if _is_old(record)}
    while old:
        ready = [run for run, record in old.items() if record.spec.training.get("start") not in old]
        for run in ready or list(old):
            record = old.pop(run)
            try:
                moved[run] = _move(place, record, known | moved, datasets)
            except GraphLabError as error:
                left[run] = error.message
    return Migration(moved, left)


def _is_old(record: RunRecord) -> bool:
    return bool(record.spec.legacy) or record.spec.dataset in RENAMED


def upgraded(spec: RunSpec, data: str, moved: Mapping[str, str]) -> RunSpec:
    """The spec of this version for a run of version 0.1.0.

    Everything had version 1 then. Its settings were complete, so that one which is not among them had its default.

    Args:
        spec: As it was read.
        data: The identity of its data.
        moved: From old ids to new ones, of the runs that others start from.
    """
    entry, task = find_model(spec.model), find_task(spec.task)
    training = dict(spec.training)
    if training.get("start") in moved:
        training["start"] = moved[training["start"]]
    configs = {
        "model": entry.config.parse(spec.model_config, where=f"model {spec.model}"),
        "task": task.Config.parse(spec.task_config, where=f"task {spec.task}"),
        "training": TrainingConfig.parse(training, where="training"),
    }
    prepared = {} if entry.cls.preparation(configs["model"]) is None else {"preparation": 1}
    return replace(
        spec,
        data=data,
        model_config=configs["model"].to_json(),
        task_config=configs["task"].to_json(),
        training=configs["training"].to_json(),
        departures=departures(configs),
        versions={"model": 1, "task": 1, "loop": 1, **prepared},
        legacy={},
    )


def task_version(spec: RunSpec, data: Dataset) -> int:
    """The version of a run's task whose results those of version 1 are.

    Version 2 of the tasks that train in batches joins a single item that is left of an epoch to the batch before it. A
    run of which none was left is the same under both.
    """
    groups = {"model": spec.model_config, "task": spec.task_config, "training": spec.training}
    settings = {f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}
    plan = plan_on(data, spec.model, settings)
    if plan.task.version == 1 or not plan.training.epochs:
        return min(plan.task.version, 2)
    epoch = plan.make_task(spec.seed).batches(SeedStream(spec.seed))
    return 1 if getattr(epoch, "joins_one", False) else 2


def _move(
    store: Store, record: RunRecord, moved: Mapping[str, str], datasets: dict[str, Dataset | GraphLabError]
) -> str:
    """The new id of a run, whose folder is there before the old one goes."""
    spec = record.spec
    identity = _identity(spec, datasets, store)
    spec = replace(spec, dataset=RENAMED.get(spec.dataset, spec.dataset))
    spec = upgraded(spec, identity, moved) if spec.legacy else replace(spec, data=identity)
    data = datasets.get(spec.dataset)
    if record.spec.legacy and isinstance(data, Dataset) and spec.kind == "run":
        spec = replace(spec, versions={**spec.versions, "task": task_version(spec, data)})
    old, new = RunFolder(store.path / record.id, record.spec), store.folder(spec)
    with old.claim() as mine, new.claim() as mine_too:
        if not mine or not mine_too:
            raise StoreError(f"another process works on run {record.id}", hint="migrate when it has finished")
        is_there = (new.path / "spec.json").exists()
        if not new.read_finished() and (record.result.status != "unfinished" or not is_there):
            _copy(old.path, new.path, spec)
        write_json(store.path / MIGRATED, store.migrated() | {record.id: spec.id})
        shutil.rmtree(old.path)
    old.path.with_suffix(".lock").unlink(missing_ok=True)
    return spec.id


def _copy(old: Path, new: Path, spec: RunSpec) -> None:
    """The files of a run under its new id; the spec last, for it is what makes a folder a run."""
    new.mkdir(parents=True, exist_ok=True)
    (new / "spec.json").unlink(missing_ok=True)
    for name in ("environment.json", "metrics.json", "result.json"):
        if (old / name).exists():
            write_json(new / name, json.loads((old / name).read_text()))
    source, target = RunFolder(old, spec), RunFolder(new, spec)
    for name in CHECKPOINTS:
        source.restore_checkpoint(
            name, torch.device("cpu"), lambda saved, name=name: target.save_checkpoint(name, saved)
        )
    write_json(new / "spec.json", spec.to_json())


def _identity(spec: RunSpec, datasets: dict[str, Dataset | GraphLabError], store: Store) -> str:
    """The identity of the data of an old run. Trials saw a part of a data set, which is known by its fingerprint."""
    if spec.kind == "trial":
        return spec.data
    name = RENAMED.get(spec.dataset, spec.dataset)
    if name not in datasets:
        try:
            datasets[name] = identify(load(name, store=store.path))
        except GraphLabError as error:
            datasets[name] = error
    dataset = datasets[name]
    if isinstance(dataset, GraphLabError):
        raise dataset
    assert dataset.origin is not None
    content = dataset.origin.content
    if name != spec.dataset:
        content = replace(dataset, splits=replace(dataset.splits, name=FORMER_SPLIT)).fingerprint
    if spec.legacy and content != spec.data:
        raise StoreError(f"{spec.dataset} is no longer what the run was trained on")
    return dataset.origin.identity
