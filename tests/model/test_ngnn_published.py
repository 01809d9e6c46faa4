"""NGNN for ZINC against the published code with the same weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphlab.data.spec import Categorical, DataSpec, Target
from tests.model.published import Published, num_parameters_of_preset

pytestmark = pytest.mark.real_data

ZINC = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Categorical((28,)), edge=Categorical((5,)))
PACKS = {
    "ngnn_zinc": {"hops": 2, "resistance": False},
    "ngnn_zinc_rd": {"hops": 3, "resistance": True},
}


def rules(num_layers):
    names = {
        "model.start.node.map.tables.0": "node_type_embedding",
        "head.mlp.0": "fc1",
        "head.mlp.2": "fc2",
        "head.mlp.4": "fc3",
    }
    for k in range(num_layers):
        inside = f"model.layers.{k}.inside"
        names |= {
            f"{inside}.labels.table": f"z_embedding_list.{k}",
            f"{inside}.labels.resistance": f"rd_projection_list.{k}",
            f"{inside}.convolution.eps": f"convs.{k}.eps",
            f"{inside}.convolution.mlp": f"convs.{k}.mlp",
            f"{inside}.convolution.table.map.tables.0": f"convs.{k}.edge_encoder",
            f"model.layers.{k}.norm": f"norms.{k}",
        }
    return names


@pytest.fixture(params=sorted(PACKS))
def published(request, truth):
    settings = {"hidden_dim": 12, "num_layers": 3, **PACKS[request.param]}
    head = {"hidden": (32, 16), "activation": "elu"}
    graphs = truth("../truth_zoo/graphs")
    return Published(truth(f"../truth_zoo/{request.param}"), graphs, "ngnn", settings, rules(3), head, ZINC)


def test_outputs_are_the_reference_s(published):
    published.check(published.names())


def test_outputs_of_a_batch_in_training_are_the_reference_s(published):
    published.check_training(published.names())


def test_every_weight_has_its_place(published):
    assert all(name.endswith("num_batches_tracked") for name in published.unused)


def test_parameters_of_the_recipe_on_zinc():
    """Theirs has a table of 100 atoms."""
    assert num_parameters_of_preset("ngnn", "zinc", replace(ZINC, node=Categorical((100,)))) == 294_091
