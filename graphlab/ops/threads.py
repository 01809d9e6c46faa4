"""Threads for kernels that release the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

ItemT = TypeVar("ItemT")


def for_each(function: Callable[[ItemT], object], items: Iterable[ItemT]) -> None:
    """Call `function` on every item, on as many threads as torch uses; raises what a call raises."""
    items, threads = list(items), torch.get_num_threads()
    if threads == 1 or len(items) == 1:
        for item in items:
            function(item)
    else:
        for _ in _pool(threads, os.getpid()).map(function, items):
            pass


@lru_cache(maxsize=1)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """One pool a process: threads do not survive a fork."""
    return ThreadPoolExecutor(threads, thread_name_prefix="graphlab-ops")
