"""Counts of substructures against networkx and against traces of powers."""

from __future__ import annotations

from itertools import combinations
from math import comb

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.data.adapters.graphcount import COUNTED, CYCLES, count
from graphlab.data.counting import cycles_through_edges, cycles_through_nodes, simple_cycles


def random_graph(seed: int, size: int = 9, density: float = 0.45) -> np.ndarray:
    upper = np.triu(np.random.default_rng(seed).random((size, size)) < density, k=1)
    return upper | upper.T


def edges(adjacency: np.ndarray) -> np.ndarray:
    return np.stack(np.nonzero(adjacency))


def cycles_of_networkx(adjacency: np.ndarray, length: int) -> list[tuple[int, ...]]:
    found = (tuple(c) for c in nx.simple_cycles(nx.from_numpy_array(adjacency), length_bound=length))
    return [cycle for cycle in found if len(cycle) == length]


def links_of(cycle: tuple[int, ...]) -> set[frozenset[int]]:
    return {frozenset((cycle[k], cycle[k - 1])) for k in range(len(cycle))}


@pytest.mark.parametrize("length", [3, 4, 5, 6, 7])
@given(seed=st.integers(0, 2**32 - 1), density=st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_cycles_are_those_of_networkx(length, seed, density):
    adjacency = random_graph(seed, size=7, density=density)
    found = simple_cycles(edges(adjacency), len(adjacency), length)
    assert found.shape == (len(found), length)
    expected = sorted(sorted(map(sorted, links_of(cycle))) for cycle in cycles_of_networkx(adjacency, length))
    assert sorted(sorted(map(sorted, links_of(tuple(row)))) for row in found.tolist()) == expected


@pytest.mark.parametrize("length", [3, 4, 5, 6])
@pytest.mark.parametrize("seed", range(4))
def test_cycles_through_nodes_and_edges(length, seed):
    adjacency = random_graph(seed)
    edge_index, cycles = edges(adjacency), cycles_of_networkx(adjacency, length)
    found = simple_cycles(edge_index, 9, length)
    assert cycles_through_nodes(found, 9).tolist() == [sum(v in cycle for cycle in cycles) for v in range(9)]
    links = [links_of(cycle) for cycle in cycles]
    expected = [sum(frozenset(edge) in used for used in links) for edge in edge_index.T.tolist()]
    assert cycles_through_edges(found, edge_index, 9).tolist() == expected


@pytest.mark.parametrize("seed", range(6))
def test_counts_of_graphs_equal_traces(seed):
    """The formulas of Harary and Manvel, 1971, for closed walks that are cycles."""
    adjacencies = [random_graph(seed + k, size) for k, size in enumerate((10, 3, 17, 6))]
    sizes = np.array([len(a) for a in adjacencies])
    offset = np.cumsum(sizes) - sizes
    edge_index = np.concatenate([edges(a) + o for a, o in zip(adjacencies, offset, strict=True)], axis=1)
    expected: dict[str, list[int]] = {name: [] for name in ("triangle", "tailed-triangle", "star", "c4", "c5")}
    for adjacency in adjacencies:
        a = adjacency.astype(np.int64)
        degree = a.sum(axis=0)
        powers = [np.linalg.matrix_power(a, k) for k in range(6)]
        closed, trace = np.diag(powers[3]), [int(np.trace(power)) for power in powers]
        expected["triangle"].append(trace[3] // 6)
        expected["tailed-triangle"].append(int((closed * (degree - 2)).sum()) // 2)
        expected["star"].append(sum(comb(int(d), 3) for d in degree))
        expected["c4"].append((trace[4] + trace[2] - 2 * int(powers[2].sum())) // 8)
        expected["c5"].append((trace[5] - 5 * trace[3] - 5 * int((closed * (degree - 2)).sum())) // 10)
    for name, counts in expected.items():
        assert count("graph", name, edge_index, sizes).tolist() == counts


def test_tailed_triangles_and_stars_by_brute_force():
    adjacency = random_graph(3, 8)
    graph = nx.from_numpy_array(adjacency)
    tailed = sum(
        graph.has_edge(a, b) and graph.has_edge(b, c) and graph.has_edge(a, c) and graph.has_edge(hook, tail)
        for a, b, c in combinations(graph, 3)
        for hook in (a, b, c)
        for tail in graph
        if tail not in (a, b, c)
    )
    stars = sum(all(graph.has_edge(v, leaf) for leaf in leaves) for v in graph for leaves in combinations(graph, 3))
    sizes = np.array([8])
    assert count("graph", "tailed-triangle", edges(adjacency), sizes).tolist() == [tailed]
    assert count("graph", "star", edges(adjacency), sizes).tolist() == [stars]


@pytest.mark.parametrize("variant", COUNTED)
def test_nothing_is_counted_in_a_graph_without_edges(variant):
    target_of, name = COUNTED[variant]
    counts = count(target_of, name, np.zeros((2, 0), dtype=np.int64), np.array([4, 1]))
    assert counts.tolist() == [0] * {"graph": 2, "node": 5, "edge": 0}[target_of]


@pytest.mark.parametrize("length", [2, 0])
def test_cycles_need_three_nodes(length):
    with pytest.raises(ValueError, match="3"):
        simple_cycles(np.array([[0, 1], [1, 0]]), 2, length)


def test_lengths_of_the_variants():
    assert CYCLES == {"triangle": 3, "c4": 4, "c5": 5, "c6": 6}
