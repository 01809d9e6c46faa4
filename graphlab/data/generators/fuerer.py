"""Fürer graphs: pairs that are alike but for one twist, hard to tell apart where the base graph is well joined. Cai,
Fürer and Immerman, Combinatorica 1992, in the form without edge nodes of Fürer, ICALP 2001.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np


def fuerer_pair(base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Fürer graph of a base graph and the twisted one: adjacencies, bool, of sum_x 2^(deg(x) - 1) nodes each.

    A node is a node x of the base and a set S of an even number of x's neighbours. (x, S) and (y, T) are joined if x
    and y are and y is in S if and only if x is in T; in the twisted graph, over the first edge, if and only if not.
    The two are not isomorphic where the base is connected.

    base: symmetric adjacency `[n, n]` without loops. Raises ValueError where it is not, or has no edge.
    """
    base = np.asarray(base, dtype=bool)
    if base.ndim != 2 or not np.array_equal(base, base.T) or base.diagonal().any() or not base.any():
        raise ValueError("a base graph is a symmetric adjacency without loops and with an edge")
    nodes = [(x, chosen) for x in range(len(base)) for chosen in _even_sets(np.flatnonzero(base[x]).tolist())]
    owner = np.array([x for x, _ in nodes])
    holds = np.zeros((len(nodes), len(base)), dtype=bool)
    for i, (_, chosen) in enumerate(nodes):
        holds[i, list(chosen)] = True
    agree = holds[:, owner] == holds[:, owner].T
    plain = base[np.ix_(owner, owner)] & agree
    x, y = (int(end[0]) for end in np.nonzero(base))
    turned = (owner[:, None] == x) & (owner == y)
    turned |= turned.T
    return plain, np.where(turned, ~agree, plain)


def _even_sets(neighbours: list[int]) -> list[tuple[int, ...]]:
    return [chosen for size in range(0, len(neighbours) + 1, 2) for chosen in combinations(neighbours, size)]
