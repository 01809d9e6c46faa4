"""segment_norm against PyTorch's instance normalisation of one segment, its reference, and itself on other threads."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.ops.segment_norm import ROWS, reference, segment_norm


def problem(seed, sizes, dim, dtype=torch.float64):
    rng = SeedStream(seed).torch()
    size = torch.tensor(sizes, dtype=torch.int64)
    draw = [torch.randn(shape, generator=rng, dtype=dtype) for shape in ((sum(sizes), dim), (dim,), (dim,))]
    x, weight, bias = (values.requires_grad_() for values in draw)
    return x, size, weight, bias


@given(seed=st.integers(0, 1000), sizes=st.lists(st.integers(0, 9), max_size=5), dim=st.integers(1, 20))
@settings(deadline=None, max_examples=60)
def test_it_equals_the_reference_with_gradients(seed, sizes, dim):
    x, size, weight, bias = problem(seed, sizes, dim)
    found, wanted = segment_norm(x, size, weight, bias), reference(x, size, weight, bias)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)
    if not sum(sizes):
        return
    grad = torch.randn_like(found)
    pairs = zip(
        torch.autograd.grad(found, (x, weight, bias), grad),
        torch.autograd.grad(wanted, (x, weight, bias), grad),
        strict=True,
    )
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("path", [segment_norm, reference])
def test_a_segment_is_an_instance(path):
    sizes = [3, 1, 2 * ROWS + 5, 7]
    x, size, weight, bias = problem(1, sizes, 4)
    wanted = [
        functional.instance_norm(rows.T[None], weight=weight, bias=bias)[0].T if len(rows) > 1 else bias.expand(1, 4)
        for rows in x.split(sizes)
    ]
    torch.testing.assert_close(path(x, size, weight, bias), torch.cat(wanted))


def test_gradcheck():
    x, size, weight, bias = problem(2, [4, 0, 3, 1], 3)
    assert torch.autograd.gradcheck(lambda *given: segment_norm(given[0], size, *given[1:]), (x, weight, bias))


@pytest.mark.parametrize("outlier", [0.0, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_columns_that_hardly_vary_are_normalised_by_their_exact_moments(dtype, outlier):
    """By some thirty times what the dtype can tell apart: a mean that is rounded to it would be seen."""
    steps = torch.randint(-50, 50, (50, 1), generator=SeedStream(3).torch())
    x = 1000 + 1000 * torch.finfo(dtype).eps * steps.to(dtype)
    x[0] += outlier
    exact = [Fraction(float(value)) for value in x[:, 0]]
    mean = sum(exact) / 50
    deviation = float(sum((value - mean) ** 2 for value in exact) / 50) ** 0.5
    wanted = torch.tensor([float(value - mean) / deviation for value in exact], dtype=torch.float64)
    one, zero = torch.ones(1, dtype=dtype), torch.zeros(1, dtype=dtype)
    found = segment_norm(x, torch.tensor([50]), one, zero, 1e-40)[:, 0].double()
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6 if dtype == torch.float32 else 1e-13)


def test_the_same_bits_for_any_number_of_threads():
    given_problem = problem(4, [5, 3 * ROWS, 1, 0, 40, 8], 7, torch.float32)
    before, seen = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            x, size, weight, bias = given_problem
            out = segment_norm(x, size, weight, bias)
            seen.append([out, *torch.autograd.grad(out.square().sum(), (x, weight, bias))])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*seen, strict=True))


def test_half_precision_is_normalised_in_single():
    x, size, weight, bias = problem(5, [30, 12], 8, torch.float32)
    found = segment_norm(x.bfloat16(), size, weight, bias)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), segment_norm(x, size, weight, bias), rtol=0.02, atol=0.05)


def test_rows_in_another_layout():
    x, size, weight, bias = problem(6, [4, 5], 3)
    turned = x.detach().T.contiguous().T
    torch.testing.assert_close(segment_norm(turned, size, weight, bias), segment_norm(x, size, weight, bias))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": torch.tensor([2, 2])}, "x has shape"),
        ({"size": torch.tensor([2.0, 3.0])}, "size is"),
        ({"weight": torch.ones(2)}, "weight has shape"),
        ({"bias": torch.ones(1, 3)}, "bias has shape"),
    ],
)
def test_bad_arguments_are_one_error(change, message):
    x, size, weight, bias = problem(7, [2, 3], 3)
    with pytest.raises(InputError, match=message):
        segment_norm(**{"x": x, "size": size, "weight": weight, "bias": bias} | change)
