"""Where a graph falls apart, and how far its nodes are from each other, exactly.

Graphs are simple and undirected, given by their adjacency `[n, n]`, bool.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
from scipy.sparse.csgraph import shortest_path


def cut_vertices(adjacency: np.ndarray) -> np.ndarray:
    """The nodes without which there are more components: bool `[n]`."""
    found = nx.articulation_points(nx.from_numpy_array(adjacency))
    return np.isin(np.arange(len(adjacency)), list(found))


def cut_edges(adjacency: np.ndarray) -> np.ndarray:
    """The edges without which there are more components: bool `[n, n]`, symmetric."""
    cuts = np.zeros(adjacency.shape, dtype=bool)
    for u, v in nx.bridges(nx.from_numpy_array(adjacency)):
        cuts[u, v] = cuts[v, u] = True
    return cuts


def distances(adjacency: np.ndarray) -> np.ndarray:
    """Edges on a shortest path: float64 `[n, n]`, infinite where there is none."""
    return shortest_path(adjacency.astype(np.float64), unweighted=True)


def resistances(adjacency: np.ndarray) -> np.ndarray:
    """The effective resistance between any two nodes, each edge a resistor of 1 ohm: float64 `[n, n]`, infinite where
    no path joins them. R(u, v) = M_uu + M_vv - 2 M_uv, M the Laplacian's pseudo-inverse (Klein and Randic, 1993)."""
    joined = np.isfinite(distances(adjacency))
    laplacian = np.diag(adjacency.sum(1)) - adjacency.astype(np.float64)
    # With 1 / size added within each component the Laplacian is regular, and its inverse is M but for a constant there.
    inverse = np.linalg.inv(laplacian + joined / joined.sum(1))
    own = inverse.diagonal()
    return np.where(joined, own + own[:, None] - 2 * inverse, np.inf)
