"""Launches of the Triton kernels, which write every result once, the same integers every time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab.ops.integer.gpu import plain, product_kernel, rescale_kernels, softmax_kernel, sum_kernel
from graphlab.ops.integer.gpu.constants import Rounding
from graphlab.ops.integer.gpu.layout import DeviceWeights
from graphlab.ops.neighbour_sum import Neighbours

BLOCK_M, BLOCK_N, BLOCK_K = 64, 128, 64
"""Rows, columns at most, and inner channels of a tile of the product; all are multiples of what tensor cores take."""

NARROW = 16
"""Columns of the smallest tile of the product."""

MOST = 2**17 - 1
"""Inner channels of which sums of int8 products stay within int32. Beyond, the instruction of compute capability 8.0
stops at its ends (satfinite), where other sums wrap around."""

AREA = 2048
"""Numbers that a program takes at a time, but for those of the product."""

TILE, EDGES = 32, 128
"""Edges that a program of the sums takes at a time, at most, and one of the softmax."""


def product(
    x: Tensor, weight: DeviceWeights, rounding: Rounding | None, bias: Tensor | None, zero_point: int
) -> Tensor:
    """See `graphlab.ops.integer.product`; all tensors are on one device."""
    (inner, columns), rows = weight.shape, len(x)
    if inner > MOST:
        return plain.product(x, weight, rounding, bias, zero_point)
    out = _empty(x, rows, columns, rounding)
    is_unsigned = x.dtype == torch.uint8
    block = max(NARROW, _power_of_two(columns, BLOCK_N))
    _launch(
        product_kernel.product, (-(-rows // BLOCK_M), -(-columns // block)), out, x.contiguous(), weight.data,
        weight.column_sums, bias, *_factors(rounding), out, rows, inner, columns, zero_point - 128 * is_unsigned,
        *_ends(rounding), BITS=weight.bits, UNSIGNED=is_unsigned, **_choices(bias, rounding), BLOCK_M=BLOCK_M,
        BLOCK_N=block, BLOCK_K=BLOCK_K,
    )  # fmt: skip
    return out


def neighbour_sum(
    neighbours: Neighbours,
    x: Tensor,
    rounding: Rounding | None,
    weight: Tensor | None,
    bias: Tensor | None,
    zero_point: int,
) -> Tensor:
    """See `graphlab.ops.integer.neighbour_sum`; all tensors are on one device."""
    rows, columns = neighbours.num_targets, x.size(1)
    out, block = _empty(x, rows, columns, rounding), _power_of_two(columns, BLOCK_N)
    _launch(
        sum_kernel.neighbour_sum, (rows, -(-columns // block)), out, *neighbours.sorted_edges,
        None if weight is None else weight.contiguous(), x.contiguous(), bias, *_factors(rounding), out, columns,
        zero_point, *_ends(rounding), WEIGHTED=weight is not None, **_choices(bias, rounding),
        TILE=min(TILE, AREA // block), BLOCK_N=block,
    )  # fmt: skip
    return out


def neighbour_softmax(neighbours: Neighbours, source: Tensor, target: Tensor, table: Tensor, steps: Rounding) -> Tensor:
    """See `graphlab.ops.integer.softmax`. steps: multipliers of the slope, and of the step to the table."""
    heads, num_edges = source.size(1), len(neighbours)
    out = torch.zeros(heads, num_edges, dtype=torch.uint8, device=source.device)
    _launch(
        softmax_kernel.neighbour_softmax, (neighbours.num_targets, heads), out, *neighbours.sorted_edges,
        source.contiguous(), target.contiguous(), table, steps.mantissa, steps.right, out, heads, num_edges, TILE=EDGES,
    )  # fmt: skip
    return out


def rescale(sums: Tensor, rounding: Rounding) -> Tensor:
    """See `graphlab.ops.integer.requantise`; sums int32 `[n, channels]`."""
    rows, columns = sums.shape
    out, block = _empty(sums, rows, columns, rounding), _power_of_two(columns, BLOCK_N)
    count = AREA // block
    _launch(
        rescale_kernels.rescale, (-(-rows // count), -(-columns // block)), out, sums.contiguous(),
        *_factors(rounding), out, rows, columns, *_ends(rounding), PER_CHANNEL=rounding.is_per_channel, BLOCK_M=count,
        BLOCK_N=block,
    )  # fmt: skip
    return out


def _launch(kernel: Any, grid: tuple[int, int], out: Tensor, *arguments: Any, **constants: Any) -> None:
    if out.numel():
        with torch.cuda.device_of(out):
            kernel[grid](*arguments, **constants, num_warps=4, enable_fp_fusion=False)


def _empty(like: Tensor, rows: int, columns: int, rounding: Rounding | None) -> Tensor:
    return like.new_empty(rows, columns, dtype=torch.int32 if rounding is None else rounding.dtype)


def _power_of_two(columns: int, most: int) -> int:
    """The power of two that holds the columns, or the most."""
    return min(most, 1 << max(0, columns - 1).bit_length())


def _choices(bias: Tensor | None, rounding: Rounding | None) -> dict[str, bool]:
    is_per_channel = rounding is not None and rounding.is_per_channel
    return {"BIASED": bias is not None, "TO_BYTES": rounding is not None, "PER_CHANNEL": is_per_channel}


def _factors(rounding: Rounding | None) -> tuple[Tensor | None, Tensor | None]:
    return (None, None) if rounding is None else (rounding.mantissa, rounding.right)


def _ends(rounding: Rounding | None) -> tuple[int, int, int]:
    return (0, 0, 0) if rounding is None else (rounding.zero_point, rounding.low, rounding.high)
