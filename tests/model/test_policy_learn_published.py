"""Policy-Learn against the authors' code with the same weights, a graph at a time as there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from graphlab.data.spec import Categorical
from tests.model.published import MOLECULES, PLACES, Published, num_parameters_of_preset

pytestmark = pytest.mark.real_data

ATOMS = replace(MOLECULES, node=Categorical((21,)))


def rules(ours, theirs):
    names = {f"{ours}.node.map.tables.0": f"{theirs}.feature_encoder.enc"}
    for k in range(3):
        for stream, suffix in (("features", ""), ("marks", "_pos")):
            layer, gin = f"{ours}.{stream}.{k}", f"{theirs}.layers.{k}.gnn{suffix}"
            names |= {
                f"{layer}.eps": f"{gin}.layer.eps",
                f"{layer}.table.map.tables.0": f"{gin}.edge_embedding",
                f"{layer}.first.": f"{gin}.layer.nn.0.",
                f"{layer}.first_norm": f"{gin}.layer.nn.1",
                f"{layer}.second": f"{gin}.layer.nn.3",
                f"{layer}.norm": f"{theirs}.layers.{k}.bn{suffix}",
            }
    return names


@pytest.fixture
def published(truth):
    arrays = truth("../truth_zoo/policy_learn")
    weights = {}
    for theirs, ours in (("weight_selection/", "weight/selection/"), ("weight_selector/", "weight/selector/")):
        weights |= {ours + key.removeprefix(theirs): rows for key, rows in arrays.items() if key.startswith(theirs)}
    names = rules("model.prediction", "backbone") | rules("model.selection", "selection/backbone")
    names |= {"model.logit.": "selector/", "head.mlp": "final_layers"}
    settings = {"hidden_dim": 12, "num_layers": 3, "selection_layers": 3, "marks": 2}
    graphs = truth("../truth_zoo/graphs")
    return Published(arrays | weights, graphs, "policy-learn", settings, names, {"hidden": (24,)}, ATOMS)


def test_choices_and_outputs_are_the_reference_s(published):
    published.check(published.names())
    assert all(name.endswith("num_batches_tracked") for name in published.unused)
    model = published.learner["model"]
    for name in published.names():
        with torch.no_grad():
            marks = model.choose(published.batch([name]))
        torch.testing.assert_close(marks, torch.from_numpy(published.arrays[f"marks/{name}"]).double(), **PLACES)


def test_parameters_of_the_recipe_on_zinc():
    assert num_parameters_of_preset("policy-learn", "zinc", ATOMS) == 264_056
