"""Targets against networkx, twins that differ in nothing that 1-WL sees, and parts that share no graph."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.utils import to_networkx

from graphlab.analysis.expressiveness import StableColours, as_arrays, find_tests
from graphlab.data.generators.biconnectivity import splice, twin
from graphlab.data.load import load

FILES = ("cut-node", "cut-edge")


def networks(dataset):
    return [to_networkx(graph, to_undirected=True) for graph in dataset.graphs]


def test_cut_vertices_and_edges_are_those_of_networkx():
    nodes, whole, edges = (load(f"biconnectivity/{variant}") for variant in ("cut-node", "cut-graph", "cut-edge"))
    for graph, other, network in zip(nodes.graphs, whole.graphs, networks(nodes), strict=True):
        cuts = set(nx.articulation_points(network))
        assert graph.y.tolist() == [v in cuts for v in network] and other.y.tolist() == [bool(cuts)]
        assert not nx.has_bridges(network) and set(dict(network.degree).values()) == {4}
    for graph, network in zip(edges.graphs, networks(edges), strict=True):
        cuts = {frozenset(edge) for edge in nx.bridges(network)}
        assert graph.y.tolist() == [frozenset(edge) in cuts for edge in graph.edge_index.T.tolist()]
        assert set(dict(network.degree).values()) == {3}


@pytest.mark.parametrize("variant", ["distance", "resistance"])
def test_sums_are_those_of_networkx_scaled_over_the_training_graphs(variant):
    dataset = load(f"biconnectivity/{variant}")
    few = [0, 1, 200, 300, 400, 419]
    sums = []
    for i in few:
        network = to_networkx(dataset.graphs[i], to_undirected=True)
        far = nx.resistance_distance(network) if variant == "resistance" else dict(nx.shortest_path_length(network))
        sums += [sum(far[u].values()) for u in sorted(network)]
    found = torch.cat([dataset.graphs[i].y for i in few]).flatten().double().numpy()
    slope, offset = np.polyfit(sums, found, 1)
    np.testing.assert_allclose(slope * np.array(sums) + offset, found, atol=1e-5)
    assert slope > 0
    train = torch.cat([dataset.graphs[i].y for i in dataset.split().train.tolist()])
    assert train.mean().item() == pytest.approx(0, abs=1e-5) and train.std().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("variant", FILES)
def test_twins_are_as_large_in_one_part_and_only_one_has_cut_vertices(variant):
    dataset = load(f"biconnectivity/{variant}")
    parts = {int(i): part for part, items in dataset.split().parts() for i in items}
    whole = [nx.is_biconnected(network) for network in networks(dataset)]
    for k in range(0, len(dataset.graphs), 2):
        assert dataset.graphs[k].num_nodes == dataset.graphs[k + 1].num_nodes
        assert sorted(whole[k : k + 2]) == [False, True] and parts[k] == parts[k + 1]


@pytest.mark.parametrize("variant", FILES)
def test_1_wl_gives_all_nodes_one_colour(variant):
    colours = StableColours(find_tests("1-WL")[0], as_arrays(load(f"biconnectivity/{variant}").graphs))
    assert colours.nodes.max() == 0


@pytest.mark.parametrize("variant", FILES)
def test_no_two_graphs_are_isomorphic(variant):
    kinds: dict[tuple, list[nx.Graph]] = {}
    for network in networks(load(f"biconnectivity/{variant}")):
        far = dict(nx.all_pairs_shortest_path_length(network))
        kinds.setdefault(tuple(sorted(sum(far[u].values()) for u in network)), []).append(network)
    for alike in kinds.values():
        assert not any(nx.is_isomorphic(one, other) for one, other in combinations(alike, 2))


@pytest.mark.parametrize(("degree", "size"), [(3, 4), (4, 5)])
def test_what_is_put_together_falls_apart_in_one_place(degree, size):
    rng = np.random.default_rng(0)
    block = ~np.eye(size, dtype=bool)
    network = nx.from_numpy_array(splice(block, block, degree, rng))
    assert set(dict(network.degree).values()) == {degree}
    assert len(list(nx.bridges(network))) == int(degree == 3)
    assert len(set(nx.articulation_points(network))) == (2 if degree == 3 else 1)
    other = twin(nx.to_numpy_array(network).astype(bool), rng)
    assert other is not None and nx.is_biconnected(nx.from_numpy_array(other))
    assert other.sum(0).tolist() == [degree] * len(network)
