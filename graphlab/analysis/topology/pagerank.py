"""Where a node's personalised PageRank lies: how much of it near the node, and how much on the nodes it is linked to.

With pi_i the personalised PageRank of i on the training graph (restart .15), B_i the nodes within h hops of i, itself
included, and N_i the nodes that links of a part join to i,

    near_i = sum over v in B_i of pi_i(v)          on_links_i = sum over j in N_i of pi_i(j)

Both are shares of the time of a random walk that returns to i every so often. The first is the mass that is measured
to find a community around a node: of a set of low conductance it is close to 1 for most nodes of the set (Andersen,
Chung and Lang, FOCS 2006, section 3). The second is how far the walk finds the neighbours that are asked for; of a
link it is the score that is known as rooted PageRank (Liben-Nowell and Kleinberg, CIKM 2003).

A node without training links keeps its walk: its share near itself is 1, and that on links 0. The share near a node is
1 as well where nothing of its component is further away.

References:
    Andersen, Chung and Lang, Local Graph Partitioning using PageRank Vectors, FOCS 2006.
    Liben-Nowell and Kleinberg, The Link Prediction Problem for Social Networks, CIKM 2003.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from graphlab.analysis.topology.parts import LinkParts
from graphlab.core.errors import require_count
from graphlab.ops.compiled import compiled
from graphlab.ops.personalised_pagerank import Transition, power_iteration_blocks
from graphlab.ops.threads import for_each, ranges

RESTART = 0.15

TOLERANCE = 1e-12
"""Of the PageRank of a node, in the L1 norm."""

DECIMALS = 10
"""That shares are rounded to, so that nodes which are alike have equal ones."""

AFFORDABLE = 200_000_000
"""Nodes times edges in both directions up to which the PageRank of all nodes takes a few seconds."""


@dataclass(frozen=True, eq=False)
class PagerankShares:
    """Shares of the personalised PageRank of each node.

    Attributes:
        hops: h.
        near: The share within h hops, float64 `[num_nodes]`.
        on_links: By part the share on the nodes that its links join to a node, float64 `[num_nodes]`; 0 without links.
    """

    hops: int
    near: np.ndarray
    on_links: dict[str, np.ndarray]


def is_affordable(parts: LinkParts) -> bool:
    """Whether the shares of all nodes take a few seconds."""
    return parts.num_nodes * len(parts.train.neighbour) <= AFFORDABLE


def pagerank_shares(
    parts: LinkParts,
    hops: int = 1,
    *,
    of: Sequence[str] = ("test",),
    restart: float = RESTART,
    on_progress: Callable[[float], None] | None = None,
) -> PagerankShares:
    """Shares of the PageRank of all nodes, a block of nodes at a time.

    The time is that of the PageRank of each node, and grows with nodes times edges: seconds for thousands of nodes, an
    hour for hundreds of thousands. Memory is that of one block, 64 rows of all nodes.

    Args:
        parts: The links.
        hops: h.
        of: Parts, "train", "validation" or "test", whose links are asked for.
        restart: The probability that a walk returns to its node before a step.
        on_progress: Called after each block, with the part of the work that is done.

    Returns:
        Shares to ten decimals.

    Raises:
        UnknownNameError: There is no such part.
        InputError: The number of hops is no whole number from 1, the restart is not between 0 and 1, or a block does
            not fit in memory.
    """
    require_count("the number of hops", hops, "at least 1")
    links, graph, num_nodes = {part: parts.links(part) for part in of}, parts.train, parts.num_nodes
    near, on_links = np.zeros(num_nodes), {part: np.zeros(num_nodes) for part in of}
    blocks = power_iteration_blocks(
        Transition.of_adjacency(graph), np.arange(num_nodes), restart=restart, tolerance=TOLERANCE
    )
    for place, rows in blocks:

        def run(share: tuple[int, int], place=place, rows=rows) -> None:
            mark, queue = np.full(num_nodes, -1, np.int64), np.empty(num_nodes, np.int32)
            _sum_near(graph.start, graph.neighbour, rows, place, *share, hops, mark, queue, near)
            for part, each in links.items():
                _sum_linked(each.start, each.neighbour, rows, place, *share, on_links[part])

        for_each(run, ranges(len(rows)))
        if on_progress is not None:
            on_progress((place + len(rows)) / num_nodes)
    return PagerankShares(hops, near.round(DECIMALS), {part: each.round(DECIMALS) for part, each in on_links.items()})


@compiled
def _sum_near(start, neighbour, rows, place, first, last, hops, mark, queue, out):
    """The mass of rows[first:last] within so many hops of the nodes from `place` on."""
    for row in range(first, last):
        i = place + row
        queue[0], mark[i] = i, i
        count, here = 1, 0
        for _ in range(hops):
            end = count
            for k in range(here, end):
                for e in range(start[queue[k]], start[queue[k] + 1]):
                    other = neighbour[e]
                    if mark[other] != i:
                        mark[other] = i
                        queue[count] = other
                        count += 1
            here = end
            if count == end:
                break
        is_whole = True
        for k in range(here, count):
            for e in range(start[queue[k]], start[queue[k] + 1]):
                is_whole &= mark[neighbour[e]] == i
        total = 0.0
        for k in range(count):
            total += rows[row, queue[k]]
        out[i] = 1.0 if is_whole else total


@compiled
def _sum_linked(start, neighbour, rows, place, first, last, out):
    for row in range(first, last):
        total = 0.0
        for e in range(start[place + row], start[place + row + 1]):
            total += rows[row, neighbour[e]]
        out[place + row] = total
