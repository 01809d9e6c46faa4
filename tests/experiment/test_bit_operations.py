"""Bit operations of schemes, on a graph whose multiplications can be counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

import graphlab as gl

FEATURES, HIDDEN, CLASSES = 4, 3, 2
NODES, EDGES = 10, 18


@pytest.fixture(scope="module")
def path():
    """A path of ten nodes, its nine edges in both directions."""
    node = torch.arange(NODES)
    there = torch.stack([node[:-1], node[1:]])
    x = torch.randn(NODES, FEATURES, generator=torch.Generator().manual_seed(0))
    graph = Data(x=x, edge_index=torch.cat([there, there.flip(0)], 1), y=node % CLASSES)
    return gl.dataset(graph, task="node-classification", split="random-60/20/20")


COUNTS = {  # multiplications of rows by weights of layers, and of rows by weights of edges or shares of attention
    "gcn": ({}, NODES * (4 * 3 + 3 * 2), (EDGES + NODES) * (3 + 2)),
    "sage": ({}, NODES * 2 * (4 * 3 + 3 * 2), EDGES * (3 + 2)),
    "gat": ({"heads": 2}, NODES * (4 * 6 + 6 * 2), (EDGES + NODES) * (6 + 2)),
    "gin": (  # sums of rows of 4 and of 3 come first; the head reads features and both states, 4 + 3 + 3
        {"num_layers": 2},
        NODES * (4 * 3 + 3 * 3 + 3 * 3 + 3 * 3 + 10 * 2),
        (EDGES + NODES) * (4 + 3),
    ),
}


@pytest.mark.parametrize("model", sorted(COUNTS))
def test_operations_are_those_counted_by_hand(model, path, tmp_path):
    settings, maps, sums = COUNTS[model]
    frame = gl.quantized_bits(model, path, "w4a8", tmp_path, hidden_dim=HIDDEN, **settings)
    of_sums = frame.loc["attention" if model == "gat" else "adjacency"]
    assert frame.loc["input", "operations"] == 8 * 4 * maps
    assert of_sums["operations"] == 8 * 8 * sums
    assert frame.loc["total", "operations"] == 8 * 4 * maps + 8 * 8 * sums


def test_weights_of_edges_count_as_those_that_edges_share(path, tmp_path):
    graph = path.graph.clone()
    graph.edge_weight = torch.rand(EDGES, generator=torch.Generator().manual_seed(0))
    weighted = gl.dataset(graph, task="node-classification", split="random-60/20/20")
    settings = {"hidden_dim": HIDDEN, "num_layers": 2}
    with_weights, without = (
        gl.quantized_bits("gin", data, "w4a8", tmp_path, **settings).loc["adjacency"] for data in (weighted, path)
    )
    assert with_weights["operations"] == without["operations"] > 0
    assert with_weights["buffer_bits"] - without["buffer_bits"] == 2 * 8 * (EDGES - 1)
