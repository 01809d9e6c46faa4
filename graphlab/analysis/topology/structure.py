"""What surrounds a node in the training graph: degree, core number, clustering and the density of its ego network.

References:
    Wang et al., A Topological Perspective on Demystifying GNN-Based Link Prediction Performance, ICLR 2024.
    Batagelj and Zaversnik, An O(m) Algorithm for Cores Decomposition of Networks, 2003.
"""

from __future__ import annotations

import numpy as np

from graphlab.core.errors import require_count
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.common_neighbours import common_with_linked
from graphlab.ops.compiled import compiled
from graphlab.ops.threads import for_each, ranges


def clustering(graph: Adjacency) -> np.ndarray:
    """The local clustering coefficient, float64 `[num_nodes]`; 0 for fewer than two neighbours."""
    triangles = common_with_linked(graph, graph)
    pairs = graph.degree * (graph.degree - 1)
    return np.divide(triangles, pairs, out=np.zeros(graph.num_nodes), where=pairs > 0)


def core_number(graph: Adjacency) -> np.ndarray:
    """The largest k for which the node is in the k-core, int64 `[num_nodes]`."""
    return _cores(graph.start, graph.neighbour, graph.degree.copy())


def ego_density(graph: Adjacency, hops: int = 1) -> np.ndarray:
    """Links among the nodes within so many hops, the node itself included, over their pairs: float64 `[num_nodes]`.

    0 for a node without neighbours.

    Raises:
        InputError: The number of hops is no whole number from 1.
    """
    require_count("the number of hops", hops, "at least 1")
    out = np.zeros(graph.num_nodes)

    def run(share: tuple[int, int]) -> None:
        mark, queue = np.full(graph.num_nodes, -1, np.int32), np.empty(graph.num_nodes, np.int32)
        _density(graph.start, graph.neighbour, *share, hops, mark, queue, out)

    for_each(run, ranges(graph.num_nodes))
    return out


@compiled
def _density(start, neighbour, first, last, hops, mark, queue, out):
    for i in range(first, last):
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
        ends = 0
        for k in range(count):
            for e in range(start[queue[k]], start[queue[k] + 1]):
                ends += mark[neighbour[e]] == i
        out[i] = ends / (count * (count - 1.0)) if count > 1 else 0.0


@compiled
def _cores(start, neighbour, core):
    """Nodes in the order of their degrees among those that are left, kept by counting; changes `core`, the degrees."""
    n = len(core)
    most = 0
    for i in range(n):
        most = max(most, core[i])
    begin = np.zeros(most + 2, np.int64)
    for i in range(n):
        begin[core[i] + 1] += 1
    for d in range(most + 1):
        begin[d + 1] += begin[d]
    place, order, free = np.empty(n, np.int64), np.empty(n, np.int64), begin.copy()
    for i in range(n):
        place[i] = free[core[i]]
        order[place[i]] = i
        free[core[i]] += 1
    for k in range(n):
        node = order[k]
        for e in range(start[node], start[node + 1]):
            other = neighbour[e]
            if core[other] > core[node]:
                swapped = order[begin[core[other]]]
                if swapped != other:
                    order[place[other]], order[begin[core[other]]] = swapped, other
                    place[swapped], place[other] = place[other], begin[core[other]]
                begin[core[other]] += 1
                core[other] -= 1
    return core
