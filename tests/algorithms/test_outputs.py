"""Outputs are right by other means, on 200 random instances of each algorithm and size."""

from __future__ import annotations

import numpy as np
import pytest

from graphlab.algorithms.registry import ALGORITHMS
from graphlab.algorithms.trajectory import sample
from tests.algorithms.oracles import ORACLES, best_tasks

SLOW_AT_64 = {"matrix_chain_order", "optimal_bst"}
CASES = [
    pytest.param(name, size, marks=[pytest.mark.slow] if size == 64 and name in SLOW_AT_64 else [])
    for name in ALGORITHMS
    for size in (4, 7, 16, 64)
]


def instances(name, size, count=200, **options):
    batch = sample(name, count, size, np.random.default_rng(size), hints=False, **options)
    for row in range(count):
        yield tuple({key: values[row] for key, values in arrays.items()} for arrays in (batch.inputs, batch.outputs))


def test_every_algorithm_has_an_oracle():
    assert set(ORACLES) == set(ALGORITHMS)


@pytest.mark.parametrize(("name", "size"), CASES)
def test_outputs_are_right(name, size):
    for inputs, outputs in instances(name, size):
        ORACLES[name](inputs, outputs)


@pytest.mark.parametrize("p", [0.1, 0.9])
@pytest.mark.parametrize("name", [name for name, algorithm in ALGORITHMS.items() if "adj" in str(algorithm.probes)])
def test_outputs_are_right_on_sparse_and_dense_graphs(name, p):
    for inputs, outputs in instances(name, 16, count=50, p=p):
        ORACLES[name](inputs, outputs)


def test_task_scheduling_falls_short_of_the_best_tasks_as_the_reference_does():
    short = 0
    for inputs, outputs in instances("task_scheduling", 7):
        short += inputs["w"][outputs["selected"] == 1].sum() < best_tasks(inputs) - 1e-9
    assert 100 < short < 200, "most instances at size 7"


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("size", [2, 3, 5])
def test_small_instances_are_traced(name, size):
    if name == "strongly_connected_components" and size < 4:
        options = {"communities": 2}
    elif name in ("naive_string_matcher", "kmp_matcher") and size < 3:
        return
    else:
        options = {}
    batch = sample(name, 20, size, np.random.default_rng(0), **options)
    assert batch.lengths.min() >= 1 and len(batch) == 20


@pytest.mark.parametrize("name", ALGORITHMS)
def test_oracles_refuse_the_outputs_of_other_instances(name):
    drawn = list(instances(name, 16, count=20))
    refused = 0
    for (inputs, _), (_, outputs) in zip(drawn, [*drawn[1:], drawn[0]], strict=True):
        try:
            ORACLES[name](inputs, outputs)
        except (AssertionError, ValueError, IndexError, RecursionError):
            refused += 1
    assert refused >= 5
