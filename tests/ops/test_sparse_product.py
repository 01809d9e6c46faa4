"""Sparse products against the same sums over a dense matrix, and their gradients against finite differences."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.seeds import SeedStream
from graphlab.ops.sparse_product import Pattern, sparse_inner, sparse_product

ROWS, COLUMNS = 5, 4


def entries(seed: int, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Generator]:
    random = SeedStream(seed).torch()
    row = torch.randint(ROWS, (count,), generator=random)
    return row, torch.randint(COLUMNS, (count,), generator=random), random


def dense_product(row, column, values, dense):
    matrix = torch.zeros(ROWS, COLUMNS, dtype=values.dtype).index_put((row, column), values, accumulate=True)
    return matrix @ dense


@settings(deadline=None)
@given(seed=st.integers(0, 50), count=st.integers(0, 12), dim=st.integers(1, 3))
def test_is_the_product_with_the_dense_matrix(seed, count, dim):
    row, column, random = entries(seed, count)
    values = torch.randn(count, generator=random, dtype=torch.float64)
    dense = torch.randn(COLUMNS, dim, generator=random, dtype=torch.float64)
    found = sparse_product(Pattern(row, column, ROWS, COLUMNS), values, dense)
    torch.testing.assert_close(found, dense_product(row, column, values, dense), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("heads", [None, 1, 3])
def test_gradients_are_those_of_finite_differences(heads):
    row, column, random = entries(1, 9)
    assert len(set(zip(row.tolist(), column.tolist(), strict=True))) < len(row), "one entry is listed twice"
    shape = () if heads is None else (heads,)
    values = torch.randn(9, *shape, generator=random, dtype=torch.float64, requires_grad=True)
    dense = torch.randn(COLUMNS, *shape, 2, generator=random, dtype=torch.float64, requires_grad=True)
    pattern = Pattern(row, column, ROWS, COLUMNS)
    assert torch.autograd.gradcheck(lambda v, d: sparse_product(pattern, v, d), (values, dense))


def test_each_head_is_a_product_of_its_own():
    row, column, random = entries(2, 8)
    values, dense = torch.randn(8, 2, generator=random), torch.randn(COLUMNS, 2, 3, generator=random)
    pattern = Pattern(row, column, ROWS, COLUMNS)
    found = sparse_product(pattern, values, dense)
    for head in range(2):
        torch.testing.assert_close(found[:, head], sparse_product(pattern, values[:, head], dense[:, head]))


def test_half_precision_is_summed_in_single():
    row, column, random = entries(3, 8)
    values, dense = torch.randn(8, 1, generator=random), torch.randn(COLUMNS, 1, 2, generator=random).bfloat16()
    dense.requires_grad_()
    pattern = Pattern(row, column, ROWS, COLUMNS)
    with torch.autocast("cpu", torch.bfloat16):
        found = sparse_product(pattern, values, dense)
        inner = sparse_inner(pattern, found, dense)
    torch.testing.assert_close(found[:, 0], dense_product(row, column, values[:, 0], dense[:, 0].float()))
    torch.testing.assert_close(inner, (found[row] * dense.float()[column]).sum(-1))
    inner.sum().backward()
    assert dense.grad is not None
    assert dense.grad.abs().sum() > 0


def test_inner_products_and_their_gradients():
    row, column, random = entries(1, 9)
    left = torch.randn(ROWS, 2, 3, generator=random, dtype=torch.float64, requires_grad=True)
    right = torch.randn(COLUMNS, 2, 3, generator=random, dtype=torch.float64, requires_grad=True)
    pattern = Pattern(row, column, ROWS, COLUMNS)
    torch.testing.assert_close(sparse_inner(pattern, left, right), (left[row] * right[column]).sum(-1))
    assert torch.autograd.gradcheck(lambda x, y: sparse_inner(pattern, x, y), (left, right))
