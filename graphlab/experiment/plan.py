"""From names and settings to a plan: everything checked and nothing run."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
import yaml

from graphlab.core.config import Config
from graphlab.core.errors import ConfigError, InputError, StoreError, closest
from graphlab.core.seeds import SeedStream
from graphlab.core.source import foreign_digest
from graphlab.data.dataset import Dataset
from graphlab.data.load import load
from graphlab.data.prepared import prepare
from graphlab.data.weights import with_weights
from graphlab.model.base import ModelConfig
from graphlab.model.edges import unread_fields
from graphlab.model.registry import ModelEntry, find_model
from graphlab.records.record import ELIGIBILITY, RunSpec
from graphlab.task.base import Learner, Shard, Task, TaskConfig
from graphlab.task.registry import find_task
from graphlab.training.config import TrainingConfig


@dataclass(frozen=True)
class Plan:
    """A model, a data set, its task, and complete settings of all three and of training.

    start        the plan whose run with the same seed gives the weights that training starts from
    eligibility  for which leaderboard its runs are not eligible, and why; empty where no rule was broken
    """

    model: ModelEntry
    dataset: Dataset
    task: type[Task[Any]]
    model_config: ModelConfig
    task_config: TaskConfig
    training: TrainingConfig
    start: Plan | None = None
    eligibility: str = ""

    def for_seed(self, seed: int) -> Plan:
        """The plan of one run, its start named by the other run's id."""
        if self.start is None:
            return self
        training = self.training.model_copy(update={"start": self.start.spec(seed).id})
        return replace(self, training=training, start=None)

    @property
    def notices(self) -> tuple[str, ...]:
        """What is legal but suspicious about the plan, a sentence each."""
        return (*self.dataset.notices, *unread_fields(self.model.cls, self.model.name, self.dataset))

    @cached_property
    def prepared(self) -> Dataset:
        """The data set with what the model needs made of its graphs."""
        preparation = self.model.cls.preparation(self.model_config)
        return self.dataset if preparation is None else prepare(self.dataset, preparation)

    def make_task(self, seed: int, device: torch.device | str = "cpu", shard: Shard | None = None) -> Task[Any]:
        data, preparation = self.prepared, self.model.cls.preparation(self.model_config)
        ready = {} if preparation is None else {"ready": preparation.prepare}
        split = data.split(seed)
        for name, items in split.parts():
            needed = name in self.task.parts and (name != "train" or self.training.epochs)
            if needed and not len(items):
                raise InputError(
                    f"the {name} part of {data.name}, split {data.splits.name!r}, seed {seed}, is empty",
                    hint=f"{self.task.name} needs something in each of {', '.join(self.task.parts)}",
                )
        return self.task(self.task_config, data, split, device, shard, **ready)

    def make_learner(self, task: Task[Any], seed: int) -> Learner:
        """The untrained model with its head; weights depend on the seed alone."""
        SeedStream(seed).child("init").seed_torch()
        spec = self.dataset.spec
        model = self.model.build(spec, self.model_config)
        return Learner(model, task.head(model, spec)).to(task.device)

    @cached_property
    def protocol(self) -> Mapping[str, str | int | float]:
        own = {"code": self.code, ELIGIBILITY: self.eligibility}
        return {**self.make_task(0).protocol(), **{name: value for name, value in own.items() if value}}

    @cached_property
    def code(self) -> str:
        """Digest of the text of a model or a task that is not GraphLab's; empty where both are."""
        return foreign_digest((self.model.cls, self.task))

    def spec(self, seed: int) -> RunSpec:
        """The identity of the run with this seed."""
        if self.start is not None:
            return self.for_seed(seed).spec(seed)
        return RunSpec(
            model=self.model.name,
            dataset=self.dataset.name,
            task=self.task.name,
            seed=seed,
            data=self.dataset.fingerprint,
            model_config=self.model_config.to_json(),
            task_config=self.task_config.to_json(),
            training=self.training.to_json(),
            protocol=self.protocol,
        )


def make_plan(model: str, dataset: str | Dataset, overrides: Mapping[str, Any] | None = None) -> Plan:
    """Resolve names, lay the overrides over the published recipe, and see that all of it fits together.

    Raises UnknownNameError, ConfigError, IncompatibleError or DataError, InputError where a part of the split is empty;
    nothing has been written then.
    """
    entry = find_model(model)
    data = with_weights(dataset) if isinstance(dataset, Dataset) else load(dataset)
    task = find_task(data.task)
    entry.require_task(task.ability or data.task)
    configs: dict[str, type[Config]] = {"model": entry.config, "task": task.Config, "training": TrainingConfig}
    preset = entry.preset_for(data.name, data.card.family, data.task)
    settings = {part: dict(getattr(preset, part, {})) for part in configs}
    settings["training"] = {**task.training, **settings["training"]}
    for key, value in (overrides or {}).items():
        part, name = _locate(key, configs)
        settings[part][name] = value
    plan = Plan(
        entry,
        data,
        task,
        entry.config.parse(settings["model"], where=f"model {entry.name}"),
        task.Config.parse(settings["task"], where=f"task {data.task}"),
        TrainingConfig.parse(settings["training"], where="training"),
    )
    plan.make_learner(plan.make_task(0), 0)
    return plan


def plan_of(spec: RunSpec, dataset: Dataset | None = None) -> Plan:
    """The plan that a run was made by, on the data set as it is loaded now unless given.

    Raises StoreError if the data set is no longer what it was. Warns if a model or task of one's own is not.
    """
    settings = {"model": spec.model_config, "task": spec.task_config, "training": spec.training}
    overrides = {f"{part}.{key}": value for part, values in settings.items() for key, value in values.items()}
    plan = make_plan(spec.model, spec.dataset if dataset is None else dataset, overrides)
    plan = replace(plan, eligibility=spec.protocol.get(ELIGIBILITY, ""))
    if plan.dataset.fingerprint != spec.data:
        raise StoreError(
            f"{spec.dataset} has changed since run {spec.id}", hint="run it again on the data as it is now"
        )
    if plan.code != spec.protocol.get("code", ""):
        warnings.warn(
            f"the code of {spec.model} has changed since run {spec.id}, and so may what it gives", stacklevel=2
        )
    return plan


def _locate(key: str, configs: Mapping[str, type[Config]]) -> tuple[str, str]:
    """Which configuration a setting belongs to: `model.hidden_dim`, or `hidden_dim` where only one has it."""
    part, dot, name = key.partition(".")
    if dot:
        if part not in configs:
            raise ConfigError(
                f"no settings are called {part!r}", hint=f"settings are {', '.join(configs)}, as in model.x"
            )
        return part, name
    owners = [part for part, config in configs.items() if key in config.model_fields]
    if len(owners) == 1:
        return owners[0], key
    if owners:
        choices = " or ".join(f"{owner}.{key}" for owner in owners)
        raise ConfigError(f"setting {key!r} is ambiguous", hint=f"say {choices}")
    if key in configs:
        raise ConfigError(f"{key!r} is a group of settings", hint=f"set one of it, as {key}.x")
    raise ConfigError(f"no setting is called {key!r}", hint=_said_elsewhere(key, configs))


ELSEWHERE = {
    "split": "a split is part of the data set's name, as in planetoid/cora@random",
    "seed": "seeds are not a setting: say seeds=3, or --seeds 3",
    "metric": "the task fixes the metric; what it measured beside is in each run's test metrics",
}
"""What other libraries have as a setting and this one says otherwise."""

SYNONYMS = {
    "learning_rate": ("lr",),
    "hidden_channels": ("hidden_dim", "dim"),
    "hidden_size": ("hidden_dim", "dim"),
    "embedding_dim": ("dim", "hidden_dim"),
    "early_stopping": ("patience",),
    "depth": ("num_layers",),
    "layers": ("num_layers",),
}
"""Names of other libraries for what these settings are."""


def _said_elsewhere(key: str, configs: Mapping[str, type[Config]]) -> str:
    if key in ELSEWHERE:
        return ELSEWHERE[key]
    every = {f: f"{part}.{f}" for part, config in configs.items() for f in config.model_fields}
    near = [name for name in SYNONYMS.get(key, ()) if name in every] or closest(key, every)
    return f"did you mean {every[near[0]]!r}?" if near else f"there are: {', '.join(every.values())}"


def parse_setting(text: str) -> tuple[str, Any]:
    """`key=value` of the command line, the value read as JSON where it is JSON and as YAML where not; None is null."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"cannot read setting {text!r}", hint="write key=value, as in --set model.hidden_dim=64")
    if value.strip() == "None":
        return key.strip(), None
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        pass
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"cannot read the value of {text!r}", hint="quote it as YAML or JSON") from None
