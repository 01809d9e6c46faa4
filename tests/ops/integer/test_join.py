"""Sums of two rows of integers beside their definition and beside floats."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.integer.join import Term, join, reference

TYPES = st.sampled_from([torch.int8, torch.uint8, torch.int32])


def term(dtype: torch.dtype, size: tuple[int, int], scales: int, random: np.random.Generator) -> Term:
    info = torch.iinfo(dtype)
    low, high = max(info.min, -(2**24)), min(info.max, 2**24)
    scale = np.exp(random.uniform(-6, 1, size[1] if scales else 1))
    integers = torch.from_numpy(random.integers(low, high, size, endpoint=True)).to(dtype)
    return Term(integers, scale if scales else float(scale[0]), int(random.integers(-100, 100)))


@given(TYPES, TYPES, st.integers(0, 9), st.sampled_from([1, 3, 16, 65]), st.booleans(), st.integers(0, 10**6))
def test_the_kernel_gives_the_integers_of_the_definition_and_rounds_once(of_a, of_b, rows, width, scales, seed):
    random = np.random.default_rng(seed)
    a, b = term(of_a, (rows, width), scales, random), term(of_b, (rows, width), scales, random)
    bias, scale = random.normal(size=width), 0.05
    to = scale, 3, -128, 127, torch.int8
    result = join(a, b, bias, *to)
    assert result.dtype == torch.int8 and torch.equal(result, reference(a, b, bias, *to))
    exact = bias / scale + sum(
        (each.integers.numpy().astype(float) - each.zero_point) * each.scale / scale for each in (a, b)
    )
    assert (np.abs(result.numpy() - np.clip(exact + 3, -128, 127)) <= 0.5 + 1e-6 * np.abs(exact).max(initial=1)).all()


def test_rows_of_two_shapes_are_refused():
    zeros = torch.zeros(2, 3, dtype=torch.int8)
    with pytest.raises(InputError, match="shapes"):
        join(Term(zeros, 1.0), Term(zeros[:1], 1.0), np.zeros(3), 1.0, 0, -128, 127, torch.int8)
