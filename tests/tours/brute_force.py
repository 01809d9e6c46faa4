"""Slow truths about tours, from their definitions alone."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
from hypothesis import strategies as st

from graphlab.tours.instances import TourInstance, draw_points, draw_weights


def length(tour, costs: np.ndarray) -> float:
    return sum(float(costs[tour[k - 1], tour[k]]) for k in range(len(tour)))


def shortest(costs: np.ndarray) -> float:
    """The optimum over all orders of the nodes after the first."""
    return min(length((0, *order), costs) for order in permutations(range(1, len(costs))))


def best_two_opt_move(tour: np.ndarray, costs: np.ndarray) -> float:
    """What the best reversal of a part of the tour saves."""
    old = length(tour, costs)
    lengths = []
    for first, last in combinations(range(len(tour) + 1), 2):
        lengths.append(length([*tour[:first], *tour[first:last][::-1], *tour[last:]], costs))
    return old - min(lengths)


def cuts_below_two(weights: np.ndarray) -> bool:
    """Whether edges of a total weight below 2 leave any part of the nodes."""
    n = len(weights)
    for size in range(1, n):
        for part in combinations(range(n), size):
            inside = np.isin(np.arange(n), part)
            if weights[inside][:, ~inside].sum() < 2 - 1e-6:
                return True
    return False


@st.composite
def instances(draw: st.DrawFn, least: int = 3, most: int = 12) -> TourInstance:
    """Metric and non-metric instances, with many equal weights among the latter, and some that are all zero."""
    size = draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        return draw_points(size, rng)
    low, width = draw(st.sampled_from([(0, 0), (0, 2), (1, 3), (1, 199)]))
    return draw_weights(size, rng, low, low + width)


@st.composite
def scores(draw: st.DrawFn, size: int) -> np.ndarray:
    """Scores of edges, not symmetric, with ties, of both signs, or all equal."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(-draw(st.integers(0, 3)), draw(st.integers(1, 5)), (size, size)) * 1.5
