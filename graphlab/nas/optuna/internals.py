"""What this package needs of Optuna's private parts, all of it. Written for Optuna 5; setup.cfg says `<6`.

Heartbeats are public only inside `Study.optimize`, which is a loop of its own; numbers of studies and trials in a
storage, and the choices that a queued trial has, have no public names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from optuna import Study, Trial
from optuna.storages import RDBStorage
from optuna.storages._heartbeat import get_heartbeat_thread
from optuna.trial import FrozenTrial


def number_in_storage(study: Study) -> int:
    return study._study_id


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
