"""A learned step and a learned bit width for each node.

    limit  = 2^(round(bits) - 1) - 1
    output = sign(x) * step * min(floor(|x| / step + 1/2), limit)

Rounding goes half away from zero, and values beyond step * limit count as saturated. With q = output / step:

    d output / d step = q - x / step inside, sign(x) * limit where saturated
    d output / d bits = 0 inside, sign(x) * step * 2^(bits - 1) * ln 2 where saturated
    d output / d x    = 1 inside, 0 where saturated

Few nodes have labels, so the gradient of the loss says nothing about most steps. The gradient "error" is instead that
of each row's own mean error |output - x|, whatever the loss; "loss" is the usual chain rule. `memory_loss` pulls the
size towards a target.

Two things differ from the published code. Its mask of saturated values is never zero, so its gradient of x is not
clipped; and its "loss" gradient of the bits is zero at one bit, where a row could never widen again.

Reference: Zhu et al., A2Q: Aggregation-Aware Quantization for Graph Neural Networks, ICLR 2023.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from graphlab.core.errors import InputError
from graphlab.quantization.formats import SMALLEST_SCALE, Affine
from graphlab.quantization.quantisers import Quantiser, as_working, unknown_parameters
from graphlab.quantization.rounding import check_broadcast

Gradient = Literal["error", "loss"]
MOST_BITS = 8
BITS_A_KIBIBYTE = 8192


class NodeBits(Quantiser):
    """Rounds rows of nodes with a step and a bit width each.

    Integers of all widths are stored in those of `format`, int8. The first batch in training mode sets the steps to
    2 mean|value| / sqrt(limit) of each row; until then values pass unchanged.

    Args:
        num_nodes: rows of the values.
        gradient: what steps and bits learn from, "error" for features and "loss" for weights.
        initial_bits: of each row, real-valued; rounded widths are kept between 1 and 8.

    Attributes:
        step: parameter, `[num_nodes, 1]`; its magnitude is used.
        bits: parameter, `[num_nodes, 1]`.

    Raises:
        InputError: no such gradient, or bits outside 1 to 8.
    """

    num_batches: Tensor

    def __init__(self, num_nodes: int, gradient: Gradient = "error", initial_bits: float = 4.0) -> None:
        super().__init__(Affine(MOST_BITS, symmetric=True, granularity="node"))
        if gradient not in get_args(Gradient):
            raise InputError(f"no gradient is named {gradient!r}", hint=f"gradients: {', '.join(get_args(Gradient))}")
        if not 1 <= initial_bits <= MOST_BITS:
            raise InputError(f"{initial_bits} bits are not supported", hint=f"use 1 to {MOST_BITS} bits")
        self.gradient: Gradient = gradient
        self.step = nn.Parameter(torch.ones(num_nodes, 1))
        self.bits = nn.Parameter(torch.full((num_nodes, 1), float(initial_bits)))
        self.register_buffer("num_batches", torch.zeros((), dtype=torch.int64))

    @property
    def widths(self) -> Tensor:
        """Bits that each row takes, `[num_nodes, 1]`, int32."""
        return self.bits.detach().round().clamp(1, MOST_BITS).to(torch.int32)

    @property
    def limits(self) -> Tensor:
        """The largest integer of each row, `[num_nodes, 1]`, int32."""
        return 2 ** (self.widths - 1) - 1

    @property
    def is_known(self) -> bool:
        """Whether the first batch has set the steps."""
        return bool(self.num_batches > 0)

    def parameters_of(self) -> tuple[Tensor, Tensor]:
        if not self.is_known:
            raise unknown_parameters()
        scale = self.step.detach().abs().clamp(min=SMALLEST_SCALE)
        return scale, torch.zeros_like(scale, dtype=torch.int32)

    def integers(self, value: Tensor) -> Tensor:
        with torch.no_grad():
            working = as_working(value.detach())
            scale, _ = self.parameters_of()
            self._check_rows(working)
            if working.isnan().any():
                raise InputError("values to quantise contain NaN", hint="look for a division by zero before this layer")
            size = half_away(working.abs() / _expanded(scale, working).to(working.dtype))
            size = torch.minimum(size, _expanded(self.limits, working).to(size.dtype))
            return (working.sign() * size).to(torch.int32)

    def forward(self, value: Tensor) -> Tensor:
        working = as_working(value)
        if not self._prepare(working.detach(), learns=self.training):
            return value
        self._check_rows(working)
        step, bits = (_expanded(each, working).to(working.dtype) for each in (self.step, self.bits))
        scale = step.abs().clamp(min=SMALLEST_SCALE)
        return round_rows(working, scale, bits, self.gradient).to(value.dtype)

    @torch.no_grad()
    def _prepare(self, value: Tensor, *, learns: bool) -> bool:
        if learns and not self.is_known and value.numel():
            self._check_rows(value)
            self._start(value.abs().flatten(1).mean(1, keepdim=True))
        return self.is_known

    def _start(self, mean: Tensor) -> None:
        """Set the steps by the mean magnitude of each row, `[num_nodes, 1]`."""
        if not bool(mean.isfinite().all()):
            raise InputError("values to quantise are NaN or infinite", hint="look for a diverging loss")
        step = 2 * mean / self.limits.clamp(min=1).to(mean.dtype).sqrt()
        self.step.copy_(step.clamp(min=SMALLEST_SCALE))
        self.num_batches += 1

    def _check_rows(self, value: Tensor) -> None:
        if value.dim() < 2:
            raise InputError(
                f"values of shape {list(value.shape)} have no rows of nodes", hint="give values of two dimensions"
            )
        check_broadcast(value, _expanded(self.step, value))


def round_rows(value: Tensor, step: Tensor, bits: Tensor, gradient: Gradient, width: int | None = None) -> Tensor:
    """Rows rounded with a step and a bit width each, with the gradients of this module's docstring.

    Args:
        value: `[num_nodes, ...]`.
        step: positive, `[num_nodes, 1, ...]`.
        bits: real-valued, of the shape of `step`.
        gradient: "error" or "loss".
        width: Numbers that the mean error of a row is over; those that it has by default.

    Returns:
        Of the shape of `value`.
    """
    return _Rows.apply(value, step, bits, gradient, max(1, value[:1].numel()) if width is None else width)


def memory_loss(parts: Iterable[tuple[Tensor, int]], target: float) -> Tensor:
    """(size in KiB - target)^2, with a gradient for the real-valued bits.

    Args:
        parts: bits of each row and the numbers that a row has, for each quantised value.
        target: KiB.

    Returns:
        A scalar.

    Raises:
        InputError: there are no parts.
    """
    sizes = [bits.sum() * width for bits, width in parts]
    if not sizes:
        raise InputError("there is no quantised value to measure", hint="give the bits of at least one")
    return (torch.stack(sizes).sum() / BITS_A_KIBIBYTE - target).square()


def half_away(size: Tensor) -> Tensor:
    """Magnitudes rounded, halves up."""
    return (size + 0.5).floor()


class _Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, step: Tensor, bits: Tensor, gradient: Gradient, width: int) -> Tensor:
        levels = bits.round().clamp(1, MOST_BITS)
        limit = 2 ** (levels - 1) - 1
        size, sign = value.abs() / step, value.sign()
        output = sign * torch.minimum(half_away(size), limit) * step
        ctx.save_for_backward(value, step, levels, output)
        ctx.gradient, ctx.width = gradient, width
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride] torch types it as *grads
        value, step, levels, output = ctx.saved_tensors
        limit = 2 ** (levels - 1) - 1
        exact, sign = value / step, value.sign()
        is_saturated = exact.abs() > limit
        by_step = torch.where(is_saturated, sign * limit, output / step - exact)
        by_bits = torch.where(is_saturated, sign * step * 2 ** (levels - 1) * math.log(2), torch.zeros_like(value))
        weight = grad
        if ctx.gradient == "error":
            weight = (output - value).sign() / ctx.width
        to_step, to_bits = (
            (weight * each).flatten(1).sum(1).view(step.shape) if each.numel() else torch.zeros_like(step)
            for each in (by_step, by_bits)
        )
        return grad * ~is_saturated, to_step, to_bits, None, None


def _expanded(column: Tensor, value: Tensor) -> Tensor:
    """A number a row, with as many dimensions as the values."""
    return column.view(-1, *[1] * (value.dim() - 1))
