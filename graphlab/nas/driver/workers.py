"""More processes at the same search: `python -m graphlab.nas.driver.workers`, told the search by a line of its input.

A worker that is killed is replaced; its trial is given back by whoever finds it, and goes on from its last checkpoint.
One that ends by an error is not, since the next would end by it too: the others do its part, and it is said once. A
worker whose standard input ends has lost the process that started it, and ends too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import torch

from graphlab.nas.plan import Plan, SearchPlan

WATCH_SECONDS = 0.2
MOST_DEATHS = 100
"""Replacements after which something else must be wrong."""


@contextmanager
def processes(asked: SearchPlan, count: int) -> Iterator[None]:
    """While entered, `count` other processes are at the search; the cores are shared out."""
    if count < 1:
        yield
        return
    threads = max(1, torch.get_num_threads() // (count + 1))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    with tempfile.TemporaryFile("w+") as said:
        crew = _Crew(json.dumps(asked.to_json()), threads, count, said)
        try:
            yield
        finally:
            torch.set_num_threads(before)
            crew.dismiss()


class _Crew:
    """Processes, whose errors are `said` into a file, and a thread that replaces those that are killed."""

    def __init__(self, order: str, threads: int, count: int, said: IO[str]) -> None:
        self._order, self._threads, self._deaths, self._warned = order, threads, 0, False
        self._over, self._said = threading.Event(), said
        self._processes = [self._start() for _ in range(count)]
        self._watch = threading.Thread(target=self._replace_the_dead, daemon=True)
        self._watch.start()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "graphlab.nas.driver.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
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
        self._said.seek(0)
        last = next((line for line in reversed(self._said.read().splitlines()) if line.strip()), "no reason given")
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


def work(asked: SearchPlan) -> None:
    """Take part in a search until it is done."""
    Plan(asked).explorer(asked.where).explore()


def _end_with_the_input() -> None:
    """As if killed: what it has in hand goes on from its last checkpoint."""
    while os.read(sys.stdin.fileno(), 1024):  # holds no lock, as sys.stdin.read() would when the interpreter ends
        pass
    os._exit(1)


if __name__ == "__main__":
    asked = SearchPlan.from_json(json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    work(asked)
