"""Hypervolume of a front of two objectives: the area that its points dominate, up to a reference point.

References:
    Zitzler and Thiele, Multiobjective Optimization Using Evolutionary Algorithms, PPSN 1998.
"""

from __future__ import annotations

from collections.abc import Iterable


def hypervolume(points: Iterable[tuple[float, float]], reference: tuple[float, float]) -> float:
    """The area of all (value, cost) that are no better than some point and better than the reference in both.

    Args:
        points: A value, of which more is better, and a cost, of which less is better. Those that are not better than
            the reference in both add nothing.
        reference: The least value and the greatest cost that count.
    """
    least, most = reference
    area, highest = 0.0, least
    inside = sorted((cost, value) for value, cost in points if value > least and cost < most)
    for cost, value in inside:
        area += max(0.0, value - highest) * (most - cost)
        highest = max(highest, value)
    return area
