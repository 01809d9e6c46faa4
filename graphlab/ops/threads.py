"""Threads for kernels that release the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

import torch

ItemT = TypeVar("ItemT")


def for_each(function: Callable[[ItemT], object], items: Iterable[ItemT]) -> None:
    """Call `function` on every item, on as many threads as torch uses, this one included; raises what a call raises."""
    items = list(items)
    helpers = min(torch.get_num_threads(), len(items)) - 1
    if helpers < 1:
        for item in items:
            function(item)
        return
    waiting = iter(items)  # a list's iterator gives each item to one thread

    def work() -> None:
        for item in waiting:
            function(item)

    started = [_pool(torch.get_num_threads(), os.getpid()).submit(work) for _ in range(helpers)]
    try:
        work()
    finally:
        for future in started:
            future.result()


def shares(count: int) -> list[tuple[int, int]]:
    """`[0, count)` in ranges of about the same length: one a thread, for a loop that is compiled to run over many
    short items, between which threads would wait for the interpreter."""
    threads = min(torch.get_num_threads(), count)
    cuts = [count * part // threads for part in range(threads + 1)] if threads else []
    return list(pairwise(cuts))


RANGES = 64
"""Ranges that threads take one after the other where some items take much longer than others."""


def ranges(count: int, least: int = 1) -> list[tuple[int, int]]:
    """`[0, count)` in RANGES ranges of about the same length; in fewer, but one a thread, where these would have fewer
    than `least` items each."""
    parts = min(RANGES, count, max(torch.get_num_threads(), count // least))
    cuts = [count * part // parts for part in range(parts + 1)] if parts else []
    return list(pairwise(cuts))


PARTS = 16
"""Parts that rows are worked on in where what is summed over them must not depend on the number of threads."""


def over_parts(num_rows: int, run: Callable[[int, int, int], object]) -> None:
    """run(part, first, last) for PARTS ranges of rows; those without rows are left out."""
    cuts = [num_rows * part // PARTS for part in range(PARTS + 1)]
    ranges = [(part, first, last) for part, (first, last) in enumerate(pairwise(cuts)) if first < last]
    for_each(lambda given: run(*given), ranges)


def over_parts_alone(num_rows: int, run: Callable[[int, int, int], object]) -> None:
    """The same for work that calls torch, as `for_each_alone` does it."""
    with _alone():
        over_parts(num_rows, lambda *given: _without_threads(run, *given))


def for_each_alone(function: Callable[[ItemT], object], items: Iterable[ItemT]) -> None:
    """`for_each` for work that calls torch: it runs on the thread that calls it, starts no others, and no gradients are
    tracked."""
    with _alone():
        for_each(lambda item: _without_threads(function, item), items)


@contextmanager
def _alone() -> Iterator[None]:
    """Threads as they were, afterwards."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _without_threads(function: Callable[..., object], *given: object) -> None:
    torch.set_num_threads(1)
    with torch.no_grad():
        function(*given)


@lru_cache(maxsize=1)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """One pool a process: threads do not survive a fork."""
    return ThreadPoolExecutor(threads, thread_name_prefix="graphlab-ops")
