"""The networks of the hierarchy on graphs with bonds against the authors' code with the same weights."""

from __future__ import annotations

import pytest

from graphlab.model.registry import find_model
from tests.model.published import Published

pytestmark = pytest.mark.real_data

NAMES = {"swl_vs": "swl-vs", "swl_sv": "swl-sv", "pswl_vs": "pswl-vs", "gswl": "gswl", "sswl": "sswl"}
NAMES |= {"sswl_plus": "sswl-plus"}
BONDS = [f"{name}_bonds" for name in sorted(NAMES)]


def rules(readout):
    return {
        "model.start.node.map.tables.0": "encode.embed_v.t.0",
        "model.start.label.tables.0": "encode.embed_d",
        "model.readout.mlp.0": f"A3.mlp.{readout}.input",
        "model.readout.mlp.1": f"A3.mlp.{readout}.input_nr.bn",
        "model.readout.mlp.3": f"A3.mlp.{readout}.output",
        "model.readout.norm": "A3.nr.bn",
        "head.mlp.0": "pool.predict.input",
        "head.mlp.2": "pool.predict.output",
    }


def rules_of_layers(aggregations):
    names = {}
    for k in range(3):
        names[f"model.layers.{k}.norm"] = f"A{k}.nr.bn"
        for i, name in enumerate(aggregations):
            branch = f"model.layers.{k}.branches.{i}"
            names |= {
                f"{branch}.eps": f"A{k}.eps.{name}",
                f"{branch}.table.map.tables.0": f"A{k}.enc.{name}.embed.t.0",
                f"{branch}.first": f"A{k}.mlp.{name}.input",
                f"{branch}.norm": f"A{k}.mlp.{name}.input_nr.bn",
                f"{branch}.second": f"A{k}.mlp.{name}.output",
            }
    return names


@pytest.mark.parametrize("name", BONDS)
def test_outputs_are_the_reference_s(name, truth):
    kind = name.removesuffix("_bonds")
    settings = {"hidden_dim": 16, "num_layers": 3}
    arrays, graphs = truth(f"../truth_zoo/{name}"), truth("../truth_zoo/graphs")
    aggregations = find_model(f"subgraph/{NAMES[kind]}").cls.aggregations
    own = rules("vG" if kind == "swl_sv" else "uG") | rules_of_layers(aggregations)
    published = Published(arrays, graphs, f"subgraph/{NAMES[kind]}", settings, own, {"hidden": (32,)})
    published.check(published.names())
    left = {each for each in published.unused if not each.endswith("num_batches_tracked")}
    assert all(each.startswith("A3.eps") for each in left)
