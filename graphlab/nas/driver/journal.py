"""A journal of a study that a killed process or a full disk leaves whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from filelock import FileLock
from optuna.storages.journal import JournalFileBackend


class WholeLines(JournalFileBackend):
    """Optuna's journal, but its lock is one that the system frees when the holder dies, and a line that somebody was
    cut off in, or had no space for, gives way to the next instead of spoiling the file."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._path, self._writing = Path(path), FileLock(f"{path}.lock")

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with self._writing, self._path.open("rb+") as file:
            end = _end_of_lines(file)
            try:
                file.seek(end)
                file.truncate()
                file.write(lines.encode())
                file.flush()
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
