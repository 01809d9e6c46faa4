"""A search's history as an Optuna study, which several processes may share."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from optuna import Study
from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import MedianPruner, NopPruner
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from graphlab.nas.core.history import History, OpenEvaluation, Trial, TrialView
from graphlab.nas.core.outcome import SAME_AS, Outcome, PrunedError, TrialResult, TrialStatus
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal, Strategy
from graphlab.nas.optuna.internals import end_trial, queued_choices, start_trial, trials_from
from graphlab.nas.optuna.pools import DatabasePool, FolderPool, SingleWorker, WorkerPool
from graphlab.nas.optuna.samplers import (
    ATTEMPT,
    INDEX,
    RecordingSampler,
    ReseededSampler,
    marks_of,
    sampler_of,
    suggest,
)
from graphlab.nas.optuna.storage import Database, Journal, Where, open_storage, quiet_optuna

NOTES, RESULT = "notes", "result"
"""What else trials are marked with: what the strategy wrote beside its proposal, and what came of it."""


def open_history(
    where: Where, name: str, strategy: Strategy, *, prune_after: int | None = None, metrics: Sequence[str] = ()
) -> StudyHistory:
    """The study of this name, made if it is not there.

    Args:
        where: None for memory, a folder, or the address of a PostgreSQL database.
        strategy: What chooses the study's trials.
        prune_after: Evaluations after which those worse than the median at the same step are pruned; None prunes none.
        metrics: Names of what is optimised, for Optuna's dashboard.

    Raises:
        InputError: For other databases.
        StoreError: For a folder or a database that cannot be used.
    """
    with quiet_optuna():
        storage = open_storage(where, name)
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            sampler=sampler_of(strategy),
            pruner=NopPruner() if prune_after is None else MedianPruner(n_startup_trials=prune_after),
            directions=strategy.objective.optimised,
            load_if_exists=True,
        )
        if metrics and study.metric_names != list(metrics):
            study.set_metric_names(list(metrics))
    pool: WorkerPool
    if isinstance(storage, InMemoryStorage):
        pool = SingleWorker()
    elif isinstance(storage, Database):
        pool = DatabasePool(storage, study)
    else:
        assert isinstance(storage, Journal) and where is not None
        pool = FolderPool(Path(where, name), storage.lines)
    return StudyHistory(study, pool, strategy.space)


class StudyHistory(History):
    """A study's trials as evaluations. Trials that no search made are left alone.

    Attributes:
        study: Optuna's, for its own tools.
        pool: The workers that share it.
    """

    def __init__(self, study: Study, pool: WorkerPool, space: Space) -> None:
        is_maximised = [direction is StudyDirection.MAXIMIZE for direction in study.directions]
        super().__init__(space, ["maximize" if is_max else "minimize" for is_max in is_maximised])
        self.study, self.pool = study, pool
        self._unfinished: list[FrozenTrial] = []
        self._read: set[int] = set()
        self._prefix = 0
        if isinstance(study.sampler, ReseededSampler):
            study.sampler.history = self

    @contextmanager
    def open(self) -> Iterator[None]:
        with quiet_optuna(), self.pool.joined():
            yield

    def exclusive(self) -> AbstractContextManager[object]:
        return self.pool.exclusive()

    @contextmanager
    def working_on(self, trial: Trial) -> Iterator[None]:
        """Who was taken for dead meanwhile goes on with another trial: whoever has this one finds its runs."""
        assert isinstance(trial, StudyTrial)
        with self.pool.working_on(trial.trial), suppress(UpdateFinishedTrialError):
            yield

    def refresh(self) -> list[Outcome]:
        trials = trials_from(self.study, self._prefix)
        before = len(self.outcomes)
        for trial in trials:
            if trial.number not in self._read and trial.state.is_finished():
                self._read.add(trial.number)
                self._note(view_of(trial))
        while self._prefix in self._read:
            self._read.discard(self._prefix)
            self._prefix += 1
        self._unfinished = [trial for trial in trials if not trial.state.is_finished()]
        return self.outcomes[before:]

    def start(self, count: int) -> Trial | None:
        trial = self._start(count)
        if trial is None:
            return None
        if isinstance(self.study.sampler, RecordingSampler):
            self.pool.flush()  # what a strategy of our own does next may be a training
        return StudyTrial(self, trial)

    def _start(self, count: int) -> optuna.Trial | None:
        if any(trial.state == TrialState.WAITING for trial in self._unfinished):
            return self.study.ask()  # queued by a person, or by a worker of before that died
        evaluation = self.next_evaluation(count)
        if evaluation is None:
            return None
        choices = evaluation.proposal.choices if evaluation.proposal else {}
        return start_trial(self.study, choices, _marks(evaluation))

    @property
    def taken(self) -> set[int]:
        return {trial.user_attrs.get(INDEX, -1) for trial in self._unfinished}

    def finish(self, trial: Trial, result: TrialResult) -> None:
        assert isinstance(trial, StudyTrial)
        for metric, beyond in result.excess.items():
            trial.trial.set_constraint(metric, beyond)
        trial.trial.set_user_attr(RESULT, result.to_json())
        unfinished = TrialState.PRUNED if result.pruned else TrialState.FAIL
        end_trial(self.study, trial.trial, result.values, None if result.values else unfinished)

    def fail_abandoned(self) -> None:
        self.pool.fail_abandoned(self.study)

    def under_way(self) -> Sequence[TrialView]:
        return [view_of(trial) for trial in self._unfinished if trial.state == TrialState.RUNNING]


class StudyTrial(Trial):
    """A trial of a study. `trial` is Optuna's."""

    def __init__(self, history: StudyHistory, trial: optuna.Trial) -> None:
        self.history, self.trial, self.number = history, trial, trial.number
        self.index, self.attempt = marks_of(trial)
        queued = dict(queued_choices(trial))
        self._notes = trial.user_attrs.get(NOTES, {})
        self._is_suggested = False
        self.proposal = Proposal(queued, self._notes) if history.space.is_complete(queued) else None

    @property
    def choices(self) -> Mapping[str, Any]:
        return self.trial.params

    @property
    def notes(self) -> Mapping[str, Any]:
        return self._notes

    def suggest(self) -> Architecture:
        """What the study's sampler chooses, written down."""
        self._is_suggested = True
        return suggest(self.history.space, self.trial)

    def record(self, proposal: Proposal) -> None:
        if proposal.notes != self._notes:
            self._notes = dict(proposal.notes)
            self.trial.set_user_attr(NOTES, self._notes)
        sampler = self.history.study.sampler
        if isinstance(sampler, RecordingSampler):
            sampler.choices = proposal.choices
        if not self._is_suggested:
            self.suggest()
        self.history.pool.take(self.trial)

    def report(self, step: int, value: float) -> None:
        self.trial.report(value, step)
        if self.trial.should_prune():
            raise PrunedError


def status_of(trial: FrozenTrial) -> TrialStatus:
    """What has become of a trial."""
    if not trial.state.is_finished():
        return TrialStatus.OPEN
    result = trial.user_attrs.get(RESULT, {})
    if SAME_AS in result:
        return TrialStatus.REPEATED
    failed = trial.state == TrialState.FAIL
    return TrialStatus.INTERRUPTED if failed and "error" not in result else TrialStatus.EVALUATED


def is_infeasible(trial: FrozenTrial) -> bool:
    """Whether a trial broke a limit."""
    return any(beyond > 0 for beyond in trial.constraints.values())


def view_of(trial: FrozenTrial) -> TrialView:
    """A trial of a study as every history has it."""
    duration = trial.duration
    return TrialView(
        number=trial.number,
        index=trial.user_attrs.get(INDEX),
        status=status_of(trial),
        choices=trial.params,
        notes=trial.user_attrs.get(NOTES, {}),
        result=trial.user_attrs.get(RESULT, {}),
        state=_state(trial),
        values=trial.values or (),
        excess=trial.constraints,
        seconds=duration.total_seconds() if duration else 0.0,
    )


def _state(trial: FrozenTrial) -> str:
    if trial.state != TrialState.COMPLETE:
        return "pruned" if trial.state == TrialState.PRUNED else "failed"
    return "infeasible" if is_infeasible(trial) else "finished"


def _marks(evaluation: OpenEvaluation) -> dict[str, Any]:
    """What a trial for an evaluation is marked with."""
    notes = dict(evaluation.proposal.notes) if evaluation.proposal else {}
    return {INDEX: evaluation.index, ATTEMPT: evaluation.attempt} | ({NOTES: notes} if notes else {})


def importances(study: Study, maximizes: bool) -> dict[str, float]:
    """How much each decision matters for being among the best tenth by the first objective, the most important first.

    Args:
        maximizes: Whether more of the first objective is better.

    References:
        Watanabe et al., "PED-ANOVA", IJCAI 2023.
    """
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    sign = -1.0 if maximizes else 1.0
    with quiet_optuna(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PedAnovaImportanceEvaluator computes")
        warnings.filterwarnings("ignore", message="Some regimes for parameter")
        return get_param_importances(
            study,
            evaluator=PedAnovaImportanceEvaluator(),
            target=lambda trial: math.nan if is_infeasible(trial) else sign * trial.values[0],
        )
