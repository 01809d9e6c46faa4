"""Graphs for tests of personalised PageRank."""

from __future__ import annotations

import networkx as nx
import numpy as np
import torch
from hypothesis import strategies as st

from graphlab.ops.personalised_pagerank import Transition

KINDS = [(directed, weighted) for directed in (False, True) for weighted in (False, True)]


def random_edges(kind: tuple[bool, bool], num_nodes: int = 25, num_edges: int = 50, seed: int = 0):
    """Distinct edges `[2, E]`, loops among them, and weights or None. The last five nodes have no edges."""
    directed, weighted = kind
    random = np.random.default_rng(seed)
    edges = random.integers(num_nodes - 5, size=(2, num_edges))
    edges = np.unique(edges if directed else np.sort(edges, axis=0), axis=1)
    return edges, random.random(edges.shape[1]) if weighted else None


def random_transition(kind: tuple[bool, bool], num_nodes: int = 25, num_edges: int = 50, seed: int = 0) -> Transition:
    edges, weight = random_edges(kind, num_nodes, num_edges, seed)
    return Transition.of(edges, num_nodes, weight, directed=kind[0])


def networkx_scores(
    kind: tuple[bool, bool], edges: np.ndarray, weight: np.ndarray | None, num_nodes: int
) -> np.ndarray:
    """The rows of networkx, whose dangling nodes lead to the source."""
    graph = nx.DiGraph() if kind[0] else nx.Graph()
    graph.add_nodes_from(range(num_nodes))
    values = np.ones(edges.shape[1]) if weight is None else weight
    graph.add_weighted_edges_from((u, v, w) for (u, v), w in zip(edges.T.tolist(), values.tolist(), strict=True))
    rows = []
    for source in range(num_nodes):
        only = {source: 1.0}
        scores = nx.pagerank(graph, personalization=only, dangling=only, tol=1e-14 / num_nodes, max_iter=1000)
        rows.append([scores[node] for node in range(num_nodes)])
    return np.array(rows)


def two_cycle(num_nodes: int = 12) -> Transition:
    """A connected directed graph without dangling nodes."""
    node = np.arange(num_nodes)
    edges = np.stack([np.tile(node, 2), np.concatenate([(node + 1) % num_nodes, (node * 5 + 3) % num_nodes])])
    return Transition.of(edges, num_nodes)


def on_threads(count: int, work):
    """What `work` gives with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        return work()
    finally:
        torch.set_num_threads(before)


@st.composite
def graphs(draw) -> tuple[int, np.ndarray, np.ndarray | None, bool]:
    size = draw(st.integers(1, 10))
    node = st.integers(0, size - 1)
    edges = np.array(draw(st.lists(st.tuples(node, node), max_size=25)), int).reshape(-1, 2).T
    weight = draw(st.none() | st.lists(st.floats(0, 4, width=16), min_size=edges.shape[1], max_size=edges.shape[1]))
    return size, edges, None if weight is None else np.array(weight), draw(st.booleans())
