"""Attention weights in fixed point: against their definition bit for bit, and near those of floating point."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.utils import softmax

from graphlab.core.errors import InputError
from graphlab.ops.integer.softmax import neighbour_softmax, reference
from tests.ops.integer.integer_problems import graph


@given(
    seed=st.integers(0, 999),
    sizes=st.sampled_from([(1, 1, 0), (5, 3, 0), (1, 2, 1), (4, 9, 30), (1, 5, 700), (40, 40, 90)]),
    heads=st.sampled_from([1, 3]),
    reach=st.sampled_from([0, 100, 2**31 - 1]),
    scale=st.sampled_from([0.0, 1e-8, 0.02, 3.0]),
    slope=st.sampled_from([0.0, 0.2, 1.5]),
)
@settings(max_examples=100, deadline=None)
def test_it_is_the_definition(seed, sizes, heads, reach, scale, slope):
    random = torch.Generator().manual_seed(seed)
    source, target = (
        torch.randint(-reach, reach + 1, (count, heads), generator=random, dtype=torch.int32) for count in sizes[1::-1]
    )
    arguments = graph(random, *sizes), source, target, scale, slope
    result = neighbour_softmax(*arguments)
    assert result.dtype == torch.uint8
    assert torch.equal(result, reference(*arguments))


def test_it_is_near_the_softmax_of_real_numbers():
    random = torch.Generator().manual_seed(0)
    neighbours, scale = graph(random, 50, 50, 400), 0.01
    scores = [torch.randint(-300, 300, (50, 2), generator=random, dtype=torch.int32) for _ in range(2)]
    weights = neighbour_softmax(neighbours, *scores, scale)
    logits = scale * (scores[0][neighbours.source] + scores[1][neighbours.target])
    expected = 255 * softmax(F.leaky_relu(logits, 0.2), neighbours.target, num_nodes=50).t()
    assert (weights - expected).abs().max() < 4  # a table's step is 1/32: at most 255 / 4 / 32 and rounding
    sums = torch.zeros(2, 50).index_add(1, neighbours.target, weights.float())
    degrees = torch.bincount(neighbours.target, minlength=50)
    assert ((sums - 255).abs() <= degrees / 2)[:, degrees > 0].all()


def test_by_hand():
    """Two equal neighbours have half each, of which 127.5 is rounded up; one alone has all."""
    neighbours = graph(torch.Generator(), 1, 1, 2)
    zeros = torch.zeros(1, 1, dtype=torch.int32)
    assert neighbour_softmax(neighbours, zeros, zeros, 1.0).tolist() == [[128, 128]]
    assert neighbour_softmax(graph(torch.Generator(), 1, 1, 1), zeros, zeros, 1.0).tolist() == [[255]]


def test_scores_of_other_types_are_refused():
    neighbours = graph(torch.Generator(), 1, 1, 1)
    with pytest.raises(InputError, match="scores"):
        neighbour_softmax(neighbours, torch.zeros(1, 1), torch.zeros(1, 1), 1.0)
