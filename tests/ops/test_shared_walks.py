"""Ends of walks that linked nodes share, beside walks that are counted one by one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.ops import shared_walks as module
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.shared_walks import shared_walks


def random_graph(size: int, probability: float, seed: int) -> Adjacency:
    is_link = np.triu(np.random.default_rng(seed).random((size, size)) < probability, 1)
    return Adjacency.of(np.argwhere(is_link), size)


def one_by_one(graph: Adjacency, links: Adjacency, worth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    def rows(of: Adjacency) -> list[list[int]]:
        return [of.neighbour[first:end].tolist() for first, end in zip(of.start, of.start[1:], strict=False)]

    neighbours, linked = rows(graph), rows(links)
    walks: list[list[Counter[int]]] = []
    for node in range(graph.num_nodes):
        ends, by_steps = [node], []
        for _ in worth:
            ends = [other for end in ends for other in neighbours[end]]
            by_steps.append(Counter(ends))
        walks.append(by_steps)
    counted = np.array([worth @ [step.total() for step in by_steps] for by_steps in walks])
    shared = np.zeros(graph.num_nodes)
    for node, others in enumerate(linked):
        for other in others:
            for p, mine in enumerate(walks[node]):
                for q, theirs in enumerate(walks[other]):
                    shared[node] += worth[p] * worth[q] * sum(n for end, n in mine.items() if end in theirs)
    return shared, counted


@given(st.integers(1, 12), st.floats(0, 1), st.integers(0, 10**6), st.integers(1, 4))
def test_sums_are_those_of_walks_one_by_one(size, probability, seed, steps):
    graph, links = random_graph(size, probability, seed), random_graph(size, 0.4, seed + 1)
    worth = np.random.default_rng(seed).random(steps) + 0.1
    for result, expected in zip(shared_walks(graph, links, worth), one_by_one(graph, links, worth), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-12)


@pytest.mark.parametrize("reached", [100, 2000, module.REACHED])
def test_blocks_and_threads_change_nothing(monkeypatch, reached):
    graph, links = random_graph(300, 0.02, 0), random_graph(300, 0.02, 1)
    worth = np.array([1.0, 0.3, 0.1])
    alone = shared_walks(graph, links, worth)
    monkeypatch.setattr(module, "ALONE", 0)
    monkeypatch.setattr(module, "REACHED", reached)
    monkeypatch.setattr(module, "LEAST", 16)
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(shared_walks(graph, links, worth))
    finally:
        torch.set_num_threads(threads)
    for result, again, expected in zip(*results, alone, strict=True):
        assert np.array_equal(result, again)
        np.testing.assert_allclose(result, expected, rtol=1e-13)


def test_without_links_there_is_nothing_shared():
    graph, nothing = random_graph(5, 1.0, 0), random_graph(5, 0.0, 0)
    assert np.array_equal(shared_walks(graph, nothing, np.ones(2))[0], np.zeros(5))
    assert np.array_equal(shared_walks(nothing, graph, np.ones(2))[1], np.zeros(5))
