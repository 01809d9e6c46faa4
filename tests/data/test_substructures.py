"""Counts against brute force, and the pairing that keeps degrees from deciding."""

from __future__ import annotations

from itertools import combinations, permutations

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.utils import to_networkx

from graphlab.data.generators.substructures import count_4_cycles, count_triangles
from graphlab.data.load import load


def brute_force_4_cycles(graph: nx.Graph) -> int:
    """Each cycle is met once for each of its 8 orders."""
    found = sum(
        all(graph.has_edge(order[i], order[(i + 1) % 4]) for i in range(4))
        for nodes in combinations(graph, 4)
        for order in permutations(nodes)
    )
    return found // 8


@pytest.mark.parametrize(
    ("graph", "triangles", "cycles"),
    [
        (nx.complete_graph(5), 10, 15),
        (nx.cycle_graph(4), 0, 1),
        (nx.complete_bipartite_graph(3, 3), 0, 9),
        (nx.petersen_graph(), 0, 0),
        (nx.octahedral_graph(), 8, 15),
        (nx.empty_graph(8), 0, 0),
    ],
)
def test_known_counts(graph, triangles, cycles):
    adjacency = nx.to_numpy_array(graph).astype(np.int64)
    assert count_triangles(adjacency) == triangles
    assert count_4_cycles(adjacency) == cycles


def test_every_triangle_count_equals_that_of_networkx():
    for graph in load("substructures/triangles").graphs:
        counted = sum(nx.triangles(to_networkx(graph, to_undirected=True)).values()) // 3
        assert graph.count.tolist() == [counted]


def test_4_cycle_counts_equal_brute_force():
    for graph in load("substructures/cycles4").graphs[::40]:
        assert graph.count.tolist() == [brute_force_4_cycles(to_networkx(graph, to_undirected=True))]


@pytest.mark.parametrize("variant", ["triangles", "cycles4"])
def test_targets_are_scaled_over_the_training_graphs(variant):
    dataset = load(f"substructures/{variant}")
    y = torch.cat([graph.y for graph in dataset.graphs])
    count = torch.cat([graph.count for graph in dataset.graphs])
    train = y[dataset.split().train]
    assert train.mean().item() == pytest.approx(0, abs=1e-6) and train.std().item() == pytest.approx(1, abs=1e-6)
    assert torch.equal(torch.argsort(y.flatten(), stable=True), torch.argsort(count, stable=True))


def test_pairs_have_equal_degrees_and_one_triangle_free_graph():
    dataset = load("substructures/has-triangle")
    parts = {int(i): part for part, items in dataset.split().parts() for i in items}
    for k in range(0, len(dataset.graphs), 2):
        first, second = dataset.graphs[k : k + 2]
        degrees = [graph.edge_index[0].bincount(minlength=graph.num_nodes) for graph in (first, second)]
        assert torch.equal(*degrees)
        assert sorted([int(first.y), int(second.y)]) == [0, 1]
        assert all(int(graph.y) == int(graph.count > 0) for graph in (first, second))
        assert parts[k] == parts[k + 1]


@pytest.mark.parametrize("variant", ["triangles", "has-triangle"])
def test_no_graph_is_in_two_parts(variant):
    """Equal up to the names of the nodes, by degrees, counts and an isomorphism test."""
    dataset = load(f"substructures/{variant}")
    by_kind: dict[tuple, list[tuple[str, nx.Graph]]] = {}
    for part, items in dataset.split().parts():
        for i in items.tolist():
            graph = dataset.graphs[i]
            network = to_networkx(graph, to_undirected=True)
            kind = (*sorted(d for _, d in network.degree), int(graph.count))
            for other, known in by_kind.get(kind, []):
                assert other == part or not nx.is_isomorphic(network, known)
            by_kind.setdefault(kind, []).append((part, network))
