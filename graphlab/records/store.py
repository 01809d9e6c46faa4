"""The run store: one folder a run, whole files only, one writer at a time.

<store>/<id>/spec.json          what the run is
             environment.json   what it ran on and how long it took; a digest of all that it came to
             metrics.json       the learning curve
             result.json        how it ended; there only once it has
             last.pt, best.pt   checkpoints (tensors and plain values, read with weights_only)
<store>/<id>.lock               held by the process that works on the run, freed by the system if it dies
"""

from __future__ import annotations

import errno
import json
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from graphlab.core.errors import InputError, StoreError
from graphlab.core.files import canonical_json, hash_file, hash_text, remove_leftovers, write_atomic, write_json
from graphlab.data.paths import store_root
from graphlab.records.record import RECORD_KINDS, Result, RunRecord, RunSpec, require_kinds

MIGRATED = "migrated.json"
"""In a store: from the ids that runs had in version 0.1.0 to those that they have now."""


class UnreadableRunWarning(UserWarning):
    """A run of a store that cannot be read; the others can."""


class Store:
    """A folder of runs. Reading one that does not exist finds it empty; the first run makes it."""

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = store_root(path)
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"the store {self.path} is a file", hint="name a folder with --store or $GRAPHLAB_STORE")

    def folder(self, spec: RunSpec) -> RunFolder:
        return RunFolder(self.path / spec.id, spec)

    def migrated(self) -> dict[str, str]:
        """From the ids that runs had in version 0.1.0 to their ids."""
        path = self.path / MIGRATED
        names = _read(path, dict) if path.exists() else {}
        if not all(isinstance(new, str) for new in names.values()):
            raise _unreadable(path, ValueError("it does not hold names of runs"))
        return names

    def _entries(self) -> list[Path]:
        try:
            return sorted(self.path.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(
                f"cannot read the store {self.path}: {error.strerror or error}", hint="mend its permissions"
            ) from error

    def records(self, *, trials: bool = False) -> list[RunRecord]:
        """The runs that the store holds, finished or not, oldest first.

        A run that cannot be read is named in an UnreadableRunWarning, and the others are given.

        Args:
            trials: Whether trials of searches are given too.
        """
        dated: list[tuple[int, str, RunRecord]] = []
        for folder in self._entries():
            spec = folder / "spec.json"
            try:
                begun = spec.stat().st_mtime_ns
                dated.append((begun, folder.name, read_record(folder)))
            except (FileNotFoundError, NotADirectoryError):
                continue  # it is no run, or somebody has deleted it meanwhile
            except (OSError, StoreError) as error:
                if isinstance(error, StoreError) and not spec.exists():
                    continue
                warnings.warn(f"run {folder.name} is left out: {error}", UnreadableRunWarning, stacklevel=2)
        records = [record for _, _, record in sorted(dated, key=lambda item: item[:2])]
        return [record for record in records if trials or record.spec.kind == "run"]


def write_state(state: Mapping[str, Any], file: IO[bytes]) -> None:
    """`torch.save`, but where a write fails, what the system says of it: torch then fails again as it closes its
    archive, with a RuntimeError that hides the OSError."""
    import torch

    try:
        torch.save(state, file)
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


class CheckpointFolder:
    """A folder of checkpoints: tensors, numbers, strings, lists and dicts."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save_checkpoint(self, name: str, state: dict[str, Any]) -> None:
        """Write `<name>.pt`, whole or not at all. Raises StoreError if there is no space."""
        with _explained(self.path):
            write_atomic(self.path / f"{name}.pt", lambda file: write_state(state, file))

    def restore_checkpoint(self, name: str, device: Any, restore: Callable[[dict[str, Any]], object]) -> bool:
        """Give the checkpoint to `restore`; False if there is none.

        Raises StoreError if it cannot be read, is damaged, holds code, or is not of what it is restored to.
        """
        import torch

        path = self.path / f"{name}.pt"
        if not path.exists():
            return False
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what torch has to say of a foreign file before it refuses it
                state = torch.load(path, map_location=device, weights_only=True)
            restore(state)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            # Of a file that was cut short torch seeks to a place before its start, which is EINVAL.
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise StoreError(
                    f"checkpoint {path} cannot be read: {error.strerror or error}",
                    hint="mend its permissions, or the disk",
                ) from error
            raise StoreError(
                f"checkpoint {path} is damaged or of something else ({type(error).__name__})",
                hint=f"delete {path} to train again from the start",
            ) from error
        return True


class RunFolder(CheckpointFolder):
    """One run's folder, for the process that works on it. Checkpoints are `last` and `best`."""

    def __init__(self, path: Path, spec: RunSpec) -> None:
        super().__init__(path)
        self.spec = spec

    def save_checkpoint(self, name: str, state: dict[str, Any]) -> None:
        super().save_checkpoint(name, {**state, "run": self.path.name})

    def restore_checkpoint(self, name: str, device: Any, restore: Callable[[dict[str, Any]], object]) -> bool:
        """As that of any folder; a checkpoint that says it is of another run is refused."""

        def restore_own(state: dict[str, Any]) -> None:
            if state.get("run", self.path.name) != self.path.name:
                raise ValueError(f"it is of run {state['run']}")
            restore(state)

        return super().restore_checkpoint(name, device, restore_own)

    def beside(self, run: str) -> RunFolder:
        """The folder of another run of the same store, to be read."""
        return RunFolder(self.path.with_name(run), self.spec)

    def read_finished(self) -> RunRecord | None:
        """The run's record once it has one; takes no lock and writes nothing."""
        return read_record(self.path) if (self.path / "result.json").exists() else None

    def read_settled(self) -> RunRecord | None:
        """The run's record, unless there is none or another attempt may come to something else."""
        record = self.read_finished()
        return record if record and record.result.is_settled else None

    @contextmanager
    def claim(self) -> Iterator[bool]:
        """Try to be the one process that works on this run; gives False at once if another does."""
        with _explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path.with_suffix(".lock"), blocking=False)
            try:
                lock.acquire()
            except Timeout:
                lock = None
        try:
            yield lock is not None
        finally:
            if lock is not None:
                lock.release()

    def begin(self) -> None:
        """Say what the run is. To be called under the claim: what a killed process left half written is deleted."""
        with _explained(self.path):
            remove_leftovers(self.path)
            if not (self.path / "spec.json").exists():
                write_json(self.path / "spec.json", self.spec.to_json())

    def finish(self, record: RunRecord) -> None:
        """Write what the run came to; result.json last, for it is what says that the run is done."""
        result, curve = record.result.to_json(), [_plain(row) for row in record.curve]
        about = {"notices": list(record.notices), "code": record.code, "content": record.content}
        present = {name: value for name, value in (about | {"files": dict(record.files)}).items() if value}
        ran_on = {"seconds": record.seconds, **record.environment, **present}
        with _explained(self.path):
            write_json(self.path / "environment.json", {**ran_on, "digest": digest(ran_on, curve, result)})
            write_json(self.path / "metrics.json", curve)
            write_json(self.path / "result.json", result)


def read_record(folder: Path) -> RunRecord:
    """A run from its folder, of whichever version wrote it.

    Raises StoreError naming the file that is missing, cut short, altered, or of a format that is not known here.
    """
    try:
        spec = RunSpec.from_json(_read(folder / "spec.json", dict))
        identity = spec.id
    except ValueError as error:
        raise _unreadable(folder / "spec.json", error) from error
    if identity != folder.name:
        raise StoreError(
            f"{folder / 'spec.json'} does not belong to its folder (it describes run {identity})",
            hint="it was edited or moved; restore it, or move the folder away to run it again",
        )
    if not (folder / "result.json").exists():
        return RunRecord(spec, Result("unfinished", str(spec.protocol.get("metric", "")), "", 0), 0.0)
    stored = _read(folder / "result.json", dict)
    environment = _read(folder / "environment.json", dict)
    curve = _read_curve(folder / "metrics.json")
    written = environment.pop("digest", None)
    try:
        is_as_written = written == digest(environment, curve, stored)
    except ValueError as error:  # of what no JSON has, as NaN
        raise _unreadable(folder / "result.json", error) from error
    if not is_as_written:
        raise StoreError(
            f"result.json, metrics.json or environment.json in {folder} is not what the run wrote there",
            hint="it was edited; restore it, or move the folder away to run it again",
        )
    try:
        require_kinds(environment, RECORD_KINDS)
        return RunRecord(
            spec,
            Result.from_json(stored),
            float(environment.pop("seconds")),
            notices=tuple(environment.pop("notices", ())),
            code=environment.pop("code", ""),
            content=environment.pop("content", ""),
            files=environment.pop("files", {}),
            environment=environment,
            curve=tuple(map(_from_plain, curve)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(folder / "result.json", error) from error


def require_unaltered(record: RunRecord, folder: Path) -> None:
    """See that the files of a run are those that it left there, as far as their digests are recorded.

    Raises:
        StoreError: One is altered, or gone.
    """
    for name, expected in record.files.items():
        path = folder / name
        try:
            is_same = hash_file(path) == expected
        except OSError as error:
            raise _unreadable(path, error) from error
        if not is_same:
            raise StoreError(
                f"{path} is not what run {record.id} left there",
                hint=f"it was altered: restore it, or move {folder} away and import the weights again",
            )


def digest(*parts: Any) -> str:
    """Of what a run writes beside its spec: environment, curve and result, as JSON has them."""
    return hash_text(canonical_json(parts))[:16]


def _read(path: Path, kind: type) -> Any:
    try:
        value = json.loads(path.read_text())
        if not isinstance(value, kind):
            raise ValueError("it does not hold what a run writes there")
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    return value


def _read_curve(path: Path) -> list[dict[str, Any]]:
    curve = _read(path, list)
    if not all(isinstance(row, dict) for row in curve):
        raise _unreadable(path, ValueError("it does not hold what a run writes there"))
    return curve


def _unreadable(path: Path, error: Exception) -> StoreError:
    return StoreError(
        f"{path} cannot be read: {error}",
        hint=f"restore it, or move {path.parent} away to run it again",
    )


def _plain(row: Mapping[str, float]) -> dict[str, float | None]:
    """A row as JSON can say it: the values that ended a diverged run are null."""
    return {key: value if math.isfinite(value) else None for key, value in row.items()}


def _from_plain(row: Mapping[str, float | None]) -> dict[str, float]:
    return {key: math.nan if value is None else value for key, value in row.items()}


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the system says of a write (no space, read-only) into one clear StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write to the store {path.parent}: {error.strerror or error}",
            hint="free space, or name another store with --store or $GRAPHLAB_STORE; what is there is unharmed",
        ) from error
