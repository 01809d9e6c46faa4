"""CSL against the definition of its classes and the protocol of its folds."""

from __future__ import annotations

import networkx as nx
import torch

from graphlab.data.generators.circulant import COPIES, SKIPS, circulant
from graphlab.data.graph6 import encode
from graphlab.data.load import load
from tests.data.refinement import signature


def test_graphs_are_renumbered_circulants_of_their_class():
    dataset = load("csl")
    expected = {skip: signature(circulant(41, (1, skip)), 1) for skip in SKIPS}
    assert len(set(expected.values())) == len(SKIPS)
    codes = set()
    for k, graph in enumerate(dataset.graphs):
        adjacency = torch.zeros(41, 41, dtype=torch.bool)
        adjacency[tuple(graph.edge_index)] = True
        assert int(graph.y) == k // COPIES
        assert signature(adjacency.numpy(), 1) == expected[SKIPS[int(graph.y)]]
        codes.add(encode(adjacency.numpy()))
    assert len(codes) == 150


def test_a_graph_of_each_class_is_isomorphic_to_its_definition():
    dataset = load("csl")
    for k, skip in enumerate(SKIPS):
        network = nx.Graph(dataset.graphs[COPIES * k].edge_index.t().tolist())
        assert nx.is_isomorphic(network, nx.circulant_graph(41, [1, skip]))


def test_folds_are_even_and_test_every_graph_once():
    dataset = load("csl")
    assert len(dataset.splits.fixed) == 5
    classes = torch.cat([graph.y for graph in dataset.graphs])
    for split in dataset.splits.fixed:
        assert [classes[items].bincount().tolist() for _, items in split.parts()] == [[9] * 10, [3] * 10, [3] * 10]
    for part in ("validation", "test"):
        ids = torch.cat([getattr(split, part) for split in dataset.splits.fixed])
        assert ids.sort().values.tolist() == list(range(150))
