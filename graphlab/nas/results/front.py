"""What nothing is better than."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, ...]
"""Of several numbers, more of each is better."""


def front_of(points: Sequence[Point]) -> list[int]:
    """The places of those that no other dominates, in order; of equal ones the first."""
    front: list[int] = []
    # What dominates a point comes before it in this order, or is itself dominated by what does.
    for i in sorted(range(len(points)), key=lambda i: points[i], reverse=True):
        if not any(_is_no_better(points[i], points[j]) for j in front):
            front.append(i)
    return sorted(front)


def _is_no_better(point: Point, other: Point) -> bool:
    return all(a <= b for a, b in zip(point, other, strict=True))
