"""Edges to be predicted: splits, pairs that no edge joins and fair negatives against brute force and networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

import graphlab as gl
from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.directed_links import (
    NonEdges,
    codes_of,
    fair_negatives,
    is_one_way,
    ordered_edges,
    split_edges,
    uniform_negatives,
)


def random_edges(seed, num_nodes, density):
    random = np.random.default_rng(seed)
    joined = random.random((num_nodes, num_nodes)) < density
    np.fill_diagonal(joined, False)
    return np.argwhere(joined), random


def held_out(edges, random):
    return edges[np.sort(random.permutation(len(edges))[: max(1, len(edges) // 3)])]


def most_fair(edges, blocked, num_nodes):
    """How many negatives can be fair at once: a largest flow from sources to targets over pairs that are free."""
    flow, blocked = nx.DiGraph(), set(blocked.tolist())
    sources, targets = (np.unique(column, return_counts=True) for column in edges.T)
    flow.add_edges_from(("start", ("source", u), {"capacity": int(c)}) for u, c in zip(*sources, strict=True))
    flow.add_edges_from((("target", v), "end", {"capacity": int(c)}) for v, c in zip(*targets, strict=True))
    for u in sources[0]:
        for v in targets[0]:
            if u != v and u * num_nodes + v not in blocked:
                flow.add_edge(("source", u), ("target", v), capacity=1)
    return nx.maximum_flow_value(flow, "start", "end")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), num_nodes=st.integers(3, 12), density=st.floats(0.05, 0.7))
def test_fair_negatives_are_as_many_as_can_be(seed, num_nodes, density):
    edges, random = random_edges(seed, num_nodes, density)
    if not len(edges) or len(edges) > num_nodes * (num_nodes - 1) // 2:
        return
    asked, blocked = held_out(edges, random), codes_of(edges, num_nodes)
    pairs, is_fair = fair_negatives(asked, blocked, num_nodes, random)
    codes = codes_of(pairs, num_nodes)
    assert pairs.shape == asked.shape and pairs.min() >= 0 and pairs.max() < num_nodes
    assert not np.isin(codes, blocked).any(), "a negative is an edge"
    assert (pairs[:, 0] != pairs[:, 1]).all(), "a negative is a loop"
    assert len(np.unique(codes)) == len(codes), "a negative is there twice"
    assert (pairs[is_fair, 0] == asked[is_fair, 0]).all()
    assert is_fair.sum() == most_fair(asked, blocked, num_nodes)
    if is_fair.all():
        for end in range(2):
            degrees = [np.bincount(each[:, end], minlength=num_nodes) for each in (pairs, asked)]
            assert (degrees[0] == degrees[1]).all()


@pytest.mark.parametrize("seed", range(3))
def test_larger_graphs_have_equal_degrees(seed):
    edges, random = random_edges(seed, 150, 0.06)
    pairs, is_fair = fair_negatives(edges, codes_of(edges, 150), 150, random)
    assert is_fair.all()
    for end in range(2):
        assert (np.bincount(pairs[:, end], minlength=150) == np.bincount(edges[:, end], minlength=150)).all()
    again, _ = fair_negatives(edges, codes_of(edges, 150), 150, random)
    assert not (again == pairs).all(), "two draws are one"


def test_where_nothing_is_fair_all_are_uniform():
    """All targets of the only source are joined with it."""
    edges = np.stack([np.zeros(6, np.int64), np.arange(1, 7)], axis=1)
    pairs, is_fair = fair_negatives(edges, codes_of(edges, 8), 8, np.random.default_rng(0))
    assert not is_fair.any()
    assert not np.isin(codes_of(pairs, 8), codes_of(edges, 8)).any() and (pairs[:, 0] != pairs[:, 1]).all()


def hubs(seed, num_nodes=300, count=3000):
    """Edges between nodes drawn in proportion to 1 / rank, with ranks of their own for sources and targets."""
    random = np.random.default_rng(seed)
    weight = 1 / (5 + np.arange(num_nodes))
    sources, targets = (random.permutation(num_nodes) for _ in range(2))
    draw = lambda nodes: nodes[random.choice(num_nodes, count, p=weight / weight.sum())]  # noqa: E731
    edges = np.unique(np.stack([draw(sources), draw(targets)], axis=1), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    return random.permutation(edges), random


@pytest.mark.parametrize("seed", range(3))
def test_degrees_alone_do_not_tell_edges_from_fair_negatives(seed):
    edges, random = hubs(seed)
    train, test = np.split(edges, [len(edges) * 4 // 5])
    out, into = (np.bincount(train[:, end], minlength=300) for end in range(2))
    blocked = codes_of(edges, 300)

    def auroc(negatives):
        scores = [out[pairs[:, 0]] * into[pairs[:, 1]] for pairs in (test, negatives)]
        return roc_auc_score([1] * len(test) + [0] * len(negatives), np.concatenate(scores))

    fair, is_fair = fair_negatives(test, blocked, 300, random)
    assert is_fair.mean() > 0.99
    assert abs(auroc(fair) - 0.5) < 0.07
    assert auroc(uniform_negatives(len(test), blocked, 300, random)) > 0.7


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), num_nodes=st.integers(2, 9), density=st.floats(0, 1))
def test_pairs_that_are_not_joined_are_numbered_in_order(seed, num_nodes, density):
    edges, _ = random_edges(seed, num_nodes, density)
    joined = set(map(tuple, edges.tolist()))
    expected = [(u, v) for u in range(num_nodes) for v in range(num_nodes) if u != v and (u, v) not in joined]
    free = NonEdges(codes_of(edges, num_nodes), num_nodes)
    assert len(free) == len(expected)
    assert list(map(tuple, free.at(np.arange(len(free))).tolist())) == expected


def test_uniform_negatives_are_uniform_and_run_out():
    blocked = codes_of(np.array([[0, 1], [1, 2]]), 4)
    random = np.random.default_rng(0)
    counts = np.zeros(16)
    for _ in range(2000):
        counts[codes_of(uniform_negatives(3, blocked, 4, random), 4)] += 1
    free = counts[counts > 0]
    assert len(free) == 10 and np.abs(free / 600 - 1).max() < 0.15
    with pytest.raises(InputError, match="10 pairs of the 4 nodes are not joined"):
        uniform_negatives(11, blocked, 4, random)


def test_edges_and_their_reverse():
    edge_index = torch.tensor([[3, 0, 1, 0, 2, 2], [1, 1, 0, 1, 2, 0]])
    edges = ordered_edges(edge_index)
    assert edges.tolist() == [[0, 1], [1, 0], [2, 0], [3, 1]]
    assert is_one_way(edges.numpy(), edges.numpy(), 4).tolist() == [False, False, True, True]


def test_splits_share_all_edges_out_and_follow_the_seed():
    edges = torch.from_numpy(random_edges(0, 30, 0.2)[0])
    first, again, other = (split_edges(edges, SeedStream(seed), (80, 5, 15)) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    parts = [rows for _, rows in first.parts()]
    assert [len(rows) for rows in parts[:2]] == [len(edges) * 80 // 100, len(edges) * 5 // 100]
    assert torch.equal(torch.cat(parts).unique(dim=0), edges)
    with pytest.raises(InputError, match="leave 8 for training, 0 for validation"):
        split_edges(edges[:10], SeedStream(0), (80, 5, 15))


def test_a_digraph_of_ones_own():
    graph = nx.gn_graph(60, seed=1)
    graph.add_edge(3, 3)
    data = gl.dataset(graph, task="directed-links", split="random-80/5/15")
    assert data.task == "directed-links" and data.spec.directed and data.splits.name == "random-80/5/15"
    assert data.graph.num_edges == 59 and [len(rows) for _, rows in data.split().parts()] == [47, 2, 10]
    assert any("1 self-loops are left out" in notice for notice in data.notices)
    other = gl.dataset(graph, task="directed-links", split="random-80/5/15", split_seed=1)
    assert other.splits.name == "random-80/5/15-seed1" and other.fingerprint != data.fingerprint


def test_a_frame_says_that_it_is_directed():
    frame = pd.DataFrame(random_edges(0, 20, 0.2)[0], columns=["source", "target"])
    frame["weight"] = 2.0
    data = gl.dataset(frame, task="directed-links", directed=True, split="random-60/20/20")
    assert data.graph.get("edge_weight") is None
    with pytest.raises(InputError, match="have no direction") as problem:
        gl.dataset(frame, task="directed-links", directed=False, split="random-60/20/20")
    assert "directed=True" in problem.value.hint


@pytest.mark.parametrize(
    ("graph", "options", "message"),
    [
        (nx.path_graph(30), {"split": "random-80/5/15"}, "have no direction"),
        (nx.gn_graph(30, seed=0), {}, "has no split"),
        (nx.gn_graph(30, seed=0), {"split": "stratified-80/5/15"}, "no classes"),
        (nx.gn_graph(9, seed=0), {"split": "random-80/5/15"}, "8 edges leave 6 for training, 0 for validation"),
        (nx.gn_graph(30, seed=0), {"split": "random-80/5/15", "features": "degree"}, "tell of links"),
    ],
)
def test_what_cannot_be_split_is_refused(graph, options, message):
    with pytest.raises(InputError, match=message) as problem:
        gl.dataset(graph, task="directed-links", **options)
    assert problem.value.hint


def test_edges_in_no_part_are_noticed():
    edges = torch.from_numpy(random_edges(0, 20, 0.2)[0])
    split = {"train": edges[:20], "validation": edges[20:30], "test": edges[30:40]}
    graph = nx.DiGraph()
    graph.add_nodes_from(range(20))
    graph.add_edges_from(edges.tolist())
    data = gl.dataset(graph, task="directed-links", split={part: rows.numpy() for part, rows in split.items()})
    assert f"{len(edges) - 40:,} of {len(edges):,} edges are in no part" in " ".join(data.notices)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["blog", "telegram", "polblogs", "webkb/texas", "citation-directed/citeseer-directed"])
def test_registered_graphs_have_their_edges_as_items(name):
    data, whole = gl.load(name, task="directed-links"), gl.load(name)
    assert data.name.endswith("@edges-80/5/15") and data.task == "directed-links"
    assert torch.equal(data.graph.edge_index.t(), ordered_edges(whole.graph.edge_index))
    assert data.split(0).fingerprint != data.split(1).fingerprint == data.split(1).fingerprint
    assert set(data.graph.keys()) <= {"x", "edge_index", "num_nodes"} and "classes" not in data.labels
    shares = np.array([len(rows) for _, rows in data.split().parts()]) / data.graph.num_edges
    np.testing.assert_allclose(shares, [0.8, 0.05, 0.15], atol=0.01)
