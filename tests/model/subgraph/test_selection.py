"""What learned samplers choose, against networkx and search over all choices; gradients through the choice."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import pytest
import torch

from graphlab.core.seeds import SeedStream
from graphlab.model.subgraph.sampling import top_of_each
from graphlab.model.subgraph.selection import choose, connected_nodes, spanning_edges
from tests.model.subgraph.loops import random_graph, to_networkx


def top_two(score):
    return top_of_each(score, torch.zeros(len(score), dtype=torch.int64), torch.tensor([2]))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_gradient_is_the_step_to_a_better_choice(scale):
    score = torch.tensor([[3.0, 2.0, 1.0, 0.0]], requires_grad=True)
    cost = torch.tensor([0.0, 0.4, 0.0, 0.0])
    chosen = choose(score, 0.0, top_two, 10.0)
    assert chosen.tolist() == [[1, 1, 0, 0]]
    (scale * chosen @ cost).sum().backward()
    torch.testing.assert_close(score.grad / scale, torch.tensor([[0.0, 0.04, -0.04, 0.0]]))
    score.grad = None
    (choose(score, 0.0, top_two, 0.9) @ cost).sum().backward()
    assert not score.grad.any(), "a step too short for another choice has a gradient"


def test_a_choice_is_learned():
    """Descent finds the two entries of lowest cost."""
    SeedStream(0).seed_torch()
    cost = torch.tensor([0.5, -1.0, 0.2, 0.9, -0.7])
    score = torch.zeros(1, 5, requires_grad=True)
    optimizer = torch.optim.SGD([score], lr=0.5)
    for _ in range(200):
        noise = -torch.empty_like(score).exponential_().log()
        loss = (choose(score, noise, top_two, 1.0) @ cost).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert choose(score.detach(), 0.0, top_two, 1.0).tolist() == [[0, 1, 0, 0, 1]]


@pytest.mark.parametrize("seed", range(8))
def test_spanning_forest_is_the_heaviest(seed):
    data = random_graph(seed, 8)
    graph = to_networkx(data)
    ends = torch.tensor(sorted(map(sorted, graph.edges)), dtype=torch.int64).view(-1, 2)
    score = torch.randn(len(ends), generator=SeedStream(seed).torch())
    for (u, v), weight in zip(ends.tolist(), score.tolist(), strict=True):
        graph.edges[u, v]["weight"] = weight
    found = spanning_edges(score, ends, 8)
    expected = {tuple(sorted(edge)) for edge in nx.maximum_spanning_edges(graph, data=False)}
    assert {tuple(edge) for edge in ends[found].tolist()} == expected


@pytest.mark.parametrize("size", [1, 3, 20])
@pytest.mark.parametrize("seed", range(6))
def test_connected_nodes_grow_from_the_best(seed, size):
    data = random_graph(seed, 9, density=0.2)
    graph, score = to_networkx(data), torch.randn(9, generator=SeedStream(seed).torch())
    found = connected_nodes(score, data["edge_index"], torch.tensor([0, 9]), size)
    taken = [int(score.argmax())]
    while len(taken) < size:
        near = {w for v in taken for w in graph[v]} - set(taken)
        if not near:
            break
        taken.append(max(near, key=lambda v: float(score[v])))
    assert found.nonzero().flatten().tolist() == sorted(taken)


def test_the_top_is_the_best_of_all_choices():
    score = torch.randn(6, generator=SeedStream(3).torch())
    best = max(combinations(range(6), 2), key=lambda two: float(score[list(two)].sum()))
    assert top_two(score).nonzero().flatten().tolist() == list(best)
