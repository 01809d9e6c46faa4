"""Attention weights in fixed point in Triton, a program a node and a head; the formulas are in `integer.softmax`."""

# ruff: noqa: N803
# Capitals are the field's names for constants of the compiled code.

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

from graphlab.ops.integer.gpu.rescale_kernels import rescaled

LOWEST, HIGHEST = tl.constexpr(-(2**31)), tl.constexpr(2**31 - 1)
BELOW_ALL = tl.constexpr(-(2**62))
"""Less than any score: these are products of 31 bits and 31 bits, shifted to the right by one at least."""


@triton.jit
def _scores(other, source, own, edge, there, head, heads, mantissa, right):
    """LeakyReLU of the scores of edges, int64."""
    j = tl.load(other + edge, mask=there, other=0).to(tl.int64)
    z = tl.load(source + j * heads + head, mask=there, other=0).to(tl.int64) + own
    z = tl.minimum(tl.maximum(z, LOWEST), HIGHEST)
    return tl.where(z < 0, rescaled(z, mantissa, right), z)


@triton.jit
def _entries(table, largest, scores, there, mantissa, right):
    """The entries of the table for how far scores are below the largest, int64; 0 where there is no edge."""
    behind = tl.minimum(tl.where(there, largest - scores, 0), HIGHEST)
    place = tl.minimum(rescaled(behind, mantissa, right), 255)
    return tl.load(table + place, mask=there, other=0).to(tl.int64)


@triton.jit
def neighbour_softmax(
    start, other, place, source, target, table, mantissa, right, out, heads, num_edges, TILE: tl.constexpr
):  # fmt: skip
    """out[head, e] for the edges e into node i. mantissa, right: of the slope, then of the step to the table."""
    i, head = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    begin, end = tl.load(start + i), tl.load(start + i + 1)
    own = tl.load(target + i * heads + head).to(tl.int64)
    slope, slope_right = tl.load(mantissa), tl.load(right)
    step, step_right = tl.load(mantissa + 1), tl.load(right + 1)
    tops = tl.full([TILE], BELOW_ALL, tl.int64)
    for first in range(begin, end, TILE):
        edge = first + tl.arange(0, TILE)
        there = edge < end
        scores = _scores(other, source, own, edge, there, head, heads, slope, slope_right)
        tops = tl.maximum(tops, tl.where(there, scores, BELOW_ALL))
    largest, totals = tl.max(tops, 0), tl.zeros([TILE], tl.int64)
    for first in range(begin, end, TILE):
        edge = first + tl.arange(0, TILE)
        there = edge < end
        scores = _scores(other, source, own, edge, there, head, heads, slope, slope_right)
        totals += _entries(table, largest, scores, there, step, step_right)
    total = tl.sum(totals, 0)
    for first in range(begin, end, TILE):
        edge = first + tl.arange(0, TILE)
        there = edge < end
        scores = _scores(other, source, own, edge, there, head, heads, slope, slope_right)
        part = 255 * _entries(table, largest, scores, there, step, step_right) + (total >> 1)
        e = tl.load(place + edge, mask=there, other=0).to(tl.int64)
        tl.store(out + head * num_edges + e, (part // total).to(tl.uint8), mask=there)
