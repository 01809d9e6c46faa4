"""The Optuna study of a search: where it lies, and one trial for each evaluation that was asked for."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna import Study
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage

from graphlab.core.errors import StoreError
from graphlab.nas.driver.crew import Crew, DatabaseCrew, FolderCrew, OneWorker
from graphlab.nas.driver.database import Database, open_database
from graphlab.nas.driver.journal import WholeLines
from graphlab.nas.objectives.limit import Direction

Where = str | os.PathLike[str] | None
"""None for memory, a folder, or a database's address."""


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Without Optuna's line for each trial, and its notes that what is used here may change in it one day."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            warnings.filterwarnings("ignore", message="Heartbeat of storage is supposed")
            warnings.filterwarnings("ignore", message="Clip non-finite values")  # of what broke a limit untrained
            yield
    finally:
        optuna.logging.set_verbosity(before)


def open_storage(where: Where, name: str) -> BaseStorage:
    """In memory; a journal in a folder of the study's own, for the processes that see it; or a PostgreSQL database,
    for a team.

    Raises InputError for other databases, StoreError for a folder or a database that cannot be used.
    """
    if where is None:
        return InMemoryStorage()
    if "://" in str(where):
        return open_database(str(where))
    folder = Path(where, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return JournalStorage(WholeLines(str(folder / "journal.log")))
    except OSError as error:
        raise StoreError(
            f"cannot keep a search in {folder}: {error.strerror or error}", hint="name another folder with --store"
        ) from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # whatever foreign entries make of it
        raise StoreError(
            f"{folder / 'journal.log'} is not the journal of a search: {type(error).__name__} {error}",
            hint="move it away, or mend its lines",
        ) from error


def open_study(
    where: Where,
    name: str,
    sampler: BaseSampler,
    directions: Sequence[Direction],
    pruner: BasePruner | None = None,
    metrics: Sequence[str] = (),
) -> tuple[Study, Crew]:
    """The study of this name, made if it is not there, and its workers. `metrics` names what it optimises, for Optuna's
    dashboard."""
    with quiet_optuna():
        storage = open_storage(where, name)
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            sampler=sampler,
            pruner=pruner or optuna.pruners.NopPruner(),
            directions=directions,
            load_if_exists=True,
        )
        if metrics and study.metric_names != list(metrics):
            study.set_metric_names(list(metrics))
    if isinstance(storage, InMemoryStorage):
        return study, OneWorker()
    if isinstance(storage, Database):
        return study, DatabaseCrew(storage, study)
    assert where is not None
    return study, FolderCrew(Path(where, name))
