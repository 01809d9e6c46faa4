"""What identifies a run, and what is known of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

from graphlab.core.files import canonical_json, hash_text

PROTOCOL_VERSION = 1
"""Raised when the meaning of a run changes (the loop, the seeding, a metric), so that old runs are not reused."""

ELIGIBILITY = "eligibility"
"""In a run's protocol: for which leaderboard the run is not eligible, and why; absent where no rule was broken."""

Status = Literal["finished", "failed", "unfinished"]


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides a run's result. Two equal specs are one run.

    model_config, task_config, training  complete settings, defaults included
    data     the data set's fingerprint, so that changed data is another run
    protocol what the task says of itself: split, metric, tie rule; compared with that of published numbers. Of a model
             or task that is not GraphLab's also its code, as a digest
    """

    model: str
    dataset: str
    task: str
    seed: int
    data: str
    model_config: Mapping[str, Any]
    task_config: Mapping[str, Any]
    training: Mapping[str, Any]
    protocol: Mapping[str, str | int | float]
    version: int = PROTOCOL_VERSION

    @cached_property
    def id(self) -> str:
        """Name of the run's folder: 16 hexadecimal digits of a hash of the whole spec."""
        return hash_text(canonical_json(self.to_json()))[:16]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Result:
    """How a run ended. Holds nothing that differs between two executions of the same spec on one machine.

    epochs      epochs trained, which early stopping may have cut short
    best_epoch  the epoch selected on validation; 0 is the state before training
    test        scored once, at best_epoch; empty if the run failed
    error       what a failed run failed of: {"kind", "message"}
    """

    status: Status
    metric: str
    direction: str
    num_parameters: int
    epochs: int = 0
    best_epoch: int | None = None
    validation: Mapping[str, float] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    error: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class RunRecord:
    """A run as the store has it: spec, result, learning curve and what it ran on.

    curve  one row an epoch: {"epoch", "loss"} and, where it was evaluated, `validation_<metric>`; what ended a diverged
           run is NaN
    notices  what was legal but suspicious when the run was planned, a sentence each
    """

    spec: RunSpec
    result: Result
    seconds: float
    environment: Mapping[str, Any] = field(default_factory=dict)
    curve: tuple[Mapping[str, float], ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def seed(self) -> int:
        return self.spec.seed

    @property
    def eligibility(self) -> str:
        """For which leaderboard the run is not eligible, and why; empty where no rule was broken."""
        return str(self.spec.protocol.get(ELIGIBILITY, ""))

    @property
    def test_value(self) -> float | None:
        """The selecting metric on test; None for a run that did not finish."""
        return self.result.test.get(self.result.metric)

    def __repr__(self) -> str:
        spec, result = self.spec, self.result
        value = "" if self.test_value is None else f", test {result.metric} {self.test_value:.4f}"
        return f"RunRecord({self.id}: {spec.model} on {spec.dataset}, seed {self.seed}, {result.status}{value})"

    def to_json(self) -> dict[str, Any]:
        """The run as `graphlab run --json` prints it."""
        result = self.result
        return {
            "id": self.id,
            "seed": self.seed,
            "status": result.status,
            "best_epoch": result.best_epoch,
            "validation": dict(result.validation),
            "test": dict(result.test),
            "seconds": round(self.seconds, 3),
            "num_parameters": result.num_parameters,
            **({ELIGIBILITY: self.eligibility} if self.eligibility else {}),
            **({"error": dict(result.error)} if result.error else {}),
        }
