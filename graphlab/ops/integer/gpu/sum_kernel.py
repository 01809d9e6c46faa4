"""Sums of 8-bit rows over neighbours in Triton, a program a row and a block of columns."""

# ruff: noqa: N803
# Capitals are the field's names for constants of the compiled code.

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

from graphlab.ops.integer.gpu.rescale_kernels import requantised


@triton.jit(do_not_specialize=["origin", "zero_point", "low", "high"])
def neighbour_sum(
    start, other, place, weight, x, bias, mantissa, right, out, columns, origin, zero_point, low, high,
    WEIGHTED: tl.constexpr, BIASED: tl.constexpr, TO_BYTES: tl.constexpr, PER_CHANNEL: tl.constexpr,
    TILE: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """out[i] = bias + sum of weight[e] (x[j] - origin) over the edges e = (j, i), TILE of them at a time."""
    i = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    inside, end = column < columns, tl.load(start + i + 1)
    sums, weights = tl.zeros([BLOCK_N], tl.int32), tl.zeros([TILE], tl.int32)
    for first in range(tl.load(start + i), end, TILE):
        edge = first + tl.arange(0, TILE)
        there = edge < end
        j = tl.load(other + edge, mask=there, other=0).to(tl.int64)
        both = there[:, None] & inside[None, :]
        rows = tl.load(x + j[:, None] * columns + column[None, :], mask=both, other=0).to(tl.int32)
        if WEIGHTED:
            e = tl.load(place + edge, mask=there, other=0)
            factor = tl.load(weight + e, mask=there, other=0).to(tl.int32)
            rows *= factor[:, None]
            weights += factor
        else:
            weights += there.to(tl.int32)
        sums += tl.sum(rows, 0)
    sums -= origin * tl.sum(weights, 0)
    if BIASED:
        sums += tl.load(bias + column, mask=inside, other=0)
    if TO_BYTES:
        steps = requantised(
            sums, mantissa, right, column, inside, zero_point, low, high, PER_CHANNEL, BLOCK_N
        )  # fmt: skip
        tl.store(out + i * columns + column, steps.to(out.dtype.element_ty), mask=inside)
    else:
        tl.store(out + i * columns + column, sums, mask=inside)
