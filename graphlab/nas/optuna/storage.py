"""Where a study lies: in memory, in a journal that a killed process or a full disk leaves whole, or in a team's
PostgreSQL database, which is waited for while it is away."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import TrialState
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from graphlab.core.errors import InputError, StoreError

Where = str | os.PathLike[str] | None
"""None for memory, a folder, or a database's address."""

JOURNAL = "journal.log"

AN_ADDRESS = "postgresql+psycopg://user:password@host/name"

HEARTBEAT_SECONDS = 5
"""Between signs of life of a worker."""

DEAD_AFTER = 3
"""Signs of life that a worker has missed when it is taken for dead."""

PATIENCE_SECONDS = 60.0
"""For which a search waits for a server that is being restarted."""

MAKING_TABLES = -1
"""The number of the lock for it; studies have theirs from 1."""


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
        return Journal(folder / JOURNAL)
    except OSError as error:
        raise StoreError(
            f"cannot keep a search in {folder}: {error.strerror or error}", hint="name another folder with --store"
        ) from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # whatever foreign entries make of it
        raise StoreError(
            f"{folder / 'journal.log'} is not the journal of a search: {type(error).__name__} {error}",
            hint="move it away, or mend its lines",
        ) from error


def is_stored(where: Where, name: str) -> bool:
    """Whether there is a study of this name. Raises as `open_storage` does."""
    if where is None:
        return False
    if "://" in str(where):
        with quiet_optuna():
            return any(study.study_name == name for study in open_database(str(where)).get_all_studies())
    return Path(where, name, JOURNAL).exists()


class Journal(JournalStorage):
    """Optuna's storage in a file of lines.

    Attributes:
        lines: The file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.lines = WholeLines(path)
        super().__init__(self.lines)


class WholeLines(BaseJournalBackend):
    """A journal in the format of Optuna's own backend, but its lock is one that the system frees when the holder dies,
    and a line that somebody was cut off in, or had no space for, gives way to the next instead of spoiling the file.
    What ends a trial is on the disk before the search goes on, and all before it; a line that does not is safe from a
    killed process alone, since a trial that is lost halfway is only made again.

    Raises StoreError for lines that no search wrote, and where nothing can be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path, self._writing = Path(path), FileLock(f"{path}.lock")
        self._path.open("ab").close()
        self._num_read, self._offset = 0, 0  # entries read from the file, and where the next one begins
        self._is_collecting, self._is_lasting = False, False
        self._collected: list[bytes] = []
        self._num_in_file = 0  # entries before the collected ones; 0 until they are counted
        self._has_lost_lines = False

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """The entries from this number on, those included that are collected and not in the file yet."""
        self._require_all_lines()
        number = log_number_from
        if number < self._num_in_file or not self._num_in_file:
            for log in self._read_file(log_number_from):
                number += 1
                yield log
            if self._collected:  # the file is locked
                self._num_in_file = number
        for line in self._collected[number - self._num_in_file :]:
            yield json.loads(line)

    def _read_file(self, first: int) -> Iterator[dict[str, Any]]:
        if first < self._num_read:
            self._num_read, self._offset = 0, 0
        try:
            with self._path.open("rb") as file:
                end = os.fstat(file.fileno()).st_size  # what another process adds meanwhile may be half a line
                file.seek(self._offset)
                for line in file:
                    if self._offset + len(line) > end or not line.endswith(b"\n"):
                        return
                    self._num_read, self._offset = self._num_read + 1, self._offset + len(line)
                    if self._num_read > first:
                        yield self._parse(line)
        except OSError as error:
            raise StoreError(f"cannot read {self._path}: {error.strerror or error}") from error

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            log = json.loads(line)
            if not isinstance(log, dict):
                raise ValueError("it is no object")
        except ValueError as error:
            raise StoreError(
                f"{self._path} is not the journal of a search: line {self._num_read} is none of its entries: {error}",
                hint="move it away, or mend its lines",
            ) from error
        return log

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self._require_all_lines()
        lines = [f"{json.dumps(log, separators=(',', ':'))}\n".encode() for log in logs]
        is_lasting = any(map(_ends_a_trial, logs))
        with self._storage_errors():
            if not self._is_collecting:
                with self._writing, self._path.open("rb+") as file:
                    _append(file, b"".join(lines), lasting=is_lasting)
                return
            if not self._writing.is_locked:
                self._writing.acquire()
        self._collected += lines
        self._is_lasting = self._is_lasting or is_lasting

    @contextmanager
    def collected(self) -> Iterator[None]:
        """While entered, lines are collected; when left, they are written at once, all of them or none.

        The file is locked from the first line on: entries have numbers, so no other process may write between these.
        Call `flush` before anything that takes long.
        """
        self._is_collecting = True
        try:
            yield
        finally:
            self._is_collecting = False
            self.flush()

    def flush(self) -> None:
        """Write what is collected. If that fails, the file is as it was, and this object cannot be used any more: its
        storage has taken up entries that do not exist."""
        if not self._writing.is_locked:
            return
        self._has_lost_lines = True
        try:
            with self._storage_errors(), self._path.open("rb+") as file:
                end = _append(file, b"".join(self._collected), lasting=self._is_lasting)
            self._has_lost_lines = False
            if self._num_in_file:
                self._num_read, self._offset = self._num_in_file + len(self._collected), end
        finally:
            self._collected, self._is_lasting, self._num_in_file = [], False, 0
            self._writing.release()

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"cannot write to {self._path}: {error.strerror or error}",
                hint="free space, or name another store; what is there is unharmed",
            ) from error

    def _require_all_lines(self) -> None:
        if self._has_lost_lines:
            raise StoreError(
                f"{self._path} lacks lines that could not be written",
                hint="start the search again: it goes on with what is in the file",
            )


def _ends_a_trial(log: dict[str, Any]) -> bool:
    return "state" in log and TrialState(log["state"]).is_finished()


def _append(file: Any, content: bytes, *, lasting: bool) -> int:
    """After the last whole line, all of it or nothing; on the disk when this returns, if it is to last.

    Returns:
        Where the file ends now.
    """
    end = _end_of_lines(file)
    try:
        file.seek(end)
        file.truncate()
        file.write(content)
        file.flush()
        if lasting:
            os.fsync(file.fileno())
    except OSError:
        file.truncate(end)
        raise
    return end + len(content)


def _end_of_lines(file: Any) -> int:
    """Where the last whole line ends."""
    end = file.seek(0, os.SEEK_END)
    if not end or (file.seek(end - 1) >= 0 and file.read(1) == b"\n"):
        return end
    file.seek(0)
    return file.read().rfind(b"\n") + 1


class Database(RDBStorage):
    """Optuna's storage, but connections that a restart of the server broke are made again, for which it waits, and a
    sign of life that cannot be given does not end the thread that gives them."""

    def __init__(self, address: str) -> None:
        super().__init__(
            address,
            engine_kwargs={"pool_pre_ping": True},
            heartbeat_interval=HEARTBEAT_SECONDS,
            grace_period=DEAD_AFTER * HEARTBEAT_SECONDS,
        )
        event.listen(self.engine, "do_connect", _connect)

    def record_heartbeat(self, trial_id: int) -> None:
        with suppress(SQLAlchemyError, StorageInternalError):
            super().record_heartbeat(trial_id)


def _connect(dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return dialect.connect(*arguments, **options)
        except dialect.loaded_dbapi.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(min(1, PATIENCE_SECONDS / 2))


def open_database(address: str) -> Database:
    """Raises InputError for other databases than PostgreSQL, StoreError for one that cannot be used."""
    scheme = address.partition("://")[0]
    if not scheme.startswith("postgresql"):
        raise InputError(
            f"a search is not kept in {scheme}: workers could not take turns there",
            hint=f"name a folder, or a database as {AN_ADDRESS}",
        )
    try:
        # Two workers that make a database's tables at once get in each other's way.
        with create_engine(address).connect() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:making)"), {"making": MAKING_TABLES})
            return Database(address)
    except ImportError as error:
        raise InputError(
            f"the driver of {scheme} is not installed: {error}",
            hint='pip install "graphlab[postgresql]", and write the address as postgresql+psycopg://...',
        ) from error
    except Exception as error:  # whatever a driver raises
        raise StoreError(
            f"the database {scheme}://{address.rpartition('@')[2]} cannot be used: {str(error).splitlines()[0]}",
            hint="see that it runs, and that the address and the password are right",
        ) from error


@contextmanager
def reachable(storage: Database) -> Iterator[None]:
    """Raises StoreError where the database is lost while entered."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise StoreError(
            f"the database at {storage.engine.url.host} cannot be reached any more: {reason}",
            hint="nothing is lost: once it runs, the same search goes on where it stood",
        ) from error
