"""What this machine has: the answers to most of what goes wrong before a run."""

from __future__ import annotations

import os
import shutil
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphlab.core import environment
from graphlab.core.errors import GraphLabError
from graphlab.core.paths import data_root
from graphlab.data.fetch import locate
from graphlab.data.paths import mirror, store_root
from graphlab.data.registry import DATASETS
from graphlab.records.store import Store, UnreadableRunWarning


def examine(store: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Environment, devices, data reach and store health, as plain values; `ok` is False if something is broken."""
    found = {
        "environment": environment.capture(),
        "devices": _devices(),
        "data": _data(),
        "store": _store(store),
    }
    return found | {"ok": found["store"]["error"] is None and found["data"]["error"] is None}


def _devices() -> list[dict[str, Any]]:
    import torch

    gpus = [
        {
            "name": f"cuda:{index}",
            "model": torch.cuda.get_device_name(index),
            "memory_gib": round(torch.cuda.get_device_properties(index).total_memory / 2**30, 1),
        }
        for index in range(torch.cuda.device_count())
    ]
    return [{"name": "cpu", "model": environment.capture()["processor"], "memory_gib": None}, *gpus]


def _data() -> dict[str, Any]:
    """Where files are looked for, and for each data set whether all of its files are at hand."""
    found: dict[str, Any] = {"root": str(data_root()), "mirror": None, "reach": {}, "error": None}
    try:
        found["mirror"] = str(folder) if (folder := mirror()) else None
        found["reach"] = dict(_reach())
    except GraphLabError as error:
        found["error"] = str(error)
    return found


def _reach() -> Iterator[tuple[str, str]]:
    for name in DATASETS.names():
        card = DATASETS.resolve(name).module.CARD
        sources = card.sources.get(name.partition("/")[2], ())
        missing = [source.path for source in sources if not source.made_by and locate(source) is None]
        yield name, f"to download: {len(missing)} of {len(sources)} files" if missing else "here"


def _store(store: str | os.PathLike[str] | None) -> dict[str, Any]:
    path = store_root(store)
    health: dict[str, Any] = {"path": str(path), "runs": {}, "free_gib": None, "writable": None, "error": None}
    try:
        with warnings.catch_warnings(record=True) as unreadable:
            warnings.simplefilter("always", UnreadableRunWarning)
            for record in Store(store).records():
                health["runs"][record.result.status] = health["runs"].get(record.result.status, 0) + 1
        existing = next(p for p in (path, *path.parents) if p.exists())
        health["free_gib"] = round(shutil.disk_usage(existing).free / 2**30, 1)
        health["writable"] = _writable(existing)
        if not health["writable"]:
            health["error"] = f"{existing} cannot be written to"
        elif unreadable:
            health["error"] = f"of the runs {len(unreadable)} cannot be read; the first: {unreadable[0].message}"
    except GraphLabError as error:
        health["error"] = str(error)
    return health


def _writable(folder: Path) -> bool:
    probe = folder / f".graphlab-{uuid.uuid4().hex}"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def print_examination(found: dict[str, Any], console: Any) -> None:
    """The same for people."""
    from rich.table import Table

    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_column()
    where = found["environment"]
    table.add_row("python", f"{where['python']} on {where['platform']}")
    table.add_row("packages", ", ".join(f"{name} {version}" for name, version in where["packages"].items()))
    for device in found["devices"]:
        memory = f", {device['memory_gib']} GiB" if device["memory_gib"] else ""
        table.add_row("device", f"{device['name']}: {device['model']}{memory}")
    data, store = found["data"], found["store"]
    table.add_row("data root", data["root"])
    table.add_row("mirror", data["mirror"] or "none ($GRAPHLAB_MIRROR is not set)")
    here = [name for name, state in data["reach"].items() if state == "here"]
    table.add_row("data here", ", ".join(here))
    for name, state in data["reach"].items():
        if state != "here":
            table.add_row("", f"{name}: {state}")
    runs = ", ".join(f"{n} {status}" for status, n in store["runs"].items()) or "no runs"
    table.add_row("store", f"{store['path']}: {runs}; {store['free_gib']} GiB free")
    for part in (data, store):
        if part["error"]:
            table.add_row("[red]problem[/red]", part["error"])
    console.print(table)
