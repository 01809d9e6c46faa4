"""Rounding with gradients: straight through for values, and by the learned step's rule for scales."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.quantization.formats import Format


def fake_quantise(value: Tensor, scale: Tensor, zero_point: Tensor, number_format: Format) -> Tensor:
    """Values rounded to the format and scaled back. The gradient is 1 where no clamp was needed, else 0.

    Args:
        value: float32 or float64.
        scale: positive, broadcastable to `value`; takes no gradient.
        zero_point: integers, broadcastable to `value`.
        number_format: gives the rounding and the bounds.

    Returns:
        Of the shape and dtype of `value`.

    Raises:
        InputError: the scale is not broadcastable.
    """
    check_broadcast(value, scale)
    return _Rounded.apply(value, scale.to(value.dtype), zero_point, number_format)


def learned_fake_quantise(
    value: Tensor, scale: Tensor, zero_point: Tensor, number_format: Format, factor: float
) -> Tensor:
    """As `fake_quantise`, with a gradient for the scale too (Esser et al., eq. 3), multiplied by `factor`.

    d output / d scale = round(value / scale) - value / scale    inside the bounds
                         lowest - zero_point, highest - zero_point    beyond them
    """
    check_broadcast(value, scale)
    return _Learned.apply(value, scale, zero_point, number_format, factor)


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, scale: Tensor, zero_point: Tensor, number_format: Format) -> Tensor:
        steps = number_format.nearest(value / scale)
        low, high = number_format.lowest - zero_point, number_format.highest - zero_point
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward((steps >= low) & (steps <= high))
        return steps.clamp_(low, high).mul_(scale)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride] torch types it as *grads
        (is_inside,) = ctx.saved_tensors
        return grad * is_inside, None, None, None


class _Learned(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, value: Tensor, scale: Tensor, zero_point: Tensor, number_format: Format, factor: float
    ) -> Tensor:
        exact = value / scale
        steps = number_format.nearest(exact.clone())
        low, high = number_format.lowest - zero_point, number_format.highest - zero_point
        is_inside = (steps >= low) & (steps <= high)
        steps = steps.clamp_(low, high)
        ctx.save_for_backward(is_inside, steps - exact * is_inside)
        ctx.scale_shape, ctx.factor = scale.shape, factor
        return steps * scale

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride] torch types it as *grads
        is_inside, slope = ctx.saved_tensors
        return grad * is_inside, (grad * slope).sum_to_size(ctx.scale_shape) * ctx.factor, None, None, None


def check_broadcast(value: Tensor, scale: Tensor) -> None:
    """Refuse scales that do not broadcast to the values.

    Raises:
        InputError: their shapes do not fit.
    """
    sizes = zip(reversed(scale.shape), reversed(value.shape), strict=False)
    if scale.dim() > value.dim() or any(own not in (1, size) for own, size in sizes):
        raise InputError(
            f"scales of shape {list(scale.shape)} do not fit values of shape {list(value.shape)}",
            hint="a scale a node or channel needs the same nodes or channels in each call",
        )
