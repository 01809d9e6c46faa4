"""The index of known triples against Python sets."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphlab.task.triples import KnownTails, inverse_queries, is_among, joins_ends

N, R = 6, 2
TRIPLE = st.tuples(st.integers(0, N - 1), st.integers(0, R - 1), st.integers(0, N - 1))


def as_tensor(triples: list[tuple[int, int, int]]) -> Tensor:
    return torch.tensor(triples, dtype=torch.int64).view(-1, 3)


@given(known=st.lists(TRIPLE, max_size=40), asked=st.lists(TRIPLE, max_size=10))
@settings(deadline=None)
def test_find_gives_the_known_tails_of_both_directions(known, asked):
    index = KnownTails(as_tensor(known), N, R)
    queries = torch.cat([as_tensor(asked), inverse_queries(as_tensor(asked), R)])
    row, tail = index.find(queries[:, 0], queries[:, 1])
    for place, (head, relation, _) in enumerate(queries.tolist()):
        if relation < R:
            expected = {t for h, r, t in known if (h, r) == (head, relation)}
        else:
            expected = {h for h, r, t in known if (t, r) == (head, relation - R)}
        assert tail[row == place].tolist() == sorted(expected)


@given(known=st.lists(TRIPLE, max_size=40), seed=st.integers(0, 1000))
@settings(deadline=None)
def test_sampled_entities_are_unknown(known, seed):
    index = KnownTails(as_tensor(known), N, R)
    head, relation = (grid.flatten() for grid in torch.meshgrid(torch.arange(N), torch.arange(2 * R), indexing="ij"))
    uniform = torch.rand(len(head), 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    drawn = index.sample_unknown(head, relation, uniform)
    row, tail = index.find(head, relation)
    for place in range(len(head)):
        known_tails = set(tail[row == place].tolist())
        allowed = set(range(N)) - known_tails or set(range(N))
        assert set(drawn[place].tolist()) <= allowed


def test_sampling_reaches_every_unknown_entity_equally():
    index = KnownTails(as_tensor([(0, 0, 1), (0, 0, 4)]), N, R)
    uniform = (torch.arange(400, dtype=torch.float64) / 400).unsqueeze(0)
    drawn = index.sample_unknown(torch.tensor([0]), torch.tensor([0]), uniform)
    assert torch.bincount(drawn[0], minlength=N).tolist() == [100, 0, 100, 100, 0, 100]


def test_which_edges_a_batch_hides():
    facts = as_tensor([(0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 2)])
    asked = as_tensor([(0, 0, 1)])
    assert is_among(facts, asked, N, R).tolist() == [True, False, False, False]
    assert joins_ends(facts, asked, N).tolist() == [True, True, True, False]
