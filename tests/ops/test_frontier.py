"""The frontier against breadth-first search, brute force and its own promises."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphlab.ops import frontier
from graphlab.ops.frontier import Links, make_frontier, spread_distance, spread_marks
from graphlab.ops.relational_spmm import RelationalGraph


@pytest.fixture(params=["products", "loops"])
def way(request, monkeypatch):
    """Walks of few nodes are products, of many compiled loops."""
    monkeypatch.setattr(frontier, "DENSE", 12 if request.param == "products" else 0)


def random_graph(seed: int, num_nodes: int, num_edges: int) -> tuple[RelationalGraph, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    edge_index = torch.randint(num_nodes, (2, num_edges), generator=g)
    graph = RelationalGraph(edge_index, torch.zeros(num_edges, dtype=torch.int64), num_nodes)
    return graph, torch.rand(num_edges, generator=g) > 0.3


def as_networkx(graph: RelationalGraph, mask: torch.Tensor | None) -> nx.DiGraph:
    edges = graph.edge_index if mask is None else graph.edge_index[:, mask]
    made = nx.DiGraph()
    made.add_nodes_from(range(graph.num_nodes))
    made.add_edges_from(edges.T.tolist())
    return made


@given(seed=st.integers(0, 10_000), limit=st.integers(1, 5), masked=st.booleans())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_distances_are_those_of_networkx(way, seed, limit, masked):
    graph, mask = random_graph(seed, 12, 20)
    mask = mask if masked else None
    heads = torch.tensor([0, 5, 5])
    found = Links(graph, mask).walk_distance(heads, limit)
    for head, row in zip(heads.tolist(), found, strict=True):
        expected = nx.single_source_shortest_path_length(as_networkx(graph, mask), head, cutoff=limit)
        assert row.tolist() == [expected.get(node, limit + 1) for node in range(12)]


@given(seed=st.integers(0, 10_000), masked=st.booleans())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_neighbourhoods_are_those_of_networkx(way, seed, masked):
    graph, mask = random_graph(seed, 12, 20)
    mask = mask if masked else None
    marked = torch.rand(3, 12, generator=torch.Generator().manual_seed(seed)) > 0.7
    found = Links(graph, mask).neighbourhood(marked)
    world = as_networkx(graph, mask)
    for before, after in zip(marked, found, strict=True):
        nodes = set(before.nonzero().flatten().tolist())
        expected = nodes.union(*(world.predecessors(node) for node in nodes))
        assert set(after.nonzero().flatten().tolist()) == expected


@given(seed=st.integers(0, 10_000), limit=st.integers(1, 5), masked=st.booleans())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_ways_of_a_gpu_and_of_a_cpu_agree(way, seed, limit, masked):
    graph, mask = random_graph(seed, 12, 20)
    mask = mask if masked else None
    heads = torch.tensor([0, 5, 5])
    start = torch.full((3, 12), limit + 1, dtype=torch.uint8).scatter(1, heads[:, None], 0)
    spread = spread_distance(graph, mask, start, limit)
    assert spread.dtype == torch.uint8
    assert torch.equal(spread, Links(graph, mask).walk_distance(heads, limit))
    marked = torch.rand(3, 12, generator=torch.Generator().manual_seed(seed)) > 0.7
    assert torch.equal(spread_marks(graph, mask, marked), Links(graph, mask).neighbourhood(marked))


def test_no_edges_to_spread_along():
    graph = RelationalGraph(torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), 3)
    start = torch.tensor([[0, 3, 3]], dtype=torch.uint8)
    assert torch.equal(spread_distance(graph, None, start, 2), start)
    assert torch.equal(spread_marks(graph, None, start == 0), start == 0)


@pytest.mark.gpu
def test_a_frontier_on_a_gpu_is_that_on_a_cpu():
    graph, mask = random_graph(1, 40, 90)
    head, tail = torch.tensor([0, 9, 9]), torch.tensor([[1, 2], [3, 4], [9, 0]])
    groups = [torch.tensor([0, 0, 0]), torch.tensor([0, 1, 0])]
    on_gpu = RelationalGraph(graph.edge_index.cuda(), graph.edge_type.cuda(), graph.num_nodes)
    here = make_frontier(graph, mask, head, tail, groups)
    there = make_frontier(on_gpu, mask.cuda(), head.cuda(), tail.cuda(), [group.cuda() for group in groups])
    assert torch.equal(there.answer.cpu(), here.answer)
    for one, other in zip(there.steps, here.steps, strict=True):
        for name in ("own", "query", "heads"):
            assert torch.equal(getattr(one, name).cpu(), getattr(other, name))
        for name in ("node", "slot", "place"):
            assert torch.equal(getattr(one.pairs, name).cpu(), getattr(other.pairs, name))


def path(num_nodes: int) -> RelationalGraph:
    nodes = torch.arange(num_nodes)
    return RelationalGraph(
        torch.stack([nodes[:-1], nodes[1:]]), torch.zeros(num_nodes - 1, dtype=torch.int64), num_nodes
    )


def states(step) -> set[tuple[int, int]]:
    return set(zip(step.pairs.slot.tolist(), step.pairs.node.tolist(), strict=True))


def test_states_on_a_path():
    """0 -> 1 -> 2 -> 3, two steps, head 0: node 2 is reached in the second step, node 3 never."""
    everyone = torch.zeros(1, dtype=torch.int64)
    frontier = make_frontier(path(4), None, everyone, torch.tensor([[2, 3]]), [everyone, everyone])
    first, second = frontier.steps
    assert states(second) == {(0, 2), (1, 3)}
    assert states(first) == {(0, 1), (1, 2), (1, 3)}
    rows = list(zip(second.pairs.slot.tolist(), second.pairs.node.tolist(), strict=True))
    assert [rows[row] for row in frontier.answer[0].tolist()] == [(0, 2), (1, 3)]
    assert not second.heads.numel()


def test_groups_share_their_ground_states():
    """Three queries, none of which reaches node 3 in one step."""
    head = torch.tensor([0, 0, 1])
    tail = torch.full((3, 1), 3)
    for groups, expected in (([0, 0, 0], 1), ([0, 1, 0], 2), ([0, 1, 2], 3)):
        frontier = make_frontier(path(5), None, head, tail, [torch.tensor(groups)])
        assert len(frontier.steps[0].own) == expected
        assert len(frontier.answer.unique()) == expected


def test_states_that_are_carried_over_are_those_of_the_same_nodes():
    graph, _ = random_graph(4, 6, 40)
    head = torch.tensor([0, 3])
    frontier = make_frontier(graph, None, head, None, [torch.zeros(2, dtype=torch.int64)] * 4)
    same = []
    for before, step in pairwise(frontier.steps):
        rows = torch.arange(len(before.own)).unsqueeze(1)
        assert torch.equal(step.carried(rows), rows[step.own])
        same.append(step.carried(rows) is rows)
    assert same == [False, False, True]


@pytest.mark.parametrize("limit", [1, 3])
def test_a_mask_is_a_smaller_graph(limit):
    graph, mask = random_graph(4, 30, 60)
    cut = RelationalGraph(graph.edge_index[:, mask], graph.edge_type[mask], 30)
    head, tail = torch.tensor([0, 9]), torch.tensor([[1, 2], [3, 4]])
    groups = [torch.zeros(2, dtype=torch.int64)] * limit
    masked, smaller = (make_frontier(g, m, head, tail, groups) for g, m in ((graph, mask), (cut, None)))
    for one, other in zip(masked.steps, smaller.steps, strict=True):
        assert states(one) == states(other)
        assert torch.equal(one.pairs.place, other.pairs.place)
    assert torch.equal(masked.answer, smaller.answer)


def test_alike_nodes_share_a_row_after_the_first_step():
    """Nodes 2, 3 and 4 of a path are alike: one of them is computed, and all are answered for by it."""
    everyone = torch.zeros(1, dtype=torch.int64)
    alike = torch.tensor([0, 1, 2, 2, 2])
    frontier = make_frontier(path(5), None, everyone, torch.tensor([[1, 2, 3, 4]]), [everyone], alike)
    (step,) = frontier.steps
    assert states(step) == {(0, 1), (1, 2)}
    first, *rest = frontier.answer[0].tolist()
    assert step.pairs.node[first] == 1 and len(set(rest)) == 1
