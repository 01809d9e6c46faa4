"""A team's PostgreSQL database: opened, waited for while it is away, and an error once it stays away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from graphlab.core.errors import InputError, StoreError

AN_ADDRESS = "postgresql+psycopg://user:password@host/name"

HEARTBEAT_SECONDS = 5
"""Between signs of life of a worker."""

DEAD_AFTER = 3
"""Signs of life that a worker has missed when it is taken for dead."""

PATIENCE_SECONDS = 60.0
"""For which a search waits for a server that is being restarted."""

MAKING_TABLES = -1
"""The number of the lock for it; studies have theirs from 1."""


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
