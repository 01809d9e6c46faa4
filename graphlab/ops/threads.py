"""Threads for kernels that release the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
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


@lru_cache(maxsize=1)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """One pool a process: threads do not survive a fork."""
    return ThreadPoolExecutor(threads, thread_name_prefix="graphlab-ops")
