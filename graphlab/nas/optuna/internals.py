"""What this package needs of Optuna's private parts, all of it. Written for Optuna 5; setup.cfg says `<6`.

Heartbeats are public only inside `Study.optimize`, which is a loop of its own; numbers of studies and trials in a
storage, and the choices that a queued trial has, have no public names. The public ways to start a trial with choices,
to end one and to read the new ones write or read more than a search needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from optuna import Study, Trial
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages._heartbeat import get_heartbeat_thread
from optuna.study._tell import _tell_with_warning
from optuna.trial import FrozenTrial, TrialState, create_trial


def number_in_storage(study: Study) -> int:
    return study._study_id


def trials_from(study: Study, first: int) -> list[FrozenTrial]:
    """Trials of this number and above, in order. A journal is not asked for those before, of which a long search has
    many. Do not change what you get."""
    storage = study._storage
    if not isinstance(storage, JournalStorage):
        return study.get_trials(deepcopy=False)[first:]
    with storage._thread_lock:
        storage._sync_with_backend()
        replayed = storage._replay_result
        return [replayed.get_trial(number) for number in replayed._study_id_to_trial_ids[study._study_id][first:]]


def start_trial(study: Study, choices: Mapping[str, Any], marks: Mapping[str, Any]) -> Trial:
    """`Study.enqueue_trial` and `Study.ask` in one entry: the trial does not wait in a queue."""
    study._thread_local.cached_all_trials = None  # as `ask` does: what samplers have read is of the last trial
    attributes = {"fixed_params": dict(choices)}
    template = create_trial(state=TrialState.RUNNING, user_attrs=dict(marks), system_attrs=attributes)
    return Trial(study, study._storage.create_new_trial(study._study_id, template_trial=template))


def end_trial(study: Study, trial: Trial, values: Sequence[float] | None, state: TrialState | None) -> None:
    """`Study.tell` without the copy of the trial that it returns."""
    _tell_with_warning(study, trial, list(values) if values else None, state)


def first_heartbeat(trial: Trial, storage: RDBStorage) -> None:
    storage.record_heartbeat(trial._trial_id)


@contextmanager
def heartbeats(trial: Trial, storage: RDBStorage) -> Iterator[None]:
    """While entered, a thread gives signs of life of the trial."""
    with get_heartbeat_thread(trial._trial_id, storage):
        yield


def queued_choices(trial: Trial) -> Mapping[str, Any]:
    """The choices that a trial was queued with; empty if it had none."""
    return trial._fixed_params


def is_queued(trial: FrozenTrial) -> bool:
    """Whether a trial was queued with choices."""
    return bool(trial.system_attrs.get("fixed_params"))
