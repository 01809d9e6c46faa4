"""Gradients of the bilevel problem of architecture search: the mixture that is best on validation with the weights
that are best on training. Liu et al., ICLR 2019, section 2.3."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

DISTANCE = 0.01
"""Of the weights at which the second derivative is measured from those between, as a whole."""

Loss = Callable[[], Tensor]


def first_order(logits: Sequence[Tensor], validation: Loss) -> list[Tensor]:
    """The gradient of the validation loss at the weights as they are."""
    return list(torch.autograd.grad(validation(), logits, materialize_grads=True))


def second_order(
    logits: Sequence[Tensor], weights: Sequence[Tensor], training: Loss, validation: Loss, lr: float
) -> list[Tensor]:
    """The gradient of the validation loss at weights one step of plain descent on, equations 7 and 8:

        w' = w - lr d_w L_train(w, a)        v = d_w' L_val(w', a)        e = DISTANCE / |v|
        d_a L_val(w', a) - lr (d_a L_train(w + e v, a) - d_a L_train(w - e v, a)) / 2e

    The losses must draw the same dropout at each call. The weights are left as they were. The logits may be on another
    device than the weights.
    """
    before = [weight.detach().clone() for weight in weights]

    def move(directions: Sequence[Tensor], distance: float | Tensor) -> None:
        with torch.no_grad():
            for weight, start, direction in zip(weights, before, directions, strict=True):
                weight.copy_(start + distance * direction)

    try:
        steepest = torch.autograd.grad(training(), weights, materialize_grads=True)
        move(steepest, -lr)
        both = torch.autograd.grad(validation(), [*weights, *logits], materialize_grads=True)
        v, direct = both[: len(before)], both[len(before) :]
        norm = torch.stack([each.square().sum() for each in v]).sum().sqrt()
        if norm == 0:
            return list(direct)
        e = DISTANCE / norm
        move(v, e)
        ahead = first_order(logits, training)
        move(v, -e)
        behind = first_order(logits, training)
    finally:
        move(before, 0.0)
    width = (2 * e).to(logits[0].device)
    return [d - lr * (p - m) / width for d, p, m in zip(direct, ahead, behind, strict=True)]
