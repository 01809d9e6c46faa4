"""What a study has come to, read as trials finish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from graphlab.nas.space import Architecture, Space

SLOT, ATTEMPT, RESULT, WORKER = "slot", "attempt", "result", "worker"
"""What trials are marked with: which of the asked evaluations this is, how often its strategy was asked for it before,
what came of it, and whose it is."""


SAME_AS = "same_as"
"""In the result of a trial that named what had been evaluated before, or no network at all."""


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
    """One evaluation. `score` is the first objective, so that more is better; None for what failed or was pruned."""

    number: int
    slot: int
    values: Architecture
    key: str
    state: str
    objectives: tuple[float, ...]
    score: float | None
    metrics: Mapping[str, float]
    runs: tuple[str, ...]
    notes: Mapping[str, Any]
    seconds: float
    error: str | None


class Ledger:
    """The outcomes of a study's finished trials, each once; `refresh` reads those that are new.

    outcomes  evaluations, in the order in which they were noticed
    repeats   how many trials named an architecture that had been evaluated
    """

    def __init__(self, study: Study, space: Space) -> None:
        self.study, self.space = study, space
        self.outcomes: list[Outcome] = []
        self.by_key: dict[str, Outcome] = {}
        self.repeats = 0
        self._read: set[int] = set()
        self._done = 0

    @cached_property
    def _sign(self) -> float:
        return 1.0 if self.study.directions[0].name == "MAXIMIZE" else -1.0

    def refresh(self) -> list[Outcome]:
        """Read what has finished since; those evaluations."""
        trials = self.study.get_trials(deepcopy=False)
        new = [t for t in trials[self._done :] if t.number not in self._read and t.state.is_finished()]
        before = len(self.outcomes)
        for trial in new:
            self._read.add(trial.number)
            self._note(trial)
        while self._done < len(trials) and trials[self._done].number in self._read:
            self._read.discard(self._done)
            self._done += 1
        return self.outcomes[before:]

    def _note(self, trial: FrozenTrial) -> None:
        found = fate(trial)
        self.repeats += found is Fate.REPEAT
        if found is not Fate.DONE or SLOT not in trial.user_attrs:
            return
        outcome = self._outcome(trial, trial.user_attrs[RESULT])
        if outcome.key not in self.by_key:
            self.by_key[outcome.key] = outcome
            self.outcomes.append(outcome)

    def _outcome(self, trial: FrozenTrial, result: Mapping[str, Any]) -> Outcome:
        complete = trial.state == TrialState.COMPLETE
        duration = trial.duration
        return Outcome(
            number=trial.number,
            slot=trial.user_attrs[SLOT],
            values=self.space.canonical(trial.params),
            key=result["key"],
            state="finished" if complete else "pruned" if trial.state == TrialState.PRUNED else "failed",
            objectives=tuple(trial.values) if complete else (),
            score=self._sign * trial.values[0] if complete else None,
            metrics=result.get("metrics", {}),
            runs=tuple(result.get("runs", ())),
            notes=trial.user_attrs.get("notes", {}),
            seconds=duration.total_seconds() if duration else 0.0,
            error=result.get("error"),
        )


def fate(trial: FrozenTrial) -> Fate:
    """What has become of a trial."""
    if not trial.state.is_finished():
        return Fate.OPEN
    result = trial.user_attrs.get(RESULT, {})
    if SAME_AS in result:
        return Fate.REPEAT
    failed = trial.state == TrialState.FAIL
    return Fate.CUT_OFF if failed and "error" not in result else Fate.DONE


def open_slots(trials: list[FrozenTrial], count: int) -> dict[int, FrozenTrial | None]:
    """Of the evaluations 0 to count - 1, those that nobody has done, does or will do; with the last trial of each."""
    taken: set[int] = set()
    last: dict[int, FrozenTrial] = {}
    for trial in trials:
        slot = trial.user_attrs.get(SLOT)
        if slot is None:
            continue
        last[slot] = trial
        if fate(trial) in (Fate.OPEN, Fate.DONE):
            taken.add(slot)
    return {slot: last.get(slot) for slot in range(count) if slot not in taken}


def times_asked(trials: list[FrozenTrial]) -> Counter[int]:
    """By slot, the trials that named what had been evaluated before."""
    return Counter(t.user_attrs[SLOT] for t in trials if SLOT in t.user_attrs and fate(t) is Fate.REPEAT)
