"""What a study has come to, read as trials finish."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from graphlab.nas.space import Architecture, Space

SLOT, ATTEMPT, NOTES, RESULT, WORKER = "slot", "attempt", "notes", "result", "worker"
"""What trials are marked with: which of the asked evaluations this is, how often its strategy was asked for it before,
what that wrote beside its proposal, what came of it, and whose it is."""

SAME_AS = "same_as"
"""In the result of a trial that named what had been evaluated before, or no network at all."""

SHORTLISTED = "shortlisted"
"""In the notes of a proposal that was to be compared with others of its kind alone; see the strategy `shortlist`."""


class Fate(Enum):
    """What can become of a trial.

    OPEN     waiting or in hand
    DONE     an evaluation: complete, pruned, or failed by its own fault
    REPEAT   named what was known before
    CUT_OFF  its worker stopped or died
    """

    OPEN, DONE, REPEAT, CUT_OFF = range(4)


@dataclass(frozen=True)
class Outcome:
    """One evaluation.

    values  in the space's one spelling; `params` as they were chosen
    state   finished, infeasible (a limit is broken, perhaps before anything was trained), pruned or failed
    score   the first objective, so that more is better; None for all but what is finished
    notes   what the strategy wrote beside its proposal
    excess  how far limits are broken, as shares of them, summed; see `Limit.excess`
    """

    number: int
    slot: int
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


@dataclass(frozen=True)
class Slot:
    """An evaluation that is to be done.

    attempt  how many trials for it named what was known already
    choices  those of a trial for it that was cut off, to be made again; none if it had not made all of them
    notes    what the strategy wrote beside these
    """

    number: int
    attempt: int
    choices: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def marks(self) -> dict[str, Any]:
        """What a trial for it is marked with."""
        return {SLOT: self.number, ATTEMPT: self.attempt} | ({NOTES: dict(self.notes)} if self.notes else {})


class Ledger:
    """The outcomes of a study's finished trials, each once; `refresh` reads those that are new.

    outcomes  evaluations, in the order in which they were noticed
    repeats   by slot, the trials that named what had been evaluated before
    waiting   whether a worker died between making a trial and taking it
    in_hand   trials that are not over
    """

    def __init__(self, study: Study, space: Space) -> None:
        self.study, self.space = study, space
        self.outcomes: list[Outcome] = []
        self.by_key: dict[str, Outcome] = {}
        self.repeats: Counter[int] = Counter()
        self.waiting = False
        self.in_hand: list[FrozenTrial] = []
        self._cut_off: dict[int, FrozenTrial] = {}
        self._done: set[int] = set()
        self._taken: set[int] = set()
        self._read: set[int] = set()
        self._prefix = 0

    @cached_property
    def _sign(self) -> float:
        return 1.0 if self.study.directions[0].name == "MAXIMIZE" else -1.0

    def refresh(self) -> list[Outcome]:
        """Read what has finished since; those evaluations."""
        trials = self.study.get_trials(deepcopy=False)
        before = len(self.outcomes)
        for trial in trials[self._prefix :]:
            if trial.number not in self._read and trial.state.is_finished():
                self._read.add(trial.number)
                self._note(trial)
        while self._prefix < len(trials) and self._prefix in self._read:
            self._read.discard(self._prefix)
            self._prefix += 1
        self.in_hand = in_hand = [trial for trial in trials[self._prefix :] if not trial.state.is_finished()]
        self._taken = {trial.user_attrs.get(SLOT, -1) for trial in in_hand}
        self.waiting = any(trial.state == TrialState.WAITING for trial in in_hand)
        return self.outcomes[before:]

    def open_slot(self, count: int) -> Slot | None:
        """The first of the evaluations 0 to count - 1 that nobody has done or has in hand, as of the last `refresh`."""
        for number in range(count):
            if number not in self._done and number not in self._taken:
                cut_off = self._cut_off.get(number)
                if cut_off is None:
                    return Slot(number, self.repeats[number])
                return Slot(number, self.repeats[number], cut_off.params, cut_off.user_attrs.get(NOTES, {}))
        return None

    def _note(self, trial: FrozenTrial) -> None:
        slot, found = trial.user_attrs.get(SLOT), fate(trial)
        if slot is None:
            return
        self._cut_off.pop(slot, None)
        if found is Fate.CUT_OFF:
            if self.space.is_complete(trial.params):
                self._cut_off[slot] = trial
            return
        if found is Fate.REPEAT:
            self.repeats[slot] += 1
            return
        self._done.add(slot)
        outcome = self._outcome(trial, trial.user_attrs[RESULT])
        self.by_key[outcome.key] = outcome
        self.outcomes.append(outcome)

    def _outcome(self, trial: FrozenTrial, result: Mapping[str, Any]) -> Outcome:
        state = _state(trial)
        finished = state == "finished"
        duration = trial.duration
        return Outcome(
            number=trial.number,
            slot=trial.user_attrs[SLOT],
            values=self.space.canonical(trial.params),
            params=trial.params,
            key=result["key"],
            state=state,
            objectives=tuple(trial.values) if finished else (),
            score=self._sign * trial.values[0] if finished else None,
            metrics=result.get("metrics", {}),
            runs=tuple(result.get("runs", ())),
            notes=trial.user_attrs.get(NOTES, {}),
            seconds=duration.total_seconds() if duration else 0.0,
            error=result.get("error"),
            excess=math.fsum(beyond for beyond in trial.constraints.values() if beyond > 0),
        )


def is_infeasible(trial: FrozenTrial) -> bool:
    """Whether a trial broke a limit."""
    return any(beyond > 0 for beyond in trial.constraints.values())


def _state(trial: FrozenTrial) -> str:
    if trial.state != TrialState.COMPLETE:
        return "pruned" if trial.state == TrialState.PRUNED else "failed"
    return "infeasible" if is_infeasible(trial) else "finished"


def fate(trial: FrozenTrial) -> Fate:
    """What has become of a trial."""
    if not trial.state.is_finished():
        return Fate.OPEN
    result = trial.user_attrs.get(RESULT, {})
    if SAME_AS in result:
        return Fate.REPEAT
    failed = trial.state == TrialState.FAIL
    return Fate.CUT_OFF if failed and "error" not in result else Fate.DONE
