"""Closed-form cross-entropies on multi-hot targets against targets that are laid out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from graphlab.ops.multi_hot import multi_hot_bce, multi_hot_cross_entropy


def laid_out_bce(logits: Tensor, row: Tensor, column: Tensor, smoothing: float = 0.0) -> Tensor:
    """The definition, with a target for every class."""
    target = torch.zeros_like(logits)
    target[row, column] = 1
    target = (1 - smoothing) * target + smoothing / logits.size(1)
    return F.binary_cross_entropy_with_logits(logits, target)


def laid_out_cross_entropy(logits: Tensor, row: Tensor, column: Tensor, smoothing: float = 0.0) -> Tensor:
    target = torch.zeros_like(logits)
    target[row, column] = 1
    return F.cross_entropy(logits, target / target.sum(1, keepdim=True), label_smoothing=smoothing)


PAIRS = pytest.mark.parametrize(
    ("compute", "reference"),
    [(multi_hot_bce, laid_out_bce), (multi_hot_cross_entropy, laid_out_cross_entropy)],
    ids=["bce", "cross-entropy"],
)


def case(seed: int, shape: tuple[int, int], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    logits = 5 * torch.randn(shape, generator=g, dtype=dtype)
    true = torch.rand(shape, generator=g) < 0.3
    true[:, 0] |= ~true.any(1)
    row, column = true.nonzero().unbind(1)
    return logits.requires_grad_(), row, column


@PAIRS
@given(
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 9)),
    smoothing=st.sampled_from([0.0, 0.1, 0.9]),
)
@settings(deadline=None)
def test_value_and_gradient_are_those_of_the_definition(compute, reference, seed, shape, smoothing):
    logits, row, column = case(seed, shape)
    found, expected = (function(logits, row, column, smoothing) for function in (compute, reference))
    torch.testing.assert_close(found, expected)
    gradients = [torch.autograd.grad(3 * loss, logits)[0] for loss in (found, expected)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@PAIRS
def test_gradcheck(compute, reference, smoothing):
    logits, row, column = case(0, (4, 6))
    assert torch.autograd.gradcheck(lambda x: compute(x, row, column, smoothing), logits)


@PAIRS
def test_backward_leaves_the_logits_alone_and_can_be_asked_twice(compute, reference):
    logits, row, column = case(1, (4, 6))
    before = logits.detach().clone()
    loss = compute(logits, row, column, 0.1)
    (first,) = torch.autograd.grad(loss, logits, retain_graph=True)
    (second,) = torch.autograd.grad(loss, logits)
    assert torch.equal(first, second)
    assert torch.equal(logits.detach(), before)


@pytest.mark.parametrize(
    ("compute", "loss", "grad"),
    [(multi_hot_bce, 500.0, [0.5, -0.5]), (multi_hot_cross_entropy, 1000.0, [1.0, -1.0])],
)
def test_large_logits_do_not_overflow(compute, loss, grad):
    logits = torch.tensor([[500.0, -500.0]], requires_grad=True)
    found = compute(logits, torch.tensor([0]), torch.tensor([1]))
    found.backward()
    assert found.item() == loss
    assert logits.grad is not None and logits.grad.tolist() == [grad]


@PAIRS
def test_half_precision_is_summed_in_single(compute, reference):
    logits, row, column = case(2, (8, 4096), torch.bfloat16)
    found = compute(logits, row, column, 0.1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, reference(logits.float(), row, column, 0.1), rtol=1e-3, atol=0)
    found.backward()
    assert logits.grad is not None and logits.grad.dtype == torch.bfloat16
