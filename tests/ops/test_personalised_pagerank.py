"""Exact personalised PageRank and pushes, beside networkx, a dense solution and a published table."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.personalised_pagerank import (
    Factors,
    Fingerprints,
    PowerWalk,
    SparseScores,
    Transition,
    forward_push,
    monte_carlo,
    power_iteration,
    power_iteration_blocks,
    top_nodes,
)
from graphlab.ops.personalised_pagerank.forward_push import reference as push_reference
from graphlab.ops.personalised_pagerank.scores import best_of
from graphlab.ops.personalised_pagerank.sparse_lu import reference
from tests.ops.pagerank_graphs import (
    KINDS,
    graphs,
    networkx_scores,
    on_threads,
    random_edges,
    random_transition,
    two_cycle,
)


@pytest.mark.parametrize("kind", KINDS)
def test_networkx_and_dense_solutions(kind):
    edges, weight = random_edges(kind)
    transition = Transition.of(edges, 25, weight, directed=kind[0])
    assert len(transition.dangling) >= 5
    expected = reference(transition, range(25))
    np.testing.assert_allclose(networkx_scores(kind, edges, weight, 25), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(Factors(transition).scores(range(25)), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(power_iteration(transition, range(25), tolerance=1e-12), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("restart", [0.01, 0.5, 0.99])
def test_other_restarts(restart):
    transition = random_transition((True, True))
    expected = reference(transition, range(25), restart)
    np.testing.assert_allclose(Factors(transition, restart).scores(range(25)), expected, rtol=0, atol=1e-12)
    rows = power_iteration(transition, range(25), restart=restart, tolerance=1e-12)
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-12)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["karate", "tortoise_fi", "sbm300"])
def test_the_published_table(truth, name):
    arrays = truth(f"heuristics_{name}")
    size, pairs = int(arrays["num_nodes"]), arrays["pairs"].astype(int)
    transition = Transition.of_adjacency(Adjacency.of(arrays["train_edge"], size))
    sources, place = np.unique(pairs, return_inverse=True)
    place = place.reshape(pairs.shape)
    for rows in (Factors(transition).scores(sources), power_iteration(transition, sources, tolerance=1e-12)):
        for ends, direction in (((0, 1), "src_to_dst"), ((1, 0), "dst_to_src")):
            scores = rows[place[:, ends[0]], pairs[:, ends[1]]]
            np.testing.assert_allclose(scores, arrays[f"nx_ppr_alpha0.85_{direction}"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-5, 1e-10, 1e-14])
@pytest.mark.parametrize("kind", KINDS)
def test_the_tolerance_is_kept(kind, tolerance):
    transition = random_transition(kind, 60, 90)
    rows = power_iteration(transition, range(60), tolerance=tolerance)
    assert np.abs(rows - reference(transition, range(60))).sum(1).max() <= tolerance + 2e-15


@pytest.mark.parametrize("directed", [False, True])
def test_passes_end_where_rounding_is_all_that_is_left(directed):
    transition = random_transition((directed, True), 40, 120)
    rows = power_iteration(transition, range(40), restart=0.001, tolerance=1e-14)
    assert np.abs(rows - reference(transition, range(40), 0.001)).sum(1).max() <= 1e-11


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("directed", [False, True])
def test_loops_of_a_known_width(directed, weighted):
    """A graph with edges enough for them, a full block, a part of one and a single source."""
    transition = random_transition((directed, weighted), 300, 6000)
    for count in (65, 64, 10):
        rows = power_iteration(transition, range(count), tolerance=1e-12)
        np.testing.assert_allclose(rows, Factors(transition).scores(range(count)), rtol=0, atol=1e-12)


def test_which_graphs_are_undirected():
    for directed, weighted in KINDS:
        assert random_transition((directed, weighted)).is_undirected == (not directed)
    both_ways = np.array([[0, 1, 1, 2, 2, 2], [1, 0, 2, 1, 2, 2]])
    assert Transition.of(both_ways, 4).is_undirected
    assert not Transition.of(both_ways, 4, np.array([1, 1, 1, 2, 1, 1])).is_undirected
    transition = random_transition((False, True))
    before = transition.start.copy(), transition.target.copy()
    assert transition.is_undirected
    assert np.array_equal(before[0], transition.start) and np.array_equal(before[1], transition.target)


def test_a_graph_that_does_not_mix():
    """A cycle of even length: what is left never has the direction of the stationary distribution."""
    transition = Transition.of(np.array([range(20), [*range(1, 20), 0]]), 20)
    rows = power_iteration(transition, [0, 7], tolerance=1e-12)
    assert np.abs(rows - reference(transition, [0, 7])).sum(1).max() <= 1e-12


def test_blocks_of_every_width_give_the_same_rows():
    transition = random_transition((True, False), 100, 300)
    expected = reference(transition, range(100))
    for count in (0, 1, 2, 3, 11, 33, 45, 100):
        rows = power_iteration(transition, range(count), tolerance=1e-13)
        assert rows.shape == (count, 100)
        np.testing.assert_allclose(rows, expected[:count], rtol=0, atol=1e-13)


def test_rows_do_not_depend_on_threads():
    transition = random_transition((False, True), 300, 900)
    rows, pushed = (
        [on_threads(count, work) for count in (1, 3)]
        for work in (
            lambda: power_iteration(transition, range(40), tolerance=1e-8),
            lambda: forward_push(transition, range(40), 1e-4).scores.dense(),
        )
    )
    assert np.array_equal(*rows) and np.array_equal(*pushed)


def test_best_nodes_and_progress():
    transition = random_transition((False, False), 60, 200)
    sources, calls = [3, 50, 3, *range(40)], []
    best = top_nodes(transition, sources, 7, progress=lambda done, count: calls.append((done, count)))
    rows = power_iteration(transition, sources)
    assert calls[-1] == (43, 43) and sorted(calls) == calls
    order = np.lexsort((np.broadcast_to(np.arange(60), rows.shape), -rows), axis=1)[:, :7]
    assert np.array_equal(best.node, order)
    assert np.array_equal(best.score, np.take_along_axis(rows, order, axis=1))
    blocks = list(power_iteration_blocks(transition, sources))
    assert np.array_equal(np.concatenate([block for _, block in blocks]), rows)
    assert top_nodes(transition, [0], 1000).node.shape == (1, 60)


def test_equal_scores_come_in_the_order_of_nodes():
    rows = np.array([[0.0, 0.5, 0.0, 0.5, 0.0], [0.2] * 5])
    assert best_of(rows, 3).node.tolist() == [[1, 3, 0], [0, 1, 2]]
    node = [np.flatnonzero(row).astype(np.int32) for row in rows]
    sparse = SparseScores.joined([(places, row[places]) for places, row in zip(node, rows, strict=True)], 5)
    assert np.array_equal(sparse.top(3).node, best_of(rows, 3).node)
    assert np.array_equal(sparse.top(3).score, best_of(rows, 3).score)
    assert np.array_equal(sparse.dense(), rows)


@pytest.mark.parametrize("epsilon", [1e-1, 1e-3, 1e-6])
@pytest.mark.parametrize("kind", KINDS)
def test_what_pushes_leave(kind, epsilon):
    transition = random_transition(kind, 60, 150)
    exact = reference(transition, range(60))
    pushed = forward_push(transition, range(60), epsilon)
    error = exact - pushed.scores.dense()
    assert error.min() >= -1e-15
    np.testing.assert_allclose(error.sum(1), pushed.residual, rtol=0, atol=1e-13)
    if not kind[0]:
        assert (error <= epsilon * transition.strength + 1e-15).all()


def test_pushes_keep_their_invariant_in_any_order():
    transition = random_transition((True, True), 30, 60)
    exact = reference(transition, range(30))
    pushed = forward_push(transition, [4], 1e-3)
    estimate, left = push_reference(transition, 4, 1e-3)
    limit = 1e-3 * np.where(transition.degree > 0, transition.strength, 1)
    assert (left < limit).all() and pushed.residual[0] <= limit.sum()
    dangling = transition.dangling
    through = exact.copy()
    if len(dangling):  # what leaves these goes to node 4, not back to where a walk of another source began
        step = transition.matrix().toarray()
        step[dangling, 4] = 1
        through = 0.15 * np.linalg.inv(np.eye(30) - 0.85 * step)
    np.testing.assert_allclose(estimate + left @ through, exact[4], rtol=0, atol=1e-13)


def test_pushes_of_a_large_threshold_do_nothing_and_of_a_small_one_are_exact():
    transition = random_transition((False, False))
    assert forward_push(transition, range(25), 10.0).residual.tolist() == [
        0.0 if node in transition.dangling else 1.0 for node in range(25)
    ]
    rows = forward_push(transition, range(25), 1e-14).scores.dense()
    np.testing.assert_allclose(rows, reference(transition, range(25)), rtol=0, atol=1e-11)


@settings(max_examples=40)
@given(graphs(), st.integers(0, 1000))
def test_rows_are_distributions_and_follow_a_relabelling(case, seed):
    size, edges, weight, directed = case
    transition = Transition.of(edges, size, weight, directed=directed)
    order = np.random.default_rng(seed).permutation(size)
    relabelled = Transition.of(order[edges], size, weight, directed=directed)
    rows = power_iteration(transition, range(size), tolerance=1e-12)
    assert (rows >= 0).all() and (rows[range(size), range(size)] >= 0.15 - 1e-12).all()
    np.testing.assert_allclose(rows.sum(1), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rows, reference(transition, range(size)), rtol=0, atol=1e-11)
    others = power_iteration(relabelled, order, tolerance=1e-12)
    np.testing.assert_allclose(others[:, order], rows, rtol=0, atol=1e-11)
    pushed = forward_push(transition, range(size), 1e-3)
    assert (pushed.scores.score > 0).all() and (pushed.residual >= 0).all()
    np.testing.assert_allclose(pushed.scores.dense().sum(1) + pushed.residual, 1, rtol=0, atol=1e-12)
    walked = monte_carlo(transition, 8, seed=seed).dense()
    assert (walked >= 0).all() and np.array_equal(walked.sum(1), np.ones(size))
    assert (walked[rows < 1e-9] == 0).all()
    queried = PowerWalk(transition, Fingerprints.of(transition, 8, seed=seed)).query(range(size)).dense()
    assert (queried >= 0).all() and (queried[rows < 1e-9] == 0).all()
    if len(transition.dangling):
        np.testing.assert_allclose(queried.sum(1), 1, rtol=0, atol=1e-6)


def test_edges_that_count_twice_and_edges_that_do_not_count():
    listed = np.array([[0, 0, 0, 1], [1, 1, 2, 2]])
    twice = Transition.of(listed, 3)
    assert np.allclose(twice.matrix().toarray(), [[0, 2 / 3, 1 / 3], [0, 0, 1], [0, 0, 0]])
    weighted = Transition.of(torch.tensor([[0, 0, 1], [1, 2, 2]]), 3, torch.tensor([2.0, 1.0, 0.0]))
    assert np.allclose(weighted.matrix().toarray(), [[0, 2 / 3, 1 / 3], [0, 0, 0], [0, 0, 0]])
    assert weighted.dangling.tolist() == [1, 2] and weighted.digest != twice.digest
    undirected = Transition.of(np.array([[0, 1], [1, 1]]), 2, directed=False)
    assert undirected.matrix().toarray().tolist() == [[0, 1], [0.5, 0.5]]


def test_a_graph_without_edges_and_one_without_nodes():
    alone = Transition.of(np.empty((2, 0), int), 3)
    for rows in (power_iteration(alone, [1]), Factors(alone).scores([1]), forward_push(alone, [1], 0.1).scores.dense()):
        assert rows.tolist() == [[0, 1, 0]]
    assert monte_carlo(alone, 3).dense().tolist() == np.eye(3).tolist()
    empty = Transition.of(np.empty((2, 0), int), 0)
    assert power_iteration(empty, []).shape == (0, 0) and len(monte_carlo(empty, 2)) == 0


def test_adjacency_is_the_walk_on_an_undirected_graph():
    graph = nx.karate_club_graph()
    edges = np.array(graph.edges)
    of_adjacency = Transition.of_adjacency(Adjacency.of(edges, 34))
    assert np.allclose(of_adjacency.matrix().toarray(), Transition.of(edges.T, 34, directed=False).matrix().toarray())


@pytest.mark.parametrize(
    ("edges", "weight", "message"),
    [
        ([[0], [3]], None, "an edge names a node"),
        ([[-1], [0]], None, "an edge names a node"),
        ([[0, 1]], None, "edge_index has shape"),
        ([[0.5], [1.0]], None, "holds float64"),
        ([[0], [1]], [-1.0], "weight of edge 0 is -1"),
        ([[0], [1]], [np.nan], "weight of edge 0 is nan"),
        ([[0], [1]], [np.inf], "weight of edge 0 is inf"),
        ([[0], [1]], [1.0, 2.0], "weights have shape"),
        ([[0, 0], [1, 2]], [1e308, 1e308], "too large"),
    ],
)
def test_bad_graphs_are_refused(edges, weight, message):
    with pytest.raises(InputError, match=message) as refused:
        Transition.of(np.array(edges), 3, None if weight is None else np.array(weight))
    assert refused.value.hint


@pytest.mark.parametrize(
    "work",
    [
        lambda t: power_iteration(t, [12]),
        lambda t: power_iteration(t, [-1]),
        lambda t: power_iteration(t, [[0]]),
        lambda t: power_iteration(t, [0.5]),
        lambda t: power_iteration(t, [0], restart=0.0),
        lambda t: power_iteration(t, [0], restart=1.0),
        lambda t: power_iteration(t, [0], restart=float("nan")),
        lambda t: power_iteration(t, [0], restart="0.15"),
        lambda t: power_iteration(t, [0], tolerance=0.0),
        lambda t: power_iteration(t, [0], tolerance="small"),
        lambda t: power_iteration(t, [0], tolerance=1e-17),
        lambda t: top_nodes(t, [0], 0),
        lambda t: Factors(t, 1.5),
        lambda t: Factors(t).scores([99]),
        lambda t: forward_push(t, [0], 0.0),
        lambda t: forward_push(t, [0], float("nan")),
        lambda t: forward_push(t, [20], 0.1),
        lambda t: monte_carlo(t, 0),
        lambda t: monte_carlo(t, 4, restart=-0.1),
        lambda t: monte_carlo(t, 4, partitions=0),
        lambda t: Fingerprints.of(t, 2.5),
        lambda t: PowerWalk(t, Fingerprints.of(t, 2)).query([0], steps=0),
        lambda t: PowerWalk(t, Fingerprints.of(t, 2)).query([12]),
    ],
)
def test_bad_requests_are_refused(work):
    with pytest.raises(InputError) as refused:
        work(two_cycle())
    assert refused.value.hint


@pytest.mark.parametrize(
    "work",
    [
        lambda t: power_iteration(t, range(12)),
        lambda t: Factors(t),
        lambda t: forward_push(t, [0], 0.1),
        lambda t: monte_carlo(t, 4),
        lambda t: Fingerprints.of(t, 4),
        lambda t: SparseScores.joined([(np.array([0], np.int32), np.ones(1))] * 12, 12).dense(),
    ],
)
def test_what_does_not_fit_is_refused_with_its_bytes(work, monkeypatch):
    transition = two_cycle()
    monkeypatch.setattr("graphlab.ops.personalised_pagerank.checks.available_memory", lambda: 100)
    with pytest.raises(InputError, match="bytes"):
        work(transition)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_networkx_on_larger_graphs(kind):
    """Three hundred nodes at once, in blocks of every loop, and a few by pushes."""
    edges, weight = random_edges(kind, 3000, 12_000)
    transition = Transition.of(edges, 3000, weight, directed=kind[0])
    sources = [*range(150), *range(2850, 3000)]
    rows = power_iteration(transition, sources, tolerance=1e-12)
    np.testing.assert_allclose(rows, Factors(transition).scores(sources), rtol=0, atol=1e-12)
    some = [0, 140, 299]
    graph = nx.DiGraph(transition.matrix())
    for place in some:
        only = {sources[place]: 1.0}
        scores = nx.pagerank(graph, personalization=only, dangling=only, tol=1e-17, max_iter=1000)
        np.testing.assert_allclose(rows[place], [scores[node] for node in range(3000)], rtol=0, atol=1e-10)
    pushed = forward_push(transition, [sources[place] for place in some], 1e-9)
    assert np.abs(pushed.scores.dense() - rows[some]).sum(1).max() <= 1e-9 * (transition.strength.sum() + 3000)
