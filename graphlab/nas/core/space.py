"""What a search may choose: decisions, which of them an architecture makes, and when two choices are the same.

An architecture has one spelling, `Space.canonical`, and one name, `Space.key`. Whatever a strategy chooses becomes a
`Candidate` before anything is done with it, and no other place spells an architecture.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from graphlab.core.config import Choices, FloatRange, IntRange, Range
from graphlab.core.errors import ConfigError, InputError
from graphlab.core.files import canonical_json, hash_text
from graphlab.data.spec import DataSpec

Architecture = dict[str, Any]
"""Values by decision, in the order of the space's decisions; those that are not made are absent. Values are numbers,
text, true or false, so that a journal or a database gives back what was put into it."""

STEPS = 8
"""Values of a numeric range that a neighbourhood or a mutation tries."""

MOST_TRIED = 100
"""Changes of an architecture after which there is hardly another one near it."""


@dataclass(frozen=True)
class Decision:
    """One choice.

    Attributes:
        kind: What it is about, as "attention": decisions of a kind have the same options and share a controller.
        when: Earlier decisions and the values of them under which this one is made at all.
    """

    name: str
    range: Range
    kind: str
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ConfigError for a range that is none: of no options, of equal ones, of None, of no extent."""
        if problem := _problem_of(self.range):
            raise ConfigError(f"{self.name} cannot be searched: {problem}", hint="list different values, or low < high")

    def is_made(self, values: Mapping[str, Any]) -> bool:
        return not self.when or all(values.get(name) in allowed for name, allowed in self.when.items())

    @cached_property
    def options(self) -> tuple[Any, ...]:
        """All values of a list or of few whole numbers; of other ranges, STEPS evenly spaced ones."""
        match self.range:
            case Choices(options):
                return options
            case IntRange(low, high, log, step):
                if log:
                    return tuple(dict.fromkeys(round(x) for x in np.geomspace(low, high, STEPS)))
                steps = np.linspace(0, (high - low) // step, STEPS).round()
                return tuple(dict.fromkeys(low + step * int(k) for k in steps))
            case FloatRange(low, high, log):
                return tuple(float(x) for x in (np.geomspace if log else np.linspace)(low, high, STEPS))

    def nearest(self, value: Any) -> int:
        """The place of a value among the options; of a numeric range, that of the option nearest to it."""
        if isinstance(self.range, Choices):
            return self.options.index(value)
        return min(range(len(self.options)), key=lambda i: abs(self.options[i] - value))

    def draw(self, random: np.random.Generator) -> Any:
        match self.range:
            case Choices(options):
                return options[random.integers(len(options))]
            case IntRange(low, high, log, step):
                if log:
                    drawn = int(math.exp(random.uniform(math.log(low), math.log(high + 1))))
                    return min(high, max(low, drawn))  # exp(log(16)) is below 16
                return low + step * int(random.integers((high - low) // step + 1))
            case FloatRange(low, high, log):
                if log:
                    return min(high, max(low, math.exp(random.uniform(math.log(low), math.log(high)))))
                return random.uniform(low, high)

    def encode(self, value: Any) -> list[float]:
        """One number an option of a list; of a numeric range, whether it is made and where in the range it lies."""
        if isinstance(self.range, Choices):
            return [float(value == option) for option in self.range.options]
        if value is None:
            return [0.0, 0.0]
        low, high = self.range.low, self.range.high
        if self.range.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return [1.0, (value - low) / (high - low) if high > low else 0.0]


def _problem_of(searched: Range) -> str:
    """What is wrong with a range; empty if nothing is."""
    match searched:
        case Choices(()):
            return "it has no options"
        case Choices(options):
            if not all(isinstance(option, bool | int | float | str) for option in options):
                wrong = next(option for option in options if not isinstance(option, bool | int | float | str))
                return f"{wrong!r} is no option: options are numbers, text, true or false"
            equal = [option for place, option in enumerate(options) if option in options[:place]]
            return f"the option {equal[0]!r} is there twice" if equal else ""
        case IntRange(low, high, log, step):
            if low > high or step < 1:
                return f"from {low} to {high} in steps of {step} there is nothing to choose"
            return f"a logarithmic range begins above 0, not at {low}" if log and low <= 0 else ""
        case FloatRange(low, high, log):
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                return f"from {low} to {high} there is nothing to choose"
            return f"a logarithmic range begins above 0, not at {low}" if log and low <= 0 else ""


@dataclass(frozen=True)
class Graph:
    """An architecture as a small directed graph: a label for each node, and edges (from, to)."""

    labels: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Candidate:
    """Choices that are a network.

    Attributes:
        choices: As they were made.
        architecture: The one spelling that all choices of this network share.
        key: Its name, 16 hexadecimal digits.
    """

    choices: Mapping[str, Any]
    architecture: Architecture
    key: str


class Space(ABC):
    """Architectures as values of decisions.

    A subclass names its `decisions`, each after those that its `when` asks about, and says how an architecture is
    built: `settings` gives a model's name and its settings. Where different values mean the same network,
    `canonical` gives one of them for all.
    """

    name: str
    decisions: tuple[Decision, ...]

    @abstractmethod
    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The model that an architecture is, and settings as `gl.run` takes them."""

    def canonical(self, values: Mapping[str, Any]) -> Architecture:
        """The one spelling of an architecture. Raises InputError for values that are not of this space."""
        return self.checked(values)

    def is_valid(self, values: Mapping[str, Any]) -> bool:
        """Whether the values are a network at all."""
        return True

    def is_complete(self, values: Mapping[str, Any]) -> bool:
        """Whether the values are all that there are of an architecture, and a network."""
        has_all = all(decision.name in values or not decision.is_made(values) for decision in self.decisions)
        return has_all and self.is_valid(values)

    def sharing(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """The parameters that an architecture may take from others of the space, the names of the model's parameters or
        of its parts, each with a tag: those of one name, shape and tag may pass. None unless a space says so."""
        return {}

    def hand_set(self) -> Mapping[str, Architecture]:
        """Networks that people take, by name, each in the one spelling: what a search has to be better than, and may
        evaluate first. None unless a space names some."""
        return {}

    def on(self, spec: DataSpec) -> Space:
        """The space as it is for data of this spec, on which more architectures may be the same network."""
        return self

    def about(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """What is known of an architecture beside its decisions, by name; the names are the same for all of them."""
        return {}

    def spelt(self, values: Mapping[str, Any]) -> str:
        """An architecture in a line, for people."""
        shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in values.items()}
        return ", ".join(f"{name} {value}" for name, value in shown.items())

    def checked(self, values: Mapping[str, Any]) -> Architecture:
        """The decisions that are made, in order. Raises InputError for values that are not of this space."""
        kept: Architecture = {}
        for decision in self.decisions:
            if not decision.is_made(kept):
                continue
            value = values.get(decision.name)
            if value is None or not decision.range.contains(value):
                problem = "no value" if value is None else f"the value {value!r}"
                raise InputError(
                    f"an architecture of {self.name} has {problem} for {decision.name}",
                    hint=f"it takes {decision.range}",
                )
            kept[decision.name] = value
        return kept

    def candidate(self, choices: Mapping[str, Any]) -> Candidate | None:
        """Choices in the one spelling; None for what is no network. Raises InputError for values that are not of this
        space."""
        if not self.is_valid(choices):
            return None
        architecture = self.canonical(choices)
        return Candidate(choices, architecture, self.key(architecture))

    def key(self, values: Mapping[str, Any]) -> str:
        """A name that equal architectures share, 16 hexadecimal digits."""
        return _key(self, tuple(values.items()))

    def sample(self, random: np.random.Generator) -> Architecture:
        """Each decision drawn on its own, until the whole is a network."""
        while True:
            values = self.complete({}, random)
            if self.is_valid(values):
                return self.canonical(values)

    def complete(self, values: Mapping[str, Any], random: np.random.Generator) -> Architecture:
        """The decisions that are made with these values, in order; those that have none are drawn."""
        full: Architecture = {}
        for decision in self.decisions:
            if decision.is_made(full):
                full[decision.name] = values[decision.name] if decision.name in values else decision.draw(random)
        return full

    def mutate(self, values: Mapping[str, Any], random: np.random.Generator) -> Architecture:
        """Another architecture, one decision away; the same where MOST_TRIED changes made no other network."""
        mutable = [decision for decision in self.decisions if decision.name in values and len(decision.options) > 1]
        for _ in range(MOST_TRIED if mutable else 0):
            decision = mutable[random.integers(len(mutable))]
            others = [option for option in decision.options if option != values[decision.name]]
            changed = self.complete({**values, decision.name: others[random.integers(len(others))]}, random)
            if self.is_valid(changed) and self.key(changed) != self.key(values):
                return self.canonical(changed)
        return self.canonical(values)

    def neighbours(self, values: Mapping[str, Any]) -> Iterator[Architecture]:
        """Every other architecture one decision away, each once; decisions that are only made there have their first
        option."""
        seen = {self.key(values)}
        first = _First()
        for decision in self.decisions:
            if decision.name not in values:
                continue
            for option in decision.options:
                changed = self.complete({**values, decision.name: option}, first)  # pyright: ignore[reportArgumentType]
                if self.is_valid(changed) and (key := self.key(changed)) not in seen:
                    seen.add(key)
                    yield self.canonical(changed)

    def encode(self, values: Mapping[str, Any]) -> np.ndarray:
        """An architecture as numbers, float32 `[width]`: what a predictor sees of it."""
        return np.array([x for d in self.decisions for x in d.encode(values.get(d.name))], np.float32)

    def graph(self, values: Mapping[str, Any]) -> Graph:
        """An architecture as a graph: here a root, label 0, which every decision that is made feeds, labelled by its
        value, or by the nearest of the options of its range."""
        labels, first = [0], 1
        for decision in self.decisions:
            if decision.name in values:
                labels.append(first + decision.nearest(values[decision.name]))
            first += len(decision.options)
        return Graph(tuple(labels), tuple((node, 0) for node in range(1, len(labels))))

    @property
    def num_labels(self) -> int:
        """How many labels the nodes of `graph` can have."""
        return 1 + sum(len(decision.options) for decision in self.decisions)

    @property
    def kinds(self) -> dict[str, tuple[Decision, ...]]:
        """Decisions by kind, in order of first appearance."""
        kinds: dict[str, tuple[Decision, ...]] = {}
        for decision in self.decisions:
            kinds[decision.kind] = (*kinds.get(decision.kind, ()), decision)
        return kinds


@lru_cache(maxsize=100_000)
def _key(space: Space, values: tuple[tuple[str, Any], ...]) -> str:
    return hash_text(canonical_json(space.canonical(dict(values))))[:16]


class _First:
    """In the place of a random generator: always the first option or the low end."""

    def integers(self, high: int) -> int:
        return 0

    def uniform(self, low: float, high: float) -> float:
        return low
