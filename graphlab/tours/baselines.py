"""Tours without learning: nearest neighbour, greedy edge, and 2-opt."""

from __future__ import annotations

import numpy as np

from graphlab.core.errors import InputError
from graphlab.core.memory import require_memory
from graphlab.ops.compiled import called_by_loops, compiled
from graphlab.tours.decoding import greedy_decode
from graphlab.tours.instances import LARGER, MEMORY_LIMIT, TourInstance
from graphlab.tours.tour import require_tour

ROUNDING = 1e-12
"""A move counts as shorter if it saves more than this share of the largest cost: sums that differ by rounding alone
would take turns without end."""


def nearest_neighbour(instance: TourInstance, start: int = 0) -> np.ndarray:
    """The tour that goes from its start to the nearest node not yet visited, of several the one of lowest index.

    Raises:
        InputError: for a start that is no node.
    """
    n = instance.num_nodes
    if not 0 <= start < n:
        raise InputError(f"no node is {start}", hint=f"nodes are 0 to {n - 1}")
    tour = np.empty(n, np.int64)
    tour[0] = start
    visited = np.zeros(n, bool)
    for k in range(1, n):
        visited[tour[k - 1]] = True
        tour[k] = np.where(visited, np.inf, instance.costs[tour[k - 1]]).argmin()
    return tour


def greedy_edge(instance: TourInstance) -> np.ndarray:
    """The tour of the cheapest edges first, each taken if it closes no cycle and no node gets a third edge."""
    return greedy_decode(-instance.costs)


def two_opt(
    tour: np.ndarray, instance: TourInstance, num_neighbours: int | None = None, *, memory_limit: int = MEMORY_LIMIT
) -> np.ndarray:
    """A tour shortened by 2-opt moves until none of those that are tried makes it shorter.

    A move replaces the edges (a, b) and (c, d) by (a, c) and (b, d). One of the new edges of a shorter tour is cheaper
    than an old one at the same node, so that only nearer nodes are tried.

    Args:
        tour: where to start; it is not written to.
        num_neighbours: nearest nodes tried for each node; by default all, and no 2-opt move improves the result.
        memory_limit: bytes that may be allocated.

    Raises:
        InputError: for what is no tour, a number of neighbours below 1, or too many nodes for memory_limit.
    """
    shorter = require_tour(tour, instance.num_nodes)
    improve(shorter, instance.costs, nearest(instance, num_neighbours, memory_limit=memory_limit), slack(instance))
    return shorter


def slack(instance: TourInstance) -> float:
    """What a move has to save to count as shorter."""
    return ROUNDING * float(instance.costs.max())


def nearest(
    instance: TourInstance, num_neighbours: int | None = None, *, memory_limit: int = MEMORY_LIMIT
) -> np.ndarray:
    """The nearest other nodes of each node, nearest first, int64 `[n, num_neighbours]`; by default all.

    Raises:
        InputError: for a number below 1, or too many nodes for memory_limit.
    """
    n = instance.num_nodes
    width = n - 1 if num_neighbours is None else num_neighbours
    if width < 1:
        raise InputError(f"a node cannot have {width} neighbours", hint="a whole number from 1, or None for all")
    require_memory(f"the neighbours of {n:,} nodes", 3 * 8 * n**2, memory_limit, LARGER)
    costs = instance.costs.copy()
    np.fill_diagonal(costs, np.inf)
    return np.ascontiguousarray(np.argsort(costs, axis=1, kind="stable")[:, : min(width, n - 1)])


@compiled
def improve(tour: np.ndarray, costs: np.ndarray, neighbours: np.ndarray, slack: float) -> None:
    """2-opt in place, over the neighbours of each node in their order, which is from the nearest."""
    n = len(tour)
    position = np.empty(n, np.int64)
    for k in range(n):
        position[tour[k]] = k
    improved = True
    while improved:
        improved = False
        for a in range(n):
            while _improve_at(a, tour, position, costs, neighbours, slack):
                improved = True


@called_by_loops
def _improve_at(a, tour, position, costs, neighbours, slack):
    """Makes the first move that replaces an edge of node a by a cheaper one and the tour by a shorter one."""
    n = len(tour)
    for step in (1, -1):
        b = tour[(position[a] + step) % n]
        for k in range(neighbours.shape[1]):
            c = neighbours[a, k]
            if costs[a, c] >= costs[a, b]:
                break
            d = tour[(position[c] + step) % n]
            if costs[a, c] + costs[b, d] < costs[a, b] + costs[c, d] - slack:
                if step == 1:
                    _reverse(tour, position, position[b], position[c])
                else:
                    _reverse(tour, position, position[c], position[b])
                return True
    return False


@called_by_loops
def _reverse(tour, position, first, last):
    """Reverses the path from one position on to another, or what is the same tour, the rest, if that is shorter."""
    n = len(tour)
    size = (last - first) % n + 1
    if 2 * size > n:
        first, last, size = (last + 1) % n, (first - 1) % n, n - size
    for _ in range(size // 2):
        tour[first], tour[last] = tour[last], tour[first]
        position[tour[first]], position[tour[last]] = first, last
        first, last = (first + 1) % n, (last - 1) % n
