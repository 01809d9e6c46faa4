"""Bounds of sums against all rows there are, and weights of few bits there and back."""

from __future__ import annotations

from itertools import product as all_of

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.integer.overflow import Reach, check_reach, product_reach, sum_reach
from graphlab.ops.integer.pack import pack
from graphlab.ops.integer.product import product, reference
from graphlab.ops.neighbour_sum import Neighbours
from tests.ops.integer.integer_problems import integers


@given(seed=st.integers(0, 99), zero_point=st.integers(-3, 3))
@settings(max_examples=30)
def test_reach_is_what_the_worst_rows_reach(seed, zero_point):
    random = torch.Generator().manual_seed(seed)
    weight, bias = integers(random, (3, 2), torch.int8), torch.tensor([5, -9])
    rows = np.array(list(all_of(range(-2, 3), repeat=3))) - zero_point
    sums = rows @ weight.numpy().astype(np.int64) + bias.numpy()
    assert product_reach(weight, -2, 2, zero_point, bias) == (min(0, sums.min()), max(0, sums.max()))


def test_reach_of_sums_by_hand():
    """Node 2 has edges of weights 3 and -2 from rows in [-1, 4]: [-3 - 8, 12 + 2]; node 0 has one of weight 1."""
    neighbours = Neighbours(torch.tensor([[0, 1, 2], [2, 2, 0]]), 3, 3)
    weight = torch.tensor([3, -2, 1], dtype=torch.int8)
    assert sum_reach(neighbours, -1, 4, weight) == (-11, 14)
    assert sum_reach(neighbours, -1, 4) == (-2, 8)
    assert sum_reach(neighbours, -1, 4, weight, bias=torch.tensor([100, -100])) == (-111, 114)


def test_a_sum_beyond_int32_is_refused_with_its_numbers():
    hub = Neighbours(torch.zeros(2, 70_000, dtype=torch.int64), 1, 1)
    weight = torch.full((70_000,), 255, dtype=torch.uint8)
    with pytest.raises(InputError, match=r"2,284,800,000\], which needs 33 bits"):
        check_reach("the sum", sum_reach(hub, 0, 128, weight))
    assert check_reach("the sum", sum_reach(hub, 0, 7, weight)) == (0, 124_950_000)


@pytest.mark.parametrize(("reach", "bits"), [((0, 0), 1), ((-1, 0), 1), ((0, 1), 2), ((-128, 127), 8), ((-129, 0), 9)])
def test_bits_of_a_reach(reach, bits):
    assert Reach(*reach).bits == bits


@given(seed=st.integers(0, 99), bits=st.sampled_from([2, 4]), shape=st.sampled_from([(0, 3), (1, 1), (5, 3), (4, 16)]))
@settings(max_examples=40)
def test_packed_weights_come_back(seed, bits, shape):
    random, half = torch.Generator().manual_seed(seed), 2 ** (bits - 1)
    weight = torch.randint(-half, half, shape, generator=random, dtype=torch.int8)
    packed = pack(weight, bits)
    assert torch.equal(packed.unpack(), weight)
    assert len(packed.data) == -(-weight.numel() * bits // 8)
    x = integers(random, (7, shape[0]), torch.int8)
    assert torch.equal(product(x, packed.weights()), reference(x, weight))


def test_bytes_of_packed_weights():
    """-1 is 15 of four bits, the lower half of the first byte; 7 the upper."""
    assert pack(torch.tensor([-1, 7, -8], dtype=torch.int8), 4).data.tolist() == [0x7F, 0x08]
    assert pack(torch.tensor([-1, 1, -2, 0], dtype=torch.int8), 2).data.tolist() == [0b00100111]


@pytest.mark.parametrize(("values", "bits"), [([8], 4), ([-3], 2), ([0], 3)])
def test_what_does_not_fit_is_not_packed(values, bits):
    with pytest.raises(InputError):
        pack(torch.tensor(values, dtype=torch.int8), bits)
