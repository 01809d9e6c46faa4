"""Hard negatives against slow definitions and against those of a published implementation."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.ops.adjacency import Adjacency
from graphlab.task.hard_negatives import Heuristics, choose, combined_ranks, hard_negatives, score_ranks

STREAM = SeedStream(0)
PACKS = ["heart_negatives_karate", "heart_negatives_sbm300"]


def slow_ranks(scores):
    """One more for each candidate that scores no less and less than the best; zero behind the rest."""
    positive = [s for s in scores if s > 0]
    if not positive:
        return [1] * len(scores)
    rank = {s: 1 + sum(s <= other < max(positive) for other in positive) for s in positive}
    return [rank[s] if s > 0 else max(rank.values()) + 1 for s in scores]


@settings(max_examples=100)
@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), min_size=1, max_size=12))
def test_ranks_are_counts(scores):
    assert score_ranks(np.array(scores)).tolist() == slow_ranks(scores)


def test_ranks_of_an_example():
    assert score_ranks(np.array([5.0, 3, 0, 3, 1, 5, 0])).tolist() == [1, 3, 5, 3, 4, 1, 5]


@settings(max_examples=60)
@given(st.integers(1, 9), st.integers(1, 3), st.sampled_from(["min", "mean"]), st.integers(0, 2**20), st.data())
def test_the_chosen_rank_best(number, kinds, combination, seed, data):
    random = np.random.default_rng(seed)
    scores = random.choice([0.0, 0.1, 0.5, 1.0], size=(kinds, number), p=[0.5, 0.2, 0.2, 0.1])
    count = data.draw(st.integers(0, number))
    order = choose(scores, number, combination, np.random.default_rng(seed))
    ranks = [slow_ranks(row) for row in scores]
    combine = min if combination == "min" else np.mean
    keys = [(combine([r[c] for r in ranks]), not any(scores[:, c] > 0), np.mean([r[c] for r in ranks])) for c in order]
    assert keys == sorted(keys) and sorted(order) == list(range(number))
    np.testing.assert_array_equal(choose(scores, count, combination, np.random.default_rng(seed)), order[:count])
    np.testing.assert_array_equal(
        combined_ranks(scores, combination), [combine([r[c] for r in ranks]) for c in range(number)]
    )


def karate(features=None):
    graph = nx.karate_club_graph()
    links = np.array(graph.edges)
    return links, Heuristics(Adjacency.of(links[10:], 34), features), Adjacency.of(links[5:], 34)


def test_scores_are_those_of_networkx_and_cosines():
    x = np.random.default_rng(0).normal(size=(34, 5)) - 1
    x[3] = 0
    links, heuristics, _ = karate(x)
    graph = nx.Graph()
    graph.add_nodes_from(range(34))
    graph.add_edges_from(links[10:].tolist())
    allocation, walk, cosine = heuristics.rows(np.arange(34))
    for u, v, score in nx.resource_allocation_index(graph, combinations(range(34), 2)):
        assert allocation[u, v] == pytest.approx(score, abs=1e-11)
    for u in range(34):
        expected = nx.pagerank(graph, alpha=0.85, personalization={u: 1}, dangling={u: 1}, tol=1e-13, max_iter=500)
        np.testing.assert_allclose(walk[u], [expected[v] for v in range(34)], atol=1e-10)
    length = np.linalg.norm(x, axis=1)
    expected = x @ x.T / np.where(length > 0, length, 1)[:, None] / np.where(length > 0, length, 1)
    np.testing.assert_allclose(cosine, expected.clip(min=0), atol=1e-11)


def test_features_of_which_few_are_not_zero_give_the_same_scores(monkeypatch):
    words = (np.random.default_rng(0).random((34, 40)) < 0.1).astype(np.float32)
    rows = []
    for limit in (0.0, 1.0):
        monkeypatch.setattr("graphlab.task.hard_negatives.DENSE", limit)
        rows.append(karate(words)[1].rows(np.arange(34)))
    np.testing.assert_allclose(*rows, atol=1e-11)


@pytest.mark.parametrize("combination", ["min", "mean"])
@pytest.mark.parametrize("block", [1, 2**21])
def test_negatives_are_no_excluded_links_and_the_best_of_the_others(combination, block, monkeypatch):
    monkeypatch.setattr("graphlab.task.hard_negatives.BLOCK", block)
    links, heuristics, excluded = karate(np.eye(34)[:, :8])
    pairs = torch.from_numpy(links[:5])
    negatives = hard_negatives(pairs, heuristics, excluded, 9, STREAM, combination)
    assert negatives.shape == (5, 2, 9) and negatives.dtype == torch.int64
    for (u, v), own in zip(pairs.tolist(), negatives.tolist(), strict=True):
        for end, other, chosen in ((u, v, own[0]), (v, u, own[1])):
            neighbours = {b for pair in links[5:].tolist() for a, b in (pair, pair[::-1]) if a == end}
            candidates = sorted(set(range(34)) - neighbours - {u, v})
            assert set(chosen) <= set(candidates) and len(set(chosen)) == 9 and other not in chosen
            ranks = combined_ranks(heuristics.rows(np.array([end]))[:, 0, candidates], combination)
            rank_of = dict(zip(candidates, ranks, strict=True))
            assert [rank_of[c] for c in chosen] == sorted(ranks)[:9]


def test_negatives_depend_on_the_link_and_the_stream_alone():
    links, heuristics, excluded = karate()
    pairs = torch.from_numpy(links[:5])
    negatives = hard_negatives(pairs, heuristics, excluded, 12, STREAM)
    assert torch.equal(hard_negatives(pairs, heuristics, excluded, 12, STREAM), negatives)
    assert torch.equal(hard_negatives(pairs.flip(0)[:2], heuristics, excluded, 12, STREAM), negatives.flip(0)[:2])
    assert torch.equal(hard_negatives(pairs[:, [1, 0]], heuristics, excluded, 12, STREAM), negatives.flip(1))
    assert not torch.equal(hard_negatives(pairs, heuristics, excluded, 12, SeedStream(1)), negatives)
    assert hard_negatives(pairs[:0], heuristics, excluded, 12, STREAM).shape == (0, 2, 12)


def test_all_candidates_may_be_taken_and_no_more():
    links = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
    graph = Adjacency.of(links[:3], 5)
    pairs = torch.tensor([[3, 4]])
    negatives = hard_negatives(pairs, Heuristics(graph), graph, 2, STREAM)
    assert sorted(negatives[0, 0].tolist()) == [0, 1] and set(negatives[0, 1].tolist()) <= {0, 1, 2}
    with pytest.raises(InputError, match="node 3 has 2 candidates for 3 hard negatives") as refused:
        hard_negatives(pairs, Heuristics(graph), graph, 3, STREAM)
    assert "4 negatives a link or fewer: task.num_hard_negatives" in str(refused.value)


def test_candidates_that_score_zero_come_last_and_once():
    """A path of three in a graph of ten: whoever stands for its far end is drawn from seven nodes without a link."""
    graph = Adjacency.of(np.array([[0, 1], [1, 2]]), 10)
    pairs = torch.tensor([[0, 9]])
    orders = {tuple(hard_negatives(pairs, Heuristics(graph), graph, 7, SeedStream(k))[0, 0].tolist()) for k in range(5)}
    assert {order[0] for order in orders} == {2} and len(orders) == 5
    assert all(sorted(order[1:]) == [3, 4, 5, 6, 7, 8] for order in orders)


@pytest.mark.parametrize("x", [np.ones((4, 2)), np.ones(5), np.full((5, 2), np.nan)])
def test_features_that_do_not_fit_are_refused(x):
    with pytest.raises(InputError, match="features of the shape"):
        Heuristics(Adjacency.of(np.array([[0, 1]]), 5), x)


def _pack(arrays):
    num_nodes = int(arrays["num_nodes"])
    train, val = (arrays[f"{part}_edge"].astype(np.int64) for part in ("train", "val"))
    seen = {"val": Adjacency.of(train, num_nodes), "test": Adjacency.of(np.concatenate([train, val]), num_nodes)}
    scores = np.stack([arrays[key].astype(float) for key in ("ra_scores", "ppr_alpha0.15", "feature_cosine")])
    return num_nodes, seen, scores


@pytest.mark.real_data
@pytest.mark.parametrize("pack", PACKS)
def test_scores_are_the_published_ones_but_for_the_weights_of_resource_allocation(pack, truth):
    """There a common neighbour weighs one over the candidate's degree, not over its own."""
    arrays = truth(pack)
    num_nodes, seen, scores = _pack(arrays)
    graph, others = seen["val"], ~np.eye(num_nodes, dtype=bool)
    allocation, walk, cosine = Heuristics(graph, arrays["x"]).rows(np.arange(num_nodes))
    np.testing.assert_allclose(walk[others], scores[1][others], atol=2 * float(arrays["ppr_eps"]) * graph.degree.max())
    np.testing.assert_allclose(cosine, scores[2], atol=1e-6)
    matrix = nx.to_numpy_array(nx.from_edgelist(graph.links.tolist()), nodelist=None)
    order = list(nx.from_edgelist(graph.links.tolist()))
    counts = np.zeros((num_nodes, num_nodes))
    counts[np.ix_(order, order)] = matrix @ matrix
    np.testing.assert_allclose(counts / np.maximum(graph.degree, 1), scores[0], atol=1e-6)
    assert np.abs(allocation - scores[0])[others].max() > 0.5


@pytest.mark.real_data
@pytest.mark.parametrize("combination", ["min", "mean"])
@pytest.mark.parametrize("part", ["val", "test"])
@pytest.mark.parametrize("pack", PACKS)
def test_what_is_chosen_by_the_published_scores_ranks_as_intended_and_not_as_code(pack, part, combination, truth):
    """Candidates that rank before the last chosen are the same set; of those tied there, others may be chosen."""
    arrays = truth(pack)
    num_nodes, seen, scores = _pack(arrays)
    count = int(arrays["num_samples"]) // 2
    differs = 0
    for place, (source, target) in enumerate(arrays[f"{part}_edge"].tolist()):
        for end, (u, v) in enumerate(((source, target), (target, source))):
            graph = seen[part]
            free = np.ones(num_nodes, bool)
            free[[u, v, *graph.neighbour[graph.start[u] : graph.start[u + 1]]]] = False
            candidates = np.flatnonzero(free)
            ranks = combined_ranks(scores[:, u, candidates], combination)
            last = np.sort(ranks)[count - 1]
            own = candidates[choose(scores[:, u, candidates], count, combination, np.random.default_rng(0))]
            rank_of = dict(zip(candidates.tolist(), ranks, strict=True))

            def published(kind, place=place, end=end):
                rows = arrays[f"{part}_neg_{combination}_{kind}"][place]
                return rows[:count, 1].tolist() if end == 0 else rows[count:, 0].tolist()

            def ahead(nodes, last=last, rank_of=rank_of):
                return {node for node in nodes if rank_of[node] < last}

            intended, as_code = published("intended"), published("as_code")
            assert ahead(own.tolist()) == ahead(intended)
            assert sorted(rank_of[node] for node in own.tolist()) == sorted(rank_of[node] for node in intended)
            differs += sorted(rank_of[node] for node in as_code) != sorted(rank_of[node] for node in intended)
    assert differs, "negatives with the defect rank otherwise"
