"""Sums over the walks of an undirected graph from some nodes to all: Katz's index and personalised PageRank.

    katz(u, v)     = sum over t >= 1 of beta^t (A^t)_uv                       = ((I - beta A)^-1 - I)_uv
    pagerank(u, v) = restart sum over t >= 0 of (1 - restart)^t (P^t)_uv      with P = D^-1 A

Terms are added until what is left of the sum is bounded by rounding. A block of sources takes three arrays of
`[num_nodes, sources]`.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from graphlab.core.errors import InputError
from graphlab.ops.adjacency import Adjacency

ROUNDING = 1e-16
"""What may be left of a sum, of its largest term."""

DENSE = 64
"""Nodes up to which eigenvalues are those of a dense matrix."""


def adjacency_matrix(graph: Adjacency) -> sparse.csr_matrix:
    """The symmetric matrix of zeros and ones, float64 `[num_nodes, num_nodes]`."""
    shape = (graph.num_nodes, graph.num_nodes)
    return sparse.csr_matrix((np.ones(len(graph.neighbour)), graph.neighbour, graph.start), shape=shape)


def spectral_radius(graph: Adjacency) -> float:
    """The largest eigenvalue of the adjacency matrix; 0 without links."""
    if not graph.num_links:
        return 0.0
    matrix = adjacency_matrix(graph)
    if graph.num_nodes <= DENSE:
        return float(np.linalg.eigvalsh(matrix.toarray())[-1])
    start = np.sqrt(graph.degree + 1.0)
    return float(sparse.linalg.eigsh(matrix, k=1, which="LA", v0=start, return_eigenvectors=False)[0])


def largest_growth(graph: Adjacency, beta: float) -> float:
    """A bound below 1 of the factor by which terms of Katz's sum grow: beta times the largest degree where that is
    below 1, else beta times the spectral radius.

    Raises:
        InputError: beta is 1 / spectral radius or more, so that the sum is infinite.
    """
    bound = beta * float(graph.degree.max(initial=0))
    if bound < 1:
        return bound
    radius = spectral_radius(graph)
    if beta * radius < 1:
        return beta * radius
    raise InputError(
        f"Katz's sum over walks is infinite for beta = {beta:g}: on this graph it must be below 1 / {radius:.6g}, "
        f"which is {1 / radius:.6g}",
        hint=f"choose a smaller beta, as {0.5 / radius:.2g}; 1 over the spectral radius of the adjacency is the bound",
    )


def katz(graph: Adjacency, sources: np.ndarray, beta: float, growth: float | None = None) -> np.ndarray:
    """Katz's index of some nodes with all others, which counts each walk of t links as beta^t.

    Args:
        graph: The graph.
        sources: Node ids `[B]`.
        beta: Weight of a link, below 1 / spectral radius.
        growth: From `largest_growth`, where it is known already.

    Returns:
        float64 `[B, num_nodes]`.

    Raises:
        InputError: The sum is infinite.
    """
    growth = largest_growth(graph, beta) if growth is None else growth
    matrix = beta * adjacency_matrix(graph)
    term = _unit(graph, sources)
    total = np.zeros_like(term)
    while True:
        term = matrix @ term
        total += term
        left = np.linalg.norm(term, axis=0).max(initial=0.0) * growth / (1 - growth)
        if left <= ROUNDING * beta:
            return total.T


def personalised_pagerank(graph: Adjacency, sources: np.ndarray, restart: float) -> np.ndarray:
    """The share of its time that a random walk spends at each node if it returns to its source with a probability
    before each step. A walk from a node without neighbours stays there.

    Args:
        graph: The graph.
        sources: Node ids `[B]`.
        restart: In (0, 1).

    Returns:
        float64 `[B, num_nodes]`, rows that sum to one.

    Raises:
        InputError: `restart` is not between 0 and 1.
    """
    if not 0 < restart < 1:
        raise InputError(f"a walk cannot restart with probability {restart!r}", hint="restart lies between 0 and 1")
    matrix = adjacency_matrix(graph) @ sparse.diags((1 - restart) / np.maximum(graph.degree, 1))
    term = restart * _unit(graph, sources)
    total = term.copy()
    left = 1.0
    while left > ROUNDING:
        term = matrix @ term
        total += term
        left *= 1 - restart
    alone = graph.degree[sources] == 0
    total[sources[alone], np.flatnonzero(alone)] = 1.0
    return total.T


def _unit(graph: Adjacency, sources: np.ndarray) -> np.ndarray:
    unit = np.zeros((graph.num_nodes, len(sources)))
    unit[sources, np.arange(len(sources))] = 1.0
    return unit
