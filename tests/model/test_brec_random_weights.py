"""Which pairs of BREC the published subgraph networks tell apart with random weights, in float64.

Two graphs are apart where the sums of their rows, of the squares and of the cubes differ by more than numbering anew
makes them differ, in one of three draws of weights.
"""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

import graphlab as gl
from graphlab.data.adapters.brec import SCHEMA
from graphlab.data.spec import DataSpec, Target
from tests.model.hard_pairs import prepared

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

PLAIN = DataSpec("graphs", (Target("y", "graph", "value", 1),))
LARGEST = 10
"""Nodes of the graphs of a pair, at most."""

LEAST = 1e-7
"""Relative difference of graphs that are apart; numbering anew comes to 1e-12."""

MODELS = {
    "gnn-ak/ak-plus": ({"hidden_dim": 16, "num_layers": 3, "hops": 3}, {"Basic": 55, "Regular": 45, "Extension": 80}),
    "ngnn": ({"hidden_dim": 16, "num_layers": 4, "hops": 3}, {"Basic": 55, "Regular": 45, "Extension": 50}),
}
"""Settings, and the pairs that are told apart at least."""


def pairs(category):
    graphs, (first, last) = gl.load("brec").graphs, SCHEMA[category]
    chosen = [(graphs[2 * k], graphs[2 * k + 1]) for k in range(first, last)]
    return [[bare(graph) for graph in pair] for pair in chosen if pair[0].num_nodes <= LARGEST]


def bare(graph):
    return Data(edge_index=graph["edge_index"], num_nodes=graph.num_nodes)


def are_apart(name, settings, graphs, seed):
    """Of pairs of graphs one after the other, bool `[pairs]`."""
    model, batch = prepared(name, settings, graphs, PLAIN, seed)
    with torch.no_grad():
        rows = model(batch)
    powers = torch.cat([rows, rows**2, rows**3], dim=1)
    sums = torch.zeros(len(graphs), powers.size(1)).double().index_add(0, model.row_graph(batch), powers)
    first, second = sums.view(-1, 2, sums.size(1)).unbind(1)
    return ((first - second).abs() / (1e-3 + first.abs())).amax(1) > LEAST


@pytest.mark.parametrize("name", sorted(MODELS))
def test_pairs_that_are_told_apart(name):
    settings, least = MODELS[name]
    for category, count in least.items():
        chosen = pairs(category)
        graphs = [graph for pair in chosen for graph in pair]
        apart = torch.stack([are_apart(name, settings, graphs, seed) for seed in range(3)]).any(0)
        assert int(apart.sum()) >= count, f"{name} tells {int(apart.sum())} of {len(chosen)} pairs of {category} apart"


@pytest.mark.parametrize("name", sorted(MODELS))
def test_graphs_that_are_numbered_anew_are_not(name):
    settings, _ = MODELS[name]
    random = torch.Generator().manual_seed(0)
    graphs = []
    for first, _ in pairs("Regular"):
        order = torch.randperm(first.num_nodes, generator=random)
        graphs += [first, Data(edge_index=order[first.edge_index], num_nodes=first.num_nodes)]
    assert not are_apart(name, settings, graphs, 0).any()


def test_how_many_pairs_are_small():
    assert [len(pairs(category)) for category in ("Basic", "Regular", "Extension")] == [60, 50, 91]
