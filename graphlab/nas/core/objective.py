"""What a search optimises, and what it does not allow."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from graphlab.core.errors import ConfigError, IncompatibleError, InputError, closest
from graphlab.nas.core.fidelity import Fidelity
from graphlab.nas.core.outcome import Evaluation
from graphlab.nas.core.space import Architecture

OnStep = Callable[[int, float], None]
"""Called with each intermediate value, from step 0 on; may raise to end the evaluation."""

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Limit:
    """The worst value of a metric that is allowed: the highest of one that is minimised, the lowest of another."""

    metric: str
    value: float
    direction: Direction

    def excess(self, value: float) -> float:
        """How far a value is beyond the limit, as a share of it, so that limits of different metrics can be summed; 0
        or less where it is kept."""
        beyond = value - self.value if self.direction == "minimize" else self.value - value
        return beyond / abs(self.value) if self.value else beyond

    def __str__(self) -> str:
        return f"{self.metric} {'<=' if self.direction == 'minimize' else '>='} {self.value:,.12g}"


def make_limits(limits: Mapping[str, Any], directions: Mapping[str, Direction]) -> tuple[Limit, ...]:
    """Raises ConfigError for what is not measured, or a limit that is no number."""
    checked = []
    for metric, value in limits.items():
        if metric not in directions:
            near = closest(metric, directions)
            hint = f"did you mean {near[0]!r}?" if near else f"it measures {', '.join(directions)}"
            raise ConfigError(f"this search does not measure {metric!r}, so that it cannot be limited", hint=hint)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(f"{metric} cannot be limited to {value!r}", hint="give a number, as parameters=50000")
        checked.append(Limit(metric, float(value), directions[metric]))
    return tuple(checked)


def parse_limits(texts: Sequence[str]) -> dict[str, float]:
    """`parameters=50000` of the command line, each metric once. Raises InputError for what cannot be read."""
    parsed: dict[str, float] = {}
    for text in texts:
        metric, _, value = (part.strip() for part in text.partition("="))
        try:
            number = float(value.replace("_", ""))
        except ValueError:
            raise InputError(f"cannot read the constraint {text!r}", hint="write parameters=50000") from None
        if metric in parsed:
            raise InputError(f"{metric} has two limits", hint="a metric has one, the worst value that is allowed")
        parsed[metric] = number
    return parsed


class Objective(ABC):
    """A subclass says what it can measure, `directions`, and measures it.

    Attributes:
        names: Metrics that are optimised, the first of which chooses the best architecture.
        limits: What is not allowed; see `limit`.
    """

    directions: Mapping[str, Direction]
    names: tuple[str, ...] = ("validation",)
    limits: tuple[Limit, ...] = ()

    @property
    @abstractmethod
    def identity(self) -> Mapping[str, Any]:
        """All that decides what `evaluate` gives."""

    @property
    def optimised(self) -> list[Direction]:
        """The directions of the metrics that are optimised."""
        return [self.directions[name] for name in self.names]

    @abstractmethod
    def evaluate(self, values: Architecture, on_step: OnStep) -> Evaluation: ...

    @property
    def whole_cost(self) -> float:
        """Epochs that a whole training of one seed takes at most; 1 where nothing is trained."""
        return 1.0

    def evaluate_at(self, values: Architecture, fidelity: Fidelity, on_step: OnStep) -> Evaluation:
        """A part of an evaluation, for a race.

        Raises:
            IncompatibleError: The objective has no parts.
        """
        raise IncompatibleError(f"{type(self).__name__} has whole evaluations alone", hint="leave racing out")

    def limit(self, limits: Mapping[str, Any]) -> None:
        """Take limits, by metric: what breaks one is neither the best nor on the front. Raises ConfigError."""
        self.limits = make_limits(limits, self.directions)

    def excess(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """How far each limit is broken, by metric; see `Limit`. What was not measured keeps it just so."""
        return {limit.metric: limit.excess(metrics.get(limit.metric, limit.value)) for limit in self.limits}

    def is_allowed(self, metrics: Mapping[str, float]) -> bool:
        return all(beyond <= 0 for beyond in self.excess(metrics).values())

    def check_names(self) -> None:
        """Raises ConfigError for an objective that it does not measure, or the same twice."""
        for name in self.names:
            if name not in self.directions:
                near = closest(name, self.directions)
                hint = f"did you mean {near[0]!r}?" if near else f"it measures {', '.join(self.directions)}"
                raise ConfigError(f"{name!r} is no objective of this search", hint=hint)
        if len(set(self.names)) < len(self.names) or not self.names:
            raise ConfigError(f"the objectives {', '.join(self.names)} are not one or more different ones")
