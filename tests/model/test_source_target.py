"""digae and hope against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.directed_links import directed_links_spec
from graphlab.data.spec import Continuous
from graphlab.model.registry import build_model
from graphlab.ops.directed_katz import adjacency, katz_triplets, radius_bounds
from tests.model.directed import directed


def dense(num_nodes, density, seed, acyclic=False):
    random = np.random.default_rng(seed)
    matrix = (random.random((num_nodes, num_nodes)) < density).astype(float)
    np.fill_diagonal(matrix, 0)
    return np.triu(matrix) if acyclic else matrix


def sparse_of(matrix):
    return adjacency(np.stack(np.nonzero(matrix)), len(matrix))


def katz(matrix, beta):
    return np.linalg.solve(np.eye(len(matrix)) - beta * matrix, beta * matrix)


def radius(matrix):
    return float(np.abs(np.linalg.eigvals(matrix)).max())


CASES = [(30, 0.15, 0, False), (60, 0.05, 1, False), (40, 0.3, 2, True), (25, 0.5, 3, False)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("share", [0.1, 0.9])
def test_triplets_are_those_of_the_dense_matrix(case, share):
    matrix = dense(*case)
    beta = share / max(radius(matrix), 1.0)
    expected = katz(matrix, beta)
    u, s, v = np.linalg.svd(expected)
    whole = katz_triplets(sparse_of(matrix), beta, 1000)
    np.testing.assert_allclose(whole.left * whole.values @ whole.right.T, expected, rtol=0, atol=1e-8)
    for count in (1, 5, len(matrix) - 1):
        left, values, right = katz_triplets(sparse_of(matrix), beta, count)
        assert left.shape == right.shape == (len(matrix), count)
        np.testing.assert_allclose(values, s[:count], rtol=0, atol=1e-8)
        if count == len(s) - 1 or s[count - 1] - s[count] > 1e-3:
            best = u[:, :count] * s[:count] @ v[:count]
            np.testing.assert_allclose(left * values @ right.T, best, rtol=0, atol=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_the_spectral_radius_is_bounded_on_one_side_of_the_limit(case):
    matrix = dense(*case)
    true = radius(matrix)
    for limit in (0.5 * true + 0.1, 2 * true + 0.1):
        bounds = radius_bounds(sparse_of(matrix), limit)
        assert bounds.lower - 1e-6 <= true <= bounds.upper + 1e-6
        assert (bounds.upper < limit) == (true < limit)


def test_graphs_without_cycles_have_no_bound():
    matrix = dense(12, 0.5, 0, acyclic=True)
    triplets, expected = katz_triplets(sparse_of(matrix), 50.0, 12), katz(matrix, 50.0)
    whole = triplets.left * triplets.values @ triplets.right.T
    np.testing.assert_allclose(whole, expected, rtol=0, atol=1e-12 * expected.max())


def test_a_graph_without_edges_has_zeros():
    triplets = katz_triplets(sparse_of(np.zeros((5, 5))), 0.1, 3)
    assert triplets.left.shape == (5, 3) and not triplets.values.any()


@pytest.mark.parametrize("matrix", [dense(30, 0.2, 5), np.roll(np.eye(7), 1, axis=1)])
def test_a_beta_whose_sum_is_infinite_is_refused(matrix):
    bound = 1 / radius(matrix)
    katz_triplets(sparse_of(matrix), 0.99 * bound, 3)
    with pytest.raises(InputError, match="infinite") as problem:
        katz_triplets(sparse_of(matrix), 1.01 * bound, 3)
    reported = float(problem.value.message.rpartition("which is ")[2])
    assert reported == pytest.approx(bound, rel=1e-5) and "smaller beta" in problem.value.hint


def test_hope_scores_along_edges():
    graph = directed()
    graph.edge_index = graph.edge_index[:, graph.edge_index[0] != graph.edge_index[1]]
    matrix = np.zeros((9, 9))
    matrix[tuple(graph.edge_index.numpy())] = 1
    model = build_model("hope", directed_links_spec(None, 9), {"beta": 0.1})
    encoding = model.encode(graph)
    expected = katz(matrix, 0.1)
    np.testing.assert_allclose(model.score_nodes(encoding, torch.arange(9)).numpy(), expected, rtol=0, atol=1e-6)
    assert not np.allclose(expected, expected.T)
    assert not list(model.parameters())


def test_hope_does_without_the_matrix_of_all_pairs():
    """Of 100,000 nodes it would take 80 GB. Each node of a tree has an edge to one before it, the first ones most."""
    size = 100_000
    node = torch.arange(1, size)
    parent = (node * torch.rand(size - 1, generator=SeedStream(0).torch(), dtype=torch.float64) ** 8).long()
    tree = Data(edge_index=torch.stack([node, parent]), num_nodes=size)
    model = build_model("hope", directed_links_spec(None, size), {"beta": 0.1, "embedding_dim": 8})
    hub = int(parent.bincount().argmax())
    child = int(node[parent == hub][-1])
    scores = model(tree, torch.tensor([[child, hub], [hub, child]]))
    assert scores[0].item() > 0.05 and abs(scores[1].item()) < 1e-3


def test_singular_values_that_lie_too_close_are_one_error():
    size = 20_000
    path = adjacency(np.stack([np.arange(size - 1), np.arange(1, size)]), size)
    with pytest.raises(InputError, match="too close"):
        katz_triplets(path, 0.1, 8)


def slow_digae(model, x, edges, num_nodes, out_exponent, in_exponent):
    """Encodings of sources and targets by dense matrices in float64."""
    matrix = np.eye(num_nodes)
    for u, v in edges:
        matrix[u, v] += 1
    matrix = np.diag(matrix.sum(1) ** -out_exponent) @ matrix @ np.diag(matrix.sum(0) ** -in_exponent)
    source = target = x
    layers = list(zip(model.encoder.to_source, model.encoder.to_target, strict=True))
    for depth, (of_target, of_source) in enumerate(layers):
        if depth:
            source, target = np.maximum(source, 0), np.maximum(target, 0)
        weights = [each.weight.detach().double().numpy().T for each in (of_target, of_source)]
        source, target = matrix @ target @ weights[0], matrix.T @ source @ weights[1]
    return source @ target.T


@pytest.mark.parametrize("exponents", [(0.5, 0.5), (0.2, 0.8), (0.0, 1.0)])
@pytest.mark.parametrize("has_features", [True, False])
def test_digae_is_the_formula(exponents, has_features):
    graph = directed(1)
    graph.edge_index = graph.edge_index[:, graph.edge_index[0] != graph.edge_index[1]]
    graph.x = graph.x.float()
    x = graph.x.double().numpy() if has_features else np.eye(9)
    spec = directed_links_spec(Continuous(5) if has_features else None, 9)
    SeedStream(0).seed_torch()
    settings = {"hidden_dim": 6, "embedding_dim": 4, "out_exponent": exponents[0], "in_exponent": exponents[1]}
    model = build_model("digae", spec, settings)
    with torch.no_grad():
        scores = model.score_nodes(model.encode(graph), torch.arange(9))
    expected = slow_digae(model, x, graph.edge_index.T.tolist(), 9, *exponents)
    np.testing.assert_allclose(scores.numpy(), expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(expected, expected.T, atol=1e-3)


def test_digae_trains_vectors_of_nodes():
    graph = directed(1)
    model = build_model("digae", directed_links_spec(None, 9), {"hidden_dim": 6, "embedding_dim": 4})
    model(graph, torch.tensor([[0, 1], [3, 2]])).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert sum(p.numel() for p in model.parameters()) == 2 * 9 * 6 + 2 * 6 * 4
