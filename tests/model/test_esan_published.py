"""DS-GNN and DSS-GNN against the authors' code with the same weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphlab.data.spec import Categorical, DataSpec, Target
from tests.model.published import MOLECULES, Published, num_parameters_of_preset

pytestmark = pytest.mark.real_data

ATOMS = replace(MOLECULES, node=Categorical((21,)))
PLAIN = DataSpec("graphs", (Target("y", "graph", "value", 1),))
POLICIES = {
    "node_deleted": "node-deleted",
    "edge_deleted": "edge-deleted",
    "ego_nets": "ego",
    "ego_nets_plus": "ego-marked",
    "node_marked": "node-marked",
}
DSS = [f"dss_{bag}_bonds" for bag in sorted(POLICIES)]
DS = [f"ds_{bag}_bonds" for bag in sorted(POLICIES) if bag != "edge_deleted"]
TU = ["ds_ego_nets_plus_plain", "dss_ego_nets_plus_plain"]


def convolution(ours, theirs, is_plain):
    nn, table = ("layer.nn", "") if is_plain else ("mlp", f"{theirs}.bond_encoder")
    eps = f"{theirs}.layer.eps" if is_plain else f"{theirs}.eps"
    return {f"{ours}.eps": eps, f"{ours}.mlp": f"{theirs}.{nn}", f"{ours}.table.map.tables.0": table}


def rules(kind, is_plain):
    atoms = "subgraph_gnn.gnn_node.atom_encoder.enc" if kind == "ds" else "feature_encoder.enc"
    names = {"model.start.node.map.tables.0": atoms, "head.mlp": "final_layers"}
    for k in range(3):
        ours = f"model.layers.{k}"
        if kind == "ds":
            names |= convolution(f"{ours}.inside", f"subgraph_gnn.gnn_node.convs.{k}", is_plain)
            names[f"{ours}.norm"] = f"subgraph_gnn.gnn_node.batch_norms.{k}"
        else:
            names |= convolution(f"{ours}.inside", f"gnn_list.{k}", is_plain)
            names |= convolution(f"{ours}.shared", f"gnn_sum_list.{k}", is_plain)
            names |= {f"{ours}.norm": f"bn_list.{k}", f"{ours}.shared_norm": f"bn_sum_list.{k}"}
    return names | {"model.encoder.each": "fc_list", "model.encoder.whole": "fc_sum_list"}


@pytest.fixture(params=[*DS, *DSS, *TU])
def published(request, truth):
    kind, _, bag = request.param.partition("_")
    bag, _, features = bag.rpartition("_")
    is_plain = features == "plain"
    own = {"channels": (16,), "set_encoder": "equivariant"} if is_plain else {"channels": (10,)}
    settings = {"hidden_dim": 12, "num_layers": 3, "hops": 2, "policy": POLICIES[bag], **own}
    width = 12 if kind == "dss" else own["channels"][0]
    return Published(
        truth(f"../truth_zoo/{request.param}"),
        truth("../truth_zoo/graphs"),
        f"esan/{kind}",
        settings,
        rules(kind, is_plain),
        {"hidden": (2 * width,)},
        PLAIN if is_plain else ATOMS,
    )


def test_outputs_are_the_reference_s(published):
    published.check(published.names())


def test_outputs_of_a_batch_in_training_are_the_reference_s(published):
    published.check_training(published.names())


def test_every_weight_has_its_place(published):
    assert all(name.endswith("num_batches_tracked") for name in published.unused)


@pytest.mark.parametrize(("name", "count"), [("esan/ds", 95_949), ("esan/dss", 80_729)])
def test_parameters_of_the_recipe_on_zinc(name, count):
    assert num_parameters_of_preset(name, "zinc", ATOMS) == count
