"""Typed, frozen configuration, and the search ranges declared on it.

A field says once what it is, what is allowed and where a search may look:

    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 32

The type is what is valid; the range is what is searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from typing import Annotated, Any, Literal, Self, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphlab.core.errors import ConfigError, closest

PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int
    log: bool = False
    step: int = 1

    def contains(self, value: Any) -> bool:
        return self.low <= value <= self.high and (self.log or (value - self.low) % self.step == 0)


@dataclass(frozen=True)
class FloatRange:
    """Real numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool = False

    def contains(self, value: Any) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Choices:
    """One of a list; on a `Literal` field the list may be left out and is read off the type."""

    options: tuple[Any, ...] = ()

    def contains(self, value: Any) -> bool:
        return value in self.options


Range = IntRange | FloatRange | Choices


class Config(BaseModel):
    """Base of every configuration: frozen, strictly typed, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str) -> Self:
        """Build from plain values; `where` names the configuration in messages.

        Raises ConfigError, naming the key, the value and what would be accepted.
        """
        try:
            return cls.model_validate({name: plain(value) for name, value in values.items()})
        except ValidationError as error:
            raise _explain(cls, error, where) from None

    @classmethod
    def check_value(cls, name: str, value: Any, *, where: str) -> None:
        """Raises ConfigError if a setting cannot have this value, whatever the other settings are."""
        try:
            cls.model_validate({name: plain(value)})
        except ValidationError as error:
            if any(problem["loc"][:1] == (name,) for problem in error.errors()):
                raise _explain(cls, error, where) from None

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def search_space(config: type[Config]) -> dict[str, Range]:
    """The searchable fields of a configuration, in order of declaration."""
    space: dict[str, Range] = {}
    for name, field in config.model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, Choices) and not mark.options and get_origin(field.annotation) is Literal:
                space[name] = Choices(get_args(field.annotation))
            elif isinstance(mark, IntRange | FloatRange | Choices):
                space[name] = mark
    return space


def departures(configs: Mapping[str, Config]) -> dict[str, Any]:
    """The settings that are not the default of their configuration, by dotted name, as JSON has them.

    Args:
        configs: Complete configurations, by the name of their group.
    """
    return {
        f"{group}.{name}": value
        for group, config in configs.items()
        for name, value in config.to_json().items()
        if defaults(type(config)).get(name, _NONE) != value
    }


_NONE = object()


@cache
def defaults(config: type[Config]) -> dict[str, Any]:
    """The defaults of a configuration, as JSON has them; settings that must be given have none."""
    return config.model_construct().to_json()


def plain(value: Any) -> Any:
    """Numbers of numpy, as those of a sweep over `np.arange`, as Python has them, in lists as well; -0.0 as 0.0."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value)) if type(value) in (list, tuple) else value
    if isinstance(value, Integral) and not isinstance(value, int):
        return int(value)
    if isinstance(value, Real) and not isinstance(value, int):
        return float(value) + 0.0
    return value


def _explain(cls: type[Config], error: ValidationError, where: str) -> ConfigError:
    """Of several problems the key that is not known comes first: where it is misspelt, the right one is missing."""
    problems = error.errors()
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    *path, last = problem["loc"] or ("",)
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = _config_at(cls, path).model_fields
        near = closest(str(last), known)
        hint = f"did you mean {near[0]!r}?" if near else f"it takes: {', '.join(known) or 'nothing'}"
        return ConfigError(f"{where} has no setting {key!r}", hint=hint)
    if problem["type"] == "missing":
        return ConfigError(f"{where} needs a value for {key!r}", hint=f"add {str(last)!r} there")
    reason = problem["msg"][0].lower() + problem["msg"][1:]
    reason = reason.removeprefix("value error, ")
    if not key:
        return ConfigError(f"{where}: {reason}", hint="change one of these settings")
    return ConfigError(f"{where}.{key} cannot be {problem['input']!r}", hint=reason)


def _config_at(cls: type[Config], path: Iterable[str | int]) -> type[Config]:
    """The configuration that a path of keys and places in lists leads to."""
    for name in path:
        if isinstance(name, str):
            kinds = (cls.model_fields[name].annotation, *_arguments(cls.model_fields[name].annotation))
            cls = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Config))
    return cls


def _arguments(annotation: Any) -> Iterator[Any]:
    for argument in get_args(annotation):
        yield argument
        yield from _arguments(argument)
