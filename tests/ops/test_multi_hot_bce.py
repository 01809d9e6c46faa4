"""Closed-form binary cross-entropy on multi-hot targets against targets that are laid out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from graphlab.ops.multi_hot_bce import multi_hot_bce


def reference(logits: Tensor, row: Tensor, column: Tensor, smoothing: float) -> Tensor:
    """The definition, with a target for every class."""
    target = torch.zeros_like(logits)
    target[row, column] = 1
    target = (1 - smoothing) * target + smoothing / logits.size(1)
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(1).mean()


def case(seed: int, shape: tuple[int, int], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    logits = 5 * torch.randn(shape, generator=g, dtype=dtype)
    row, column = (torch.rand(shape, generator=g) < 0.3).nonzero().unbind(1)
    return logits.requires_grad_(), row, column


@given(
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 9)),
    smoothing=st.sampled_from([0.0, 0.1, 0.9]),
)
@settings(deadline=None)
def test_value_and_gradient_are_those_of_the_definition(seed, shape, smoothing):
    logits, row, column = case(seed, shape)
    for compute in (multi_hot_bce, reference):
        logits.grad = None
        (3 * compute(logits, row, column, smoothing)).backward()
        if compute is multi_hot_bce:
            found = logits.grad
    torch.testing.assert_close(found, logits.grad)
    expected = reference(logits, row, column, smoothing)
    torch.testing.assert_close(multi_hot_bce(logits, row, column, smoothing), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradcheck(smoothing):
    logits, row, column = case(0, (4, 6))
    assert torch.autograd.gradcheck(lambda x: multi_hot_bce(x, row, column, smoothing), logits)


def test_backward_leaves_the_logits_alone_and_can_be_asked_twice():
    logits, row, column = case(1, (4, 6))
    before = logits.detach().clone()
    loss = multi_hot_bce(logits, row, column, 0.1)
    (first,) = torch.autograd.grad(loss, logits, retain_graph=True)
    (second,) = torch.autograd.grad(loss, logits)
    assert torch.equal(first, second)
    assert torch.equal(logits.detach(), before)


def test_large_logits_do_not_overflow():
    logits = torch.tensor([[500.0, -500.0]], requires_grad=True)
    loss = multi_hot_bce(logits, torch.tensor([0]), torch.tensor([1]))
    loss.backward()
    assert loss.item() == 1000.0
    assert logits.grad is not None and logits.grad.tolist() == [[1.0, -1.0]]


def test_half_precision_is_summed_in_single():
    logits, row, column = case(2, (8, 4096), torch.bfloat16)
    found = multi_hot_bce(logits, row, column, 0.1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, reference(logits.float(), row, column, 0.1), rtol=1e-3, atol=0)
    found.backward()
    assert logits.grad is not None and logits.grad.dtype == torch.bfloat16
