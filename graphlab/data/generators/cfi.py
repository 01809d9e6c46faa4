"""CFI graphs: pairs that k-WL cannot tell apart, for any k. Cai, Furer and Immerman, Combinatorica 1992; in the form
without end nodes of Furer, ICALP 2001.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from itertools import combinations

import networkx as nx
import numpy as np

Edge = tuple[Hashable, Hashable]


def cfi(base: nx.Graph, twisted: Collection[Edge] = ()) -> np.ndarray:
    """The CFI graph of a base graph, with some of its edges twisted: adjacency `[n, n]`, bool.

    A node is a node v of the base with an even set S of edges at v, so n = sum of 2^(d_v - 1). (u, S) and (v, T) are
    linked if uv is an edge of the base and lies in both S and T or in neither; if it is twisted, in exactly one. Of a
    connected base, only the parity of the number of twisted edges matters: equal parity gives isomorphic graphs, other
    parity graphs that are not, and that k-FWL cannot tell apart if k is less than the base's treewidth. Nodes are
    ordered by the base's, then by S.

    Raises ValueError where the base has self-loops, or lacks an edge that is to be twisted.
    """
    if nx.number_of_selfloops(base):
        raise ValueError("a CFI graph needs a base without self-loops")
    ends = {frozenset(edge) for edge in twisted}
    absent = ends - {frozenset(edge) for edge in base.edges}
    if absent:
        raise ValueError(f"{sorted(map(str, next(iter(absent))))} is no edge of the base")
    nodes = [(v, chosen) for v in base for chosen in _even_subsets(base, v)]
    adjacency = np.zeros((len(nodes), len(nodes)), dtype=bool)
    for (i, (u, first)), (j, (v, second)) in combinations(enumerate(nodes), 2):
        if base.has_edge(u, v):
            edge = frozenset((u, v))
            adjacency[i, j] = ((edge in first) == (edge in second)) != (edge in ends)
    return adjacency | adjacency.T


def cfi_pair(base: nx.Graph) -> tuple[np.ndarray, np.ndarray]:
    """The CFI graph of a connected base, and its twin with the first edge twisted; they are not isomorphic.

    Raises ValueError where the base is not connected or has no edge, and the twins are the same graph.
    """
    if not base.number_of_edges() or not nx.is_connected(base):
        raise ValueError("CFI graphs come in pairs where the base is connected and has an edge")
    return cfi(base), cfi(base, [next(iter(base.edges))])


def _even_subsets(base: nx.Graph, v: Hashable) -> list[frozenset[frozenset[Hashable]]]:
    edges = [frozenset((v, u)) for u in base[v]]
    return [frozenset(chosen) for size in range(0, len(edges) + 1, 2) for chosen in combinations(edges, size)]
