"""Integer products against int64, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.integer import product as module
from graphlab.ops.integer.blocks import PAGES
from graphlab.ops.integer.product import Weights, instructions, product, reference
from graphlab.ops.integer.rescale import Output
from tests.ops.integer.integer_problems import DTYPES, OUTPUTS, WIDTHS, integers, outputs


@given(
    seed=st.integers(0, 999),
    num_rows=st.sampled_from([0, 1, 3, 16, 37]),
    inner=st.sampled_from([0, 1, 3, 4, 64, 65]),
    width=st.sampled_from(WIDTHS),
    dtype=DTYPES,
    kind=OUTPUTS,
    extreme=st.booleans(),
    zero_point=st.sampled_from([0, -128, 127, 255, -3]),
    biased=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_it_is_the_definition(seed, num_rows, inner, width, dtype, kind, extreme, zero_point, biased):
    random = torch.Generator().manual_seed(seed)
    x = integers(random, (num_rows, inner), dtype, extreme)
    weight = integers(random, (inner, width), torch.int8, extreme)
    bias = torch.randint(-(10**8), 10**8, (width,), generator=random, dtype=torch.int32) if biased else None
    output = outputs(kind, width, random)
    result, expected = (f(x, weight, output, bias, zero_point) for f in (product, reference))
    assert result.dtype == expected.dtype
    assert torch.equal(result, expected)


@pytest.mark.parametrize("width", [3, 65])
@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8])
def test_without_the_instruction_the_integers_are_the_same(monkeypatch, width, dtype):
    random = torch.Generator().manual_seed(0)
    x, weight = integers(random, (37, 20), dtype), integers(random, (20, width), torch.int8)
    monkeypatch.setattr(module, "has_vnni", lambda: False)
    assert instructions() == "vectors of LLVM"
    assert torch.equal(product(x, weight, Output.of(0.01)), reference(x, weight, Output.of(0.01)))


def test_threads_do_not_change_integers():
    random = torch.Generator().manual_seed(0)
    x, weight = integers(random, (1003, 64), torch.int8), integers(random, (64, 40), torch.int8)
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(product(x, weight, Output.of(0.01)))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(each, results[0]) for each in results)


def test_by_hand():
    """(3 - 1) 5 + (-2 - 1) 7 + 100 = 89; times 1/2 it is 44.5, which goes up to 45."""
    x, weight = torch.tensor([[3, -2]], dtype=torch.int8), torch.tensor([[5], [7]], dtype=torch.int8)
    bias = torch.tensor([100], dtype=torch.int32)
    assert product(x, weight, None, bias, 1).tolist() == [[89]]
    assert product(x, Weights(weight), Output.of(0.5), bias, 1).tolist() == [[45]]


def test_rows_that_are_not_contiguous():
    x = integers(torch.Generator().manual_seed(0), (8, 40), torch.int8).t()
    weight = torch.ones(8, 2, dtype=torch.int8)
    assert torch.equal(product(x, weight), reference(x, weight))


@pytest.mark.parametrize(
    ("x", "weight", "options"),
    [
        (torch.zeros(2, 3), torch.zeros(3, 2, dtype=torch.int8), {}),
        (torch.zeros(2, 3, dtype=torch.int8), torch.zeros(3, 2, dtype=torch.uint8), {}),
        (torch.zeros(2, 3, dtype=torch.int8), torch.zeros(4, 2, dtype=torch.int8), {}),
        (torch.zeros(2, 3, dtype=torch.int8), torch.zeros(3, 2, dtype=torch.int8), {"output": Output.of(np.ones(3))}),
        (torch.zeros(2, 3, dtype=torch.int8), torch.zeros(3, 2, dtype=torch.int8), {"bias": torch.zeros(2)}),
        (torch.zeros(2, 3, dtype=torch.int8), torch.zeros(3, 1, dtype=torch.int8), {"bias": torch.tensor([2**31])}),
    ],
)
def test_other_types_and_shapes_are_refused(x, weight, options):
    with pytest.raises(InputError):
        product(x, weight, **options)


def test_results_in_large_pages_are_the_same_and_keep_their_memory():
    random = torch.Generator().manual_seed(0)
    x, weight = integers(random, (70_000, 4), torch.int8), integers(random, (4, 64), torch.int8)
    assert len(x) * 64 > PAGES
    results = [product(x, weight, Output.of(0.01)) for _ in range(3)]
    expected = reference(x, weight, Output.of(0.01))
    assert all(torch.equal(each, expected) for each in results)
    results[0].zero_()
    assert torch.equal(results[1], expected)
