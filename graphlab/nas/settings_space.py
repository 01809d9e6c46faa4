"""Spaces of settings: those that a model's Config declares, and those that a user lists."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphlab.comparison.yaml_files import read_mapping
from graphlab.core.config import Choices, Config, FloatRange, IntRange, Range, plain, search_space
from graphlab.core.errors import ConfigError, InputError, closest
from graphlab.core.files import canonical_json, hash_text
from graphlab.core.seeds import SeedStream
from graphlab.data.identity import OWN
from graphlab.experiment.plan import NAMED
from graphlab.model.own import own_model
from graphlab.model.registry import find_model
from graphlab.nas.core.space import Architecture, Decision, Space
from graphlab.task.registry import TASKS, find_task
from graphlab.training.config import TrainingConfig

TRAINING = ("lr", "weight_decay")
"""Settings of training that are searched with a model's own."""

MODEL = "model"
"""In a space that a user lists: the key that names the model."""

SUFFIXES = (".yaml", ".yml")

MOST_DRAWN = 1000
"""Draws after which settings do not go together at all."""

FORMS = "a list of values, (low, high), (low, high, 'log'), or in YAML {low: 0.001, high: 0.1, log: true}"


class SettingsSpace(Space):
    """Every setting of a model that has a range, and with it the learning rate and weight decay.

    Raises UnknownNameError for a model that is not there, InputError for one without settings that have ranges.
    """

    def __init__(self, model: str) -> None:
        entry = find_model(model)
        ranges = search_space(entry.config)
        if not ranges:
            raise InputError(f"the settings of {entry.name} have no ranges to search", hint="see graphlab models")
        self.name = self.model = entry.name
        training = search_space(TrainingConfig)
        of_training = {f"training.{name}": training[name] for name in TRAINING}
        ranges |= of_training
        self._config, self._of_training = entry.config, of_training.keys()
        self.decisions = tuple(Decision(name, found, name) for name, found in ranges.items())

    named: Mapping[str, str] = {}

    def nearest(self, settings: Mapping[str, Any]) -> Architecture | None:
        """The point of the space that is nearest to settings by dotted names; None where it is no network."""
        names = {d.name: d.name if d.name in self._of_training else f"model.{d.name}" for d in self.decisions}
        return nearest(self, {name: settings.get(dotted) for name, dotted in names.items()})

    def is_valid(self, values: Mapping[str, Any]) -> bool:
        """Some settings do not go together, as a width that so many heads cannot share."""
        own = {name: value for name, value in values.items() if name not in self._of_training}
        try:
            self._config.parse(own, where=self.model)
        except ConfigError:
            return False
        return True

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return self.model, dict(values)


def nearest(space: Space, settings: Mapping[str, Any]) -> Architecture | None:
    """The network of a space whose values are nearest to these; None where there is none near.

    Numbers are moved into their ranges, or to the nearest option; text that is no option has nothing near.
    """
    values: Architecture = {}
    for decision in space.decisions:
        if not decision.is_made(values):
            continue
        value = _into(decision.range, settings.get(decision.name))
        if value is None:
            return None
        values[decision.name] = value
    return space.canonical(values) if space.is_valid(values) else None


def _into(searched: Range, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if (is_number or isinstance(searched, Choices)) and searched.contains(value):
        return value
    match searched:
        case Choices(options):
            numbers = [x for x in options if isinstance(x, int | float) and not isinstance(x, bool)]
            return min(numbers, key=lambda x: abs(x - value)) if is_number and numbers else None
        case IntRange(low, high, step=step):
            return min(high, max(low, low + step * round((value - low) / step))) if is_number else None
        case FloatRange(low, high):
            return min(high, max(low, float(value))) if is_number else None


class ListedSpace(Space):
    """Settings of a model with the values that a user lists, as `{"model": "gcn", "hidden_dim": [8, 16]}`.

    Settings of the model go by their names, those of training too where the model has none of the name; those of the
    task are written `task.batch_size`, those of a transform `transform.scheme` beside its name, `"transform":
    "quantize"`, and those of a pre-transform likewise. All others are those of the recipe.

    Raises UnknownNameError for a model that is not there, ConfigError naming the setting for one that is not there, for
    values that it cannot have, and for settings that never go together.
    """

    def __init__(self, listed: Mapping[str, Any]) -> None:
        if not isinstance(listed.get(MODEL), str):
            raise ConfigError(
                f"a space of settings names its model, and this one has {', '.join(map(str, listed)) or 'nothing'}",
                hint='write it as {"model": "gcn", "hidden_dim": [8, 16], "lr": (1e-4, 1e-1, "log")}',
            )
        entry = find_model(listed[MODEL])
        self.model = entry.name
        tasks = [find_task(name) for name in TASKS.names()]
        self._configs: dict[str, Sequence[type[Config]]] = {
            "model": [entry.config],
            "training": [TrainingConfig],
            "task": [task.Config for task in tasks if task.abilities() & entry.cls.tasks],
        }
        self.named: dict[str, str] = {}
        for group in (group for group in NAMED if group in listed):
            registry = NAMED[group]
            self.named[group] = registry.resolve(listed[group]).name
            self._configs[group] = [registry.find(listed[group]).Config]
        ranges: dict[str, Range] = {}
        for name, values in listed.items():
            if name in (MODEL, *NAMED):
                continue
            place = self._locate(name)
            if place in ranges:
                raise ConfigError(f"the space of {self.model} lists {place} twice", hint="list each setting once")
            ranges[place] = self._range(place, values)
        if not ranges:
            raise ConfigError(f"the space of {self.model} lists no settings", hint=f"give each {FORMS}")
        self.name = f"{self.model}-{hash_text(canonical_json([MODEL, self.model, *listed.items()]))[:8]}"
        self.decisions = tuple(Decision(_shown(name), searched, _shown(name)) for name, searched in ranges.items())
        self._names = {_shown(name): name for name in ranges}
        self._require_some()

    def nearest(self, settings: Mapping[str, Any]) -> Architecture | None:
        """The point of the space that is nearest to settings by dotted names; None where it is no network."""
        return nearest(self, {name: settings.get(dotted) for name, dotted in self._names.items()})

    def is_valid(self, values: Mapping[str, Any]) -> bool:
        return not self._problem(values)

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return self.model, {**self.named, **{self._names[name]: value for name, value in values.items()}}

    def _problem(self, values: Mapping[str, Any]) -> str:
        """Why settings of the model do not go together; empty if they do."""
        named = {self._names[name]: value for name, value in values.items()}
        own = {name.removeprefix("model."): value for name, value in named.items() if name.startswith("model.")}
        try:
            self._configs["model"][0].parse(own, where=self.model)
        except ConfigError as error:
            return error.message
        return ""

    def _require_some(self) -> None:
        random = SeedStream(0).child("space").numpy()
        problem = ""
        for _ in range(MOST_DRAWN):
            problem = self._problem(self.complete({}, random))
            if not problem:
                return
        raise ConfigError(f"no settings of this space of {self.model} go together: {problem}", hint="list others")

    def _locate(self, name: str) -> str:
        """The dotted name of a setting."""
        part, dot, setting = name.partition(".")
        if dot and part in self._configs:
            if any(setting in config.model_fields for config in self._configs[part]):
                return name
        else:
            for owner in ("model", "training"):
                if any(name in config.model_fields for config in self._configs[owner]):
                    return f"{owner}.{name}"
        known = {field: f"{part}.{field}" for part, cs in self._configs.items() for c in cs for field in c.model_fields}
        near = closest(setting or name, known)
        hint = f"did you mean {known[near[0]]!r}?" if near else f"there are: {', '.join(sorted(known.values()))}"
        raise ConfigError(f"a space of {self.model} has no setting {name!r}", hint=hint)

    def _range(self, place: str, values: Any) -> Range:
        part, _, name = place.partition(".")
        configs = [config for config in self._configs[part] if name in config.model_fields]
        kinds = _kinds(configs[0], name)
        searched = _read_range(place, values, kinds)
        for value in searched.options if isinstance(searched, Choices) else (searched.low, searched.high):
            if value is not None:  # which no space may have, as its decision says
                configs[0].check_value(name, value, where=part)
        return searched


def model_of(space: str | Mapping[str, Any] | None) -> str:
    """The name of the model whose settings a space is of, where it is a user's own; else empty."""
    name = str(space.get(MODEL, "") if isinstance(space, Mapping) else space or "")
    return name if name.startswith(OWN) else ""


def read_space(space: str | os.PathLike[str] | Mapping[str, Any] | type | None) -> str | dict[str, Any] | None:
    """A space by its name, or as plain values: of a mapping, or of a YAML file that holds one.

    Raises InputError or ConfigError for a file that cannot be read, InputError for what is neither name nor mapping.
    """
    if space is None:
        return None
    if isinstance(space, os.PathLike) or (isinstance(space, str) and space.endswith(SUFFIXES)):
        return _plain_space(read_mapping(Path(space)))
    if isinstance(space, type):
        return own_model(space).name
    if isinstance(space, Mapping):
        model = space.get(MODEL)
        return _plain_space({**space, MODEL: own_model(model).name} if isinstance(model, type) else space)
    if isinstance(space, str):
        return space
    raise InputError(
        f"a search space is given by its name or by settings, not as {space!r:.60}",
        hint=f"give a name, a YAML file, or settings, each with {FORMS}",
    )


def _plain_space(space: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): _plain_values(values) for name, values in space.items()}


def _plain_values(values: Any) -> Any:
    """As JSON has them, so that other processes read the same; a tuple is a range and a list its values."""
    if isinstance(values, Mapping):
        return {str(key): plain(value) for key, value in values.items()}
    if isinstance(values, tuple):
        is_log = len(values) == 3 and values[2] == "log"
        if len(values) != 2 and not is_log:
            raise ConfigError(f"{values!r} is no range", hint=f"write {FORMS}")
        return {"low": plain(values[0]), "high": plain(values[1]), "log": is_log}
    if isinstance(values, Sequence) and not isinstance(values, str):
        return [plain(value) for value in values]
    return plain(values)


def _read_range(place: str, values: Any, kinds: set[str]) -> Range:
    numeric = kinds & {"integer", "number"}
    if isinstance(values, list):
        values = [_number(value) for value in values] if numeric else values
        if not (len(values) == 3 and values[2] == "log" and numeric):
            return Choices(tuple(values))
        values = {"low": values[0], "high": values[1], "log": True}
    if not isinstance(values, Mapping):
        raise ConfigError(f"{place} cannot be searched over {values!r}", hint=f"write {FORMS}")
    if unknown := values.keys() - {"low", "high", "log", "step"}:
        raise ConfigError(f"the range of {place} has no {min(unknown)!r}", hint="it has low, high, log and step")
    if not {"low", "high"} <= values.keys() or not numeric:
        why = "needs low and high" if numeric else "is no number: list its values"
        raise ConfigError(f"the range of {place} {why}", hint=f"write {FORMS}")
    return _numeric_range(place, values, is_integer="number" not in kinds)


def _numeric_range(place: str, values: Mapping[str, Any], is_integer: bool) -> Range:
    low, high = _number(values["low"]), _number(values["high"])
    log, step = values.get("log", False), values.get("step", 1)
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in (low, high)):
        raise ConfigError(f"the range of {place} cannot go from {low!r} to {high!r}", hint="give two numbers")
    if not isinstance(log, bool):
        raise ConfigError(f"log cannot be {log!r} in the range of {place}", hint="true or false")
    if not is_integer:
        if "step" in values:
            raise ConfigError(f"the range of {place} has no steps", hint="list the values")
        return FloatRange(float(low), float(high), log)
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in (low, high, step)):
        raise ConfigError(f"{place} is a whole number", hint="give whole numbers for low, high and step")
    return IntRange(int(low), int(high), log, step)


def _number(value: Any) -> Any:
    """YAML reads 1e-4 as text."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _kinds(config: type[Config], name: str) -> set[str]:
    """The JSON types that a setting may have."""
    schema = config.model_json_schema()["properties"][name]
    return {option.get("type", "") for option in schema.get("anyOf", [schema])}


def _shown(place: str) -> str:
    """The name of a decision: a setting of the model by its own, others by their dotted names."""
    return place.removeprefix("model.")
