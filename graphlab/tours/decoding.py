"""From scores of edges to tours. Whatever the scores are, what comes out is a valid tour."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from graphlab.core.errors import InputError
from graphlab.ops.compiled import compiled
from graphlab.tours.instances import MIN_NODES, TourInstance
from graphlab.tours.tour import tour_length


def greedy_decode(scores: ArrayLike, instance: TourInstance | None = None) -> np.ndarray:
    """The tour of the edges of highest score first, each taken if it closes no cycle and no node gets a third edge.

    All edges are tried in turn, those of low scores too, which joins whatever pieces are left: the result is a tour
    for all scores. Scores of the tour's own adjacency give that tour.

    Args:
        scores: `[n, n]`; an edge has the mean of its two entries, and the diagonal is not read.
        instance: settles ties, the cheaper edge first; without one, and where costs tie too, the lower index is first.

    Returns:
        The tour, int64 `[n]`.

    Raises:
        InputError: for scores that are not a square matrix of numbers, or not of the instance's size.
    """
    scores = check_scores(scores, None if instance is None else instance.num_nodes)
    rows, columns = np.triu_indices(len(scores), 1)
    keys = (-scores[rows, columns],) if instance is None else (instance.costs[rows, columns], -scores[rows, columns])
    order = np.lexsort(keys)
    return _join(rows[order], columns[order], len(scores))


def best_of(samples: Iterable[ArrayLike], instance: TourInstance) -> np.ndarray:
    """The shortest of the tours that `greedy_decode` makes of several matrices of scores, of equal ones the first.

    Raises:
        InputError: for no sample, and as greedy_decode.
    """
    tours = [greedy_decode(scores, instance) for scores in samples]
    if not tours:
        raise InputError("no sample to choose from", hint="pass at least one matrix of scores")
    return min(tours, key=lambda tour: tour_length(tour, instance.costs))


def check_scores(scores: ArrayLike, num_nodes: int | None = None) -> np.ndarray:
    """Scores as float64, symmetrised.

    Raises:
        InputError: as greedy_decode.
    """
    scores = np.asarray(scores)
    if scores.dtype.kind not in "biuf" or scores.ndim != 2 or scores.shape[0] != scores.shape[1]:
        raise InputError(
            f"scores cannot have the shape {scores.shape} and dtype {scores.dtype}",
            hint="scores are numbers in a square matrix, [n, n]; decode a batch one matrix at a time",
        )
    if len(scores) < MIN_NODES or (num_nodes is not None and len(scores) != num_nodes):
        wanted = f"{num_nodes}" if num_nodes is not None else f"at least {MIN_NODES}"
        raise InputError(f"scores of {len(scores)} nodes", hint=f"scores are of {wanted} nodes")
    scores = scores.astype(np.float64)
    scores = scores / 2 + scores.T / 2
    np.fill_diagonal(scores, 0)
    if not np.isfinite(scores).all():
        raise InputError("scores hold NaN or infinity", hint="check the network's outputs; log(0) is a common cause")
    return scores


@compiled
def _join(rows: np.ndarray, columns: np.ndarray, num_nodes: int) -> np.ndarray:
    """The tour of the first edges that fit, of all edges in the order in which they are tried."""
    neighbours = np.full((num_nodes, 2), -1)
    other_end = np.arange(num_nodes)  # of the path that a node ends; of inner nodes not up to date
    joined = 0
    for k in range(len(rows)):
        u, v = rows[k], columns[k]
        if neighbours[u, 1] >= 0 or neighbours[v, 1] >= 0 or other_end[u] == v:
            continue
        start, end = other_end[u], other_end[v]
        other_end[start], other_end[end] = end, start
        neighbours[u, 0 if neighbours[u, 0] < 0 else 1] = v
        neighbours[v, 0 if neighbours[v, 0] < 0 else 1] = u
        joined += 1
        if joined == num_nodes - 1:
            break
    node = 0
    while neighbours[node, 1] >= 0:
        node += 1
    tour, previous = np.empty(num_nodes, np.int64), -1
    for k in range(num_nodes):
        tour[k] = node
        following = neighbours[node, 0] if neighbours[node, 0] != previous else neighbours[node, 1]
        previous, node = node, following
    return tour
