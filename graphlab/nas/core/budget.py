"""How long a search goes on: evaluations, epochs or seconds."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from graphlab.core.errors import ConfigError, require_count
from graphlab.nas.core.outcome import Outcome


@dataclass(frozen=True)
class Budget:
    """What a search may take; None is no bound.

    Attributes:
        evaluations: Trials that are no repeats, at whatever fidelity.
        epochs: Of all trainings together. An evaluation begins if it fits into what is left at its longest.
        seconds: Of all evaluations together, of every worker. The evaluation under way when they are over still counts.
    """

    evaluations: int | None = None
    epochs: float | None = None
    seconds: float | None = None

    def check(self) -> None:
        """Raises InputError or ConfigError for a bound that leaves nothing, or none at all."""
        if self.evaluations is not None:
            require_count("trials", self.evaluations, "a search has at least one trial: say trials=100")
        for name, bound in (("epochs", self.epochs), ("seconds", self.seconds)):
            if bound is not None and not (isinstance(bound, int | float) and math.isfinite(bound) and bound > 0):
                raise ConfigError(
                    f"a search cannot take {bound!r} {name}", hint=f"name a number above 0: total_{name}=30000"
                )
        if self == Budget():
            raise ConfigError("a search without a budget does not end", hint="say trials=100, or total_epochs=30000")

    @property
    def count(self) -> int:
        """The most evaluations that there are."""
        return sys.maxsize if self.evaluations is None else self.evaluations

    def leaves(self, epochs: float, seconds: float, cost: float) -> bool:
        """Whether an evaluation of this cost in epochs may begin after so many epochs and seconds."""
        fits = self.epochs is None or epochs + cost <= self.epochs
        return fits and (self.seconds is None or seconds < self.seconds)

    def within(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Those that the budget pays for, of a search that went on for longer perhaps, in the order of evaluations."""
        paid: list[Outcome] = []
        epochs = seconds = 0.0
        for outcome in sorted(outcomes, key=lambda outcome: outcome.index):
            if outcome.index >= self.count or not self.leaves(epochs, seconds, outcome.epochs):
                continue
            paid.append(outcome)
            epochs, seconds = epochs + outcome.epochs, seconds + outcome.seconds
        return paid
