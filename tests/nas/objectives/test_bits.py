"""What a search measures of networks whose numbers have formats: bits of the weights, and of all that is kept."""

from __future__ import annotations

import numpy as np
import pytest

import graphlab as gl
from graphlab.core.errors import IncompatibleError
from graphlab.nas.objectives.inner import searched
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.registry import find_space
from graphlab.records.store import Store
from graphlab.testing.examples import example

SPACE = find_space("gnn-micro-quantized")
DRAWN = [SPACE.sample(np.random.default_rng(seed)) for seed in range(3)]
NAMES = ("validation", "bits", "memory")


def measured(folder, values, space=SPACE, **settings):
    names = {"training.epochs": 1, **settings}
    data = searched(example("node-classification"), "validation", 0)
    objective = TrainingObjective(data, space, Store(folder), names=NAMES, settings=names)
    return objective.evaluate(values, lambda step, value: None).metrics


@pytest.mark.parametrize("values", [*DRAWN, SPACE.hand_set()["gat"]], ids=SPACE.key)
def test_they_are_those_of_the_accounts(values, tmp_path):
    metrics = measured(tmp_path, values)
    model, settings = SPACE.settings(values)
    scheme = settings.pop("transform.scheme", "linear=float32")
    settings.pop("transform", None)
    total = gl.quantized_bits(model, example("node-classification"), scheme, **settings).loc["total"]
    assert metrics["memory"] == total.weight_bits + total.buffer_bits
    matrices = gl.quantized_bits(model, example("node-classification"), "linear=float32", **settings).loc["total"]
    vectors = metrics["parameters"] - matrices.weight_bits / 32
    assert metrics["bits"] == total.weight_bits + 32 * vectors


def test_bits_of_floats_are_those_of_the_parameters(tmp_path):
    metrics = measured(tmp_path, SPACE.hand_set()["gcn"])
    assert metrics["bits"] == 32 * metrics["parameters"] < metrics["memory"]


def test_memory_that_is_learned_in_training_is_refused(tmp_path):
    space = find_space("gcn")
    values = space.sample(np.random.default_rng(0))
    with pytest.raises(IncompatibleError, match="mixed-bits keeps is not known before training"):
        measured(tmp_path, values, space, transform="mixed-bits")


def test_bits_of_pruned_weights_are_those_after_pruning(tmp_path):
    """Of each mask the bits of what is kept; the sparsity is exact over all of them."""
    space = find_space("gcn")
    values = space.sample(np.random.default_rng(0))
    dense, pruned = (
        TrainingObjective(
            searched(example("node-classification"), "validation", 0),
            space,
            Store(tmp_path),
            names=("validation", "bits"),
            settings={"training.epochs": 2, **settings},
        ).evaluate(values, lambda step, value: None)
        for settings in ({}, {"transform": "prune", "transform.sparsity": 0.9})
    )
    assert 0.1 < pruned.metrics["bits"] / dense.metrics["bits"] < 0.4
