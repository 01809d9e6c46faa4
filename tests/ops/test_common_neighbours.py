"""Adjacency of undirected graphs and sums over common neighbours, beside sets and networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops import common_neighbours as module
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.common_neighbours import common_neighbours, common_with_linked, reference


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 12))
    node = st.integers(0, size - 1)
    links = draw(st.lists(st.tuples(node, node), max_size=40))
    pairs = draw(st.lists(st.tuples(node, node), max_size=20))
    return size, np.array(links, int).reshape(-1, 2), np.array(pairs, int).reshape(-1, 2)


@given(graphs())
def test_rows_are_those_of_networkx(case):
    size, links, _ = case
    graph = Adjacency.of(links, size)
    expected = nx.Graph()
    expected.add_nodes_from(range(size))
    expected.add_edges_from((u, v) for u, v in links.tolist() if u != v)
    rows = [graph.neighbour[first:end].tolist() for first, end in zip(graph.start, graph.start[1:], strict=False)]
    assert rows == [sorted(expected[node]) for node in range(size)]
    assert graph.links.tolist() == sorted([min(edge), max(edge)] for edge in expected.edges)
    assert graph.num_links == expected.number_of_edges() and graph.degree.sum() == 2 * graph.num_links


@given(graphs(), st.booleans())
def test_sums_are_those_over_sets(case, weighted):
    size, links, pairs = case
    graph = Adjacency.of(links, size)
    weight = np.random.default_rng(0).random(size) if weighted else None
    assert np.array_equal(common_neighbours(graph, pairs, weight), reference(graph, pairs, weight))


@given(graphs(), st.booleans())
def test_sums_over_links_are_those_over_sets(case, is_alone):
    size, edges, pairs = case
    graph, links = Adjacency.of(edges, size), Adjacency.of(pairs, size)
    expected = np.zeros(size, int)
    np.add.at(expected, links.links.ravel(), np.repeat(reference(graph, links.links), 2).astype(int))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ALONE", module.ALONE if is_alone else -1)
        patch.setattr(module, "LEAST", 1)
        assert np.array_equal(common_with_linked(graph, links), expected)


@pytest.mark.parametrize("seed", range(3))
def test_heuristics_of_networkx(seed):
    graph = nx.gnp_random_graph(60, 0.15, seed=seed)
    adjacency = Adjacency.of(np.array(graph.edges), 60)
    pairs = np.array([(u, v) for u in range(60) for v in range(u)])
    with np.errstate(divide="ignore"):
        weights = {
            nx.resource_allocation_index: 1 / adjacency.degree,
            nx.adamic_adar_index: 1 / np.log(adjacency.degree),
        }
    for index, weight in weights.items():
        expected = [value for _, _, value in index(graph, pairs.tolist())]
        np.testing.assert_allclose(common_neighbours(adjacency, pairs, weight), expected, rtol=1e-12)


def test_bad_input_is_refused():
    graph = Adjacency.of(np.array([[0, 1]]), 3)
    for links in (np.zeros((2, 3), int), np.zeros((2, 2)), np.array([[0, 3]]), np.array([[-1, 0]])):
        with pytest.raises(InputError):
            Adjacency.of(links, 3)
    for pairs in (np.zeros((2, 3), int), np.array([[0, 3]])):
        with pytest.raises(InputError):
            common_neighbours(graph, pairs)
    with pytest.raises(InputError, match="weights have shape"):
        common_neighbours(graph, np.array([[0, 1]]), np.ones(2))
