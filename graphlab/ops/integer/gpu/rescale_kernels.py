"""The rounding of int32 sums in Triton, as a part of other kernels and as one of its own."""

# ruff: noqa: N803
# Capitals are the field's names for constants of the compiled code.

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]


@triton.jit
def rescaled(sums, mantissa, right):
    """floor((sums mantissa + 2^(right - 1)) / 2^right) in int64, of int32 each; exact, as right is from 1 to 62."""
    right = right.to(tl.int64)
    half = tl.full([], 1, tl.int64) << (right - 1)
    return (sums.to(tl.int64) * mantissa.to(tl.int64) + half) >> right


@triton.jit
def requantised(
    sums, mantissa, right, column, inside, zero_point, low, high, PER_CHANNEL: tl.constexpr, BLOCK_N: tl.constexpr
):  # fmt: skip
    """Sums `[BLOCK_N]` or `[., BLOCK_N]` as integers of the result in int64, with the multipliers of their columns."""
    if PER_CHANNEL:
        factor, shift = tl.load(mantissa + column, mask=inside, other=0), tl.load(right + column, mask=inside, other=1)
    else:
        factor, shift = (
            tl.load(mantissa + tl.zeros([BLOCK_N], tl.int32)),
            tl.load(right + tl.zeros([BLOCK_N], tl.int32)),
        )
    if len(sums.shape) == 2:
        factor, shift = factor[None, :], shift[None, :]
    return tl.minimum(tl.maximum(rescaled(sums, factor, shift) + zero_point, low), high)


@triton.jit(do_not_specialize=["zero_point", "low", "high"])
def rescale(
    sums, mantissa, right, out, rows, columns, zero_point, low, high,
    PER_CHANNEL: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """A tile `[BLOCK_M, BLOCK_N]` of int32 sums `[rows, columns]` rounded."""
    row = tl.program_id(0).to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)
    column = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    inside, place = column < columns, row[:, None] * columns + column[None, :]
    there = (row < rows)[:, None] & inside[None, :]
    steps = requantised(
        tl.load(sums + place, mask=there, other=0), mantissa, right, column, inside, zero_point, low, high, PER_CHANNEL,
        BLOCK_N,
    )  # fmt: skip
    tl.store(out + place, steps.to(out.dtype.element_ty), mask=there)
