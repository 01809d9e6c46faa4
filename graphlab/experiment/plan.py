"""From names and settings to a plan: everything checked and nothing run."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import nn

from graphlab.core.config import Config, departures, plain
from graphlab.core.errors import ConfigError, InputError, StoreError, closest
from graphlab.core.seeds import SeedStream
from graphlab.core.source import code_digest, foreign_digest
from graphlab.data.check import check, check_split
from graphlab.data.dataset import Dataset, Split
from graphlab.data.identity import OWN, identify, identity_at
from graphlab.data.item import find_items
from graphlab.data.load import load, with_task
from graphlab.data.paths import store_root
from graphlab.data.pre_transform import PRE_TRANSFORM, PreTransform, encode
from graphlab.data.prepared import prepare
from graphlab.data.registry import PRE_TRANSFORMS
from graphlab.data.spec import DataSpec
from graphlab.model.base import Model, ModelConfig
from graphlab.model.edges import unread_fields
from graphlab.model.own import find_own, own_model
from graphlab.model.registry import TRANSFORMS, WEIGHT_FORMATS, ModelEntry, find_model
from graphlab.model.transform import TRANSFORM, LearnerTransform
from graphlab.model.weight_format import WEIGHTS, WeightFormat
from graphlab.records.record import ELIGIBILITY, Kind, RunSpec, component_titles, model_title
from graphlab.task.base import Direction, Learner, Shard, Task, TaskConfig
from graphlab.task.registry import TASKS, find_task
from graphlab.training.config import TrainingConfig
from graphlab.training.loop import LOOP_VERSION, fit

NAMED = {PRE_TRANSFORM: PRE_TRANSFORMS, TRANSFORM: TRANSFORMS, WEIGHTS: WEIGHT_FORMATS}
"""Settings that name a component of a run, and where the names are looked up."""


@dataclass(frozen=True)
class Component:
    """A part of a run that is there by name, with complete settings of its own."""

    name: str
    cls: type[PreTransform] | type[LearnerTransform] | type[WeightFormat]
    config: Config

    @classmethod
    def parse(cls, group: str, name: str, settings: Mapping[str, Any]) -> Component:
        """Raises UnknownNameError or ConfigError."""
        registry = NAMED[group]
        component, full_name = registry.find(name), registry.resolve(name).name
        return cls(full_name, component, component.Config.parse(settings, where=f"{registry.what} {full_name}"))


@dataclass(frozen=True)
class Plan:
    """A model, a data set, its task, and complete settings of all three and of training.

    dataset        identified: its name is the one that runs are recorded under, its origin says which data it holds
    start          the plan whose run with the same seed gives the weights that training starts from
    eligibility    for which leaderboard its runs are not eligible, and why; empty where no rule was broken
    kind           what its runs are: results, or trials of a search
    components     what makes features of the nodes before the model sees them, as "pre_transform", and what changes the
                   learner before it is trained, as "transform", where anything does; the format of weights that are
                   not trained here, as "weights"
    """

    model: ModelEntry
    dataset: Dataset
    task: type[Task[Any]]
    model_config: ModelConfig
    task_config: TaskConfig
    training: TrainingConfig
    start: Plan | None = None
    eligibility: str = ""
    kind: Kind = "run"
    components: Mapping[str, Component] = field(default_factory=dict, hash=False)

    def for_seed(self, seed: int) -> Plan:
        """The plan of one run, its start named by the other run's id."""
        if self.start is None:
            return self
        training = self.training.model_copy(update={"start": self.start.spec(seed).id})
        return replace(self, training=training, start=None)

    @property
    def configs(self) -> dict[str, type[Config]]:
        """The classes of its settings, by group."""
        return {group: type(config) for group, config in self.settings.items()}

    @property
    def settings(self) -> dict[str, Config]:
        """Its complete settings, by group."""
        own = {group: component.config for group, component in self.components.items()}
        return {"model": self.model_config, "task": self.task_config, "training": self.training, **own}

    @property
    def title(self) -> str:
        """The model's name, with those of the pre-transform and the transform where there are any."""
        names = {group: component.name for group, component in self.components.items()}
        return model_title(self.model.name, *component_titles(names))

    @property
    def notices(self) -> tuple[str, ...]:
        """What is legal but suspicious about the plan, a sentence each."""
        return (*self.dataset.notices, *unread_fields(self.model.cls, self.model.name, self.dataset))

    @cached_property
    def spec_seen(self) -> DataSpec:
        """The spec of what the model sees: the data set's, with the features that the pre-transform makes, and with the
        number of nodes where the items are those of one graph."""
        spec = self._encoder.spec(self.dataset.spec) if self._encoder else self.dataset.spec
        return replace(spec, num_nodes=self.dataset.graph.num_nodes) if spec.items == "nodes" else spec

    @property
    def spec_of_batches(self) -> DataSpec:
        """The same, with the numbers of nodes and edges only where each batch holds all of them."""
        if self.task.samples(self.task_config):
            return replace(self.spec_seen, num_nodes=None)
        is_whole = self.spec_seen.num_nodes is not None
        return replace(self.spec_seen, num_edges=self.dataset.graph.num_edges if is_whole else None)

    @cached_property
    def prepared(self) -> Dataset:
        """The data set with the features of the pre-transform, and with what the model needs made of its graphs.

        Graphs whose edges are to be predicted stay as they are: the task makes those ready that a model sees.
        """
        encoded = encode(self.dataset, self._encoder) if self._encoder else self.dataset
        preparation = self.model.cls.preparation(self.model_config)
        if preparation is None or find_items(self.dataset.spec.items).are_edges:
            return encoded
        return prepare(encoded, preparation)

    @cached_property
    def _encoder(self) -> PreTransform | None:
        component = self.components.get(PRE_TRANSFORM)
        return component and PRE_TRANSFORMS.find(component.name)(component.config, self.dataset)

    def make_task(
        self,
        seed: int,
        device: torch.device | str = "cpu",
        shard: Shard | None = None,
        most_validation: int | None = None,
    ) -> Task[Any]:
        """The task on the split of a seed; with at most so many items of validation, drawn by the seed."""
        data, preparation = self.prepared, self.model.cls.preparation(self.model_config)
        ready = {} if preparation is None else {"ready": preparation.prepare}
        split = data.split(seed)
        if most_validation is not None and "validation" not in split.negatives:
            order = torch.randperm(len(split.validation), generator=SeedStream(seed).child("sample").torch())
            split = replace(split, validation=split.validation[order[:most_validation].sort().values])
        if data.splits.draw is not None:
            check_split(self.dataset, split)
        self._require_parts(split, seed)
        return self.task(self.task_config, data, split, device, shard, **ready)

    def check(self) -> None:
        """See that model, task and data fit together, without building what a run builds.

        Raises IncompatibleError or ConfigError, and InputError where a part of a split is empty that must not be.
        """
        self.task.require(self.task_config, self.dataset)
        splits = self.dataset.splits
        for seed, split in enumerate(splits.fixed):
            self._require_parts(split, seed)
        self.model.check(self.spec_seen, self.model_config, self._learner_of)

    def _learner_of(self, model: Model, spec: DataSpec) -> Learner:
        return self.transformed(Learner(model, self.task.head(self.task_config, model, spec)))

    def _require_parts(self, split: Split, seed: int) -> None:
        for name, items in split.parts():
            needed = name in self.task.parts and (name != "train" or self.training.epochs)
            needed = needed and WEIGHTS not in self.components  # which answer where nothing is held out
            if needed and not len(items):
                where = f"{self.dataset.name}, split {self.dataset.splits.name!r}, seed {seed}"
                raise InputError(
                    f"the {name} part of {where}, is empty",
                    hint=f"{self.task.name} needs something in each of {', '.join(self.task.parts)}",
                )

    def make_learner(self, task: Task[Any], seed: int) -> Learner:
        """The untrained model with its head, transformed; weights depend on the seed alone."""
        return self.transformed(self.build_learner(task, seed))

    def build_learner(self, task: Task[Any], seed: int) -> Learner:
        """The same before it is transformed."""
        SeedStream(seed).child("init").seed_torch()
        spec = self.spec_seen
        model = self.model.build(spec, self.model_config)
        return Learner(model, self.task.head(self.task_config, model, spec)).to(task.device)

    @property
    def selection(self) -> tuple[str, Direction]:
        """The metric that selects checkpoints, and which way it is better."""
        return self.task.selection(self.task_config, self.dataset)

    @property
    def metrics(self) -> Sequence[str]:
        """What a run is scored by on test."""
        return self.task.metrics(self.task_config, self.dataset)

    def transformed(self, learner: Learner) -> Learner:
        """A learner, changed in place as the plan's transform says; as it is where there is none."""
        if component := self.components.get(TRANSFORM):
            device = next(learner.parameters()).device if learner.num_parameters else None
            TRANSFORMS.find(component.name)(component.config).apply(learner, self.spec_of_batches)
            learner.to(device)
        return learner

    @cached_property
    def protocol(self) -> Mapping[str, str | int | float]:
        own = {"code": self.code, ELIGIBILITY: self.eligibility}
        stated = self.task.protocol(self.task_config, self.dataset)
        return {**stated, **{name: value for name, value in own.items() if value}}

    @cached_property
    def code(self) -> str:
        """Digest of the text of a model, a task, a pre-transform or a transform that is not GraphLab's; empty where all
        are."""
        own = [component.cls for component in self.components.values()]
        if self.model.code:
            return self.model.code + foreign_digest(own)
        return foreign_digest((self.model.cls, self.task, *own))

    @cached_property
    def versions(self) -> dict[str, int]:
        """Of everything that decides results."""
        preparation = self.model.cls.preparation(self.model_config)
        prepared = {} if preparation is None else {"preparation": preparation.version}
        own = {group: component.cls.version for group, component in self.components.items()}
        return {"model": self.model.cls.version, "task": self.task.version, "loop": LOOP_VERSION, **prepared, **own}

    @property
    def imported_code(self) -> str:
        """Digest of the code that a run executes now; recorded with it, and no part of what it is."""
        own = (component.cls.__module__ for component in self.components.values())
        return code_digest((self.model.cls.__module__, self.task.__module__, fit.__module__, *own))

    def spec(self, seed: int) -> RunSpec:
        """The identity of the run with this seed."""
        if self.start is not None:
            return self.for_seed(seed).spec(seed)
        return RunSpec(
            model=self.model.name,
            dataset=self.dataset.name,
            task=self.task.name,
            seed=seed,
            data=identity_at(self.dataset, seed),
            model_config=self.model_config.to_json(),
            task_config=self.task_config.to_json(),
            training=self.training.to_json(),
            protocol=self.protocol,
            departures=departures(self.settings),
            versions=self.versions,
            code=self.code,
            kind=self.kind,
            eligibility=self.eligibility,
            components={group: component.name for group, component in self.components.items()},
            component_configs={group: component.config.to_json() for group, component in self.components.items()},
        )


def make_plan(
    model: str | type[nn.Module],
    dataset: str | Dataset,
    overrides: Mapping[str, Any] | None = None,
    store: str | os.PathLike[str] | None = None,
    task: str | None = None,
) -> Plan:
    """Resolve names, lay the overrides over the published recipe, and see that all of it fits together.

    A data set in memory is checked, whatever it was when it was loaded, and known by its content as it is now: see
    `graphlab.data.check` and `identify`. `store` keeps the data of one's own. `task` chooses where several fit.

    Raises UnknownNameError, ConfigError, IncompatibleError or DataError, InputError where a part of the split is empty
    or a data set in memory fails the check; nothing has been written then.
    """
    plan = plan_on(find_data(dataset, store, task), find_any_model(model, store), overrides)
    refuse_two_values(overrides or {}, plan.configs)
    return plan


def find_any_model(model: str | type[nn.Module], store: str | os.PathLike[str] | None = None) -> ModelEntry:
    """The model that is meant: by name, or a user's class; see `graphlab.model.own`."""
    if isinstance(model, str) and model.startswith(OWN):
        return find_own(model, store_root(store))
    return find_model(model) if isinstance(model, str) else own_model(model)


def find_data(dataset: str | Dataset, store: str | os.PathLike[str] | None = None, task: str | None = None) -> Dataset:
    """The data set that is meant, for a task where one is named, checked and identified. Raises as `load` and `check`
    do, and UnknownNameError for a task that is not there."""
    if task is not None:
        task = TASKS.resolve(task).name
    if isinstance(dataset, Dataset):
        return identify(check(with_task(dataset, task)), dataset if task in (None, dataset.task) else None)
    return load(dataset, task=task, store=store)


def plan_on(data: Dataset, model: str | ModelEntry, overrides: Mapping[str, Any] | None = None) -> Plan:
    """As `make_plan`, on a data set that is identified already and has not been changed since."""
    entry = model if isinstance(model, ModelEntry) else find_any_model(model)
    task = find_task(data.task)
    entry.require_task(data.task, task.abilities())
    configs: dict[str, type[Config]] = {"model": entry.config, "task": task.Config, "training": TrainingConfig}
    overrides = dict(overrides or {})
    names = {group: name for group in NAMED if (name := overrides.pop(group, None)) is not None}
    configs |= {group: NAMED[group].find(name).Config for group, name in names.items()}
    assert data.origin is not None
    preset = entry.preset_for(data.origin.source or data.name, data.card.family, data.task)
    settings = {part: dict(getattr(preset, part, {})) for part in configs}
    settings["training"] = {**task.training, **settings["training"]}
    for key, value in overrides.items():
        part, name = _locate(key, configs)
        settings[part][name] = value
    plan = Plan(
        entry,
        data,
        task,
        entry.config.parse(settings["model"], where=f"model {entry.name}"),
        task.Config.parse(settings["task"], where=f"task {data.task}"),
        TrainingConfig.parse(settings["training"], where="training"),
        components={group: Component.parse(group, name, settings[group]) for group, name in names.items()},
    )
    plan.check()
    return plan


def plan_of(spec: RunSpec, dataset: Dataset | None = None, store: str | os.PathLike[str] | None = None) -> Plan:
    """The plan that a run of `store` was made by, on the data set as it is loaded now unless given.

    Raises StoreError if the data set is no longer what it was. Warns if a model or task of one's own is not.
    """
    overrides = {f"{part}.{key}": value for part, values in spec.settings.items() for key, value in values.items()}
    overrides |= spec.components
    plan = make_plan(spec.model, spec.dataset if dataset is None else dataset, overrides, store, spec.task)
    plan = replace(plan, eligibility=spec.eligibility, kind=spec.kind)
    is_same = spec.data == (plan.dataset.fingerprint if spec.legacy else identity_at(plan.dataset, spec.seed))
    if not is_same:
        raise StoreError(
            f"{spec.dataset} has changed since run {spec.id}", hint="run it again on the data as it is now"
        )
    if plan.code != spec.code:
        warnings.warn(
            f"the code of {spec.model} has changed since run {spec.id}, and so may what it gives", stacklevel=2
        )
    return plan


def refuse_two_values(overrides: Mapping[str, Any], configs: Mapping[str, type[Config]]) -> None:
    """Raises ConfigError where two spellings give one setting two values."""
    located: dict[tuple[str, str], Any] = {}
    for key, value in overrides.items():
        if key in NAMED:
            continue
        place = _locate(key, configs)
        if place in located and plain(located[place]) != plain(value):
            raise ConfigError(
                f"{'.'.join(place)} is set to {located[place]!r} and to {value!r}", hint=f"set {'.'.join(place)} once"
            )
        located[place] = value


def _locate(key: str, configs: Mapping[str, type[Config]]) -> tuple[str, str]:
    """Which configuration a setting belongs to: `model.hidden_dim`, or `hidden_dim` where only one has it."""
    part, dot, name = key.partition(".")
    if dot:
        if part in NAMED and part not in configs:
            what, names = NAMED[part].what, NAMED[part].names()
            owner = next((each for each in names if name in NAMED[part].find(each).Config.model_fields), names[0])
            raise ConfigError(
                f"{key} is a setting of a {what}, and there is none",
                hint=f"name one beside it, as {part}={owner}; graphlab {what}s lists them",
            )
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
