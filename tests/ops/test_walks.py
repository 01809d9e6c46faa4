"""Sums over walks against inverses of dense matrices and walks that are enumerated."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.walks import adjacency_matrix, katz, largest_growth, personalised_pagerank, spectral_radius


@st.composite
def graphs(draw, largest=12):
    num_nodes = draw(st.integers(1, largest))
    pairs = list(combinations(range(num_nodes), 2)) or [(0, 0)]
    links = draw(st.lists(st.sampled_from(pairs), unique=True))
    return Adjacency.of(np.array(links, np.int64).reshape(-1, 2), num_nodes)


def dense(graph):
    matrix = np.zeros((graph.num_nodes, graph.num_nodes))
    matrix[graph.links[:, 0], graph.links[:, 1]] = matrix[graph.links[:, 1], graph.links[:, 0]] = 1
    return matrix


@settings(max_examples=60)
@given(graphs(), st.floats(0.05, 0.95))
def test_katz_is_the_inverse_of_a_dense_matrix(graph, share):
    matrix = dense(graph)
    beta = share / max(spectral_radius(graph), 1.0)
    expected = np.linalg.inv(np.eye(graph.num_nodes) - beta * matrix) - np.eye(graph.num_nodes)
    np.testing.assert_allclose(katz(graph, np.arange(graph.num_nodes), beta), expected, rtol=1e-12, atol=1e-13)


def test_katz_counts_walks():
    """A path of three nodes has one walk of two links from end to end, two of four, four of six, and so on."""
    graph = Adjacency.of(np.array([[0, 1], [1, 2]]), 3)
    expected = sum(2 ** (t - 1) * 0.1 ** (2 * t) for t in range(1, 30))
    assert katz(graph, np.array([0]), 0.1)[0, 2] == pytest.approx(expected, rel=1e-14)


@settings(max_examples=60)
@given(graphs())
def test_the_spectral_radius_is_the_largest_eigenvalue(graph):
    assert spectral_radius(graph) == pytest.approx(max(np.linalg.eigvalsh(dense(graph))[-1], 0.0), abs=1e-12)


def test_the_spectral_radius_of_larger_graphs_is_that_of_the_dense_matrix():
    graph = nx.gnp_random_graph(200, 0.05, seed=3)
    rows = Adjacency.of(np.array(graph.edges), 200)
    assert spectral_radius(rows) == pytest.approx(np.linalg.eigvalsh(dense(rows))[-1], rel=1e-12)
    np.testing.assert_array_equal(adjacency_matrix(rows).toarray(), dense(rows))


@pytest.mark.parametrize("num_nodes", [5, 100])
def test_weights_whose_sum_is_infinite_are_refused_with_the_bound(num_nodes):
    star = Adjacency.of(np.array([[0, k] for k in range(1, num_nodes)]), num_nodes)
    bound = 1 / np.sqrt(num_nodes - 1)
    with pytest.raises(InputError, match=f"which is {bound:.6g}") as refused:
        katz(star, np.array([0]), bound * 1.0001)
    assert "smaller beta" in refused.value.hint
    assert largest_growth(star, bound * 0.99) == pytest.approx(0.99)


@settings(max_examples=60)
@given(graphs(), st.floats(0.05, 0.9))
def test_pagerank_is_the_solution_of_its_equation(graph, restart):
    """A walk that cannot go on stays, which is one that returns to its source: it began there."""
    matrix = dense(graph)
    matrix[graph.degree == 0, graph.degree == 0] = 1
    walk = matrix / matrix.sum(1, keepdims=True)
    expected = restart * np.linalg.inv(np.eye(graph.num_nodes) - (1 - restart) * walk)
    rows = personalised_pagerank(graph, np.arange(graph.num_nodes), restart)
    np.testing.assert_allclose(rows, expected, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(rows.sum(1), 1, rtol=1e-12)
    np.testing.assert_allclose(
        rows * np.maximum(graph.degree, 1)[:, None], (rows * np.maximum(graph.degree, 1)[:, None]).T
    )


@pytest.mark.parametrize("restart", [0.0, 1.0, -0.1])
def test_other_restarts_are_refused(restart):
    with pytest.raises(InputError, match="cannot restart"):
        personalised_pagerank(Adjacency.of(np.array([[0, 1]]), 2), np.array([0]), restart)


def test_no_sources_have_no_rows():
    graph = Adjacency.of(np.zeros((0, 2), np.int64), 4)
    nothing = np.zeros(0, np.int64)
    assert katz(graph, nothing, 0.1).shape == personalised_pagerank(graph, nothing, 0.15).shape == (0, 4)
    assert not katz(graph, np.arange(4), 0.1).any()
