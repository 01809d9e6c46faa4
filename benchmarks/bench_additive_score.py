"""Additive scores of a graph's edges, forward and backward, beside messages that are laid out; one thread.

A random graph with the nodes of Cora and a loop a node, at three numbers of edges and three widths of 8 heads. The
plain arm selects both ends' rows, adds them, takes tangents and sums, as the layer is usually written; both compute the
same.

Expected: reading and writing the messages some ten times is most of the plain arm's time, so that with many columns
three times as fast; memory by the nodes and no longer by the edges.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from typing import Any

import graphlab  # isort: skip  # noqa: F401  before torch, whose threads it sets
import torch
from measure import interleaved, median_ratio, peak_mib, write_result

from graphlab.core.seeds import SeedStream
from graphlab.ops.additive_score import additive_score, reference
from graphlab.ops.sparse_product import Pattern

NODES, HEADS = 2708, 8
SIZES = ((5_000, 64), (20_000, 64), (80_000, 64), (20_000, 16), (20_000, 256))
"""Edges, and the width of a head."""

ARMS = {"plain": reference, "in the cache": additive_score}


def problem(edges: int, dim: int) -> tuple[Pattern, list[torch.Tensor], torch.Tensor]:
    rng = SeedStream(0, ("additive_score", str(edges), str(dim))).torch()
    loops = torch.arange(NODES)
    row, column = (torch.cat([torch.randint(NODES, (edges,), generator=rng), loops]) for _ in range(2))
    shapes = ((NODES, HEADS, dim), (NODES, HEADS, dim), (dim,))
    numbers = [torch.randn(shape, generator=rng).requires_grad_() for shape in shapes]
    return Pattern(row, column, NODES, NODES), numbers, torch.randn(edges + NODES, HEADS, generator=rng)


def step(arm: str, pattern: Pattern, numbers: list[torch.Tensor], grad: torch.Tensor) -> None:
    torch.autograd.grad(ARMS[arm](pattern, *numbers), numbers, grad)


def extra_memory(edges: int, dim: int, arm: str) -> float:
    """MiB that a step adds to the largest resident set of one on ten edges."""
    step(arm, *problem(10, dim))
    given = problem(edges, dim)
    before = peak_mib()
    step(arm, *given)
    return round(peak_mib() - before, 1)


def compare(edges: int, dim: int) -> dict[str, Any]:
    given = problem(edges, dim)
    seconds = interleaved({arm: lambda arm=arm: step(arm, *given) for arm in ARMS})
    return {
        "edges": edges,
        "dim": dim,
        **{f"milliseconds, {arm}": round(median(seconds["wall"][arm]) * 1e3, 1) for arm in ARMS},
        "times faster": {
            clock: round(median_ratio(one["plain"], one["in the cache"]), 1) for clock, one in seconds.items()
        },
        **{f"MiB, {arm}": _in_a_child(edges, dim, arm) for arm in ARMS},
    }


def _in_a_child(*given: object) -> float:
    words = [sys.executable, __file__, *map(str, given)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        print(extra_memory(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
    else:
        write_result("additive_score", {"comparisons": [compare(*size) for size in SIZES]})
