"""Linear maps of groups of rows against products with a matrix a row."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.grouped_linear import CHUNK, grouped_linear, product_by_product

WAYS = pytest.mark.parametrize("function", [grouped_linear, product_by_product])


def matrix_by_row(x: Tensor, weight: Tensor, group: Tensor) -> Tensor:
    """The definition, with each row's matrix laid out."""
    return torch.einsum("pk,pdk->pd", x, weight[group])


def case(
    rows: int, groups: int, dim: int, width: int, dtype: torch.dtype = torch.float64, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, width, generator=g, dtype=dtype).requires_grad_()
    weight = torch.randn(groups, dim, width, generator=g, dtype=dtype).requires_grad_()
    return x, weight, torch.randint(max(groups, 1), (rows,), generator=g)


def forward_and_back(function, x: Tensor, weight: Tensor, group: Tensor) -> list[Tensor]:
    out = function(x, weight, group)
    direction = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
    return [out, *torch.autograd.grad((out * direction).sum(), (x, weight))]


@pytest.fixture
def restored_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@WAYS
@given(
    rows=st.integers(0, 40),
    groups=st.integers(1, 9),
    dim=st.sampled_from([0, 1, 4, 7]),
    width=st.sampled_from([0, 1, 4, 7]),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=60)
def test_value_and_gradients_are_those_of_the_definition(function, rows, groups, dim, width, seed):
    """Sizes that no block divides, groups without rows, no rows at all; in any order."""
    given_ = case(rows, groups, dim, width, seed=seed)
    for mine, other in zip(forward_and_back(function, *given_), forward_and_back(matrix_by_row, *given_), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-12)


SIZES = [(32, 128), (16, 64), (30, 120), (67, 268), (64, 33)]
DTYPES = [torch.float32, torch.float64]
OFTEN = {(32, 128, torch.float32), (67, 268, torch.float64), (64, 33, torch.float32)}
"""All others are slow tests, as each has loops that are compiled for it."""


@pytest.mark.parametrize(
    ("dim", "width", "dtype"),
    [
        pytest.param(*size, dtype, marks=[] if (*size, dtype) in OFTEN else [pytest.mark.slow])
        for size in SIZES
        for dtype in DTYPES
    ],
)
def test_several_tiles_and_chunks(dim, width, dtype):
    given_ = case(7 * CHUNK + 5, 3, dim, width, dtype)
    tolerance = 1e-3 if dtype == torch.float32 else 1e-11
    for mine, other in zip(
        forward_and_back(grouped_linear, *given_), forward_and_back(matrix_by_row, *given_), strict=True
    ):
        assert mine.dtype == dtype
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=tolerance)


@WAYS
def test_gradcheck(function):
    x, weight, group = case(11, 4, 3, 5)
    assert torch.autograd.gradcheck(lambda x, weight: function(x, weight, group), (x, weight))


@pytest.mark.parametrize("learnt", [(True, False), (False, True)], ids=["x", "weight"])
def test_one_gradient_alone(learnt):
    x, weight, group = case(50, 4, 3, 5)
    _, *both = forward_and_back(grouped_linear, x, weight, group)
    x, weight = x.detach().requires_grad_(learnt[0]), weight.detach().requires_grad_(learnt[1])
    out = grouped_linear(x, weight, group)
    direction = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
    (out * direction).sum().backward()
    for value, expected, wanted in zip((x, weight), both, learnt, strict=True):
        assert (value.grad is not None) == wanted
        if wanted:
            assert torch.equal(value.grad, expected)


@pytest.mark.parametrize("groups", [1, 2, 40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_number_of_threads_gives_the_same_bits(groups, dtype, restored_threads):
    given_ = case(401, groups, 16, 128, dtype)
    found = []
    for threads in (1, 3, 8):
        torch.set_num_threads(threads)
        found.append(forward_and_back(grouped_linear, *given_))
    for others in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], others, strict=True))


def test_arguments_may_be_strided():
    x, weight, group = case(20, 3, 4, 6)
    strided = x.detach().t().contiguous().t(), weight.detach().transpose(1, 2).contiguous().transpose(1, 2)
    every_second = group.repeat_interleave(2)[::2]
    assert torch.equal(grouped_linear(*strided, every_second), grouped_linear(x, weight, group))


def test_half_precision_takes_the_plain_way():
    x, weight, group = case(20, 3, 4, 6, torch.bfloat16)
    expected = matrix_by_row(x.float(), weight.float(), group)
    torch.testing.assert_close(grouped_linear(x, weight, group).float(), expected, rtol=0.05, atol=0.05)


def test_no_rows_and_no_groups():
    x, weight, group = case(0, 0, 3, 5)
    assert [list(value.shape) for value in forward_and_back(grouped_linear, x, weight, group)] == [
        [0, 3],
        [0, 5],
        [0, 3, 5],
    ]


X, WEIGHT, GROUP = (value.detach() for value in case(6, 3, 4, 5))


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ((X[0], WEIGHT, GROUP), "do not fit"),
        ((X, WEIGHT[0], GROUP), "do not fit"),
        ((X[:, 1:], WEIGHT, GROUP), "do not fit"),
        ((X, WEIGHT, GROUP[1:]), "do not fit"),
        ((X, WEIGHT.float(), GROUP), "weight is torch.float32"),
        ((X, WEIGHT, GROUP.int()), "group is torch.int32"),
        ((X, WEIGHT, GROUP + 3), "a row is of group"),
        ((X, WEIGHT, GROUP - 3), "a row is of group -"),
    ],
)
def test_wrong_arguments(given_, said):
    with pytest.raises(InputError, match=said):
        grouped_linear(*given_)
