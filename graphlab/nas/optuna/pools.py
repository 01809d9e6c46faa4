"""Who works on a study, and who of them has died: of one process, of a folder's and of a database's workers."""

from __future__ import annotations

import os
import socket
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock, Timeout
from optuna import Study, Trial
from optuna.storages import fail_stale_trials
from optuna.trial import TrialState
from sqlalchemy import text

from graphlab.nas.optuna.internals import first_heartbeat, heartbeats, number_in_storage
from graphlab.nas.optuna.storage import Database, WholeLines, reachable

WORKER = "worker"
"""What a trial is marked with that a worker has."""


class WorkerPool(ABC):
    """The workers of one study, as one of them knows them."""

    def joined(self) -> AbstractContextManager[object]:
        """While entered, this worker is there."""
        return nullcontext()

    @abstractmethod
    def exclusive(self) -> AbstractContextManager[object]:
        """While entered, nobody else takes trials or clears up."""

    @abstractmethod
    def flush(self) -> None:
        """Write down what was only collected in `exclusive`; to be called before anything that takes long."""

    @abstractmethod
    def take(self, trial: Trial) -> None:
        """Mark a trial as this worker's; to be called in `exclusive`, once its choices are written down."""

    def working_on(self, trial: Trial) -> AbstractContextManager[object]:
        """While entered, the trial is known to be worked on."""
        return nullcontext()

    @abstractmethod
    def fail_abandoned(self, study: Study) -> None:
        """Fail the trials whose workers have died; to be called in `exclusive`."""


class SingleWorker(WorkerPool):
    """A study in memory: nobody else can be there."""

    def exclusive(self) -> AbstractContextManager[object]:
        return nullcontext()

    def flush(self) -> None:
        pass

    def take(self, trial: Trial) -> None:
        pass

    def fail_abandoned(self, study: Study) -> None:
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)


class FolderPool(WorkerPool):
    """Processes that see one folder. Each holds a lock there, which the system frees if it dies. What one writes while
    it has the turn goes to the journal at once."""

    def __init__(self, folder: Path, journal: WholeLines) -> None:
        self._folder, self.name = folder / "workers", f"{os.getpid()}-{uuid.uuid4().hex}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._journal, self._turn = journal, self._lock("asking")

    @contextmanager
    def joined(self) -> Iterator[None]:
        lock = self._lock(self.name)
        with lock:
            yield
        Path(lock.lock_file).unlink(missing_ok=True)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._turn, self._journal.collected():
            yield

    def flush(self) -> None:
        self._journal.flush()

    def take(self, trial: Trial) -> None:
        trial.set_user_attr(WORKER, self.name)

    def fail_abandoned(self, study: Study) -> None:
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            worker = trial.user_attrs.get(WORKER)
            if worker is None or not self._is_alive(worker):
                study.tell(trial.number, state=TrialState.FAIL)

    def _is_alive(self, worker: str) -> bool:
        if worker == self.name:
            return True
        if not Path(self._lock(worker).lock_file).exists():
            return False
        try:
            with self._lock(worker).acquire(timeout=0):
                return False
        except Timeout:
            return True

    def _lock(self, name: str) -> FileLock:
        return FileLock(self._folder / f"{name}.lock")


class DatabasePool(WorkerPool):
    """Processes anywhere that reach one PostgreSQL database. They give signs of life to it, and take turns by a lock
    that it frees when a connection breaks."""

    def __init__(self, storage: Database, study: Study) -> None:
        self._storage, self._number = storage, number_in_storage(study)
        self.name = f"{socket.gethostname()}-{os.getpid()}"

    def joined(self) -> AbstractContextManager[object]:
        return reachable(self._storage)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._storage.engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:study)"), {"study": self._number})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:study)"), {"study": self._number})

    def flush(self) -> None:
        pass

    def take(self, trial: Trial) -> None:
        first_heartbeat(trial, self._storage)
        trial.set_user_attr(WORKER, self.name)

    def working_on(self, trial: Trial) -> AbstractContextManager[object]:
        return heartbeats(trial, self._storage)

    def fail_abandoned(self, study: Study) -> None:
        fail_stale_trials(study)
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if WORKER not in trial.user_attrs:  # its worker died before a sign of life, without which none is missed
                study.tell(trial.number, state=TrialState.FAIL)
