"""More processes at the same runs. Each takes what no other is at, through the store's claims.

A helper is `python -m graphlab.experiment.workers` with the specs of the runs on its standard input. It
leaves when all that is left is done or taken; what it fails at is met again, and told, by the process that
started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch

from graphlab.core.errors import InputError
from graphlab.core.files import canonical_json
from graphlab.data.dataset import Dataset
from graphlab.experiment.execute import attempt
from graphlab.experiment.plan import Plan, plan_of
from graphlab.experiment.progress import Silent
from graphlab.records.record import RunSpec
from graphlab.records.store import Store
from graphlab.task.base import Shard
from graphlab.training.distributed import pick_device


@contextmanager
def helpers(count: int, specs: Sequence[RunSpec], store: Store, device: str) -> Iterator[None]:
    """While entered, `count` helpers are at those of the runs that are not finished; the cores are shared out."""
    todo = [spec for spec in specs if not store.folder(spec).read_settled()]
    count = min(count, len(todo) - 1)
    if count < 1:
        yield
        return
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("workers and torchrun are two ways to use more processes", hint="use one of them")
    threads = max(1, torch.get_num_threads() // (count + 1))
    order = json.dumps({"store": str(store.path), "device": device, "specs": [spec.to_json() for spec in todo]})
    started = [_start(order, threads) for _ in range(count)]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _start(order: str, threads: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "graphlab.experiment.workers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
    )
    assert process.stdin
    with suppress(BrokenPipeError), process.stdin:  # a helper that is gone already is met as any other that fails
        process.stdin.write(order)
    return process


def help_with(order: dict[str, Any]) -> None:
    """Go through the runs of an order once, the last first, and do those that nobody is at."""
    store, device = Store(order["store"]), pick_device(order["device"])
    plans: dict[str, Plan] = {}
    datasets: dict[str, Dataset] = {}
    for spec in (RunSpec.from_json(values) for values in reversed(order["specs"])):
        folder = store.folder(spec)
        start = spec.training.get("start")
        if folder.read_settled() or (start and not folder.beside(start).read_finished()):
            continue
        settings = canonical_json(spec.to_json() | {"seed": None})
        if settings not in plans:
            plans[settings] = plan_of(spec, datasets.get(spec.dataset), store.path)
            datasets[spec.dataset] = plans[settings].dataset
        attempt(plans[settings], spec, folder, device, Shard(), Silent())


if __name__ == "__main__":
    help_with(json.load(sys.stdin))
