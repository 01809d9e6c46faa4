"""SUN against the authors' code with the same weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphlab.data.spec import Categorical, DataSpec, Target
from tests.model.published import MOLECULES, Published, num_parameters_of_preset

pytestmark = pytest.mark.real_data

ATOMS = replace(MOLECULES, node=Categorical((21,)))
PLAIN = DataSpec("graphs", (Target("y", "graph", "value", 1),))
PACKS = {
    "sun_ego_nets_bonds": {"policy": "ego", "hops": 3},
    "sun_ego_nets_plus_bonds": {"policy": "ego-marked", "hops": 2},
    "sun_ego_nets_plus_plain": {"policy": "ego-marked", "hops": 2},
    "sun_node_marked_bonds_transpose_residual": {
        "policy": "node-marked",
        "transpose": True,
        "residual": True,
        "readout": "mean",
    },
}
MAPS = {
    "root_of_node": "u_vv_list",
    "root_of_subgraph": "u_kk_list",
    "own": "u_kv_list",
    "readout": "u_readout_list",
    "transposed": "u_vk_list",
    "root": "u_vv_root_list",
    "root_readout": "u_readout_root_list",
}
GINS = {"inside": "", "shared": "_sum", "root_inside": "_root", "root_shared": "_root_sum"}


def rules(is_plain):
    names = {
        "model.start.node.map.tables.0": "feature_encoder.enc",
        "model.widen": "lin1",
        "head.mlp.0": "final_layers.0",
        "head.mlp.2": "final_layers.3",
    }
    nn, eps = ("layer.nn", "layer.eps") if is_plain else ("mlp", "eps")
    for k in range(3):
        ours = f"model.layers.{k}"
        names |= {f"{ours}.{name}.": f"{theirs}.{k}." for name, theirs in MAPS.items()}
        for name, theirs in GINS.items():
            names |= {
                f"{ours}.{name}.eps": f"gnn{theirs}_list.{k}.{eps}",
                f"{ours}.{name}.mlp": f"gnn{theirs}_list.{k}.{nn}",
                f"{ours}.{name}.table.map.tables.0": f"gnn{theirs}_list.{k}.bond_encoder",
                f"{ours}.{name}_norm": f"bn{theirs}_list.{k}",
            }
    return names


@pytest.fixture(params=sorted(PACKS))
def published(request, truth):
    is_plain = request.param.endswith("plain")
    return Published(
        truth(f"../truth_zoo/{request.param}"),
        truth("../truth_zoo/graphs"),
        "sun",
        {"hidden_dim": 12, "num_layers": 3, **PACKS[request.param]},
        rules(is_plain),
        {"hidden": (24,)},
        PLAIN if is_plain else ATOMS,
    )


def test_outputs_are_the_reference_s(published):
    published.check(published.names())


def test_outputs_of_a_batch_in_training_are_the_reference_s(published):
    published.check_training(published.names())


def test_every_weight_has_its_place(published):
    assert all(name.endswith("num_batches_tracked") for name in published.unused)


def test_parameters_of_the_recipe_on_zinc():
    assert num_parameters_of_preset("sun", "zinc", ATOMS) == 527_225
