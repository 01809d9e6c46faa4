"""What a search does not allow: limits on what is measured of an architecture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from graphlab.core.errors import ConfigError, InputError, closest

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Limit:
    """The worst value of a metric that is allowed: the highest of one that is minimised, the lowest of another."""

    metric: str
    value: float
    direction: Direction

    def excess(self, found: float) -> float:
        """How far a value is beyond the limit, as a share of it, so that limits of different metrics can be summed; 0
        or less where it is kept."""
        beyond = found - self.value if self.direction == "minimize" else self.value - found
        return beyond / abs(self.value) if self.value else beyond

    def __str__(self) -> str:
        return f"{self.metric} {'<=' if self.direction == 'minimize' else '>='} {self.value:,.12g}"


def make_limits(asked: Mapping[str, Any], directions: Mapping[str, Direction]) -> tuple[Limit, ...]:
    """Raises ConfigError for what is not measured, or a limit that is no number."""
    found = []
    for metric, value in asked.items():
        if metric not in directions:
            near = closest(metric, directions)
            hint = f"did you mean {near[0]!r}?" if near else f"it measures {', '.join(directions)}"
            raise ConfigError(f"this search does not measure {metric!r}, so that it cannot be limited", hint=hint)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(f"{metric} cannot be limited to {value!r}", hint="give a number, as parameters=50000")
        found.append(Limit(metric, float(value), directions[metric]))
    return tuple(found)


def parse_limits(texts: Sequence[str]) -> dict[str, float]:
    """`parameters=50000` of the command line, each metric once. Raises InputError for what cannot be read."""
    found: dict[str, float] = {}
    for text in texts:
        metric, _, value = (part.strip() for part in text.partition("="))
        try:
            number = float(value.replace("_", ""))
        except ValueError:
            raise InputError(f"cannot read the constraint {text!r}", hint="write parameters=50000") from None
        if metric in found:
            raise InputError(f"{metric} has two limits", hint="a metric has one, the worst value that is allowed")
        found[metric] = number
    return found
