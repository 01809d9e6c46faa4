"""Homophilies against their definitions a pair at a time, networkx, PyG and numbers in print."""

from __future__ import annotations

import math
from collections import Counter

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch_geometric.utils import homophily as pyg_homophily

from graphlab.analysis.directedness import PATTERNS, adjacency_of, homophily_of, pattern_blocks
from graphlab.core.errors import InputError
from graphlab.data.load import load


@st.composite
def pairs_and_classes(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[int]]:
    """Distinct ordered pairs, and classes of which some are unknown or do not occur."""
    y = draw(st.lists(st.sampled_from([-1, 0, 1, 3]), min_size=1, max_size=9))
    node = st.integers(0, len(y) - 1)
    return sorted(draw(st.sets(st.tuples(node, node), max_size=30))), y


def blocks(pairs: list[tuple[int, int]], size: int = 4):
    for start in range(0, len(pairs), size):
        u, v = np.array(pairs[start : start + size], dtype=np.int64).T
        yield u, v


def entropy(values: list[object]) -> float:
    return -sum(n / len(values) * math.log(n / len(values)) for n in Counter(values).values())


@given(pairs_and_classes())
def test_measures_are_their_definitions(case):
    pairs, y = case
    measures = homophily_of(blocks(pairs), np.array(y))
    known = [(u, v) for u, v in pairs if y[u] >= 0 and y[v] >= 0]
    assert measures.num_pairs == len(known)
    if not known:
        assert {*vars(measures).values()} == {0, None}
        return
    equal = [y[u] == y[v] for u, v in known]
    assert measures.edge == pytest.approx(np.mean(equal))
    of_node = [[y[u] == y[v] for u, v in known if u == node] for node in {u for u, _ in known}]
    assert measures.node == pytest.approx(np.mean([np.mean(each) for each in of_node]))
    sources, targets = [y[u] for u, _ in known], [y[v] for _, v in known]
    chance = sum(Counter(sources)[c] * Counter(targets)[c] for c in set(y)) / len(known) ** 2
    if set(sources) | set(targets) == {sources[0]}:
        assert measures.adjusted is None
    else:
        assert measures.adjusted == pytest.approx((np.mean(equal) - chance) / (1 - chance), abs=1e-12)
    if len(set(sources)) == 1:
        assert measures.label_informativeness is None
    else:
        informed = entropy(sources) + entropy(targets) - entropy([(y[u], y[v]) for u, v in known])
        assert measures.label_informativeness == pytest.approx(informed / entropy(sources), abs=1e-12)
    labelled = [c for c in y if c >= 0]
    if len(set(labelled)) == 1:
        assert measures.class_insensitive is None
        return
    excess = 0.0
    for c in set(labelled):
        mine = [y[v] == c for u, v in known if y[u] == c]
        excess += max(0.0, (np.mean(mine) if mine else 0.0) - labelled.count(c) / len(labelled))
    assert measures.class_insensitive == pytest.approx(excess / (len(set(labelled)) - 1), abs=1e-12)


@given(pairs_and_classes())
def test_adjusted_homophily_is_the_assortativity_of_networkx(case):
    pairs, y = case
    network = nx.DiGraph()
    network.add_nodes_from((node, {"y": c}) for node, c in enumerate(y))
    network.add_edges_from((u, v) for u, v in pairs if y[u] >= 0 and y[v] >= 0)
    measures = homophily_of(blocks(pairs), np.array(y))
    assume(measures.adjusted is not None)
    assert measures.adjusted == pytest.approx(nx.attribute_assortativity_coefficient(network, "y"), abs=1e-9)


@given(pairs_and_classes())
def test_undirected_graphs_have_the_measures_of_platonov(case):
    """By degrees: h_adj = (h - sum D_k^2 / (2 E)^2) / (1 - sum D_k^2 / (2 E)^2), LI = 2 - H(p(a, b)) / H(D_k / 2 E)."""
    pairs, y = case
    links = {frozenset(pair) for pair in pairs if len(set(pair)) == 2 and min(y[pair[0]], y[pair[1]]) >= 0}
    both = sorted((u, v) for link in links for u, v in (tuple(link), tuple(link)[::-1]))
    measures = homophily_of(blocks(both), np.array(y))
    assume(measures.adjusted is not None)
    degree = Counter(y[node] for link in links for node in link)
    chance = sum(d**2 for d in degree.values()) / (2 * len(links)) ** 2
    agreeing = np.mean([len({y[node] for node in link}) == 1 for link in links])
    assert measures.adjusted == pytest.approx((agreeing - chance) / (1 - chance), abs=1e-12)
    of_ends = -sum(d / len(both) * math.log(d / len(both)) for d in degree.values())
    informed = 2 - entropy([(y[u], y[v]) for u, v in both]) / of_ends
    assert measures.label_informativeness == pytest.approx(informed, abs=1e-12)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["planetoid/cora", "wiki/chameleon-undirected", "karate"])
def test_edge_node_and_class_homophily_are_those_of_pyg(name):
    graph = load(name).graph
    adjacency = adjacency_of(graph.edge_index, graph.num_nodes)
    measures = homophily_of(pattern_blocks(adjacency, "A"), graph.y.numpy())
    assert measures.edge == pytest.approx(pyg_homophily(graph.edge_index, graph.y, method="edge"), abs=1e-6)
    assert measures.node == pytest.approx(pyg_homophily(graph.edge_index, graph.y, method="node"), abs=1e-5)
    expected = pyg_homophily(graph.edge_index, graph.y, method="edge_insensitive")
    assert measures.class_insensitive == pytest.approx(expected, abs=1e-6)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "adjusted", "informativeness"),
    [
        ("planetoid/cora", 0.77, 0.59),
        ("planetoid/citeseer", 0.67, 0.45),
        ("heterophilous/tolokers", 0.09, 0.01),
        ("wiki/squirrel-undirected", 0.01, 0.00),
    ],
)
def test_the_numbers_of_platonov_et_al(name, adjusted, informativeness):
    """Of the simple undirected graphs, to two decimals."""
    graph = load(name).graph
    adjacency = adjacency_of(graph.edge_index, graph.num_nodes)
    measures = homophily_of(pattern_blocks(adjacency, "A"), graph.y.numpy())
    assert measures.adjusted == pytest.approx(adjusted, abs=0.0051)
    assert measures.label_informativeness == pytest.approx(informativeness, abs=0.0051)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "edge"),
    [("webkb/texas", 0.11), ("film", 0.22), ("wiki/squirrel", 0.22), ("wiki/chameleon", 0.23)],
)
def test_the_edge_homophily_of_zhu_et_al(name, edge):
    """NeurIPS 2020, of the graphs with their self-loops."""
    graph = load(name).graph
    adjacency = adjacency_of(graph.edge_index, graph.num_nodes)
    measures = homophily_of(pattern_blocks(adjacency, "A", self_pairs=True), graph.y.numpy())
    assert measures.edge == pytest.approx(edge, abs=0.0051)


def test_a_middle_without_a_class_still_joins():
    """0 -> 1 -> 2, of which 1 has no class."""
    adjacency = adjacency_of(torch.tensor([[0, 1], [1, 2]]), 3)
    y = np.array([0, -1, 0])
    assert homophily_of(pattern_blocks(adjacency, "A"), y).num_pairs == 0
    assert homophily_of(pattern_blocks(adjacency, "AA"), y).edge == 1.0


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_graph_without_edges_or_nodes_has_no_homophily(pattern):
    for num_nodes in (0, 3):
        adjacency = adjacency_of(torch.zeros(2, 0, dtype=torch.int64), num_nodes)
        measures = homophily_of(pattern_blocks(adjacency, pattern), np.zeros(num_nodes, dtype=np.int64))
        assert {*vars(measures).values()} == {0, None}


@pytest.mark.parametrize("y", [[0.5, 1.0], [[0], [1]], [-2, 0]])
def test_classes_of_another_form_are_refused(y):
    with pytest.raises(InputError, match="classes of nodes"):
        homophily_of([], np.array(y))
