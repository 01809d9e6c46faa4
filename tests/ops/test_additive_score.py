"""Additive scores against loops, finite differences and messages that are laid out."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.ops import additive_score as ops
from graphlab.ops.additive_score import additive_score, reference
from graphlab.ops.sparse_product import Pattern

ROWS, COLUMNS, HEADS, DIM = 6, 4, 3, 2


def drawn(seed: int, dtype=torch.float64, entries: int = 14):
    """Some pairs twice, and row 0 in none."""
    random = SeedStream(seed).torch()
    row = torch.randint(1, ROWS, (entries,), generator=random)
    column = torch.randint(COLUMNS, (entries,), generator=random)
    shapes = ((ROWS, HEADS, DIM), (COLUMNS, HEADS, DIM), (DIM,))
    numbers = [torch.randn(shape, generator=random, dtype=torch.float64).to(dtype) for shape in shapes]
    return Pattern(row, column, ROWS, COLUMNS), [one.requires_grad_() for one in numbers]


def with_gradients(function, pattern, numbers, weight):
    score = function(pattern, *numbers)
    return score, *torch.autograd.grad((weight * score).sum(), numbers)


@pytest.fixture(params=[1, 24, 10**6], ids=["an entry", "a few entries", "all entries"])
def at_a_time(request, monkeypatch):
    """How many numbers are worked on at a time."""
    monkeypatch.setattr(ops, "AT_A_TIME", request.param)


def test_is_the_sum_of_the_definition(at_a_time):
    pattern, (left, right, out) = drawn(0)
    found = additive_score(pattern, left, right, out)
    for e, (i, j) in enumerate(zip(pattern.row.tolist(), pattern.column.tolist(), strict=True)):
        for h in range(HEADS):
            terms = [out[c].item() * math.tanh(left[i, h, c].item() + right[j, h, c].item()) for c in range(DIM)]
            assert found[e, h].item() == pytest.approx(sum(terms), abs=1e-14)


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_gradients_are_those_of_the_messages_laid_out(at_a_time, threads):
    pattern, numbers = drawn(1)
    weight = torch.randn(len(pattern), HEADS, dtype=torch.float64)
    ours, theirs = (with_gradients(one, pattern, numbers, weight) for one in (additive_score, reference))
    for found, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert torch.get_num_threads() == threads


def test_gradients_are_those_of_finite_differences():
    pattern, numbers = drawn(2)
    assert torch.autograd.gradcheck(lambda *given: additive_score(pattern, *given), numbers)


@given(st.integers(0, 2**31), st.integers(0, 30))
def test_a_score_is_its_pair_s_wherever_it_stands(seed, entries):
    pattern, numbers = drawn(seed, entries=entries)
    order = torch.randperm(entries, generator=SeedStream(seed).torch())
    moved = Pattern(pattern.row[order], pattern.column[order], *pattern.shape)
    weight = torch.randn(entries, HEADS, dtype=torch.float64)
    score, *gradients = with_gradients(additive_score, pattern, numbers, weight)
    again, *others = with_gradients(additive_score, moved, numbers, weight[order])
    torch.testing.assert_close(again, score[order], rtol=1e-12, atol=1e-12)
    for found, expected in zip(others, gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


def test_float32_is_float64_rounded_and_half_precision_is_computed_in_float32():
    pattern, numbers = drawn(3)
    expected = additive_score(pattern, *numbers).float()
    single = additive_score(pattern, *(one.float() for one in numbers))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single, expected, rtol=1e-5, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        half = additive_score(pattern, *(one.float() for one in numbers))
    assert torch.equal(half, single)
    assert additive_score(pattern, *(one.bfloat16() for one in numbers)).dtype == torch.float32


def test_gradients_that_nobody_asks_for_are_not_computed():
    pattern, (left, right, out) = drawn(4)
    score = additive_score(pattern, left.detach(), right, out.detach())
    (found,) = torch.autograd.grad(score.sum(), right)
    expected = with_gradients(reference, pattern, [left, right, out], torch.ones_like(score))[2]
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("which", range(3))
def test_wrong_shapes_are_refused(which):
    pattern, numbers = drawn(5)
    numbers[which] = numbers[which][1:]
    with pytest.raises(InputError, match=r"additive scores of .* need"):
        additive_score(pattern, *numbers)
