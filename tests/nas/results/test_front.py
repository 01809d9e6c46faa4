"""The front of points, against its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphlab.nas.results.selection import front_of

POINTS = st.integers(1, 3).flatmap(lambda n: st.lists(st.tuples(*[st.integers(0, 4).map(float)] * n), max_size=30))


@given(POINTS)
def test_nothing_on_the_front_is_dominated_and_all_else_is(points):
    def dominates(one, other):
        return one != other and all(a >= b for a, b in zip(one, other, strict=True))

    best = {point for point in points if not any(dominates(other, point) for other in points)}
    assert front_of(points) == sorted(points.index(point) for point in best)
