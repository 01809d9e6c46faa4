from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from graphlab.core.errors import InputError
from graphlab.tours.baselines import nearest, two_opt
from graphlab.tours.exact import branch_and_cut, held_karp
from graphlab.tours.instances import TourInstance, draw_points, draw_weights, from_costs, from_points
from graphlab.tours.tour import adjacency_tour, is_tour, require_tour, tour_adjacency, tour_length
from graphlab.tours.tree_search import tree_search

RNG = np.random.default_rng(0)


def cost_matrix(size: int = 4) -> np.ndarray:
    return draw_weights(size, np.random.default_rng(1)).costs.copy()


def test_points_have_euclidean_distances() -> None:
    instance = from_points([[0, 0], [0, 1], [0.3, 0.4]])
    expected = [[0, 1, 0.5], [1, 0, math.hypot(0.3, 0.6)], [0.5, math.hypot(0.3, 0.6), 0]]
    np.testing.assert_allclose(instance.costs, expected, rtol=1e-15)
    assert not instance.is_integral


def test_drawn_points_are_uniform_in_the_unit_square() -> None:
    instance = draw_points(2000, np.random.default_rng(3))
    assert instance.points is not None
    assert instance.points.min() >= 0 and instance.points.max() <= 1
    np.testing.assert_allclose(instance.points.mean(axis=0), 0.5, atol=0.03)
    np.testing.assert_allclose(instance.points.var(axis=0), 1 / 12, atol=0.005)
    assert instance.costs.mean() == pytest.approx(0.5214, abs=0.01)  # mean distance of two points of the square


def test_drawn_weights_are_uniform_integers_and_not_metric() -> None:
    instance = draw_weights(300, np.random.default_rng(3), 5, 14)
    weights = instance.costs[np.triu_indices(300, 1)]
    assert set(weights) == set(range(5, 15))
    np.testing.assert_allclose(np.bincount(weights.astype(int))[5:] / len(weights), 0.1, atol=0.01)
    assert (instance.costs == instance.costs.T).all() and not instance.costs.diagonal().any()
    assert instance.is_integral and instance.points is None
    wide = draw_weights(20, np.random.default_rng(3)).costs
    assert any(
        wide[i, j] > wide[i, k] + wide[k, j] for i in range(20) for j in range(20) for k in {*range(20)} - {i, j}
    )


def test_the_same_generator_draws_the_same_instance() -> None:
    for draw in (draw_points, draw_weights):
        first, second = (draw(9, np.random.default_rng(7)).costs for _ in range(2))
        assert (first == second).all()


def test_costs_are_copied() -> None:
    costs = cost_matrix()
    instance = from_costs(costs)
    costs[0, 1] = 99
    assert instance.costs[0, 1] != 99


def changed(**entries: float) -> np.ndarray:
    costs = cost_matrix()
    for place, value in entries.items():
        costs[tuple(int(digit) for digit in place[1:])] = value
    return costs


@pytest.mark.parametrize(
    ("costs", "message", "hint"),
    [
        (np.zeros((3, 4)), r"shape \(3, 4\)", "square"),
        (np.zeros(9), r"shape \(9,\)", "square"),
        ([[0, 1], [1]], "different lengths", "one number"),
        (np.zeros((2, 2)), "no tour has 2 nodes", "at least 3"),
        (np.full((3, 3), "a"), "dtype", "integers or floats"),
        (np.zeros((3, 3), complex), "dtype", "integers or floats"),
        (changed(e01=np.nan, e10=np.nan), r"NaN or infinity, first at \[0, 1\]", "finite cost"),
        (changed(e12=np.inf, e21=np.inf), r"NaN or infinity, first at \[1, 2\]", "finite cost"),
        (changed(e23=-1, e32=-1), r"negative numbers, first at \[2, 3\]", "add one constant"),
        (changed(e01=1000), r"not symmetric, first at \[0, 1\]", "costs.T"),
        (changed(e11=1), "zero on the diagonal", "fill_diagonal"),
        (changed(e01=1e308, e10=1e308), "overflow", "scale"),
    ],
)
def test_bad_costs_are_refused(costs: np.ndarray, message: str, hint: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        from_costs(costs)
    assert hint in str(error.value.hint)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((3, 3)), r"shape \(3, 3\)"),
        (np.zeros((2, 2)), "no tour has 2 nodes"),
        ([[0, 0], [0, 1], [np.nan, 0]], "NaN"),
        ([[0, 0], [0, 1], [2, 0]], "between 0 and 2"),
        ([[0, 0], [0, 1], [-1, 0]], "between -1 and 1"),
    ],
)
def test_bad_points_are_refused(points: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_points(points)


@pytest.mark.parametrize("num_nodes", [0, -1, 2, 3.0, True, "9"])
def test_bad_sizes_are_refused(num_nodes) -> None:
    for draw in (draw_points, draw_weights):
        with pytest.raises(InputError, match="node"):
            draw(num_nodes, RNG)


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (5, 4), (0, 2**60)])
def test_bad_weights_are_refused(low: int, high: int) -> None:
    with pytest.raises(InputError, match="weights cannot range"):
        draw_weights(5, RNG, low, high)


def test_nothing_is_allocated_beyond_the_limit() -> None:
    small = draw_points(30, RNG)
    tour = np.arange(30)
    calls = [
        lambda: draw_points(10**6, RNG),
        lambda: draw_weights(10**6, RNG),
        lambda: held_karp(small),
        lambda: nearest(small, memory_limit=1000),
        lambda: two_opt(tour, small, memory_limit=1000),
        lambda: branch_and_cut(small, tour, memory_limit=1000),
        lambda: tree_search(np.zeros((30, 30)), small, RNG, memory_limit=1000),
    ]
    for call in calls:
        tracemalloc.start()
        with pytest.raises(InputError, match=r"would take [\d,]+ bytes \([\d.]+ GiB\)"):
            call()
        assert tracemalloc.get_traced_memory()[1] < 100_000
        tracemalloc.stop()
    points = np.random.default_rng(0).random((500, 2))
    with pytest.raises(InputError, match="would take 10,000,000 bytes"):
        from_points(points, memory_limit=10**6)


def test_making_an_instance_stays_within_its_bytes() -> None:
    for draw in (draw_points, draw_weights):
        tracemalloc.start()
        draw(400, RNG, memory_limit=5 * 8 * 400**2)
        assert tracemalloc.get_traced_memory()[1] <= 5 * 8 * 400**2 + 100_000
        tracemalloc.stop()


def test_tours_are_recognised() -> None:
    assert is_tour([2, 0, 1], 3)
    for wrong in ([0, 1], [0, 1, 1], [0, 1, 3], [-1, 0, 1], [0.0, 1.0, 2.0], [[0, 1, 2]], []):
        assert not is_tour(wrong, 3)
        with pytest.raises(InputError, match="not a tour of 3 nodes"):
            require_tour(wrong, 3)


def test_length_and_adjacency_by_hand() -> None:
    costs = np.array([[0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]], float)
    tour = np.array([1, 3, 0, 2])
    assert tour_length(tour, costs) == 5 + 3 + 2 + 4
    edges = tour_adjacency(tour)
    assert edges.tolist() == [[i + j not in (1, 5) and i != j for j in range(4)] for i in range(4)]
    assert adjacency_tour(edges).tolist() == [0, 2, 1, 3]  # type: ignore[union-attr]


def test_what_is_no_tour_has_no_order() -> None:
    triangles = np.kron(np.eye(2), np.ones((3, 3)) - np.eye(3)) > 0
    directed = tour_adjacency(np.arange(5))
    directed[0, 1] = False
    loops = np.eye(4, dtype=bool)
    for wrong in (triangles, directed, loops, np.zeros((3, 3), bool), ~np.eye(5, dtype=bool)):
        assert adjacency_tour(wrong) is None


def test_instances_compare_by_identity() -> None:
    instance = TourInstance(cost_matrix())
    assert instance == instance and instance != TourInstance(cost_matrix())
