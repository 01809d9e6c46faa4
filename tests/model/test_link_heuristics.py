"""Scores of links without parameters against networkx and against published implementations."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError, InputError
from graphlab.data.links import both_directions
from graphlab.data.spec import LINK, DataSpec
from graphlab.model.registry import build_model, find_model

GRAPHS = {
    "karate": nx.karate_club_graph(),
    "parts": nx.disjoint_union(nx.disjoint_union(nx.path_graph(7), nx.star_graph(5)), nx.empty_graph(3)),
}
MODELS = ["katz", "personalised-pagerank", "shortest-path"]
PACKS = ["heuristics_karate", "heuristics_sbm300", "heuristics_tortoise_fi"]


def world(graph):
    links = torch.tensor(list(graph.edges)).view(-1, 2)
    return Data(edge_index=both_directions(links), num_nodes=graph.number_of_nodes())


def model_for(name, num_nodes, **settings):
    return build_model(name, DataSpec("node-pairs", (LINK,), num_entities=num_nodes), settings)


def whole(name, graph, **settings):
    """Scores of all pairs in both orders."""
    num_nodes = graph.number_of_nodes()
    pairs = torch.cartesian_prod(torch.arange(num_nodes), torch.arange(num_nodes))
    return model_for(name, num_nodes, **settings)(world(graph), pairs).view(num_nodes, num_nodes).numpy()


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
@pytest.mark.parametrize("beta", [0.005, 0.05, 0.14])
def test_katz_is_the_inverse_of_a_matrix_of_networkx(graph, beta):
    adjacency = nx.to_numpy_array(graph, weight=None)
    expected = np.linalg.inv(np.eye(len(adjacency)) - beta * adjacency) - np.eye(len(adjacency))
    np.testing.assert_allclose(whole("katz", graph, beta=beta), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
@pytest.mark.parametrize("restart", [0.15, 0.5])
def test_pagerank_is_that_of_networkx_in_both_directions(graph, restart):
    nodes = range(graph.number_of_nodes())
    settings = {"alpha": 1 - restart, "tol": 1e-14, "max_iter": 1000, "weight": None}
    of = [nx.pagerank(graph, personalization={u: 1}, dangling={u: 1}, **settings) for u in nodes]
    expected = np.array([[of[u][v] + of[v][u] for v in nodes] for u in nodes])
    np.testing.assert_allclose(whole("personalised-pagerank", graph, restart=restart), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_the_shortest_path_is_that_of_networkx(graph):
    expected = np.zeros((graph.number_of_nodes(),) * 2)
    for u, lengths in nx.all_pairs_shortest_path_length(graph):
        for v, length in lengths.items():
            expected[u, v] = 1 / length if length else 0.0
    np.testing.assert_array_equal(whole("shortest-path", graph), expected)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("block", [1, 70, 2**22])
def test_sources_are_taken_in_blocks(name, block, monkeypatch):
    graph = GRAPHS["karate"]
    monkeypatch.setattr("graphlab.model.source_scores.BLOCK", block)
    expected = torch.from_numpy(whole(name, graph))
    model = model_for(name, len(expected))
    encoding = model.encode(world(graph))
    sources = torch.tensor([5, 0, 5, 33])
    torch.testing.assert_close(model.score_nodes(encoding, sources), expected[sources], rtol=0, atol=1e-14)
    candidates = torch.tensor([[1, 2], [2, 2], [0, 5], [3, 33]])
    scores = model.score_nodes(encoding, sources, candidates)
    torch.testing.assert_close(scores, expected[sources].gather(1, candidates), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_pairs_are_scored_from_the_end_that_they_share(name, monkeypatch):
    """So that 250 negatives of a node take one source, at whichever end they have it."""
    graph = GRAPHS["karate"]
    model = model_for(name, graph.number_of_nodes())
    rows, taken = model.rows, []
    monkeypatch.setattr(model, "rows", lambda encoding, sources: [taken.extend(sources), rows(encoding, sources)][1])
    others = torch.arange(1, 20)
    encoding = model.encode(world(graph))
    first = torch.stack([torch.full_like(others, 33), others], 1)
    torch.testing.assert_close(model.score_pairs(encoding, first), model.score_pairs(encoding, first.flip(1)))
    assert taken == [33, 33]


def test_katz_refuses_a_weight_whose_sum_is_infinite():
    with pytest.raises(InputError, match=r"on this graph it must be below 1 / 6\.7257, which is 0\.148683"):
        whole("katz", GRAPHS["karate"], beta=0.15)


@pytest.mark.parametrize(("name", "settings"), [("katz", {"beta": 0.0}), ("personalised-pagerank", {"restart": 1.0})])
def test_settings_out_of_range_are_refused(name, settings):
    entry = find_model(name)
    with pytest.raises(ConfigError, match="cannot be"):
        entry.config.parse(settings, where=name)


@pytest.mark.real_data
@pytest.mark.parametrize("pack", PACKS)
def test_scores_are_those_of_the_published_implementations(pack, truth):
    arrays = truth(pack)
    num_nodes = int(arrays["num_nodes"])
    graph = Data(edge_index=both_directions(torch.from_numpy(arrays["train_edge"]).long()), num_nodes=num_nodes)
    pairs = torch.from_numpy(arrays["pairs"]).long()

    def scores(name, **settings):
        return model_for(name, num_nodes, **settings)(graph, pairs).numpy()

    def close(left, right, tolerance):
        np.testing.assert_allclose(left, right, rtol=0, atol=tolerance)

    for weight, key in (("count", "nx_common_neighbors"), ("adamic-adar", "nx_adamic_adar")):
        close(scores("common-neighbours", weight=weight), arrays[key], 1e-12)
    allocation = scores("common-neighbours", weight="resource-allocation")
    close(allocation, arrays["nx_resource_allocation"], 1e-12)
    close(allocation, arrays["heart_RA"], 1e-6)
    for beta in (0.005, 0.05):
        if beta * float(arrays["spectral_radius"]) < 1:
            close(scores("katz", beta=beta), arrays[f"katz_beta{beta}"], 1e-12)
    close(scores("katz", beta=0.005), arrays["heart_katz_close"], 1e-6)
    forward, backward = (arrays[f"nx_ppr_alpha0.85_{way}"] for way in ("src_to_dst", "dst_to_src"))
    close(scores("personalised-pagerank"), forward + backward, 1e-9)
    length = arrays["nx_shortest_path_length_or_minus1"]
    distance = scores("shortest-path")
    close(distance, np.where(length > 0, 1 / np.maximum(length, 1), 0), 0)
    close(distance, np.where(length > 0, arrays["heart_shortest_path"], 0), 1e-6)
