from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import milp

from graphlab.core.errors import InputError
from graphlab.tours import exact, lkh
from graphlab.tours.baselines import nearest_neighbour
from graphlab.tours.exact import branch_and_cut, held_karp, optimum, violated_cuts
from graphlab.tours.instances import TourInstance, draw_points, draw_weights, from_costs
from graphlab.tours.tour import is_tour, tour_length
from tests.tours.brute_force import cuts_below_two, instances, shortest


@given(instances(most=8))
@settings(max_examples=40)
def test_both_solvers_agree_with_all_orders(instance: TourInstance) -> None:
    best = shortest(instance.costs)
    for solution in (held_karp(instance), branch_and_cut(instance)):
        assert is_tour(solution.tour, instance.num_nodes)
        assert solution.length == tour_length(solution.tour, instance.costs)
        assert solution.length == pytest.approx(best, rel=1e-12, abs=1e-12)
        assert solution.proved and solution.lower_bound <= solution.length


@given(instances(least=9, most=14))
@settings(max_examples=40)
def test_branch_and_cut_agrees_with_held_karp(instance: TourInstance) -> None:
    start = nearest_neighbour(instance)
    assert branch_and_cut(instance, start).length == pytest.approx(held_karp(instance).length, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("draw", [draw_points, draw_weights])
def test_fifty_nodes_are_proved(draw) -> None:
    instance = draw(50, np.random.default_rng(2))
    solution = optimum(instance)
    assert solution.proved and solution.method == "branch-and-cut"
    assert solution.length >= solution.lower_bound >= solution.length * (1 - 1e-6)


@pytest.mark.parametrize(("draw", "size", "seed"), [(draw_points, 40, 3), (draw_weights, 15, 7)])
def test_a_relaxation_with_a_gap_is_branched_on(draw, size: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = draw(size, np.random.default_rng(seed))
    programs = []

    def counted(*arguments: Any, **options: Any) -> Any:
        programs.append(milp(*arguments, **options))
        return programs[-1]

    monkeypatch.setattr(exact, "milp", counted)
    solution = branch_and_cut(instance)
    assert programs and solution.proved
    if size <= 15:
        assert solution.length == held_karp(instance).length


def test_without_time_the_start_is_the_result_and_not_proved() -> None:
    instance = draw_points(60, np.random.default_rng(2))
    start = nearest_neighbour(instance)
    solution = branch_and_cut(instance, start, time_limit=1e-9)
    assert (solution.tour == start).all() and not solution.proved and solution.lower_bound == 0


def test_cuts_that_do_not_fit_in_memory_end_the_search() -> None:
    instance = draw_points(120, np.random.default_rng(3))
    solution = branch_and_cut(instance, memory_limit=100 * 120**2)
    assert is_tour(solution.tour, 120) and not solution.proved
    assert 0 < solution.lower_bound < solution.length


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e9, 1e280])
def test_costs_of_any_scale_are_proved(scale: float) -> None:
    instance = from_costs(draw_points(11, np.random.default_rng(2)).costs * scale)
    solution = branch_and_cut(instance)
    assert solution.proved and solution.length == pytest.approx(held_karp(instance).length, rel=1e-9, abs=0)


def test_a_small_instance_is_left_to_held_karp() -> None:
    assert optimum(draw_points(exact.HELD_KARP_NODES, np.random.default_rng(0))).method == "held-karp"


def test_bad_requests_are_refused() -> None:
    instance = draw_points(20, np.random.default_rng(0))
    for limit in (0, -1, float("nan")):
        with pytest.raises(InputError, match="time limit"):
            branch_and_cut(instance, time_limit=limit)
    with pytest.raises(InputError, match="not a tour"):
        branch_and_cut(instance, np.zeros(20, int))


@given(st.integers(3, 7), st.integers(0, 2**32 - 1))
def test_a_violated_cut_is_met_whenever_there_is_one(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = np.triu(rng.random((size, size)) * (rng.random((size, size)) < 0.7) * rng.choice([1, 2]), 1)
    weights = weights + weights.T
    parts = violated_cuts(weights)
    assert bool(len(parts)) == cuts_below_two(weights)
    for part in parts:
        assert 0 < part.sum() < size and weights[part][:, ~part].sum() < 2


def test_lkh_is_near_the_optimum_and_proves_nothing() -> None:
    pytest.importorskip("elkai", reason='needs LKH: pip install "graphlab[tours]"')
    for draw in (draw_points, draw_weights):
        for size in (3, 5, 14):
            instance = draw(size, np.random.default_rng(4))
            solution = lkh.lkh(instance)
            assert is_tour(solution.tour, size) and not solution.proved and solution.method == "lkh"
            assert solution.length == pytest.approx(held_karp(instance).length, rel=1e-5)
            assert branch_and_cut(instance, solution.tour).proved
    for scale in (1e-300, 1e280):
        instance = from_costs(draw_points(9, np.random.default_rng(4)).costs * scale)
        assert lkh.lkh(instance).length == pytest.approx(held_karp(instance).length, rel=1e-5, abs=0)


def test_without_lkh_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "elkai", None)
    instance = draw_points(5, np.random.default_rng(0))
    with pytest.raises(InputError, match="elkai") as error:
        lkh.lkh(instance)
    assert error.value.hint == 'pip install "graphlab[tours]"'
    with pytest.raises(InputError, match="number of runs"):
        lkh.lkh(instance, runs=0)
