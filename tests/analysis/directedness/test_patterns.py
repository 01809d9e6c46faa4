"""Pairs of patterns against products of dense matrices, and reciprocity against networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.analysis.directedness import PATTERNS, adjacency_of, pattern_blocks, reciprocity
from graphlab.core.errors import InputError


@st.composite
def graphs(draw: st.DrawFn) -> tuple[torch.Tensor, int]:
    """Edges with repeats and self-loops, and nodes without any."""
    num_nodes = draw(st.integers(1, 9))
    node = st.integers(0, num_nodes - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=25))
    return torch.tensor(edges, dtype=torch.int64).view(-1, 2).t(), num_nodes


def dense(edge_index: torch.Tensor, num_nodes: int) -> np.ndarray:
    matrix = np.zeros((num_nodes, num_nodes), dtype=bool)
    matrix[edge_index[0], edge_index[1]] = True
    return matrix


def brute(edges: np.ndarray, pattern: str, self_pairs: bool) -> set[tuple[int, int]]:
    """By the definition, a pair and a middle at a time."""
    num_nodes = len(edges)
    loops = edges.copy()
    plain = edges & ~np.eye(num_nodes, dtype=bool)
    either = {"A": lambda m: m, "A'": lambda m: m.T, "S": lambda m: m | m.T}
    if pattern in either:
        matrix = either[pattern](loops if self_pairs else plain)
        return {(u, v) for u in range(num_nodes) for v in range(num_nodes) if matrix[u, v]}
    first, second = {"AA": ("A", "A"), "AA'": ("A", "A'"), "A'A": ("A'", "A"), "A'A'": ("A'", "A'"), "SS": ("S", "S")}[
        pattern
    ]
    left, right = either[first](plain), either[second](plain)
    return {
        (u, v)
        for u in range(num_nodes)
        for v in range(num_nodes)
        if u != v and any(left[u, w] and right[w, v] for w in range(num_nodes))
    }


@given(graphs(), st.sampled_from(PATTERNS), st.booleans(), st.sampled_from([1, 7, 1000]))
def test_patterns_are_those_of_the_definition(graph, pattern, self_pairs, budget):
    edge_index, num_nodes = graph
    blocks = list(pattern_blocks(adjacency_of(edge_index, num_nodes), pattern, self_pairs=self_pairs, budget=budget))
    pairs = [pair for u, v in blocks for pair in zip(u.tolist(), v.tolist(), strict=True)]
    assert len(pairs) == len(set(pairs)), "a pair counts once"
    assert set(pairs) == brute(dense(edge_index, num_nodes), pattern, self_pairs)


@given(graphs())
def test_reciprocity_is_that_of_networkx(graph):
    edge_index, num_nodes = graph
    network = nx.DiGraph([(u, v) for u, v in edge_index.t().tolist() if u != v])
    expected = nx.overall_reciprocity(network) if network.number_of_edges() else None
    assert reciprocity(adjacency_of(edge_index, num_nodes)) == (expected and pytest.approx(expected, abs=1e-12))


def test_blocks_stay_within_the_budget_or_are_one_row():
    rng = np.random.default_rng(0)
    linked = rng.random((200, 200)) < 0.05
    np.fill_diagonal(linked, False)
    edge_index = torch.from_numpy(np.argwhere(linked).T.copy())
    adjacency = adjacency_of(edge_index, 200)
    paths = np.asarray(adjacency @ np.asarray(adjacency.sum(axis=1)))[:, 0]
    budget = 500
    sizes = []
    for u, _ in pattern_blocks(adjacency, "AA", budget=budget):
        rows = np.unique(u)
        sizes.append(len(rows))
        assert paths[rows].sum() <= budget or len(rows) == 1
    assert len(sizes) > 10 and max(sizes) > 1


@pytest.mark.parametrize("pattern", ["B", "", "AAA", "S'", None])
def test_other_patterns_are_refused(pattern):
    with pytest.raises(InputError, match="there is no pattern") as refused:
        list(pattern_blocks(adjacency_of(torch.zeros(2, 0, dtype=torch.int64), 3), pattern))
    assert "A'A" in refused.value.hint
