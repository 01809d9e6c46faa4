"""Pairs of nodes by their distances, against networkx."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.ops import strict_hops
from graphlab.ops.strict_hops import one_hop, two_hops


def pairs_at(edge_index: torch.Tensor, num_nodes: int, distance: int) -> list[tuple[int, int]]:
    """Pairs (u, v) by v and then u, by networkx."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(num_nodes))
    graph.add_edges_from(edge_index.T.tolist())
    lengths = dict(nx.all_pairs_shortest_path_length(graph, cutoff=2))
    pairs = [(u, v) for u, reached in lengths.items() for v, length in reached.items() if length == distance]
    return sorted(pairs, key=lambda pair: pair[::-1])


@given(st.integers(0, 10_000), st.integers(1, 20), st.sampled_from((0.05, 0.2, 0.6)), st.booleans())
@settings(deadline=None, max_examples=60)
def test_distances_are_those_of_networkx(seed, num_nodes, density, undirected):
    random = SeedStream(seed, ("hops",)).torch()
    edges = (torch.rand(num_nodes, num_nodes, generator=random) < density).nonzero().T
    edges = torch.cat([edges, edges.flip(0) if undirected else edges[:, :3]], dim=1)
    for distance, function in ((1, one_hop), (2, two_hops)):
        assert [tuple(pair) for pair in function(edges, num_nodes).T.tolist()] == pairs_at(edges, num_nodes, distance)


def test_no_edges():
    edges = torch.empty(2, 0, dtype=torch.int64)
    assert one_hop(edges, 3).shape == two_hops(edges, 3).shape == (2, 0)


def test_hubs_are_refused(monkeypatch):
    star = torch.tensor([[0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0]])
    monkeypatch.setattr(strict_hops, "MOST_PRODUCTS", 12)
    assert two_hops(star, 4).shape == (2, 6)
    monkeypatch.setattr(strict_hops, "MOST_PRODUCTS", 11)
    with pytest.raises(InputError, match="4 nodes that are two edges apart take 12 products"):
        two_hops(star, 4)
