"""Hypervolume against a count of small squares."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphlab.nas.results.hypervolume import hypervolume

POINTS = st.lists(st.tuples(st.integers(-2, 12), st.integers(-2, 12)), max_size=8)


@given(POINTS, st.integers(0, 6), st.integers(3, 10))
def test_it_is_the_number_of_dominated_squares(points, least, most):
    squares = {
        (value, cost)
        for value in range(least, 13)
        for cost in range(-3, most)
        if any(value < p and cost >= q for p, q in points)
    }
    assert hypervolume(points, (least, most)) == len(squares)


@given(POINTS, POINTS)
def test_more_points_are_no_worse(points, others):
    assert hypervolume([*points, *others], (0, 10)) >= hypervolume(points, (0, 10))


def test_what_is_no_better_than_the_reference_adds_nothing():
    assert hypervolume([(0.5, 10), (0.2, 3), (0.9, 11)], (0.5, 10)) == 0
    assert hypervolume([], (0.5, 10)) == 0
