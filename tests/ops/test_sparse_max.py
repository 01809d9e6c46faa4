"""The largest of weighted rows against scattered messages, loops and finite differences."""

from __future__ import annotations

import pytest
import torch

from graphlab.core.seeds import SeedStream
from graphlab.ops.sparse_max import reference, sparse_max
from graphlab.ops.sparse_product import Pattern

ROWS, COLUMNS, HEADS, DIM = 6, 4, 2, 3


def drawn(seed: int, dtype=torch.float64):
    """Row 0 has no entry."""
    random = SeedStream(seed).torch()
    row = torch.randint(1, ROWS, (14,), generator=random)
    column = torch.randint(COLUMNS, (14,), generator=random)
    values = torch.randn(14, HEADS, generator=random, dtype=torch.float64).to(dtype).requires_grad_()
    dense = torch.randn(COLUMNS, HEADS, DIM, generator=random, dtype=torch.float64).to(dtype).requires_grad_()
    return Pattern(row, column, ROWS, COLUMNS), values, dense


@pytest.mark.parametrize("seed", range(5))
def test_is_the_largest_message(seed):
    pattern, values, dense = drawn(seed)
    found = sparse_max(pattern, values, dense)
    for i in range(ROWS):
        heard = [e for e, row in enumerate(pattern.row.tolist()) if row == i]
        for h in range(HEADS):
            for c in range(DIM):
                messages = [(values[e, h] * dense[pattern.column[e], h, c]).item() for e in heard]
                assert found[i, h, c].item() == pytest.approx(max(messages, default=0.0), abs=1e-15)


def test_the_loops_and_the_scatter_agree_and_so_do_their_gradients():
    pattern, values, dense = drawn(0)
    weight = torch.randn(ROWS, HEADS, DIM, dtype=torch.float64)
    rows = []
    for function in (sparse_max, reference):
        out = function(pattern, values, dense)
        rows.append((out, *torch.autograd.grad((weight * out).sum(), (values, dense))))
    for ours, theirs in zip(*rows, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_gradients_are_those_of_finite_differences():
    pattern, values, dense = drawn(1)
    assert torch.autograd.gradcheck(lambda v, d: sparse_max(pattern, v, d), (values, dense))
    assert torch.autograd.gradcheck(lambda v, d: sparse_max(pattern, v[:, 0], d), (values, dense))


def test_a_weight_for_all_heads_is_that_weight_in_each():
    pattern, values, dense = drawn(2, torch.float32)
    found = sparse_max(pattern, values[:, 0], dense)
    torch.testing.assert_close(found, sparse_max(pattern, values[:, :1].expand(-1, HEADS), dense))
    assert found.dtype == torch.float32
