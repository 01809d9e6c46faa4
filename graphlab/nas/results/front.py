"""What nothing is better than."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, ...]
"""Of several numbers, more of each is better."""


def front_of(points: Sequence[Point]) -> list[int]:
    """The places of those that no other dominates; of equal ones the first."""
    return [
        i
        for i, point in enumerate(points)
        if not any(_dominates(other, point) or (other == point and j < i) for j, other in enumerate(points))
    ]


def _dominates(first: Point, second: Point) -> bool:
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))
