"""Shares of personalised PageRank beside networkx and dense algebra."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab.analysis.topology.pagerank import is_affordable, pagerank_shares
from graphlab.analysis.topology.parts import LinkParts
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.ops.personalised_pagerank import blocks
from tests.analysis.topology.cases import PARTS, random_parts
from tests.ops.pagerank_graphs import on_threads

NONE = np.zeros((0, 2), int)


def networkx_graph(parts: LinkParts, part: str = "train") -> nx.Graph:
    graph = nx.empty_graph(parts.num_nodes)
    graph.add_edges_from(parts.links(part).links.tolist())
    return graph


def by_dense_algebra(parts: LinkParts, hops: int, restart: float = 0.15) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(restart) (I - (1 - restart) P^T)^-1, of which a node without links keeps all; balls by networkx."""
    graph = networkx_graph(parts)
    adjacency = nx.to_numpy_array(graph, nodelist=range(parts.num_nodes))
    adjacency[adjacency.sum(1) == 0] = np.eye(parts.num_nodes)[adjacency.sum(1) == 0]
    step = adjacency / adjacency.sum(1, keepdims=True)
    rows = restart * np.linalg.inv(np.eye(parts.num_nodes) - (1 - restart) * step)
    near = [rows[i, list(nx.single_source_shortest_path_length(graph, i, hops))].sum() for i in range(parts.num_nodes)]
    on_links = {}
    for part in PARTS:
        linked = networkx_graph(parts, part)
        on_links[part] = np.array([rows[i, list(linked[i])].sum() for i in range(parts.num_nodes)])
    return np.array(near), on_links


@pytest.mark.parametrize("hops", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_shares_are_those_of_networkx(seed, hops):
    parts = random_parts(40, 0.04 + 0.03 * seed, seed)
    got = pagerank_shares(parts, hops, of=tuple(PARTS))
    graph = networkx_graph(parts)
    for node in range(40):
        only = {node: 1}
        scores = nx.pagerank(graph, 0.85, personalization=only, dangling=only, tol=1e-14, max_iter=2000)
        near = nx.single_source_shortest_path_length(graph, node, hops)
        assert got.near[node] == pytest.approx(sum(scores[other] for other in near), abs=1e-9)
        for part in PARTS:
            expected = sum(scores[other] for other in networkx_graph(parts, part)[node])
            assert got.on_links[part][node] == pytest.approx(expected, abs=1e-9)


@given(
    st.integers(1, 12), st.floats(0, 1), st.integers(0, 10**6), st.integers(1, 15), st.sampled_from([0.05, 0.15, 0.9])
)
def test_shares_are_those_of_dense_algebra(size, probability, seed, hops, restart):
    parts = random_parts(size, probability, seed)
    got = pagerank_shares(parts, hops, of=tuple(PARTS), restart=restart)
    near, on_links = by_dense_algebra(parts, hops, restart)
    np.testing.assert_allclose(got.near, near, rtol=0, atol=1e-9)
    assert ((got.near > 0) & (got.near <= 1)).all()
    for part in PARTS:
        np.testing.assert_allclose(got.on_links[part], on_links[part], rtol=0, atol=1e-9)
        assert ((got.on_links[part] >= 0) & (got.on_links[part] < 1)).all()


def test_isolated_nodes_and_small_components_have_values():
    """A triangle, a pair, and two nodes alone, one of them with a test link."""
    parts = LinkParts.of_links(7, np.array([[0, 1], [1, 2], [0, 2], [3, 4]]), NONE, np.array([[5, 0], [3, 1]]))
    for hops in (1, 10**9):
        got = pagerank_shares(parts, hops)
        assert got.near.tolist() == [1.0] * 7 and not got.on_links["test"].any()
    empty = pagerank_shares(LinkParts.of_links(3, NONE, NONE, NONE))
    assert empty.near.tolist() == [1.0] * 3 and not empty.on_links["test"].any()
    assert len(pagerank_shares(LinkParts.of_links(0, NONE, NONE, NONE)).near) == 0


def test_alike_nodes_have_equal_shares():
    """On a ring with chords, whose sums are rounded in another order at each node."""
    ring = nx.circulant_graph(60, [1, 2, 7])
    got = pagerank_shares(LinkParts.of_links(60, np.array(ring.edges), NONE, NONE), 2)
    assert len(set(got.near.tolist())) == 1 and 0.3 < got.near[0] < 1


def test_blocks_and_threads_change_nothing():
    parts = random_parts(3 * blocks.BLOCK + 5, 0.02, 0)
    seen: list[float] = []
    whole = pagerank_shares(parts, 2, on_progress=seen.append)
    assert len(seen) == 4 and seen == sorted(seen) and seen[-1] == 1
    for threads in (1, 4):
        again = on_threads(threads, lambda: pagerank_shares(parts, 2))
        assert np.array_equal(again.near, whole.near)
        assert np.array_equal(again.on_links["test"], whole.on_links["test"])


def test_what_takes_seconds():
    assert is_affordable(random_parts(100, 0.1, 0))
    assert not is_affordable(LinkParts.of_links(10**6, np.stack([np.arange(200), np.arange(1, 201)], 1), NONE, NONE))


def test_bad_input_is_refused():
    parts = random_parts(5, 0.5, 0)
    with pytest.raises(UnknownNameError):
        pagerank_shares(parts, of=("tests",))
    for hops in (0, 1.5):
        with pytest.raises(InputError, match="the number of hops"):
            pagerank_shares(parts, hops)
    with pytest.raises(InputError, match="restart"):
        pagerank_shares(parts, restart=1.0)
