"""What an evaluation comes to: the metrics of an objective, the result of a trial, the outcome in a history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from graphlab.nas.core.fidelity import START, Fidelity
from graphlab.nas.core.space import Architecture

SAME_AS = "same_as"
"""In the stored result of a trial that named an architecture which was evaluated before, or no network at all."""

SHORTLISTED = "shortlisted"
"""In the notes of a proposal that is to be compared with others of its kind alone; see the strategy `shortlist`."""


EPOCHS = "epochs"
"""A metric: the epochs that an evaluation trained."""

LOWEST_RUNG = "validation_lowest_rung"
"""A metric of a new architecture in a race: its validation up to the end of the lowest rung."""


class TrialStatus(Enum):
    """What has become of a trial.

    Attributes:
        OPEN: Waiting or under way.
        EVALUATED: An evaluation: complete, pruned, or failed by its own fault.
        REPEATED: Named what was evaluated before, or no network.
        INTERRUPTED: Its worker stopped or died.
    """

    OPEN, EVALUATED, REPEATED, INTERRUPTED = range(4)


class PrunedError(Exception):
    """Raised out of an evaluation that is worse than others at the same step."""


@dataclass(frozen=True)
class Evaluation:
    """What an architecture came to.

    Attributes:
        metrics: By name; those that the objective's `names` lists are optimised, the rest is on record. `test` is never
            among the optimised. Of what broke a limit before the end, those that were known by then.
        runs: Ids of the runs behind it, in the store.
    """

    metrics: Mapping[str, float]
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrialResult:
    """What a worker writes at the end of a trial.

    Attributes:
        key: That of the architecture; empty for what is no network.
        values: By objective; empty unless the trial is complete.
        excess: By limit, how far it is broken.
        pruned: Whether the evaluation was stopped for being worse than others.
        record: What the history keeps beside these: metrics and runs, or error and traceback, or what it is the same
            as.
    """

    key: str
    values: tuple[float, ...] = ()
    excess: Mapping[str, float] = field(default_factory=dict)
    pruned: bool = False
    record: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def repeat(cls, key: str, earlier: int | None) -> TrialResult:
        """Of a trial that named what the trial `earlier` had evaluated, or (None) no network."""
        return cls(key, record={SAME_AS: earlier})

    @property
    def is_repeat(self) -> bool:
        return SAME_AS in self.record

    @property
    def state(self) -> str:
        """As an Outcome has it."""
        if not self.values:
            return "pruned" if self.pruned else "failed"
        return "infeasible" if any(beyond > 0 for beyond in self.excess.values()) else "finished"

    def to_json(self) -> dict[str, Any]:
        """As stores of searches have it."""
        return {"key": self.key, **self.record}


@dataclass(frozen=True)
class Outcome:
    """One evaluation.

    Attributes:
        number: That of its trial.
        index: Which of the requested evaluations it is, from 0.
        values: The architecture in the space's one spelling; `params` as it was chosen.
        state: Finished, infeasible (a limit is broken, perhaps before anything was trained), pruned or failed.
        score: The first objective, so that more is better; None for all but what is finished.
        notes: What the strategy wrote beside its proposal.
        excess: How far limits are broken, as shares of them, summed; see `Limit.excess`.
        at_lowest_rung: Of a new architecture in a race, its score at the lowest rung; else None.
    """

    number: int
    index: int
    values: Architecture
    params: Mapping[str, Any]
    key: str
    state: str
    objectives: tuple[float, ...]
    score: float | None
    metrics: Mapping[str, float]
    runs: tuple[str, ...]
    notes: Mapping[str, Any]
    seconds: float
    error: str | None
    excess: float = 0.0
    at_lowest_rung: float | None = None

    @property
    def fidelity(self) -> Fidelity | None:
        """At which it was evaluated; None where evaluations are whole."""
        return Fidelity.of(self.notes)

    @property
    def is_new(self) -> bool:
        """Whether it is the first evaluation of its architecture."""
        return self.fidelity is None or self.fidelity.is_new

    @property
    def evaluation_key(self) -> str:
        """The name that equal evaluations share."""
        return self.fidelity.key(self.key) if self.fidelity else self.key

    @property
    def epochs(self) -> float:
        """That it took; of what failed in a race, the most that it can have taken; 0 where that is not known."""
        return self.metrics.get(EPOCHS, self.fidelity.cost if self.fidelity else 0.0)

    @property
    def start(self) -> str:
        """The name of the hand-set network that it is; empty for what a strategy proposed."""
        return str(self.notes.get(START, ""))

    @property
    def as_told(self) -> Outcome:
        """As a strategy learns of it: with the score of the lowest rung, which all new architectures of a race have."""
        return self if self.at_lowest_rung is None else replace(self, score=self.at_lowest_rung)

    @property
    def rank(self) -> tuple[bool, float] | None:
        """Of two outcomes the better has the greater: what keeps every limit, by its score, above what does not, by how
        little. Deb, "An efficient constraint handling method", 2000. None of what failed or was pruned."""
        if self.feasible is None:
            return None
        return (False, -self.excess) if self.score is None else (True, self.score)

    @property
    def feasible(self) -> bool | None:
        """Whether every limit is kept; None where that is not known, of what failed or was pruned."""
        return {"finished": True, "infeasible": False}.get(self.state)
