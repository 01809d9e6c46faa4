"""Real rows rounded to integers of a grid, in one pass.

out = clamp(round(x / scale) + zero_point, low, high),    halves to even
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.compiled import compiled
from graphlab.ops.integer import devices
from graphlab.ops.neighbour_sum import over_rows


def round_rows(x: Tensor, scale: float, zero_point: int, low: int, high: int, dtype: torch.dtype) -> Tensor:
    """Rows as integers. The quotient is one of float32, as where the same rounding is simulated.

    Args:
        x: float32 `[n, d]`; others are brought to it.
        scale, zero_point, low, high: Of the grid.
        dtype: int8 or uint8.

    Returns:
        `[n, d]` of the dtype.

    Raises:
        InputError: A number is NaN.
    """
    rows = x.detach().to(torch.float32).contiguous()
    if rows.sum().isnan() and rows.isnan().any():
        raise InputError("features contain NaN, which is no integer", hint="replace what is missing beforehand")
    if devices.on_gpu(rows):
        return _round_by_torch(rows, scale, zero_point, low, high, dtype)
    out = torch.empty(x.shape, dtype=dtype)
    numbers, result = rows.view(-1).numpy(), out.view(-1).numpy()
    ends = np.float32(low - zero_point), np.float32(high - zero_point), np.float32(zero_point)
    over_rows(len(numbers), lambda first, last: _round(numbers, np.float32(scale), *ends, result, first, last))
    return out


def _round_by_torch(rows: Tensor, scale: float, zero_point: int, low: int, high: int, dtype: torch.dtype) -> Tensor:
    """On any device. The scale is a tensor there: torch multiplies by the reciprocal of a number of the host."""
    steps = (rows / rows.new_full((1,), scale)).round_().clamp_(low - zero_point, high - zero_point)
    return (steps + zero_point).to(dtype)


@compiled
def _round(x, scale, low, high, zero_point, out, first, last):
    for i in range(np.uint64(first), np.uint64(last)):
        steps = np.rint(x[i] / scale)
        steps = low if steps < low else steps
        steps = high if steps > high else steps
        out[i] = np.int32(steps + zero_point)
