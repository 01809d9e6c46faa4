"""Pairs that are no links against a list of all of them, and the split of the links."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Split, Splits
from graphlab.data.links import NonLinks, both_directions, sizes, split_links, unordered
from graphlab.data.load import load
from graphlab.data.spec import LINK, DataSpec
from graphlab.task.kinds.link_prediction import LinkPrediction
from graphlab.testing.examples import example


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 9), st.data())
def test_non_links_are_all_other_pairs_once_each(num_nodes, data):
    pairs = list(combinations(range(num_nodes), 2))
    links = data.draw(st.lists(st.sampled_from(pairs), unique=True))
    others = NonLinks(torch.tensor(links, dtype=torch.int64).view(-1, 2), num_nodes)
    found = [(u, v) for u, v in others.at(torch.arange(len(others))).tolist()]
    assert len(set(found)) == len(found) == len(pairs) - len(links)
    assert set(found) == set(pairs) - set(links)


@pytest.mark.parametrize("num_nodes", [2**16, 2**26, 2**31])
def test_ranks_of_large_graphs_are_exact(num_nodes):
    """The pairs around every corner of the triangle of ranks, up to the largest rank below 2^61."""
    high = num_nodes - 1
    corner = high * (high - 1) // 2
    index = torch.tensor([corner - 1, corner, corner + high - 1])
    pairs = NonLinks(torch.zeros(0, 2, dtype=torch.int64), num_nodes).at(index)
    assert pairs.tolist() == [[high - 2, high - 1], [0, high], [high - 1, high]]


def test_links_are_listed_once_and_without_loops():
    edge_index = torch.tensor([[0, 1, 2, 3, 3, 1], [1, 0, 2, 1, 1, 3]])
    assert unordered(edge_index).tolist() == [[0, 1], [1, 3]]
    assert both_directions(unordered(edge_index)).tolist() == [[0, 1, 1, 3], [1, 3, 0, 1]]


def test_parts_have_their_shares_and_negatives_fall_everywhere():
    links = torch.tensor(list(combinations(range(40), 2)))[::4]
    split = split_links(links, 40, SeedStream(0))
    num_train, num_validation, num_test = sizes(len(links))
    assert (num_train, num_validation, num_test) == (165, 9, 21) and num_train + num_validation + num_test == len(links)
    assert [len(part) for _, part in split.parts()] == [165, 18, 42]
    assert [int(part[:, 2].sum()) for _, part in split.parts()] == [165, 9, 21]
    drawn = [split_links(links, 40, SeedStream(seed)) for seed in range(200)]
    negatives = torch.cat([part[part[:, 2] == 0] for s in drawn for part in (s.validation, s.test)])
    counts = torch.bincount(negatives[:, 0] * 40 + negatives[:, 1], minlength=1600).numpy()
    counts = counts[[u * 40 + v for u, v in set(combinations(range(40), 2)) - set(map(tuple, links.tolist()))]]
    mean = counts.mean()
    assert mean == 200 * 30 / 585
    assert np.square(counts - mean).sum() / mean < 585 + 4 * (2 * 585) ** 0.5  # chi-square, four deviations


@pytest.mark.parametrize(
    ("num_links", "words"),
    [
        (190, "190 links on 20 nodes leave 0 pairs that no link joins, and .* need 29"),
        (166, "166 links on 20 nodes leave 24 pairs that no link joins, and .* need 25"),
        (19, "19 links on 20 nodes leave 16 for training, 0 for validation and 3 for test"),
        (0, "0 links on 20 nodes leave 0 for training, 0 for validation and 0 for test"),
    ],
)
def test_graphs_too_dense_or_too_small_are_refused_with_their_counts(num_links, words):
    links = torch.tensor(list(combinations(range(20), 2)))[:num_links]
    with pytest.raises(InputError, match=words):
        split_links(links, 20, SeedStream(0))


def test_the_densest_graph_that_can_be_split_uses_every_pair():
    pairs = torch.tensor(list(combinations(range(20), 2)))
    split = split_links(pairs[:165], 20, SeedStream(0))
    rows = torch.cat([part for _, part in split.parts()])
    assert [len(part) for _, part in split.parts()] == [140, 16, 34]
    assert len(rows[:, :2].unique(dim=0)) == len(rows) == 190


def test_training_links_that_leave_no_pair_are_refused():
    pairs = torch.tensor(list(combinations(range(6), 2)))
    labelled = torch.cat([pairs, torch.ones(len(pairs), 1, dtype=torch.int64)], dim=1)
    complete = replace(
        example("links-without-features"),
        graphs=(Data(edge_index=both_directions(pairs), num_nodes=6),),
        splits=Splits("fixed", fixed=(Split(labelled, labelled[:0], labelled[:0]),)),
        spec=DataSpec("node-pairs", (LINK,), num_entities=6),
    )
    with pytest.raises(InputError, match="the 15 training links of example join all pairs of its 6 nodes"):
        LinkPrediction(LinkPrediction.Config(), complete, complete.split(), "cpu")


@pytest.mark.real_data
def test_every_seed_has_a_split_of_its_own():
    dataset = load("planetoid/cora@links-without-features")
    first, again, other = dataset.split(0), dataset.split(0), dataset.split(1)
    assert torch.equal(first.test, again.test) and not torch.equal(first.test, other.test)
    assert dataset.spec.node is None and dataset.graph.x is None
