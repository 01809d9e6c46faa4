"""PPGN against its published code with the same weights."""

from __future__ import annotations

import pytest
import torch

from graphlab.data.spec import Categorical, DataSpec, Target
from graphlab.model.registry import find_model
from graphlab.model.zoo import ppgn
from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.published import Published
from tests.model.subgraph.loops import SPEC, random_graph

LABELLED = DataSpec("graphs", (Target("y", "graph", "value", 2),), node=Categorical((17,)))
PLAIN = DataSpec("graphs", (Target("y", "graph", "value", 2),))
RULES = {
    f"model.blocks.{k}.{ours}": f"reg_blocks.{k}.{theirs}"
    for k in range(3)
    for ours, theirs in (
        ("left.0", "mlp1.convs.0"),
        ("left.2", "mlp1.convs.1"),
        ("right.0", "mlp2.convs.0"),
        ("right.2", "mlp2.convs.1"),
        ("join", "skip.conv"),
    )
}
FC = {f"model.readout.maps.{k}": f"fc_layers.{k}.fc" for k in range(3)}
PACKS = {"ppgn_new_suffix": ("blocks", LABELLED), "ppgn_old_suffix": ("last", PLAIN)}


@pytest.mark.real_data
@pytest.mark.parametrize("name", sorted(PACKS))
def test_outputs_are_the_reference_s(name, truth, monkeypatch):
    readout, spec = PACKS[name]
    monkeypatch.setattr(ppgn.LayersOfLast.__init__, "__defaults__", ((32, 16),))  # the pack's layers are narrow
    settings = {"hidden_dims": (10, 12, 12), "readout": readout}
    arrays, graphs = truth(f"../truth_zoo/{name}"), truth("../truth_zoo/graphs")
    published = Published(arrays, graphs, "ppgn", settings, RULES | FC, {}, spec)
    published.check(published.names())
    assert not published.unused


def test_parameters_of_the_published_size():
    labels = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Categorical((28,)))
    entry = find_model("ppgn")
    model = entry.build(labels, entry.config())
    assert sum(each.numel() for each in model.parameters()) == 2_443_203


def by_loops(model, data):
    n = data.num_nodes
    adjacency = torch.zeros(n, n).double()
    adjacency[data.edge_index[0], data.edge_index[1]] = 1
    scale = adjacency.sum(1).clamp(min=1) ** -0.5
    x = (scale[:, None] * adjacency * scale)[..., None].repeat(1, 1, 1 + data.x.size(1))
    for v in range(n):
        x[v, v, 1:] += data.x[v]
    out = 0
    for block, linear in zip(model.blocks, model.readout.maps, strict=True):
        product = torch.einsum("uwc,wvc->uvc", block.left(x), block.right(x))
        x = block.join(torch.cat([x, product], dim=-1))
        off = ~torch.eye(n, dtype=torch.bool)
        on = x[range(n), range(n)].amax(0)
        out = out + linear(torch.cat([on, x[off].amax(0) if n > 1 else torch.zeros_like(on)]))
    return out


def test_the_model_is_its_definition():
    graphs = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]
    with torch.no_grad():
        model, batch = prepared("ppgn", {"hidden_dims": (5, 6)}, graphs, SPEC)
        expected = torch.stack([by_loops(model, graph) for graph in graphs])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


def test_its_class_bounds_it():
    check_class("ppgn", {"hidden_dims": (8, 8, 8, 8, 8)})


def test_it_tells_apart_what_weaker_ones_cannot():
    check_sees("ppgn", {"hidden_dims": (16, 16, 16)}, "EyuG")
