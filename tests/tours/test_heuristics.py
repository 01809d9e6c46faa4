from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.tours.baselines import greedy_edge, nearest, nearest_neighbour, two_opt
from graphlab.tours.decoding import best_of, greedy_decode
from graphlab.tours.exact import held_karp
from graphlab.tours.instances import TourInstance, draw_points, draw_weights, from_costs
from graphlab.tours.tour import is_tour, tour_adjacency, tour_length
from graphlab.tours.tree_search import tree_search
from tests.tours.brute_force import best_two_opt_move, instances, scores

SQUARE = from_costs([[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]])
"""The corners of a square, in order; a diagonal costs 2."""


@given(st.data())
def test_every_method_gives_a_tour(data: st.DataObject) -> None:
    instance = data.draw(instances())
    n = instance.num_nodes
    heat = data.draw(scores(n))
    start = nearest_neighbour(instance, data.draw(st.integers(0, n - 1)))
    width = data.draw(st.integers(1, n))
    rng = np.random.default_rng(0)
    tours = [
        start,
        greedy_edge(instance),
        greedy_decode(heat),
        greedy_decode(heat, instance),
        best_of([heat, -heat], instance),
        two_opt(rng.permutation(n), instance),
        two_opt(start, instance, width),
        tree_search(
            abs(heat), instance, rng, num_simulations=60, num_candidates=width, depth=data.draw(st.integers(1, 4)),
            patience=5,
        ),
    ]  # fmt: skip
    assert all(is_tour(tour, n) for tour in tours)


@given(instances(most=9), st.integers(0, 1000), st.integers(1, 8))
def test_two_opt_never_lengthens_and_leaves_no_shorter_move(instance: TourInstance, seed: int, width: int) -> None:
    start = np.random.default_rng(seed).permutation(instance.num_nodes)
    before = start.copy()
    full, part = two_opt(start, instance), two_opt(start, instance, width)
    assert (start == before).all()
    for tour in (full, part):
        assert tour_length(tour, instance.costs) <= tour_length(start, instance.costs) + 1e-12
    assert best_two_opt_move(full, instance.costs) <= 1e-9
    assert (two_opt(full, instance) == full).all()


def test_two_opt_uncrosses_a_square() -> None:
    assert tour_length(two_opt(np.array([0, 2, 1, 3]), SQUARE), SQUARE.costs) == 4


def test_nearest_neighbour_and_greedy_edge_by_hand() -> None:
    costs = np.array([[0, 1, 9, 4], [1, 0, 2, 7], [9, 2, 0, 3], [4, 7, 3, 0]])
    assert nearest_neighbour(from_costs(costs), 3).tolist() == [3, 2, 1, 0]
    # 0-1, 1-2 and 2-3 are taken in turn and 0-3 closes the tour.
    assert tour_length(greedy_edge(from_costs(costs)), costs) == 1 + 2 + 3 + 4
    with pytest.raises(InputError, match="no node is 4"):
        nearest_neighbour(from_costs(costs), 4)


@given(instances(least=4), st.integers(1, 12))
def test_neighbours_are_the_cheapest_other_nodes(instance: TourInstance, width: int) -> None:
    neighbours = nearest(instance, width)
    for node, row in enumerate(neighbours):
        others = np.delete(instance.costs[node], node)
        assert node not in row and len(set(row)) == len(row) == min(width, instance.num_nodes - 1)
        assert instance.costs[node, row].tolist() == sorted(others)[: len(row)]


@given(instances(most=10))
@settings(max_examples=50)
def test_the_optimal_adjacency_decodes_to_the_optimal_tour(instance: TourInstance) -> None:
    label = held_karp(instance)
    edges = tour_adjacency(label.tour)
    rng = np.random.default_rng(0)
    for decoded in (
        greedy_decode(edges),
        greedy_decode(edges * 0.9 + rng.random(edges.shape) * 0.04, instance),
        best_of([~edges, edges], instance),
        tree_search(edges, instance, rng, num_simulations=20),
    ):
        assert tour_length(decoded, instance.costs) == pytest.approx(label.length)
    assert (tour_adjacency(greedy_decode(edges)) == edges).all()


def test_scores_of_an_edge_are_the_mean_of_both_entries() -> None:
    heat = np.zeros((4, 4))
    heat[0, 2] = heat[3, 1] = 1
    heat[2, 1] = heat[0, 3] = 0.9
    assert (tour_adjacency(greedy_decode(heat)) == tour_adjacency(np.array([0, 2, 1, 3]))).all()


def test_ties_go_to_the_cheaper_edge() -> None:
    assert tour_length(greedy_decode(np.zeros((4, 4)), SQUARE), SQUARE.costs) == 4


@pytest.mark.parametrize("draw", [draw_points, draw_weights])
def test_tree_search_beats_greedy_decoding_and_two_opt(draw) -> None:
    rng = np.random.default_rng(5)
    greedy, local, searched = [], [], []
    for _ in range(10):
        instance = draw(40, rng)
        heat = np.exp(-instance.costs / np.sort(instance.costs, axis=1)[:, 3:4].clip(min=1e-9))
        decoded = greedy_decode(heat, instance)
        greedy.append(tour_length(decoded, instance.costs))
        local.append(tour_length(two_opt(decoded, instance), instance.costs))
        tour = tree_search(heat, instance, np.random.default_rng(0), num_simulations=4000)
        searched.append(tour_length(tour, instance.costs))
    assert all(after <= before for after, before in zip(searched, local, strict=True))
    assert fmean(searched) < 0.99 * fmean(local) < fmean(local) < fmean(greedy)


def test_tree_search_reaches_optima_of_small_instances() -> None:
    rng = np.random.default_rng(6)
    for draw in (draw_points, draw_weights):
        for _ in range(5):
            instance = draw(12, rng)
            tour = tree_search(np.ones((12, 12)), instance, np.random.default_rng(0), num_candidates=11)
            assert tour_length(tour, instance.costs) == pytest.approx(held_karp(instance).length)


def test_tree_search_depends_on_its_arguments_alone() -> None:
    instance = draw_points(30, np.random.default_rng(8))
    heat = np.exp(-10 * instance.costs)
    before = heat.copy()
    first, second = (
        tree_search(heat, instance, np.random.default_rng(3), num_simulations=50, patience=3) for _ in range(2)
    )
    assert (first == second).all() and (heat == before).all()


def test_bad_requests_are_refused() -> None:
    rng = np.random.default_rng(0)
    nan = np.full((4, 4), np.nan)
    for call, message in [
        (lambda: greedy_decode(np.zeros((3, 4))), r"shape \(3, 4\)"),
        (lambda: greedy_decode(np.zeros((1, 4, 4))), r"shape \(1, 4, 4\)"),
        (lambda: greedy_decode(np.full((3, 3), "a")), "dtype"),
        (lambda: greedy_decode(np.zeros((2, 2))), "scores of 2 nodes"),
        (lambda: greedy_decode(np.zeros((5, 5)), SQUARE), "scores of 5 nodes"),
        (lambda: greedy_decode(nan), "NaN"),
        (lambda: best_of([], SQUARE), "no sample"),
        (lambda: two_opt(np.array([0, 1, 2, 2]), SQUARE), "not a tour"),
        (lambda: two_opt(np.arange(4), SQUARE, 0), "0 neighbours"),
        (lambda: tree_search(-np.ones((4, 4)), SQUARE, rng), "negative"),
        (lambda: tree_search(nan, SQUARE, rng), "NaN"),
        (lambda: tree_search(np.ones((4, 4)), SQUARE, rng, num_simulations=0), "number of simulations"),
        (lambda: tree_search(np.ones((4, 4)), SQUARE, rng, num_candidates=0), "number of candidates"),
        (lambda: tree_search(np.ones((4, 4)), SQUARE, rng, depth=0), "depth"),
        (lambda: tree_search(np.ones((4, 4)), SQUARE, rng, patience=0), "patience"),
        (lambda: tree_search(np.ones((4, 4)), SQUARE, rng, alpha=-1), "alpha and beta"),
        (lambda: tree_search(np.ones((4, 4)), SQUARE, rng, beta=np.inf), "alpha and beta"),
    ]:
        with pytest.raises(InputError, match=message):
            call()
