"""Random instances that several algorithms share.

Samplers make the calls that the reference makes, in its order. From a `RandomState` with its seed they draw its
instances.
"""

from __future__ import annotations

import numpy as np

from graphlab.algorithms.algorithm import Values
from graphlab.core.errors import InputError

Random = np.random.Generator | np.random.RandomState
"""Where randomness comes from. `RandomState` is numpy's old generator, whose streams never change."""


def integers(rng: Random, low: int, high: int, size: int | None = None) -> np.ndarray:
    """Whole numbers uniform in [low, high); one if there is no size."""
    draw = rng.randint if isinstance(rng, np.random.RandomState) else rng.integers
    return np.asarray(draw(low, high, size))


def source(size: int, rng: Random) -> np.ndarray:
    """A mask of a random node."""
    return one_hot(int(integers(rng, 0, size)), size)


def one_hot(index: int, length: int) -> np.ndarray:
    """0 but for a 1 at the index."""
    return (np.arange(length) == index).astype(np.int8)


def require_probability(p: float) -> None:
    """Raises InputError for what is no probability."""
    if not 0 <= p <= 1:
        raise InputError(f"p cannot be {p}", hint="the probability of an edge is in [0, 1]")


def undirected_graph(size: int, rng: Random, p: float = 0.5) -> np.ndarray:
    """A symmetric 0-1 matrix.

    An edge needs both of its directions drawn: the edge probability is p squared, that of a self-loop is p.
    """
    drawn = directed_graph(size, rng, p)
    return drawn * drawn.T


def directed_graph(size: int, rng: Random, p: float = 0.5) -> np.ndarray:
    """A 0-1 matrix of independent entries, self-loops among them."""
    require_probability(p)
    return rng.binomial(1, p, (size, size)).astype(np.float64)


def weighted_graph(size: int, rng: Random, p: float = 0.5) -> np.ndarray:
    """An undirected graph whose weights are sqrt(u v + 1e-3), u and v uniform in [0, 1); u squared at a self-loop."""
    graph = undirected_graph(size, rng, p)
    uniform = rng.random((size, size))
    return graph * np.sqrt(uniform * uniform.T + 1e-3)


def acyclic_graph(size: int, rng: Random, p: float = 0.5) -> np.ndarray:
    """A directed acyclic 0-1 matrix: edges along a random order of the nodes."""
    upper = np.triu(directed_graph(size, rng, p), 1)
    order = rng.permutation(size)
    return upper[order][:, order]


def community_graph(size: int, rng: Random, communities: int = 4, p: float = 0.5, eps: float = 0.01) -> np.ndarray:
    """Directed communities, with sparse edges between them.

    Args:
        size: Number of nodes, at least that of communities.
        rng: Where the randomness comes from.
        communities: How many; the last takes what the division leaves.
        p: Probability of an edge within a community.
        eps: Probability that a pair of a community and itself or a later one is toggled. Edges between communities
            thus close no cycle; within one an edge is added or removed.
    """
    require_probability(eps)
    if size < communities:
        raise InputError(f"{size} nodes cannot form {communities} communities", hint="use a larger size")
    community = np.minimum(np.arange(size) // (size // communities), communities - 1)
    forward = community[:, None] <= community
    within = np.zeros((size, size))
    for number in range(communities):
        members = np.flatnonzero(community == number)
        within[np.ix_(members, members)] = directed_graph(len(members), rng, p)
    toggled = directed_graph(size, rng, eps) * forward
    graph = np.abs(within - toggled)
    order = rng.permutation(size)
    return graph[order][:, order]


def sample_keys(size: int, rng: Random) -> Values:
    """Keys uniform in [0, 1)."""
    return {"key": rng.random(size)}


def sample_signed_keys(size: int, rng: Random) -> Values:
    """Keys uniform in [-1, 1)."""
    return {"key": rng.uniform(-1, 1, size)}


def sample_weighted(size: int, rng: Random, p: float = 0.5) -> Values:
    """An undirected weighted graph."""
    return {"A": weighted_graph(size, rng, p)}


def sample_weighted_source(size: int, rng: Random, p: float = 0.5) -> Values:
    """An undirected weighted graph and a source."""
    return {"A": weighted_graph(size, rng, p), "s": source(size, rng)}
