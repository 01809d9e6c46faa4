"""Sums of 8-bit rows over neighbours, in integers from the bytes that are read to the bytes that are written.

    out[i] = clamp(rescale(bias + sum over edges e = (j, i) of weight[e] (x[j] - zero_point)))

Four rows are interleaved byte by byte in registers, so that one instruction multiplies four neighbours with their
weights and adds them to an int32 (vpdpbusd of AVX512-VNNI; without it, LLVM's vectors). The zero point is taken out
once a row: zero_point times the sum of the weights. A row is 64 bytes where float32 has 256, which is what counts, as
reading rows at random places is what the time goes to. `neighbour_sum` of int32 or float32 rows is the same loop
without interleaving and requantisation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.compiled import contracted
from graphlab.ops.integer import devices
from graphlab.ops.integer.arithmetic import (
    added,
    columns,
    dot,
    flipped,
    has_vnni,
    interleaved,
    interleaved_order,
    rescaled,
)
from graphlab.ops.integer.blocks import BYTES, Conversion, as_bytes, blocks_of, check_bias, check_bytes, empty
from graphlab.ops.integer.rescale import Output, requantise
from graphlab.ops.integer.vectors import filled, first_lane, load, prefetch, repeated, store, word
from graphlab.ops.neighbour_sum import Neighbours, over_rows

WIDER = (torch.int32, torch.float32)

AHEAD = np.uint64(64)
"""Edges ahead of which rows are asked for."""


def neighbour_sum(
    neighbours: Neighbours,
    x: Tensor,
    output: Output | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    zero_point: int = 0,
) -> Tensor:
    """Each node's weighted sum of the rows of its in-neighbours, in integers.

    The accumulator is int32; `overflow.sum_reach` tells how far it can go. The integers do not depend on
    threads or on the processor.

    Args:
        neighbours: The edges.
        x: Rows, int8 or uint8; on the CPU also int32 or float32, for which there is no output, bias or zero point.
        output: Scale, zero point and range of the result; None for the sums themselves.
        weight: One integer an edge in the order of `edge_index`, int8 or uint8 (of the dtype of x where that is wider);
            None counts each edge once.
        bias: int32, in the scale of the sums.
        zero_point: The integer of x that stands for 0.

    Shapes:
        x `[num_sources, d]`, weight `[E]`, bias `[d]`.

    Returns:
        `[num_targets, d]`: int8 or uint8 as the output has it, int32 without, or the dtype of wider rows.

    Raises:
        InputError: Other shapes or types.
    """
    if devices.on_gpu(x):
        from graphlab.ops.integer.gpu import dispatch

        _check_shapes(neighbours, x, weight)
        return dispatch.neighbour_sum(neighbours, x, output, weight, bias, zero_point)
    if x.dtype in WIDER:
        return _wide_sums(neighbours, x, output, weight, bias, zero_point)
    offset = _checked(neighbours, x, output, weight, bias)
    num_rows, width = neighbours.num_targets, x.size(1)
    out, result = empty(num_rows, width, output)
    if not num_rows or not width:
        return result
    edges, rows = neighbours.by_target, as_bytes(x)
    weights = np.empty(0, np.int8) if weight is None else neighbours.weights_by_target(weight).view(np.int8)
    if weight is not None and len(weights) < 4:
        weights = np.pad(weights, (0, 4 - len(weights)))
    signed_rows, signed_weights = x.dtype == torch.int8, weight is not None and weight.dtype == torch.int8
    flips = signed_rows == signed_weights
    zero = int(zero_point) + (128 if signed_rows else -128) * flips
    for block in blocks_of(width):
        conversion = Conversion.of(block, offset, output, interleaved_order(block.lanes))
        options = weight is not None, signed_weights, flips, output is not None, has_vnni()
        loop = _loop(block.lanes, block.is_masked, *options)
        place = width, block.column, block.bits, zero

        def run(first: int, last: int, loop=loop, place=place, conversion=conversion) -> None:
            loop(edges.row, edges.start, edges.other, weights, rows, *place, *conversion, out, first, last)

        over_rows(num_rows, run)
    return result


def reference(
    neighbours: Neighbours,
    x: Tensor,
    output: Output | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    zero_point: int = 0,
) -> Tensor:
    """`neighbour_sum` in int64, a message laid out for each edge: the definition."""
    messages = x.numpy().astype(np.int64)[neighbours.source.numpy()] - zero_point
    if weight is not None:
        messages *= weight.numpy().astype(np.int64)[:, None]
    sums = np.zeros((neighbours.num_targets, x.size(1)), np.int64)
    np.add.at(sums, neighbours.target.numpy(), messages)
    if bias is not None:
        sums += bias.numpy().astype(np.int64)
    return torch.from_numpy(sums.astype(np.int32) if output is None else requantise(sums, output))


def _checked(
    neighbours: Neighbours, x: Tensor, output: Output | None, weight: Tensor | None, bias: Tensor | None
) -> np.ndarray | None:
    check_bytes("rows", x, 2)
    _check_shapes(neighbours, x, weight)
    if weight is not None and weight.dtype not in BYTES:
        raise InputError(f"weights of {weight.dtype} for rows of 8 bits", hint="give int8 or uint8 weights")
    if output is not None:
        output.check_channels(x.size(1))
    return check_bias(bias, x.size(1))


def _check_shapes(neighbours: Neighbours, x: Tensor, weight: Tensor | None) -> None:
    if (
        x.dim() != 2
        or x.size(0) != neighbours.num_sources
        or (weight is not None and weight.shape != (len(neighbours),))
    ):
        shapes = tuple(x.shape) if weight is None else f"{tuple(x.shape)} and weights {tuple(weight.shape)}"
        raise InputError(
            f"sums over {len(neighbours)} edges of {neighbours.num_sources} nodes have rows {shapes}",
            hint=f"give rows [{neighbours.num_sources}, d] and weights [{len(neighbours)}]",
        )


@lru_cache
def _loop(
    lanes: int, masked: bool, weighted: bool, signed_weights: bool, flips: bool, to_bytes: bool, fast: bool
) -> Callable[..., None]:
    """Sums of rows `row_of[first:last]` in a block of `lanes` columns."""

    @contracted
    def loop(
        row_of, start, other, weight, x, width, column, bits, zero,
        bias, mantissa, half, right, low, high, out_zero, out, first, last,
    ):  # fmt: skip
        width, column, bits, origin = np.uint64(width), np.uint64(column), np.uint64(bits), np.uint64(0)
        num_edges, latest = np.uint64(len(weight)), np.uint64(max(len(other), 1) - 1)
        four, ones = np.uint64(4), repeated(np.int32(0x01010101), 4)
        for r in range(first, last):
            i = np.uint64(row_of[np.uint64(r)])
            p, end = np.uint64(start[np.uint64(r)]), np.uint64(start[np.uint64(r + 1)])
            sums, total = load(bias, origin, lanes, False, bits), filled(np.int32(0), 4)
            while p < end:
                count = min(end - p, four)
                final = end - np.uint64(1)
                q, s, t = min(p + np.uint64(1), final), min(p + np.uint64(2), final), min(p + np.uint64(3), final)
                for each in range(4):
                    later = np.uint64(other[min(p + AHEAD + np.uint64(each), latest)])
                    prefetch(x, later * width + column)
                a = load(x, np.uint64(other[p]) * width + column, lanes, masked, bits)
                b = load(x, np.uint64(other[q]) * width + column, lanes, masked, bits)
                c = load(x, np.uint64(other[s]) * width + column, lanes, masked, bits)
                d = load(x, np.uint64(other[t]) * width + column, lanes, masked, bits)
                if weighted:
                    place = min(p, num_edges - four)
                    four_weights = np.uint32(word(weight, place)) >> np.uint32((p - place) * np.uint64(8))
                else:
                    four_weights = np.uint32(0x01010101)
                used = np.uint32(0xFFFFFFFF) >> np.uint32(np.uint64(32) - count * np.uint64(8))
                factor = np.int32(np.uint32(four_weights & used))
                rows = flipped(interleaved(a, b, c, d), flips)
                if signed_weights:
                    sums = dot(sums, rows, repeated(factor, 16), fast)
                    total = dot(total, ones, repeated(factor, 4), fast)
                else:
                    sums = dot(sums, repeated(factor, 16), rows, fast)
                    total = dot(total, repeated(factor, 4), ones, fast)
                p += four
            correction = np.int32(np.int64(first_lane(total)) * -np.int64(zero))
            sums = added(sums, filled(np.int32(1), lanes), correction)
            place = i * width + column
            if to_bytes:
                store(
                    columns(rescaled(sums, mantissa, half, right, low, high, out_zero, lanes)),
                    out,
                    place,
                    width,
                    lanes,
                    masked,
                    bits,
                )
            else:
                store(columns(sums), out, place, width, lanes, masked, bits)

    return loop


def _wide_sums(
    neighbours: Neighbours,
    x: Tensor,
    output: Output | None,
    weight: Tensor | None,
    bias: Tensor | None,
    zero_point: int,
) -> Tensor:
    """The same sums of int32 or float32 rows, as they are."""
    _check_shapes(neighbours, x, weight)
    if output is not None or bias is not None or zero_point or (weight is not None and weight.dtype != x.dtype):
        raise InputError(
            f"rows of {x.dtype} are summed with weights of the same type, without output, bias and zero point",
            hint="give rows of int8 or uint8 for what is requantised",
        )
    edges, width, rows = neighbours.by_target, x.size(1), x.detach().contiguous().numpy().reshape(-1)
    out = np.empty(neighbours.num_targets * width, rows.dtype)
    weights = np.empty(0, rows.dtype) if weight is None else neighbours.weights_by_target(weight)
    if len(out):
        for block in blocks_of(width):
            loop = _wide_loop(block.lanes, block.is_masked, weight is not None)
            place = width, block.column, block.bits

            def run(first: int, last: int, loop=loop, place=place) -> None:
                loop(edges.row, edges.start, edges.other, weights, rows, *place, out, first, last)

            over_rows(neighbours.num_targets, run)
    return torch.from_numpy(out.reshape(-1, width) if width else out.reshape(neighbours.num_targets, 0))


@lru_cache
def _wide_loop(lanes: int, masked: bool, weighted: bool) -> Callable[..., None]:
    @contracted
    def loop(row_of, start, other, weight, x, width, column, bits, out, first, last):
        width, column, bits, number = np.uint64(width), np.uint64(column), np.uint64(bits), x.dtype.type
        latest, factor = np.uint64(max(len(other), 1) - 1), number(1)
        for r in range(first, last):
            i = np.uint64(row_of[np.uint64(r)])
            sums = filled(number(0), lanes)
            for p in range(np.uint64(start[np.uint64(r)]), np.uint64(start[np.uint64(r + 1)])):
                p = np.uint64(p)
                later = np.uint64(other[min(p + AHEAD, latest)]) * width + column
                for line in range(0, lanes, 16):
                    prefetch(x, later + np.uint64(line))
                if weighted:
                    factor = weight[p]
                sums = added(sums, load(x, np.uint64(other[p]) * width + column, lanes, masked, bits), factor)
            store(sums, out, i * width + column, width, lanes, masked, bits)

    return loop
