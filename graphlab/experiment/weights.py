"""Weights that others trained, imported as runs; see docs/WEIGHTS.md.

An import writes what a run of no epochs would: a spec, which names the format and the digest of the file, the
checkpoint of the weights as GraphLab's model has them, and a result. All that takes a run takes it: `restore`,
`answers`, leaderboards, and `training.start` for fine-tuning.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from graphlab.core.errors import InputError
from graphlab.core.files import canonical_json, hash_file, hash_text
from graphlab.data.dataset import Dataset
from graphlab.data.own import keep
from graphlab.experiment.imported import evaluate as evaluate_run
from graphlab.experiment.imported import write_import
from graphlab.experiment.plan import Plan, find_any_model, find_data, plan_on, refuse_two_values
from graphlab.experiment.runs import Runs
from graphlab.experiment.weights_check import check_conventions
from graphlab.model.foreign_weights import read_weights
from graphlab.model.registry import WEIGHT_FORMATS
from graphlab.model.weight_format import WEIGHTS, Rows, WeightFormat, Weights, require_fit
from graphlab.records.store import Store
from graphlab.task.base import Learner
from graphlab.training.distributed import pick_device


@dataclass(frozen=True)
class Source:
    """A file of weights and how it is to be read.

    format      name of its format
    requested   the model that is named, if any
    rows        which of its rows are whose
    settings    settings of the format, by dotted name
    """

    weights: Weights
    format: str
    requested: str | None
    rows: Rows
    settings: Mapping[str, Any]

    def adapter(self, changes: Mapping[str, Any]) -> WeightFormat:
        cls = WEIGHT_FORMATS.find(self.format)
        named = {key.partition(".")[2]: value for key, value in changes.items() if key.startswith(f"{WEIGHTS}.")}
        return cls(cls.Config.parse(named, where=f"weights of the format {self.format}"))

    def adapter_of(self, plan: Plan) -> WeightFormat:
        """The adapter with a plan's settings of the format."""
        return WEIGHT_FORMATS.find(self.format)(plan.components[WEIGHTS].config)

    def plan(self, data: Dataset, overrides: Mapping[str, Any]) -> Plan:
        """The plan of the run: settings that the weights decide, and those that are set."""
        complete = {**self.settings, **overrides}
        adapter = self.adapter(complete)
        name = adapter.model(self.weights, self.requested)
        decided = {f"model.{key}": value for key, value in adapter.settings(name, self.weights).items()}
        bare = {key for key in overrides if f"model.{key}" in decided}
        decided = {key: value for key, value in decided.items() if key.partition(".")[2] not in bare}
        plan = plan_on(data, find_any_model(name), {**decided, **complete, WEIGHTS: self.format, "training.epochs": 0})
        refuse_two_values(overrides, plan.configs)
        return plan

    def learner(self, plan: Plan, seed: int, device: torch.device) -> Learner:
        """The plan's learner with the weights. Raises InputError if they do not fit."""
        learner = plan.make_learner(plan.make_task(seed, device), seed)
        converted = self.adapter_of(plan).convert(
            plan.model.name, plan.model_config, plan.spec_seen, self.weights, self.rows
        )
        require_fit(converted, learner.state_dict())
        learner.load_state_dict(converted)
        return learner.eval()


def import_weights(
    format: str,  # noqa: A002
    path: str | os.PathLike[str],
    dataset: str | Dataset,
    *,
    model: str | None = None,
    task: str | None = None,
    seed: int = 0,
    store: str | os.PathLike[str] | None = None,
    device: str = "auto",
    sha256: str | None = None,
    entities: Sequence[str] | None = None,
    relations: Sequence[str] | None = None,
    check: bool = True,
    evaluate: bool = True,
    **overrides: Any,
) -> Runs:
    """Import weights that others trained, as a run on a data set.

    The weights are held against others on validation first, so that a wrong convention is found; see
    `graphlab.experiment.weights_check`. A run that the store has is only read.

    Args:
        format: Of the file, as `ultra`; docs/WEIGHTS.md has the formats.
        path: A file `.safetensors`, or of `torch.save`; nothing that it holds is run.
        dataset: A name, or a Dataset in memory.
        model: Where the weights do not tell which model they are of.
        task, store, device: As for `run`.
        seed: Of the split, where a data set draws them.
        sha256: What the file's digest must be.
        entities, relations: Names in the order of the file's rows, where it is not that of the data set.
        check: Whether the weights are held against others.
        evaluate: Whether validation and test are scored now; `evaluate` does it later.
        overrides: Settings of the format as `kernel="plain"`, of the model and of the task.

    Returns:
        Runs of one record.

    Raises:
        InputError: The file cannot be read, is not the one of the digest, does not fit, or means something else.
        UnknownNameError: As `run` does.
    """
    started = time.monotonic()
    source, settings = _source(format, Path(path), model, sha256, overrides)
    data = find_data(dataset, store, task)
    order = _order(entities, relations)
    source = replace(source, rows=_rows(data, entities, relations), settings={**source.settings, **order})
    plan = source.plan(data, settings)
    folder = Store(store).folder(plan.spec(seed))
    record = folder.read_finished()
    if record is None:
        learner = source.learner(plan, seed, pick_device(device))
        extra: dict[str, Any] = {"file": Path(path).name}
        if check and len(plan.dataset.split(seed).validation):
            extra["check"] = _check(source, plan, seed, learner, settings)
        keep(plan.dataset, folder.path.parent)
        record = write_import(plan, seed, learner, folder, evaluate, extra, started)
    elif evaluate and not record.result.test:
        record = evaluate_run(record, store, device)
    return Runs((record,), folder.path.parent)


def _check(source: Source, plan: Plan, seed: int, learner: Learner, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Hold the weights against their alternatives; what came out, to be recorded. Raises as `check_conventions`."""
    device = next(learner.parameters()).device

    def read(changes: Mapping[str, Any]) -> tuple[Plan, Learner]:
        bare = {key.partition(".")[2] for key in changes}
        others = {key: value for key, value in settings.items() if key not in bare}
        changed = source.plan(plan.dataset, {**others, **changes})
        return changed, source.learner(changed, seed, device)

    changes = source.adapter_of(plan).alternatives(plan.model.name, plan.model_config)
    return check_conventions(plan, seed, learner, changes, read).to_json()


def _source(
    name: str, path: Path, model: str | None, sha256: str | None, overrides: Mapping[str, Any]
) -> tuple[Source, dict[str, Any]]:
    """The file as it is read, and the overrides that are not of its format."""
    config = WEIGHT_FORMATS.find(name).Config
    weights = read_weights(path)
    digest = hash_file(path)
    if sha256 is not None and digest != sha256.lower():
        raise InputError(
            f"{path} has the sha256 {digest}, not {sha256}", hint="it is altered or another version; load it again"
        )
    settings: dict[str, Any] = {f"{WEIGHTS}.sha256": digest}
    rest: dict[str, Any] = {}
    for key, value in overrides.items():
        if key in ("sha256", "order", f"{WEIGHTS}.sha256", f"{WEIGHTS}.order"):
            raise InputError(f"{key} is read off the file", hint="leave it out")
        place = f"{WEIGHTS}.{key}" if key in config.model_fields else key
        rest[place] = value
    return Source(weights, WEIGHT_FORMATS.resolve(name).name, model, Rows(), settings), rest


def _order(entities: Sequence[str] | None, relations: Sequence[str] | None) -> dict[str, str]:
    """The setting that says that rows are in an order of their own."""
    if entities is None and relations is None:
        return {}
    names = [None if each is None else list(each) for each in (entities, relations)]
    return {f"{WEIGHTS}.order": hash_text(canonical_json(names))}


def _rows(data: Dataset, entities: Sequence[str] | None, relations: Sequence[str] | None) -> Rows:
    return Rows(_places("entities", data, entities), _places("relations", data, relations))


def _places(kind: str, data: Dataset, names: Sequence[str] | None) -> torch.Tensor | None:
    """The place of each of the data set's names among those that are listed."""
    if names is None:
        return None
    place = {name: position for position, name in enumerate(names)}
    labels = data.labels.get(kind)
    if labels is None:
        raise InputError(f"the {kind} of {data.name} have no names", hint=f"leave {kind} out")
    absent = [name for name in labels if name not in place]
    if absent or len(place) != len(names):
        what = f"{absent[0]!r} is not among them" if absent else "one is listed twice"
        raise InputError(f"the listed {kind} are not those of {data.name}: {what}", hint="list each name once")
    return torch.tensor([place[name] for name in labels])
