"""BUDDY's counts against distances, its scores against dense algebra, and its sketches against its exact counts."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from graphlab.core.errors import ConfigError, IncompatibleError, InputError
from graphlab.data.spec import LINK, Categorical, DataSpec
from graphlab.model.registry import build_model
from tests.model.links import GRAPH, PAIRS, N, adjacency, graph_of, spec_of


def distances():
    graph = GRAPH.copy()
    graph.add_node(N - 1)
    return dict(nx.all_pairs_shortest_path_length(graph))


def slow_counts(distance, u, v, hops):
    """By the distance of every node; a node counts as at distance 1 from itself."""
    place = {w: tuple(max(1, distance[end].get(w, hops + 1)) for end in (u, v)) for w in range(N)}
    both = [sum(at == (i, j) for at in place.values()) for i in range(1, hops + 1) for j in range(1, hops + 1)]
    first = [sum(at[0] == i and at[1] > hops for at in place.values()) for i in range(1, hops + 1)]
    second = [sum(at[1] == i and at[0] > hops for at in place.values()) for i in range(1, hops + 1)]
    return torch.tensor(both + first + second, dtype=torch.float64)


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_exact_counts_are_those_of_all_distances(hops):
    model = build_model("buddy", spec_of(None), {"num_hops": hops, "counts": "exact"})
    counts, distance = model.counts(model.encode(graph_of(None)), PAIRS), distances()
    expected = torch.stack([slow_counts(distance, u, v, hops) for u, v in PAIRS.tolist()])
    assert torch.equal(counts, expected)


@pytest.mark.parametrize("features", [None, 5, 40])
def test_scores_are_those_of_dense_algebra(features):
    torch.manual_seed(0)
    model = build_model("buddy", spec_of(features), {"hidden_dim": 8, "counts": "exact"}).double()
    graph = graph_of(features)
    model.train()(graph, PAIRS)  # norms are then of no mean zero
    model.eval()
    distance = distances()
    counts = torch.stack([slow_counts(distance, u, v, 2) for u, v in PAIRS.tolist()])
    turned = torch.stack([slow_counts(distance, v, u, 2) for u, v in PAIRS.tolist()])
    score = model.of_structure((model.structure(counts) + model.structure(turned)) / 2)
    if features:
        a = adjacency(graph) + torch.eye(N)
        root = a.sum(1).rsqrt()
        smooth, x = root[:, None] * a * root, graph.x.double()
        powers = torch.cat([x, smooth @ x, smooth @ smooth @ x], dim=1)
        z = powers @ torch.cat([layer.weight for layer in model.propagated], dim=1).T
        first, second = PAIRS.unbind(1)
        score = score + model.of_product(model.product(z[first] * z[second]))
    torch.testing.assert_close(model(graph, PAIRS), score.squeeze(1), rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(model(graph, PAIRS.flip(1)), score.squeeze(1), rtol=1e-9, atol=1e-11)


def test_sketched_counts_come_near_the_exact_as_sketches_grow():
    exact = build_model("buddy", spec_of(None), {"counts": "exact"})
    expected = exact.counts(exact.encode(graph_of(None)), PAIRS)
    errors = []
    for num_hashes, precision in ((64, 6), (512, 9), (4096, 12)):
        model = build_model("buddy", spec_of(None), {"num_hashes": num_hashes, "precision": precision})
        counts = model.counts(model.encode(graph_of(None)), PAIRS)
        errors.append((counts - expected).square().mean().sqrt().item())
    assert errors[0] > 2 * errors[1] and errors[1] > 1.3 * errors[2], errors
    assert errors[2] < 0.5, errors


def test_sketched_scores_are_symmetric_and_blind_to_the_batch():
    torch.manual_seed(0)
    model, graph = build_model("buddy", spec_of(5), {"hidden_dim": 8}).double().eval(), graph_of(5)
    encoding = model.encode(graph)
    whole = model.score_pairs(encoding, PAIRS)
    torch.testing.assert_close(model.score_pairs(encoding, PAIRS.flip(1)), whole, rtol=1e-9, atol=1e-11)
    parts = torch.cat([model.score_pairs(encoding, few) for few in PAIRS.split(7)])
    torch.testing.assert_close(parts, whole, rtol=1e-9, atol=1e-11)
    scores = model.score_nodes(encoding, torch.arange(N))
    torch.testing.assert_close(scores[PAIRS[:, 0], PAIRS[:, 1]], whole, rtol=1e-9, atol=1e-11)


def test_new_nodes_without_features_are_scored_by_counts():
    model = build_model("buddy", DataSpec("node-pairs", (LINK,)), {}).eval()
    links = torch.tensor([[0, 1], [1, 2], [2, 3]])
    graph = graph_of(None, links)
    assert model(graph, torch.tensor([[0, 2]])).isfinite().all()


def test_what_it_cannot_do_is_refused():
    with pytest.raises(IncompatibleError, match="buddy needs continuous node features"):
        build_model("buddy", DataSpec("node-pairs", (LINK,), node=Categorical((3,)), num_entities=N), {})
    with pytest.raises(ConfigError, match="precision"):
        build_model("buddy", spec_of(5), {"precision": 20})
    model = build_model("buddy", DataSpec("node-pairs", (LINK,)), {"counts": "exact"})
    large = graph_of(None)
    large.num_nodes = 20_001
    with pytest.raises(InputError, match="use sketches"):
        model.encode(large)
