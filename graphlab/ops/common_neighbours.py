"""Sums over the common neighbours of pairs of nodes.

    out[p] = sum over w in N(u_p) and N(v_p) of weight[w]

Pairs are taken together by the end with more neighbours, which are marked; those of the other end are looked up. A pair
thus costs the smaller of two degrees, and all links of a graph O(L^1.5). Pairs that are the links of a graph,
of which only the sums over each node's links are wanted, are by node already and need no sorting.
"""

from __future__ import annotations

from threading import local

import numpy as np

from graphlab.core.errors import InputError
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.compiled import at, compiled, counting_sort
from graphlab.ops.threads import for_each, ranges

LEAST = 512
"""Nodes that a thread takes at once."""

ALONE = 2**14
"""Links that one thread has done before others have started."""


def common_neighbours(graph: Adjacency, pairs: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """The weights of the common neighbours of each pair, summed in ascending order of the neighbours.

    Args:
        graph: The graph.
        pairs: Whole numbers `[P, 2]`.
        weight: `[num_nodes]`; None to count.

    Returns:
        float64 `[P]`.

    Raises:
        InputError: Pairs of another shape, or of nodes that are not there; or weights of another length.
    """
    pairs = np.asarray(pairs)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs.size and pairs.dtype.kind not in "iu"):
        raise InputError(f"pairs have shape {pairs.shape}", hint="pass whole numbers [pairs, 2]")
    if pairs.size and not 0 <= pairs.min() <= pairs.max() < graph.num_nodes:
        raise InputError(f"a pair names a node that is not among {graph.num_nodes:,}", hint="nodes are counted from 0")
    if weight is not None and np.shape(weight) != (graph.num_nodes,):
        raise InputError(
            f"weights have shape {np.shape(weight)}", hint=f"give one number for each of {graph.num_nodes:,} nodes"
        )
    degree = graph.degree[pairs]
    turned = degree[:, 0] < degree[:, 1]
    larger, smaller = (np.where(turned, pairs[:, 1 - end], pairs[:, end]).astype(np.int64) for end in (0, 1))
    start, order = counting_sort(larger, graph.num_nodes)
    marked = np.flatnonzero(np.diff(start))
    out = np.zeros(len(pairs))
    values = np.ones(1) if weight is None else np.asarray(weight, np.float64)

    def run(share: tuple[int, int]) -> None:
        mark = np.full(graph.num_nodes, -1, np.int32)
        nodes = marked[share[0] : share[1]]
        _sum(graph.start, graph.neighbour, nodes, start, order, smaller, values, weight is not None, mark, out)

    for_each(run, ranges(len(marked), LEAST))
    return out


def common_with_linked(graph: Adjacency, links: Adjacency) -> np.ndarray:
    """Neighbours that each node has in common with those that it is linked to, summed over these, int64 `[num_nodes]`.

    Args:
        graph: Whose neighbours are counted.
        links: Of the same nodes; `graph` itself for twice the number of triangles of each node.
    """
    graphs, num_nodes = (graph.start, graph.neighbour, links.start, links.neighbour), graph.num_nodes
    if len(links.neighbour) <= ALONE:
        return _with_linked(*graphs, 0, num_nodes, np.full(num_nodes, -1, np.int32), np.zeros(num_nodes, np.int64))
    of_thread, sums = local(), []

    def run(share: tuple[int, int]) -> None:
        if not hasattr(of_thread, "arrays"):
            of_thread.arrays = np.full(num_nodes, -1, np.int32), np.zeros(num_nodes, np.int64)
            sums.append(of_thread.arrays[1])
        _with_linked(*graphs, *share, *of_thread.arrays)

    for_each(run, ranges(num_nodes, LEAST))
    return sum(sums[1:], sums[0])


@compiled
def _sum(start, neighbour, nodes, pair_start, order, smaller, weight, is_weighted, mark, out):
    """The pairs of nodes[:], whose neighbours are marked with the node."""
    for node in nodes:
        for e in range(start[node], start[node + 1]):
            mark[neighbour[e]] = node
        for k in range(pair_start[node], pair_start[node + 1]):
            pair = order[k]
            other = smaller[pair]
            total = 0.0
            if is_weighted:
                for e in range(start[other], start[other + 1]):
                    if mark[neighbour[e]] == node:
                        total += weight[neighbour[e]]
            else:
                for e in range(start[other], start[other + 1]):
                    total += mark[neighbour[e]] == node
            out[pair] = total


@compiled
def _with_linked(start, neighbour, link_start, link, first, last, mark, out):
    """For links of nodes in [first, last) to others of no more neighbours: added to both ends."""
    for node in range(first, last):
        degree, is_marked, total = start[node + 1] - start[node], False, 0
        for e in range(link_start[node], link_start[node + 1]):
            other = link[e]
            smaller = start[other + 1] - start[other]
            if smaller > degree or (smaller == degree and other > node):
                continue
            if not is_marked:
                is_marked = True
                for k in range(start[node], start[node + 1]):
                    mark[at(neighbour, k)] = node
            common = 0
            for k in range(start[other], start[other + 1]):
                common += at(mark, at(neighbour, k)) == node
            total += common
            out[other] += common
        out[node] += total
    return out


def reference(graph: Adjacency, pairs: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """The same by sets."""
    rows = [set(graph.neighbour[first:end].tolist()) for first, end in zip(graph.start, graph.start[1:], strict=False)]
    values = np.ones(graph.num_nodes) if weight is None else weight
    return np.array([float(sum(values[w] for w in sorted(rows[u] & rows[v]))) for u, v in pairs], dtype=float)
