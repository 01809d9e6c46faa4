"""Sums of two rows of integers with scales of their own, rounded once.

    out = clamp((factor_a (a - zero_a) + factor_b (b - zero_b) + offset + 2^(shift - 1)) >> shift) + zero_point)

Factors and offsets are whole numbers, one a column, of one exponent: what real factors times 2^shift come to, with 30
bits for the largest. Products are exact in int64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.compiled import compiled
from graphlab.ops.integer import devices
from graphlab.ops.integer.devices import check_device
from graphlab.ops.neighbour_sum import over_rows

BITS = 30
"""Of the largest factor."""


@dataclass(frozen=True)
class Term:
    """Rows of integers `[n, d]` with their scale, a number or one a column, and the integer that stands for 0."""

    integers: Tensor
    scale: float | np.ndarray
    zero_point: int = 0


def join(
    first: Term, second: Term, bias: np.ndarray, scale: float, zero_point: int, low: int, high: int, dtype: torch.dtype
) -> Tensor:
    """The sum of two rows and a bias, as integers of another scale.

    Args:
        first, second: int8, uint8 or int32 `[n, d]`.
        bias: Real, float64 `[d]`.
        scale, zero_point, low, high, dtype: Of the result.

    Returns:
        `[n, d]`.

    Raises:
        InputError: Rows of two shapes.
    """
    shift, factors, offset = _whole(first, second, bias, scale)
    if devices.on_gpu(first.integers):
        return _join_by_torch(first, second, shift, factors, offset, zero_point, low, high).to(dtype)
    rows = first.integers.contiguous().numpy(), second.integers.contiguous().numpy()
    out = torch.empty(first.integers.shape, dtype=dtype)
    ends = np.int64(zero_point), np.int64(low), np.int64(high)
    zeros = np.int64(first.zero_point), np.int64(second.zero_point)
    result = out.numpy()
    over_rows(len(result), lambda start, end: _join(*rows, *zeros, *factors, offset, shift, *ends, result, start, end))
    return out


def reference(
    first: Term, second: Term, bias: np.ndarray, scale: float, zero_point: int, low: int, high: int, dtype: torch.dtype
) -> Tensor:
    """`join` by numpy: the definition."""
    shift, factors, offset = _whole(first, second, bias, scale)
    total = offset
    for term, factor in zip((first, second), factors, strict=True):
        total = total + (term.integers.numpy().astype(np.int64) - term.zero_point) * factor
    return torch.from_numpy(np.clip((total >> shift) + zero_point, low, high)).to(dtype)


def _join_by_torch(
    first: Term,
    second: Term,
    shift: np.int64,
    factors: tuple[np.ndarray, np.ndarray],
    offset: np.ndarray,
    zero_point: int,
    low: int,
    high: int,
) -> Tensor:
    """int64 `[n, d]`, on any device."""
    from graphlab.ops.integer.gpu.constants import constant

    device = first.integers.device
    check_device("the second rows", second.integers, first.integers)
    total = constant(offset, device)
    for term, factor in zip((first, second), factors, strict=True):
        total = total + (term.integers.long() - term.zero_point) * constant(factor, device)
    return ((total >> int(shift)) + zero_point).clamp(low, high)


def _whole(
    first: Term, second: Term, bias: np.ndarray, scale: float
) -> tuple[np.int64, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The shift, the factors and the offsets, one a column; half of the last bit is in the offsets."""
    if first.integers.shape != second.integers.shape:
        raise InputError(
            f"rows of shapes {tuple(first.integers.shape)} and {tuple(second.integers.shape)} cannot be added",
            hint="give rows of the same nodes and columns",
        )
    width = first.integers.size(1)
    real = [np.broadcast_to(np.asarray(term.scale, np.float64) / scale, (width,)) for term in (first, second)]
    largest = max((float(each.max(initial=0)) for each in real), default=0)
    shift = np.int64(BITS if largest == 0 else max(1, min(62, BITS - int(np.ceil(np.log2(largest))))))
    factors = [np.rint(np.ldexp(each, int(shift))).astype(np.int64) for each in real]
    offset = np.rint(np.ldexp(np.broadcast_to(bias / scale, (width,)), int(shift))).astype(np.int64)
    return shift, (factors[0], factors[1]), offset + (np.int64(1) << (shift - np.int64(1)))


@compiled
def _join(a, b, zero_a, zero_b, factor_a, factor_b, offset, shift, zero_point, low, high, out, first, last):
    for i in range(np.uint64(first), np.uint64(last)):
        for k in range(np.uint64(a.shape[1])):
            total = factor_a[k] * (np.int64(a[i, k]) - zero_a) + factor_b[k] * (np.int64(b[i, k]) - zero_b)
            steps = ((total + offset[k]) >> shift) + zero_point
            out[i, k] = min(max(steps, low), high)
