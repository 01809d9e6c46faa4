"""Tuples of other roots about the same node, found in listed subgraphs."""

from __future__ import annotations

import numpy as np

from graphlab.model.subgraph.policies.bags import Bags, Packed
from graphlab.ops.compiled import kept


def locate(bags: Bags, root: np.ndarray, node: np.ndarray) -> np.ndarray:
    """The tuple (root, node) of each pair, int64; the pair's own place where the subgraph lacks the node."""
    return _locate(bags.start, bags.node, root, node)


def crossing_edges(graphs: Packed, bags: Bags, root: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Messages (w, v) to (u, v) along edges w -> u, where both roots see v: target, source, edge, sorted by target.

    Roots are nodes, numbered as nodes are.
    """
    order = np.argsort(graphs.target, kind="stable")
    start = np.searchsorted(graphs.target[order], np.arange(graphs.num_nodes + 1))
    given = (bags.start, bags.node, root, start, order, graphs.source)
    counts = _cross(*given, np.zeros(len(root) + 1, np.int64), np.empty((3, 0), np.int64))
    found = np.empty((3, int(counts.sum())), np.int64)
    _cross(*given, np.r_[0, np.cumsum(counts)[:-1]], found)
    return found[0], found[1], found[2]


@kept()
def _find(start, node, r, v):
    low, high = start[r], start[r + 1]
    while low < high:
        middle = (low + high) // 2
        if node[middle] < v:
            low = middle + 1
        else:
            high = middle
    return low if low < start[r + 1] and node[low] == v else -1


@kept()
def _locate(start, tuple_node, root, node):
    out = np.empty(len(root), np.int64)
    for i in range(len(root)):
        place = _find(start, tuple_node, root[i], node[i])
        out[i] = i if place < 0 else place
    return out


@kept()
def _cross(start, tuple_node, root, in_start, in_edge, source, place, found):
    """Counts the messages of each tuple; where there is room for them, also writes them from `place`."""
    counts = np.zeros(len(root), np.int64)
    for i in range(len(root)):
        for p in range(in_start[root[i]], in_start[root[i] + 1]):
            edge = in_edge[p]
            j = _find(start, tuple_node, source[edge], tuple_node[i])
            if j >= 0:
                if found.shape[1]:
                    m = place[i] + counts[i]
                    found[0, m], found[1, m], found[2, m] = i, j, edge
                counts[i] += 1
    return counts
