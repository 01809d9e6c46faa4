"""A tour: an int64 array that holds each node once. It returns from its last node to its first."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from graphlab.core.errors import InputError


def is_tour(tour: ArrayLike, num_nodes: int) -> bool:
    """Whether an array of integers visits each of the nodes 0, ..., num_nodes - 1 once."""
    tour = np.asarray(tour)
    if tour.shape != (num_nodes,) or tour.dtype.kind not in "iu":
        return False
    return bool((np.sort(tour) == np.arange(num_nodes)).all())


def require_tour(tour: ArrayLike, num_nodes: int) -> np.ndarray:
    """The tour as int64.

    Raises:
        InputError: for what is no tour of these nodes.
    """
    if not is_tour(tour, num_nodes):
        raise InputError(
            f"not a tour of {num_nodes} nodes: {np.asarray(tour)!r:.80}",
            hint=f"a tour holds each of 0, ..., {num_nodes - 1} once; decoding.greedy_decode makes one of any scores",
        )
    return np.array(tour, np.int64)


def tour_length(tour: np.ndarray, costs: np.ndarray) -> float:
    """The sum of the costs along a tour and back to its start."""
    return float(costs[tour, np.roll(tour, -1)].sum())


def tour_adjacency(tour: np.ndarray) -> np.ndarray:
    """The tour's edges as a symmetric bool matrix `[n, n]`."""
    adjacency = np.zeros((len(tour), len(tour)), bool)
    following = np.roll(tour, -1)
    adjacency[tour, following] = adjacency[following, tour] = True
    return adjacency


def adjacency_tour(adjacency: np.ndarray) -> np.ndarray | None:
    """The tour with the edges of a bool matrix, from node 0 to the lesser of its neighbours; None if it is no tour."""
    n = len(adjacency)
    if (adjacency != adjacency.T).any() or adjacency.diagonal().any() or (adjacency.sum(axis=1) != 2).any():
        return None
    neighbours = np.nonzero(adjacency)[1].reshape(n, 2)
    tour = np.zeros(n, np.int64)
    tour[1] = neighbours[0, 0]
    for k in range(2, n):
        first, second = neighbours[tour[k - 1]]
        tour[k] = second if first == tour[k - 2] else first
    return tour if is_tour(tour, n) else None
