"""More processes at the same search: `python -m graphlab.nas.workers`, told the search by a line of its input.

A worker that is killed is replaced; its trial is given back by whoever finds it, and goes on from its last checkpoint.
One that ends by an error is not, since the next would end by it too: the others do its part, and it is said once. A
worker whose standard input ends has lost the process that started it, and ends too.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any

import torch

from graphlab.core.errors import InputError, UnknownNameError
from graphlab.nas.plan import SearchPlan, SearchSpec

Launcher = Callable[[SearchSpec, int], AbstractContextManager[None]]

WATCH_SECONDS = 0.2
MOST_DEATHS = 100
"""Replacements after which something else must be wrong."""


@contextmanager
def processes(spec: SearchSpec, count: int) -> Iterator[None]:
    """While entered, `count` other processes are at the search; the cores are shared out."""
    if count < 1:
        yield
        return
    threads = max(1, torch.get_num_threads() // (count + 1))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    with tempfile.TemporaryFile("w+") as log:
        pool = _WorkerProcesses(json.dumps(spec.to_json()), threads, count, log)
        try:
            yield
        finally:
            torch.set_num_threads(before)
            pool.dismiss()


class _WorkerProcesses:
    """Processes, whose errors are written to `log`, and a thread that replaces those that are killed."""

    def __init__(self, order: str, threads: int, count: int, log: IO[str]) -> None:
        self._order, self._threads, self._deaths, self._warned = order, threads, 0, False
        self._over, self._log = threading.Event(), log
        self._processes = [self._start() for _ in range(count)]
        self._watch = threading.Thread(target=self._replace_the_dead, daemon=True)
        self._watch.start()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "graphlab.nas.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(self._threads), "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdin
        process.stdin.write(f"{self._order}\n")
        process.stdin.flush()
        return process

    def _replace_the_dead(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            for i, process in enumerate(self._processes):
                code = process.poll() or 0
                if code > 0:
                    self._warn()
                elif code < 0 and self._deaths < MOST_DEATHS:
                    self._deaths += 1
                    self._processes[i] = self._start()

    def _warn(self) -> None:
        if self._warned:
            return
        self._warned = True
        self._log.seek(0)
        last = next((line for line in reversed(self._log.read().splitlines()) if line.strip()), "no reason given")
        warnings.warn(f"a worker ended by an error, the others go on: {last}", stacklevel=1)

    def dismiss(self) -> None:
        self._over.set()
        self._watch.join()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()
            if process.stdin:
                process.stdin.close()


def work(spec: SearchSpec) -> None:
    """Take part in a search until it is done."""
    SearchPlan(spec).loop(spec.where).run()


@contextmanager
def on_ray(spec: SearchSpec, count: int) -> Iterator[None]:
    """While entered, `count` tasks of a Ray cluster are at the search: that of $RAY_ADDRESS or the one joined already,
    else one of this machine. A task whose worker dies is started again by Ray, on whatever machine is left.

    Machines must see the store's folder, or share the study by a database. Raises InputError where Ray is missing.
    """
    if count < 1:
        yield
        return
    ray: Any = _import_ray()
    joined = ray.is_initialized()
    if not joined:
        ray.init(log_to_driver=False, include_dashboard=False, logging_level="error")
    remote_work = ray.remote(num_cpus=1, max_retries=-1)(_work)
    order = json.dumps(spec.to_json())
    tasks = [remote_work.remote(order) for _ in range(count)]
    try:
        yield
    finally:
        for task in tasks:
            ray.cancel(task, force=True)
        if not joined:
            ray.shutdown()


def _work(order: str) -> None:
    work(SearchSpec.from_json(json.loads(order)))


def _import_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise InputError("the launcher ray needs Ray", hint='pip install "graphlab[ray]"') from None


LAUNCHERS: dict[str, Launcher] = {"processes": processes, "ray": on_ray}


def find_launcher(name: str) -> Launcher:
    """Raises UnknownNameError with the nearest names."""
    try:
        return LAUNCHERS[name]
    except KeyError:
        raise UnknownNameError("launcher", name, LAUNCHERS) from None


def _end_with_the_input() -> None:
    """As if killed: what it has in hand goes on from its last checkpoint."""
    while os.read(sys.stdin.fileno(), 1024):  # holds no lock, as sys.stdin.read() would when the interpreter ends
        pass
    os._exit(1)


if __name__ == "__main__":
    spec = SearchSpec.from_json(json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    work(spec)
