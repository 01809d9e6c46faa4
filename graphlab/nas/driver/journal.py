"""A journal of a study that a killed process or a full disk leaves whole."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from filelock import FileLock
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from graphlab.core.errors import StoreError


class WholeLines(JournalFileBackend):
    """Optuna's journal, but its lock is one that the system frees when the holder dies, and a line that somebody was
    cut off in, or had no space for, gives way to the next instead of spoiling the file. What ends a trial is on the
    disk before the search goes on, and all before it; a line that does not is safe from a killed process alone, since
    a trial that is lost halfway is only made again.

    Raises StoreError for lines that no search wrote, and where nothing can be written.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._path, self._writing = Path(path), FileLock(f"{path}.lock")

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        try:
            for number, log in enumerate(super().read_logs(log_number_from), start=log_number_from + 1):
                if not isinstance(log, dict):
                    raise ValueError(f"line {number} is none of its entries")
                yield log
        except ValueError as error:
            raise StoreError(
                f"{self._path} is not the journal of a search: {error}", hint="move it away, or mend its lines"
            ) from error
        except OSError as error:
            raise StoreError(f"cannot read {self._path}: {error.strerror or error}") from error

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        try:
            with self._writing, self._path.open("rb+") as file:
                _append(file, lines.encode(), lasting=any(map(_ends_a_trial, logs)))
        except OSError as error:
            raise StoreError(
                f"cannot write to {self._path}: {error.strerror or error}",
                hint="free space, or name another store; what is there is unharmed",
            ) from error


def _ends_a_trial(log: dict[str, Any]) -> bool:
    return "state" in log and TrialState(log["state"]).is_finished()


def _append(file: Any, content: bytes, *, lasting: bool) -> None:
    """After the last whole line, all of it or nothing; on the disk when this returns, if it is to last."""
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


def _end_of_lines(file: Any) -> int:
    """Where the last whole line ends."""
    end = file.seek(0, os.SEEK_END)
    if not end or (file.seek(end - 1) >= 0 and file.read(1) == b"\n"):
        return end
    file.seek(0)
    return file.read().rfind(b"\n") + 1
