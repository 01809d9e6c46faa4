"""The product of 8-bit rows with weights of 8, 4 or 2 bits in Triton."""

# ruff: noqa: N803
# Capitals are the field's names for constants of the compiled code.

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

from graphlab.ops.integer.gpu.rescale_kernels import requantised


@triton.jit
def _weights(weight, depth, column, inner, columns, BITS: tl.constexpr):
    """A tile of the weights, int8 `[., .]`; number n of the packed ones is in byte n BITS / 8, lowest bits first."""
    there = (depth < inner)[:, None] & (column < columns)[None, :]
    number = depth.to(tl.int64)[:, None] * columns + column[None, :]
    if BITS == 8:
        return tl.load(weight + number, mask=there, other=0)
    byte = tl.load(weight + number * BITS // 8, mask=there, other=0).to(tl.int32)
    field = byte >> (number * BITS % 8).to(tl.int32)
    return ((field << (32 - BITS)) >> (32 - BITS)).to(tl.int8)


@triton.jit(do_not_specialize=["origin", "zero_point", "low", "high"])
def product(
    x, weight, column_sums, bias, mantissa, right, out, rows, inner, columns, origin, zero_point, low, high,
    BITS: tl.constexpr, UNSIGNED: tl.constexpr, BIASED: tl.constexpr, TO_BYTES: tl.constexpr,
    PER_CHANNEL: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """out = (x - origin) @ weight + bias, as int32 or rounded to bytes; uint8 rows are read as int8 of 128 less."""
    row = tl.program_id(0).to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)
    column = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    is_row, inside = row < rows, column < columns
    sums = tl.zeros([BLOCK_M, BLOCK_N], tl.int32)
    for first in range(0, inner, BLOCK_K):
        depth = first + tl.arange(0, BLOCK_K)
        there = is_row[:, None] & (depth < inner)[None, :]
        left = tl.load(x + row[:, None] * inner + depth[None, :], mask=there, other=0)
        if UNSIGNED:
            left = (left.to(tl.int32) - 128).to(tl.int8)
        sums = tl.dot(left, _weights(weight, depth, column, inner, columns, BITS), sums, out_dtype=tl.int32)
    start = -origin * tl.load(column_sums + column, mask=inside, other=0)
    if BIASED:
        start += tl.load(bias + column, mask=inside, other=0)
    sums += start[None, :]
    place, there = row[:, None] * columns + column[None, :], is_row[:, None] & inside[None, :]
    if TO_BYTES:
        steps = requantised(
            sums, mantissa, right, column, inside, zero_point, low, high, PER_CHANNEL, BLOCK_N
        )  # fmt: skip
        tl.store(out + place, steps.to(out.dtype.element_ty), mask=there)
    else:
        tl.store(out + place, sums, mask=there)
