"""I2-GNN for ZINC against the authors' code with the same weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphlab.data.spec import Categorical, DataSpec, Target
from tests.model.published import Published, num_parameters_of_preset

pytestmark = pytest.mark.real_data

ZINC = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Categorical((28,)), edge=Categorical((5,)))
LAYERS = 2


def rules():
    names = {
        "model.start.node.map.tables.0": "node_type_embedding",
        "model.labels.table": f"z_embedding_list.{LAYERS}",
        "model.labels.resistance": f"rd_projection_list.{LAYERS}",
        "model.pooling.gate": f"subgraph_gate.{LAYERS}.0",
        "head.mlp.0": "fc1",
        "head.mlp.2": "fc2",
        "head.mlp.4": "fc3",
    }
    for k in range(LAYERS):
        layer, inside = f"model.layers.{k}", f"model.layers.{k}.inside"
        names |= {
            f"{inside}.labels.table": f"z_embedding_list.{k}",
            f"{inside}.labels.resistance": f"rd_projection_list.{k}",
            f"{inside}.convolution.eps": f"convs.{k}.eps",
            f"{inside}.convolution.mlp": f"convs.{k}.mlp",
            f"{inside}.convolution.table.map.tables.0": f"convs.{k}.edge_encoder",
            f"{layer}.pooling.gate": f"subgraph_gate.{k}.0",
            f"{layer}.join": f"double_nns.{k}",
            f"{layer}.norm": f"norms.{k}",
        }
    return names


@pytest.fixture
def published(truth):
    settings = {"hidden_dim": 12, "num_layers": LAYERS, "hops": 3}
    head = {"hidden": (32, 16), "activation": "elu"}
    graphs = truth("../truth_zoo/graphs")
    return Published(truth("../truth_zoo/i2gnn_rd"), graphs, "i2gnn", settings, rules(), head, ZINC)


def test_outputs_are_the_reference_s(published):
    published.check(published.names())


def test_outputs_of_a_batch_in_training_are_the_reference_s(published):
    published.check_training(published.names())


def test_only_what_the_reference_never_uses_is_left(published):
    names = {name for name in published.unused if not name.endswith("num_batches_tracked")}
    assert names <= {"rd_projection.weight", "rd_projection.bias"}


def test_parameters_of_the_recipe_on_zinc():
    """Theirs has a table of 100 atoms, and a map of 24 numbers that is never used."""
    assert num_parameters_of_preset("i2gnn", "zinc", replace(ZINC, node=Categorical((100,)))) == 628_844 - 24
