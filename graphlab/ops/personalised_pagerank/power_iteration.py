"""Personalised PageRank of many sources by power iteration, a block of sources at a time.

With P0 the probabilities of steps, rows of dangling nodes 0, and c = 1 - restart, pi_s is x / |x| for x = e_s + c
P0^T x (see `sparse_lu`). The iteration keeps what is done, x_k, and what is left, r_k, so that x = x_k + (I - c
P0^T)^-1 r_k:

    x_{k+1} = x_k + r_k        r_{k+1} = c P0^T r_k

On graphs that mix, r_k soon has the direction of the stationary distribution and shrinks by a factor g. The rest of
the series is then r_k / (1 - g), and y_k = x_k + r_k / (1 - g) leaves (r_{k+1} - g r_k) / (1 - g), whose sum of
magnitudes each pass measures. |y_k - x| is at most that sum over the restart, whatever g is; the iteration stops by
this bound, which on graphs that mix takes a fraction of the passes that r_k itself would need. Undirected graphs take
Chebyshev's iteration in the place of this one, which needs fewer passes still (`chebyshev`).

A pass walks the edges into each node and keeps the sums of a block's columns in registers. Rows of a pass are shared by
threads; what is summed over rows is summed in fixed parts, so that the numbers do not depend on threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from graphlab.core.errors import InputError
from graphlab.ops.compiled import contracted, scratch
from graphlab.ops.personalised_pagerank.blocks import BLOCK, known_width, most_passes
from graphlab.ops.personalised_pagerank.chebyshev import chebyshev_block
from graphlab.ops.personalised_pagerank.checks import (
    Progress,
    Sources,
    checked_sources,
    require_positive,
    require_restart,
    require_room,
    require_top,
)
from graphlab.ops.personalised_pagerank.scores import TopNodes, best_of
from graphlab.ops.personalised_pagerank.transition import Transition
from graphlab.ops.threads import PARTS, over_parts

LEAST_TOLERANCE = 1e-14
"""What sums in float64 can reach."""


def power_iteration(
    transition: Transition,
    sources: Sources,
    *,
    restart: float = 0.15,
    tolerance: float = 1e-10,
    progress: Progress | None = None,
) -> np.ndarray:
    """The personalised PageRank of each source, as dense rows.

    Memory beside the result: three numbers for each node and each of 64 sources.

    Args:
        transition: The walk.
        sources: Nodes `[S]`.
        restart: The probability that a walk returns to its source instead of taking a step.
        tolerance: The largest L1 distance between a row and the exact one, beside what rounding adds.
        progress: Called after each block with the sources that are done and the number of all.

    Returns:
        float64 `[S, num_nodes]`; rows sum to 1.

    Raises:
        InputError: A source is not there, the restart is not between 0 and 1, the tolerance is below 1e-14, or the
            result does not fit in memory.
    """
    nodes = checked_sources(sources, transition.num_nodes)
    size = len(nodes) * transition.num_nodes
    require_room(
        f"scores {len(nodes):,} x {transition.num_nodes:,}", 8 * size, "ask for the best nodes alone: top_nodes"
    )
    out = np.empty((len(nodes), transition.num_nodes))
    for first, rows in power_iteration_blocks(transition, nodes, restart=restart, tolerance=tolerance):
        out[first : first + len(rows)] = rows
        if progress:
            progress(first + len(rows), len(nodes))
    return out


def top_nodes(
    transition: Transition,
    sources: Sources,
    count: int,
    *,
    restart: float = 0.15,
    tolerance: float = 1e-10,
    progress: Progress | None = None,
) -> TopNodes:
    """The nodes of the highest personalised PageRank of each source, in memory for one block of sources.

    Args:
        transition, sources, restart, tolerance, progress: As of `power_iteration`.
        count: Nodes of each source.

    Raises:
        InputError: As of `power_iteration`, or the count is no whole number from 1.
    """
    require_top(count)
    nodes = checked_sources(sources, transition.num_nodes)
    count = min(count, transition.num_nodes)
    out = TopNodes(np.empty((len(nodes), count), np.int64), np.empty((len(nodes), count)))
    for first, rows in power_iteration_blocks(transition, nodes, restart=restart, tolerance=tolerance):
        best, part = best_of(rows, count), slice(first, first + len(rows))
        out.node[part], out.score[part] = best.node, best.score
        if progress:
            progress(first + len(rows), len(nodes))
    return out


def power_iteration_blocks(
    transition: Transition, sources: Sources, *, restart: float = 0.15, tolerance: float = 1e-10
) -> Iterator[tuple[int, np.ndarray]]:
    """The rows of `power_iteration` block by block: the place of the first source, and float64 `[b, num_nodes]`.

    Raises:
        InputError: As of `power_iteration`.
    """
    nodes = checked_sources(sources, transition.num_nodes)
    require_restart(restart)
    require_positive("the tolerance", tolerance)
    if tolerance < LEAST_TOLERANCE:
        raise InputError(
            f"sums in float64 do not reach a tolerance of {tolerance:g}", hint=f"{LEAST_TOLERANCE:g} or more"
        )
    if len(nodes):
        columns = 4 * min(BLOCK, len(nodes)) * transition.num_nodes
        require_room("a block of sources", 8 * columns, "a smaller graph, or forward_push")
    block = chebyshev_block if transition.is_undirected else _block
    for first in range(0, len(nodes), BLOCK):
        yield first, block(transition, nodes[first : first + BLOCK], restart, tolerance)


def _block(transition: Transition, nodes: np.ndarray, restart: float, tolerance: float) -> np.ndarray:
    """The rows of the sources of a block, float64 `[S, num_nodes]`."""
    size, width, keep = transition.num_nodes, len(nodes), 1 - restart
    edges = transition.by_target
    is_weighted = edges.probability is not None
    divisor = np.ones(size) if is_weighted else np.maximum(transition.strength, 1)
    probability = edges.probability if is_weighted else np.empty(0)
    loop = _loop(is_weighted, known_width(transition, width))
    # what is left, divided by the number of edges where all are alike: a sum of rows is then all that a pass needs
    done, left, after = (np.zeros((size, width)) for _ in range(3))
    left[nodes, np.arange(width)] = 1 / divisor[nodes]
    mass, total, ratio = np.ones(width), np.zeros(width), np.full(width, keep)
    gaps, masses = np.zeros((PARTS, width)), np.zeros((PARTS, width))
    doubt = 2 if len(transition.dangling) else 1
    for _ in range(most_passes(restart)):
        gaps[:], masses[:] = 0, 0

        def run(
            part: int,
            first: int,
            last: int,
            left: np.ndarray = left,
            after: np.ndarray = after,
            ratio: np.ndarray = ratio,
        ) -> None:
            arrays = (
                edges.start,
                edges.source,
                probability,
                divisor,
                left,
                after,
                done,
                ratio,
                gaps[part],
                masses[part],
            )
            loop(*arrays, keep, first, last)

        over_parts(size, run)
        left, after = after, left
        before, mass = mass, masses.sum(0)
        total += before
        whole = total + mass / (1 - ratio)
        bound = doubt * keep * gaps.sum(0) / ((1 - ratio) * restart * np.maximum(whole, 1))
        if bound.max() <= tolerance:
            break
        ratio = np.minimum(np.divide(mass, before, out=np.zeros(width), where=before > 0), keep)
    done += left * divisor[:, None] / (1 - ratio)
    rows = np.ascontiguousarray(done.T)
    rows /= rows.sum(1, keepdims=True)
    return rows


@cache
def _loop(is_weighted: bool, known: int) -> Callable[..., None]:
    """One pass over some of the rows. The number of columns is `known` when it is compiled, or 0."""

    @contracted
    def loop(start, source, probability, divisor, left, after, done, ratio, gap, mass, keep, first, last):
        width = known if known else left.shape[1]
        sums, gap_sums, mass_sums = scratch(left, width), scratch(left, width), scratch(left, width)
        for k in range(width):
            gap_sums[k], mass_sums[k] = 0.0, 0.0
        for r in range(first, last):
            i = np.uint64(r)
            p, end = np.uint64(start[i]), np.uint64(start[i + np.uint64(1)])
            for k in range(width):
                sums[k] = 0.0
            while p + np.uint64(4) <= end:
                q, s, t = p + np.uint64(1), p + np.uint64(2), p + np.uint64(3)
                a, b = left[np.uint64(source[p])], left[np.uint64(source[q])]
                c, d = left[np.uint64(source[s])], left[np.uint64(source[t])]
                if is_weighted:
                    of_a, of_b, of_c, of_d = probability[p], probability[q], probability[s], probability[t]
                    for k in range(width):
                        sums[k] += (of_a * a[k] + of_b * b[k]) + (of_c * c[k] + of_d * d[k])
                else:
                    for k in range(width):
                        sums[k] += (a[k] + b[k]) + (c[k] + d[k])
                p += np.uint64(4)
            for q in range(p, end):
                a = left[np.uint64(source[q])]
                if is_weighted:
                    of_a = probability[q]
                    for k in range(width):
                        sums[k] += of_a * a[k]
                else:
                    for k in range(width):
                        sums[k] += a[k]
            scale = divisor[i]
            inverse = 1.0 / scale
            own, new, row = left[i], after[i], done[i]
            for k in range(width):
                value = keep * sums[k]
                old = own[k] * scale
                row[k] += old
                gap_sums[k] += abs(value - ratio[k] * old)
                mass_sums[k] += value
                new[k] = value * inverse
        for k in range(width):
            gap[k] += gap_sums[k]
            mass[k] += mass_sums[k]

    return loop
