"""pair_product against loops over u, v and w, against matrix products, and against itself on other threads."""

from __future__ import annotations

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.ops.pair_product import padded, pair_product, reference
from graphlab.ops.pair_product.whole import LARGE

SIDES = [(False, False), (True, False), (False, True), (True, True)]


def problem(seed, sizes, dim, sides, dtype=torch.float64):
    rng = SeedStream(seed).torch()
    size = torch.tensor(sizes, dtype=torch.int64)
    pairs = int((size**2).sum())
    a, b = (torch.randn(pairs, dim, generator=rng, dtype=torch.float64).to(dtype).requires_grad_() for _ in range(2))
    masks = [torch.rand(pairs, generator=rng) < 0.4 if given_side else None for given_side in sides]
    return a, b, size, *masks


@pytest.mark.parametrize("sides", SIDES)
def test_a_loop_over_triples_gives_the_reference(sides):
    a, b, size, left, right = problem(0, [3], 2, sides)
    expected = torch.zeros(9, 2, dtype=torch.float64)
    for u in range(3):
        for v in range(3):
            for w in range(3):
                one, other = 3 * u + w, 3 * w + v
                if sides == (False, False) or (left is not None and left[one]) or (right is not None and right[other]):
                    expected[3 * u + v] += (a[one] * b[other]).detach()
    torch.testing.assert_close(reference(a, b, size, left, right), expected)


@given(
    seed=st.integers(0, 1000),
    sizes=st.lists(st.integers(0, 6), max_size=4),
    dim=st.integers(1, 20),
    sides=st.sampled_from(SIDES),
)
@settings(deadline=None, max_examples=60)
def test_every_path_equals_the_reference_with_gradients(seed, sizes, dim, sides):
    given_problem = problem(seed, sizes, dim, sides)
    inputs = given_problem[:2]
    outs = [path(*given_problem) for path in (reference, pair_product, padded)]
    grad = torch.randn_like(outs[0])
    wanted = torch.autograd.grad(outs[0], inputs, grad) if sum(sizes) else ()
    for out in outs[1:]:
        torch.testing.assert_close(out, outs[0], rtol=1e-12, atol=1e-12)
        found = torch.autograd.grad(out, inputs, grad) if sum(sizes) else ()
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dim", [1, 7, 32, 40])
def test_small_and_large_graphs_side_by_side_equal_the_padded_path(dim, dtype):
    """Large ones are products of matrices; of small ones four rows are worked on at a time, beside every multiple."""
    a, b, *rest = problem(4, [LARGE - 1, LARGE, 3, LARGE + 1, LARGE - 3, 0, LARGE - 2, 4], dim, (False, False), dtype)
    exact = padded(a.double(), b.double(), *rest)
    bound = 1e-12 if dtype == torch.float64 else 2e-5
    torch.testing.assert_close(pair_product(a, b, *rest).double(), exact, rtol=0, atol=70 * bound)
    grad = torch.randn_like(a)
    found = torch.autograd.grad(pair_product(a, b, *rest), (a, b), grad)
    for one, other in zip(found, torch.autograd.grad(exact, (a, b), grad.double()), strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=0, atol=70 * bound)


def test_without_masks_it_is_the_product_of_matrices():
    a, b, size = problem(1, [5], 1, (False, False))[:3]
    found = pair_product(a, b, size).view(5, 5)
    torch.testing.assert_close(found, a.view(5, 5) @ b.view(5, 5))


@pytest.mark.parametrize("sides", SIDES)
def test_gradcheck(sides):
    a, b, *rest = problem(2, [2, 0, 3], 2, sides)
    assert torch.autograd.gradcheck(lambda *factors: pair_product(*factors, *rest), (a, b))


@pytest.mark.parametrize("sides", SIDES)
def test_the_same_bits_for_any_number_of_threads(sides):
    given_problem = problem(3, [9, 17, 4, LARGE + 6, 12], 8, sides, torch.float32)
    before, seen = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            out = pair_product(*given_problem)
            seen.append([out, *torch.autograd.grad(out.square().sum(), given_problem[:2])])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*seen, strict=True))


def test_the_padded_path_takes_no_more_graphs_at_a_time_than_fit(monkeypatch):
    given_problem = problem(4, [5, 2, 7, 3, 3], 4, (True, True))
    whole = padded(*given_problem)
    module = sys.modules["graphlab.ops.pair_product.padded"]
    monkeypatch.setattr(module, "MAX_NUMBERS", 200)
    assert module._portions([5, 2, 7, 3, 3, 0, 0], 4) == [[5, 2], [7], [3, 3, 0, 0]]
    torch.testing.assert_close(padded(*given_problem), whole)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": torch.tensor([2.0])}, "size is torch.float32"),
        ({"a": torch.zeros(5, 3)}, r"a is torch.float32 \[5, 3\]"),
        ({"b": torch.zeros(4, 3, dtype=torch.float64)}, "b is torch.float64"),
        ({"left": torch.zeros(4)}, "left is torch.float32"),
        ({"right": torch.zeros(3, dtype=torch.bool)}, "right is torch.bool"),
    ],
)
def test_bad_arguments(change, message):
    given_arguments = {"a": torch.zeros(4, 3), "b": torch.zeros(4, 3), "size": torch.tensor([2])}
    with pytest.raises(InputError, match=message):
        pair_product(**(given_arguments | change))


@pytest.mark.gpu
@pytest.mark.parametrize("sides", SIDES)
def test_cpu_equals_gpu(sides):
    a, b, size, left, right = problem(5, [9, 17, 4], 8, sides)
    masks = [None if mask is None else mask.cuda() for mask in (left, right)]
    found = pair_product(a.cuda(), b.cuda(), size.cuda(), *masks)
    torch.testing.assert_close(found.cpu(), pair_product(a, b, size, left, right))
