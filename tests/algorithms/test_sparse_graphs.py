"""Random graphs as edge lists: what their distributions promise."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import coo_array, csgraph

from graphlab.algorithms.sparse import graphs
from graphlab.algorithms.sparse.graphs import (
    GENERATORS,
    SparseGraph,
    delaunay,
    draw_graph,
    draw_weights,
    edge_probabilities,
    erdos_renyi,
    watts_strogatz,
)
from tests.algorithms.sparse_cases import PATH

# Random graphs


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("size", [9, 16, 80, 1600])
def test_random_graphs_are_connected_simple_and_undirected(kind, size):
    for seed in range(3 if size == 1600 else 20):
        graph = draw_graph(kind, size, np.random.default_rng(seed))
        sources, targets = graph.edge_index
        assert (
            csgraph.connected_components(coo_array((np.ones(graph.num_edges), (sources, targets)), (size,) * 2))[0] == 1
        )
        assert graph.is_connected() and (sources != targets).all()
        pairs = graph.edge_index.T.tolist()
        assert pairs == sorted(pairs) and {(v, u) for u, v in pairs} == {(u, v) for u, v in pairs}
        again = draw_graph(kind, size, np.random.default_rng(seed))
        assert np.array_equal(again.edge_index, graph.edge_index)


def test_graphs_in_pieces_are_told():
    assert not SparseGraph(4, PATH).is_connected() and SparseGraph(3, PATH).is_connected()
    assert SparseGraph(1, np.zeros((2, 0), int)).is_connected()


def test_erdos_renyi_pairs_are_independent_and_as_likely_as_they_should_be():
    rng = np.random.default_rng(0)
    assert graphs._pairs(np.arange(45)).T.tolist() == [[u, v] for v in range(10) for u in range(v)]
    for most in range(graphs.MOST_NODES - 1000, graphs.MOST_NODES):
        start = most * (most - 1) // 2
        assert graphs._pairs(np.array([start - 1, start])).T.tolist() == [[most - 2, most - 1], [0, most]]
    for p in (0.0, 0.02, 0.5, 1.0):
        drawn = np.zeros((2000, 20))
        for row in drawn:
            row[graphs._hits(20, p, rng)] += 1
        assert drawn.max(initial=0) <= 1 and (np.abs(drawn.mean(0) - p) <= 5 * np.sqrt(p * (1 - p) / 2000)).all()
        assert np.abs(drawn.sum(1).var() - 20 * p * (1 - p)) <= 0.2 * 20 * p * (1 - p) + 1e-12
    edges = [erdos_renyi(400, rng, p=0.05).num_edges / 2 for _ in range(20)]
    assert abs(np.mean(edges) - 0.05 * 400 * 399 / 2) < 5 * np.sqrt(0.05 * 400 * 399 / 2 / 20)


def test_erdos_renyi_p_is_drawn_from_the_published_range():
    assert edge_probabilities(800) == pytest.approx((np.log(800) / 800, 3 * np.log(800) / 800))
    assert edge_probabilities(4)[1] == 1
    least, most = edge_probabilities(800)
    densities = [erdos_renyi(800, np.random.default_rng(seed)).num_edges / (800 * 799) for seed in range(40)]
    assert 0.9 * least < min(densities) < 1.4 * least < 2.6 * least < max(densities) < 1.1 * most
    narrow = [erdos_renyi(800, np.random.default_rng(s), p_range=(0.02, 0.021)).num_edges / 800 / 799 for s in range(5)]
    assert min(narrow) > 0.018 and max(narrow) < 0.023


def test_watts_strogatz_rewires_a_ring():
    rng = np.random.default_rng(0)
    ring = {(u, (u + step) % 20) for u in range(20) for step in (-2, -1, 1, 2)}
    assert set(map(tuple, watts_strogatz(20, rng, k=4, p=0).edge_index.T.tolist())) == ring
    moved = []
    for _ in range(20):
        graph = watts_strogatz(200, rng, k=6, p=0.1)
        assert graph.num_edges == 200 * 6, "edges are moved, none is lost"
        distance = np.abs(np.diff(graph.edge_index, axis=0))
        moved.append((np.minimum(distance, 200 - distance) > 3).mean())
    assert abs(np.mean(moved) - 0.1) < 0.01
    degrees = {watts_strogatz(40, np.random.default_rng(seed)).num_edges // 40 for seed in range(30)}
    assert degrees == {4, 6, 8}
    complete = watts_strogatz(5, rng, k=4, p=1)
    assert complete.num_edges == 20, "no node is left to move to"


def test_delaunay_triangles_have_no_point_within_their_circle():
    for seed in range(20):
        graph = delaunay(10, np.random.default_rng(seed))
        points = np.random.default_rng(seed).random((10, 2))
        edges = set()
        for triangle in combinations(range(10), 3):
            a, b, c = points[list(triangle)]
            centre = np.linalg.solve(2 * np.array([b - a, c - a]), [b @ b - a @ a, c @ c - a @ a])
            others = np.delete(points, triangle, axis=0)
            if (np.linalg.norm(others - centre, axis=1) > np.linalg.norm(a - centre)).all():
                edges |= set(combinations(triangle, 2))
        assert {(u, v) for u, v in graph.edge_index.T.tolist() if u < v} == edges


def test_weights_are_those_of_the_benchmark_in_both_directions():
    graph = erdos_renyi(300, np.random.default_rng(0), p=0.3)
    weights = draw_weights(graph, np.random.default_rng(1))
    matrix = np.zeros((300, 300))
    matrix[tuple(graph.edge_index)] = weights
    assert np.array_equal(matrix, matrix.T) and len(np.unique(weights)) == graph.num_edges // 2
    assert np.sqrt(1e-3) <= weights.min() < 0.1 and 0.9 < weights.max() <= np.sqrt(1 + 1e-3)
    assert abs((weights**2).mean() - 0.25 - 1e-3) < 0.01
