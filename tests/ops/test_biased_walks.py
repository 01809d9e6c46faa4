"""Walks of second order against their exact probabilities, on any number of threads."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.ops import biased_walks
from graphlab.ops.biased_walks import ENDED, BiasedWalks, NodeTable, reference
from graphlab.ops.personalised_pagerank import Transition
from tests.ops.pagerank_graphs import KINDS, graphs, on_threads, random_transition

STREAM = SeedStream(0).child("walks")
SEARCHED = [(1.0, 1.0), (0.25, 4.0), (4.0, 0.25), (0.25, 0.25), (2.0, 0.5), (0.05, 20.0)]


def karate(weighted: bool) -> Transition:
    graph = nx.karate_club_graph()
    weight = np.array([graph.edges[edge]["weight"] for edge in graph.edges]) if weighted else None
    return Transition.of(np.array(graph.edges).T, 34, weight, directed=False)


def misfit(transition: Transition, walks: np.ndarray, p: float, q: float) -> tuple[float, int]:
    """Pearson's statistic of all steps after a first one, and its degrees of freedom."""
    before, at, after = (walks[:, first : first + walks.shape[1] - 2].ravel() for first in range(3))
    there = after != ENDED
    size = transition.num_nodes
    counts = np.zeros((size, size, size))
    np.add.at(counts, (before[there], at[there], after[there]), 1)
    statistic, freedom = 0.0, 0
    for t, v in np.argwhere(counts.sum(2)):
        number, exact = counts[t, v].sum(), reference(transition, int(t), int(v), p, q)
        assert not counts[t, v][exact == 0].any()
        often = number * exact >= 5
        if often.sum() < 2:
            continue
        # cells of fewer than five expected steps are one cell
        observed = np.append(counts[t, v][often], counts[t, v][~often].sum())
        expected = np.append(number * exact[often], number * exact[~often].sum())
        observed, expected = observed[expected > 0], expected[expected > 0]
        if expected[-1] < 5:
            observed = np.append(observed[:-2], observed[-2:].sum())
            expected = np.append(expected[:-2], expected[-2:].sum())
        statistic += float(((observed - expected) ** 2 / expected).sum())
        freedom += len(expected) - 1
    return statistic, freedom


@pytest.mark.parametrize("proposals", [0, 2, 32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("p", "q"), SEARCHED)
def test_steps_have_their_exact_probabilities(p, q, weighted, proposals, monkeypatch):
    """Of steps that are drawn from exact probabilities, by rejection, and by both."""
    monkeypatch.setattr(biased_walks, "PROPOSALS", proposals)
    transition = karate(weighted)
    walks = BiasedWalks(transition, p, q).walk(range(34), 30, 400, stream=STREAM)
    statistic, freedom = misfit(transition, walks, p, q)
    assert freedom > 100
    assert chi2.sf(statistic, freedom) > 1e-4
    if (p, q) != (1.0, 1.0):
        statistic, freedom = misfit(transition, walks, 1.0, 1.0)
        assert chi2.sf(statistic, freedom) < 1e-9, "the test tells other walks from these"


def test_the_reference_is_the_published_formula():
    """t = 0 is linked with 1 and 2, v = 1 with 0, 2 and 3: back, near and away, by the weights 1, 2 and 3."""
    edges, weight = np.array([[0, 0, 1, 1], [1, 2, 2, 3]]), np.array([1.0, 5.0, 2.0, 3.0])
    transition = Transition.of(edges, 4, weight, directed=False)
    worth = np.array([1 / 0.5, 0, 2.0, 3 / 4])
    np.testing.assert_allclose(reference(transition, 0, 1, 0.5, 4.0), worth / worth.sum())
    np.testing.assert_allclose(reference(transition, None, 1, 0.5, 4.0), np.array([1, 0, 2, 3]) / 6)


def test_nearness_follows_the_direction_of_edges():
    """From 0 an edge leads to 2, from 2 none to 0."""
    transition = Transition.of(np.array([[0, 0, 1, 1], [1, 2, 2, 3]]), 4)
    exact = reference(transition, 0, 1, 1.0, 3.0)
    np.testing.assert_allclose(exact, [0, 0, 0.75, 0.25])
    walks = BiasedWalks(transition, 1.0, 3.0).walk([0], 3, 20_000, stream=STREAM)
    after = walks[walks[:, 1] == 1, 2]
    share = (after == 2).mean()
    assert abs(share - 0.75) < 4 * np.sqrt(0.75 * 0.25 / len(after))


@pytest.mark.parametrize("kind", KINDS)
def test_threads_and_company_change_nothing(kind):
    transition = random_transition(kind)
    walks = BiasedWalks(transition, 0.5, 2.0)
    whole = walks.walk(range(25), 12, 3, stream=STREAM)
    assert all(
        np.array_equal(on_threads(count, lambda: walks.walk(range(25), 12, 3, stream=STREAM)), whole)
        for count in (1, 2, 5)
    )
    assert np.array_equal(walks.walk([7, 3], 12, 3, stream=STREAM), np.concatenate([whole[21:24], whole[9:12]]))
    assert np.array_equal(walks.walk(range(25), 12, 1, stream=STREAM), whole[::3])
    assert np.array_equal(walks.walk(range(25), 5, 3, stream=STREAM), whole[:, :5])
    assert not np.array_equal(walks.walk(range(25), 12, 3, stream=STREAM.child("others")), whole)


@settings(max_examples=100)
@given(graphs(), st.sampled_from(SEARCHED), st.integers(1, 6))
def test_any_graph_has_walks_along_its_edges(graph, bias, length):
    size, edges, weight, directed = graph
    transition = Transition.of(edges, size, weight, directed=directed)
    walks = BiasedWalks(transition, *bias).walk(range(size), length, 2, stream=STREAM)
    assert walks.shape == (2 * size, length) and np.array_equal(walks[:, 0], np.repeat(np.arange(size), 2))
    joined = {(u, v) for u in range(size) for v in transition.target[transition.start[u] : transition.start[u + 1]]}
    for walk in walks.tolist():
        nodes = [node for node in walk if node != ENDED]
        assert walk == nodes + [ENDED] * (length - len(nodes))
        assert all(step in joined for step in pairwise(nodes))
        assert len(nodes) == length or transition.degree[nodes[-1]] == 0


def test_edges_in_any_order_and_listed_twice():
    edges = np.array([[0, 0, 0, 1, 1, 2, 2, 3], [2, 1, 1, 3, 0, 0, 3, 1]])
    ordered, mixed = (
        Transition.of(edges[:, order], 4) for order in (np.arange(8), np.random.default_rng(0).permutation(8))
    )
    first, second = (BiasedWalks(each, 0.5, 2.0).walk(range(4), 20, 4, stream=STREAM) for each in (ordered, mixed))
    assert np.array_equal(first, second)
    walks = BiasedWalks(ordered, 0.5, 2.0).walk(range(4), 40, 2000, stream=STREAM)
    assert chi2.sf(*misfit(ordered, walks, 0.5, 2.0)) > 1e-4


def test_nodes_are_drawn_by_their_weights():
    weight = np.array([0.0, 1.0, 4.0, 0.5, 2.5])
    table = NodeTable(weight)
    drawn = table.draw(range(5), 1000, 20, stream=STREAM)
    assert drawn.shape == (100, 1000)
    counts, expected = np.bincount(drawn.ravel(), minlength=5), weight / 8 * drawn.size
    assert counts[0] == 0
    assert chi2.sf(((counts - expected)[1:] ** 2 / expected[1:]).sum(), 3) > 1e-4
    assert np.array_equal(on_threads(3, lambda: table.draw(range(5), 1000, 20, stream=STREAM)), drawn)
    assert np.array_equal(table.draw([2], 1000, 20, stream=STREAM), drawn[40:60])


def test_bad_input_is_refused():
    transition = karate(False)
    for p, q in ((0.0, 1.0), (1.0, -1.0), (np.inf, 1.0), (1.0, np.nan)):
        with pytest.raises(InputError, match="parameter"):
            BiasedWalks(transition, p, q)
    walks = BiasedWalks(transition)
    with pytest.raises(InputError, match="source 34 is not in the graph"):
        walks.walk([34], 3, stream=STREAM)
    for length, number in ((0, 1), (3, 0)):
        with pytest.raises(InputError, match=r"length of a walk|number of walks"):
            walks.walk([0], length, number, stream=STREAM)
    with pytest.raises(InputError, match=r"walks of 1,000,000,000 nodes.*GiB"):
        walks.walk(range(34), 10**9, 10**4, stream=STREAM)
    for weight in (np.array([1.0, -1.0]), np.array([np.nan, 1.0]), np.zeros(2), np.zeros(0)):
        with pytest.raises(InputError):
            NodeTable(weight)
    with pytest.raises(InputError, match="number of nodes"):
        NodeTable(np.ones(2)).draw([0], 0, stream=STREAM)
