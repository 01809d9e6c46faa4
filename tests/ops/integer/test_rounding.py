"""Rows rounded to a grid beside torch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.integer.rounding import round_rows


@given(st.floats(1e-4, 10), st.integers(-128, 127), st.integers(0, 40), st.integers(0, 70), st.integers(0, 10**6))
def test_it_rounds_as_torch_does(scale, zero_point, rows, width, seed):
    x = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)) * 100 * scale
    x[::3] = (x[::3] / scale).round() * scale + scale / 2
    expected = ((x / scale).round() + zero_point).clamp(-128, 127).to(torch.int8)
    assert torch.equal(round_rows(x, scale, zero_point, -128, 127, torch.int8), expected)


@pytest.mark.parametrize("value", [float("inf"), 1e30, -1e30])
def test_what_lies_outside_goes_to_the_ends(value):
    out = round_rows(torch.tensor([[value]]), 0.1, 3, -8, 7, torch.int8)
    assert out.item() == (7 if value > 0 else -8)


def test_nan_is_refused():
    with pytest.raises(InputError, match="NaN"):
        round_rows(torch.tensor([[1.0, float("nan")]]), 0.1, 0, -128, 127, torch.int8)
