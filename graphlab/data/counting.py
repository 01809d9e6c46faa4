"""Exact counts of small substructures, in a whole graph and through each of its nodes and edges.

Cycles are listed, not estimated: each is found once, from its smallest node. Many graphs are counted at one go as the
parts of one graph.
"""

from __future__ import annotations

import numpy as np


def simple_cycles(edge_index: np.ndarray, num_nodes: int, length: int) -> np.ndarray:
    """Every cycle of `length` different nodes in a simple undirected graph, once: int64 `[cycles, length]`.

    `edge_index` `[2, E]` holds both directions of each edge. A row lists the nodes in the order of the cycle; the first
    is the smallest, and the second smaller than the last. Time and memory grow with the number of paths of
    `length - 1` nodes from their smallest node. Raises ValueError for a length below 3.
    """
    if length < 3:
        raise ValueError(f"a cycle has at least 3 nodes, not {length}")
    order = np.lexsort((edge_index[1], edge_index[0]))
    source, target = edge_index[:, order].astype(np.int64)
    first = np.searchsorted(source, np.arange(num_nodes + 1))
    links = source * num_nodes + target
    paths = np.stack([source, target], axis=1)[source < target]
    for _ in range(length - 2):
        degree = first[paths[:, -1] + 1] - first[paths[:, -1]]
        rows = np.repeat(np.arange(len(paths)), degree)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(degree) - degree, degree)
        following = target[first[paths[rows, -1]] + within]
        new = following > paths[rows, 0]
        rows, following = rows[new], following[new]
        new = (paths[rows, 1:] != following[:, None]).all(axis=1)
        paths = np.concatenate([paths[rows[new]], following[new, None]], axis=1)
    if not len(links):
        return paths
    closing = paths[:, -1] * num_nodes + paths[:, 0]
    place = np.minimum(np.searchsorted(links, closing), len(links) - 1)
    return paths[(paths[:, 1] < paths[:, -1]) & (links[place] == closing)]


def cycles_through_nodes(cycles: np.ndarray, num_nodes: int) -> np.ndarray:
    """How many of the listed cycles go through each node: int64 `[num_nodes]`."""
    return np.bincount(cycles.ravel(), minlength=num_nodes)


def cycles_through_edges(cycles: np.ndarray, edge_index: np.ndarray, num_nodes: int) -> np.ndarray:
    """How many of the listed cycles go through each edge, in the order of `edge_index`: int64 `[E]`."""
    follower = np.roll(cycles, -1, axis=1)
    used = np.minimum(cycles, follower) * num_nodes + np.maximum(cycles, follower)
    codes, inverse = np.unique(edge_index.min(axis=0) * num_nodes + edge_index.max(axis=0), return_inverse=True)
    return np.bincount(np.searchsorted(codes, used.ravel()), minlength=len(codes))[inverse]


def tailed_triangles(triangles_through_nodes: np.ndarray, degree: np.ndarray) -> np.ndarray:
    """Triangles with an edge to a fourth node, by the node that it hangs on: t_i (d_i - 2), int64 `[num_nodes]`."""
    return triangles_through_nodes * (degree - 2)


def three_stars(degree: np.ndarray) -> np.ndarray:
    """Stars of three leaves by their centre: C(d_i, 3), int64 `[num_nodes]`."""
    return degree * (degree - 1) * (degree - 2) // 6
