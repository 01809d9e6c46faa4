"""Which evaluations of a search are over, under way and open; and a history that is kept in memory alone."""

from __future__ import annotations

import itertools
import math
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from graphlab.nas.core.objective import Direction
from graphlab.nas.core.outcome import LOWEST_RUNG, Outcome, TrialResult, TrialStatus
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal


@dataclass(frozen=True)
class OpenEvaluation:
    """An evaluation that is to be done.

    Attributes:
        index: Which of the requested evaluations it is.
        attempt: How many trials for it named what was evaluated before.
        proposal: What it is for: that of a trial for it which was interrupted, or what is planned; None if the strategy
            is to be asked.
    """

    index: int
    attempt: int
    proposal: Proposal | None = None


Planned = Callable[[OpenEvaluation], Proposal | None]
"""What an evaluation is for, where that does not depend on the strategy; None where the strategy is asked."""


@dataclass
class TrialView:
    """One trial as a history has it, whatever keeps it.

    Attributes:
        index: Which evaluation it is for; None of a trial that no search made.
        choices: As they are written down.
        values: By objective; empty unless it is complete.
        excess: By limit, how far it is broken.
        result: What `TrialResult.to_json` gave.
    """

    number: int
    index: int | None
    status: TrialStatus
    choices: Mapping[str, Any]
    notes: Mapping[str, Any]
    result: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""
    values: Sequence[float] = ()
    excess: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0


class Trial(ABC):
    """A trial in the hands of one worker.

    Attributes:
        proposal: That of an interrupted trial for the same evaluation, or what is planned; None if a strategy is to be
            asked.
    """

    number: int
    index: int
    attempt: int
    proposal: Proposal | None

    @property
    @abstractmethod
    def choices(self) -> Mapping[str, Any]:
        """Those that are written down."""

    @property
    @abstractmethod
    def notes(self) -> Mapping[str, Any]:
        """Those of the proposal that is written down."""

    @abstractmethod
    def record(self, proposal: Proposal) -> None:
        """Write down what is evaluated, and that this worker does it. To be called in `History.exclusive`."""

    @abstractmethod
    def report(self, step: int, value: float) -> None:
        """Note an intermediate value. Raises PrunedError where the evaluation is to stop."""


class History(ABC):
    """The outcomes of a search's finished trials, each once; `refresh` reads those that are new.

    Attributes:
        outcomes: Evaluations, in the order in which they were noticed.
        by_key: The first of each architecture, by its key.
        by_evaluation: All of them by `Outcome.evaluation_key`.
        planned: What an evaluation is for, where that does not depend on the strategy.
        repeats: By evaluation index, the trials that named what had been evaluated before.
        repeated: By evaluation index, the choices of the last of these.
    """

    def __init__(self, space: Space, directions: Sequence[Direction]) -> None:
        self.space = space
        self.outcomes: list[Outcome] = []
        self.by_key: dict[str, Outcome] = {}
        self.by_evaluation: dict[str, Outcome] = {}
        self.planned: Planned = lambda evaluation: None
        self.repeats: Counter[int] = Counter()
        self.repeated: dict[int, Mapping[str, Any]] = {}
        self._sign = 1.0 if directions[0] == "maximize" else -1.0
        self._interrupted: dict[int, Proposal] = {}
        self._done: set[int] = set()
        self._first_open = 0

    def open(self) -> AbstractContextManager[object]:
        """While entered, this worker takes part in the search."""
        return nullcontext()

    def exclusive(self) -> AbstractContextManager[object]:
        """While entered, no other worker starts, finishes or fails a trial."""
        return nullcontext()

    def working_on(self, trial: Trial) -> AbstractContextManager[object]:
        """While entered, others see that the trial is worked on."""
        return nullcontext()

    @abstractmethod
    def refresh(self) -> list[Outcome]:
        """Read what has finished since; those evaluations."""

    @abstractmethod
    def start(self, count: int) -> Trial | None:
        """A trial for the first of `count` evaluations that is open, as of the last `refresh`; None if all are done or
        under way. To be called in `exclusive`."""

    @abstractmethod
    def finish(self, trial: Trial, result: TrialResult) -> None:
        """Write down what a trial came to. To be called in `exclusive`."""

    @abstractmethod
    def fail_abandoned(self) -> None:
        """End the trials whose workers are gone, so that their evaluations are open. To be called in `exclusive`."""

    @abstractmethod
    def under_way(self) -> Sequence[TrialView]:
        """Trials that workers have, as of the last `refresh`."""

    def keys_under_way(self, but: Trial) -> set[str]:
        """Keys of the architectures that other trials evaluate, as of the last `refresh`."""
        others = (trial.choices for trial in self.under_way() if trial.number != but.number)
        return {self.space.key(choices) for choices in others if self.space.is_complete(choices)}

    @property
    def taken(self) -> set[int]:
        """Indices of the evaluations that workers have, as of the last `refresh`."""
        return set()

    def next_evaluation(self, count: int) -> OpenEvaluation | None:
        """The first of the evaluations 0 to count - 1 that is not done, and that no worker has."""
        taken = self.taken
        while self._first_open in self._done:
            self._first_open += 1
        is_open = (
            index for index in itertools.count(self._first_open) if index not in self._done and index not in taken
        )
        index = next(is_open)
        if index >= count:
            return None
        evaluation = OpenEvaluation(index, self.repeats[index], self._interrupted.get(index))
        return evaluation if evaluation.proposal else replace(evaluation, proposal=self.planned(evaluation))

    def _note(self, trial: TrialView) -> None:
        """Take up a trial that is over."""
        index = trial.index
        if index is None:
            return
        self._interrupted.pop(index, None)
        if trial.status is TrialStatus.INTERRUPTED:
            if self.space.is_complete(trial.choices):
                self._interrupted[index] = Proposal(dict(trial.choices), trial.notes)
            return
        if trial.status is TrialStatus.REPEATED:
            self.repeats[index] += 1
            self.repeated[index] = trial.choices
            return
        self._done.add(index)
        outcome = self._outcome(trial, index)
        self.by_key.setdefault(outcome.key, outcome)
        self.by_evaluation[outcome.evaluation_key] = outcome
        self.outcomes.append(outcome)

    def _outcome(self, trial: TrialView, index: int) -> Outcome:
        is_finished = trial.state == "finished"
        metrics = trial.result.get("metrics", {})
        return Outcome(
            number=trial.number,
            index=index,
            values=self.space.canonical(trial.choices),
            params=trial.choices,
            key=trial.result["key"],
            state=trial.state,
            objectives=tuple(trial.values) if is_finished else (),
            score=self._sign * trial.values[0] if is_finished else None,
            metrics=metrics,
            runs=tuple(trial.result.get("runs", ())),
            notes=trial.notes,
            seconds=trial.seconds,
            error=trial.result.get("error"),
            excess=math.fsum(beyond for beyond in trial.excess.values() if beyond > 0),
            at_lowest_rung=self._sign * metrics[LOWEST_RUNG] if is_finished and LOWEST_RUNG in metrics else None,
        )


class MemoryHistory(History):
    """The history of one worker, which ends with its process. Nothing is pruned."""

    def __init__(self, space: Space, directions: Sequence[Direction]) -> None:
        super().__init__(space, directions)
        self._count = 0
        self._current: MemoryTrial | None = None
        self._new: list[Outcome] = []

    def refresh(self) -> list[Outcome]:
        new, self._new = self._new, []
        return new

    def start(self, count: int) -> Trial | None:
        evaluation = self.next_evaluation(count)
        if evaluation is None:
            return None
        self._current = MemoryTrial(self._count, evaluation)
        self._count += 1
        return self._current

    def finish(self, trial: Trial, result: TrialResult) -> None:
        assert isinstance(trial, MemoryTrial) and trial is self._current
        self._end(trial, TrialStatus.REPEATED if result.is_repeat else TrialStatus.EVALUATED, result)

    def fail_abandoned(self) -> None:
        if self._current:
            self._end(self._current, TrialStatus.INTERRUPTED, TrialResult(""))

    def under_way(self) -> Sequence[TrialView]:
        return ()

    def _end(self, trial: MemoryTrial, status: TrialStatus, result: TrialResult) -> None:
        before = len(self.outcomes)
        self._note(
            TrialView(
                number=trial.number,
                index=trial.index,
                status=status,
                choices=trial.choices,
                notes=trial.notes,
                result=result.to_json(),
                state=result.state,
                values=result.values,
                excess=result.excess,
                seconds=time.monotonic() - trial.began,
            )
        )
        self._new += self.outcomes[before:]
        self._current = None


class MemoryTrial(Trial):
    def __init__(self, number: int, evaluation: OpenEvaluation) -> None:
        self.number, self.index, self.attempt = number, evaluation.index, evaluation.attempt
        self.proposal = evaluation.proposal
        self._notes: Mapping[str, Any] = {}
        self.began = time.monotonic()
        self._choices: Architecture = {}

    @property
    def choices(self) -> Mapping[str, Any]:
        return self._choices

    @property
    def notes(self) -> Mapping[str, Any]:
        return self._notes

    def record(self, proposal: Proposal) -> None:
        self._choices, self._notes = dict(proposal.choices), dict(proposal.notes)

    def report(self, step: int, value: float) -> None:
        pass
