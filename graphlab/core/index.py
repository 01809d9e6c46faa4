"""What GraphLab's own modules declare, kept as JSON, so that a process that trains nothing need not import torch.

A section is what a function makes of imported modules, such as the names of all models. It lies in the data root as
`index/<state>/<section>.json`; the state is a digest of the content of every file of the package, of Python's version
and of the installed distributions, so that an edit makes a new index and an old one is never read. A damaged section is
made again, and where nothing can be written it is made each time.

Modules of other packages may import anything, whose changes no digest here would see. Where there is one, named by an
entry point or by `GRAPHLAB_PLUGINS`, modules are imported and nothing is read here.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from graphlab.core.files import canonical_json, hash_text, write_json
from graphlab.core.paths import data_root

PLUGINS = "GRAPHLAB_PLUGINS"
"""Environment variable with modules of one's own, as `graphlab.models:ppnp=my_models.ppnp`, commas between them."""

PACKAGE = Path(__file__).resolve().parents[1]

KEPT_STATES = 4
"""Of how many versions of the files an index is kept: those of checkouts that are worked on in turn."""

_IMPORTED = time.time_ns()

CLOCK_STEP = 20_000_000
"""Nanoseconds by which the times of files may lag behind the clock."""


def is_available() -> bool:
    """Whether this process can read and keep sections: it had not imported torch when it first asked, and there are no
    modules of other packages."""
    return not os.environ.get(PLUGINS, "").strip() and _first_state() is not None


def is_read() -> bool:
    """Whether this process reads sections: once it has imported torch, and with it modules, these are asked."""
    return "torch" not in sys.modules and is_available()


def read(section: str) -> Any:
    """A section that is there; None if there is none, or the process has imported torch, and with it the modules."""
    return _read(_path(section)) if is_read() else None


def _read(path: Path) -> Any:
    """What a file holds that is whole; None for any other. It is read once, since a file of its name is never another;
    the value is not to be changed."""
    if path not in _READ:
        try:
            kept = json.loads(path.read_bytes())
            if kept["digest"] != _digest(path.stem, kept["value"]):
                return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        _READ[path] = kept["value"]
    return _READ[path]


_READ: dict[Path, Any] = {}


def entry(section: str, key: str, make: Callable[[str], Any], keys: Callable[[], Iterable[str]]) -> Any:
    """What `make` gives for a key, read from a section of all `keys`; the section is made where there is none. Once
    torch is imported, a section that is there spares nothing, and the one key is made.

    Args:
        make: Gives what JSON can hold; lists come back for tuples.
    """
    if not is_available():
        return make(key)
    if not is_read() and (section in _MADE or _path(section).exists()):
        return make(key)
    known = read(section)
    if known is None:
        try:
            known = keep(section, {each: make(each) for each in keys()})
        except Exception:  # one that cannot be made is no reason not to make the one that is asked for
            return make(key)
    return known[key] if key in known else make(key)


def keep(section: str, value: Any) -> Any:
    """Write a section, unless a file has changed since the process began, so that it may have imported another text.
    Gives the value as it is read."""
    value, path = json.loads(json.dumps(value)), _path(section)
    is_new = section not in _MADE and _read(path) != value
    _MADE.add(section)
    with contextlib.suppress(OSError):
        if is_new and is_available() and _first_state() == _state() and not _is_changed():
            write_json(path, {"digest": _digest(section, value), "value": value})
            _forget(path.parent)
    return value


_MADE: set[str] = set()
"""Sections that this process has made, which it need not make again where they cannot be written."""


def _digest(section: str, value: Any) -> str:
    return hash_text(canonical_json([section, value]))


def _path(section: str) -> Path:
    return data_root() / "index" / str(_first_state()) / f"{section}.json"


def _forget(newest: Path) -> None:
    """Delete the index of files as they were long ago."""
    states = sorted(newest.parent.iterdir(), key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
    for folder in [folder for folder in states if folder != newest][KEPT_STATES - 1 :]:
        shutil.rmtree(folder, ignore_errors=True)


@cache
def _first_state() -> str | None:
    """The state as this process found it when it first asked. None if it had imported torch, so that no index spares it
    anything, if there are modules of other packages, or if a file cannot be read."""
    offered = importlib.metadata.entry_points().groups
    if "torch" in sys.modules or any(group.startswith("graphlab.") for group in offered):
        return None
    try:
        return _state()
    except OSError:
        return None


def _state() -> str:
    digest = hashlib.sha256(f"{PACKAGE}\0{sys.version}\0{' '.join(_distributions())}".encode())
    for path in _files():
        digest.update(f"\0{path.relative_to(PACKAGE)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _is_changed() -> bool:
    return any(path.stat().st_ctime_ns + CLOCK_STEP >= _IMPORTED for path in _files())


def _files() -> Iterator[Path]:
    for folder, inner, names in os.walk(PACKAGE):
        inner[:] = sorted(name for name in inner if name != "__pycache__")
        yield from (Path(folder, name) for name in sorted(names))


def _distributions() -> list[str]:
    """Names and versions of what is installed, as the folders beside the packages say them."""
    names: set[str] = set()
    for place in sys.path:
        with contextlib.suppress(OSError):
            names.update(each.name for each in Path(place).iterdir() if each.suffix in (".dist-info", ".egg-info"))
    return sorted(names)
