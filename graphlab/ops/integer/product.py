"""Products of 8-bit rows with 8-bit weights, in integers from the bytes that are read to the bytes that are written.

    out = clamp(rescale((x - zero_point) @ weight + bias))

Weights are laid out once for the instruction, vpdpbusd of AVX512-VNNI: four rows of the weights byte by byte, sixteen
columns to a register. The sums of 256 results are kept in registers: 4 rows by 64 columns, or 16 rows by 16. The zero
point is taken out by the sums of the columns, which are part of the bias. Without VNNI the same loops are made of the
vectors that the processor has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.compiled import contracted
from graphlab.ops.integer import devices
from graphlab.ops.integer.arithmetic import block_dot, has_vnni, rescaled
from graphlab.ops.integer.blocks import Conversion, as_bytes, blocks_of, check_bias, check_bytes, empty
from graphlab.ops.integer.rescale import Output, requantise
from graphlab.ops.integer.vectors import load, spread, store
from graphlab.ops.neighbour_sum import over_rows

if TYPE_CHECKING:
    from graphlab.ops.integer.gpu.layout import DeviceWeights

SUMS = 256
"""int32 sums that are kept in registers."""


class Weights:
    """Weights laid out for `product`.

    Args:
        weight: int8 `[in_channels, out_channels]`.

    Raises:
        InputError: Other types or shapes.
    """

    def __init__(self, weight: Tensor) -> None:
        check_bytes("weights", weight, 2)
        if weight.dtype != torch.int8:
            raise InputError(f"weights of {weight.dtype}", hint="weights are int8; their zero point is 0")
        self.weight = weight.detach()
        values = self.weight.numpy()
        self.column_sums = values.sum(axis=0, dtype=np.int64)
        quads = -(-len(values) // 4)
        self.blocks = blocks_of(values.shape[1])
        self.packed: list[np.ndarray] = []
        for block in self.blocks:
            padded = np.zeros((4 * quads, block.lanes), np.int8)
            padded[: len(values), : block.size] = values[:, block.column : block.column + block.size]
            self.packed.append(
                np.ascontiguousarray(padded.reshape(quads, 4, block.lanes).transpose(0, 2, 1)).reshape(-1)
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Channels that go in, and channels that come out."""
        return self.weight.size(0), self.weight.size(1)


def product(
    x: Tensor,
    weight: Tensor | Weights | DeviceWeights,
    output: Output | None = None,
    bias: Tensor | None = None,
    zero_point: int = 0,
) -> Tensor:
    """Rows times weights, in integers.

    The accumulator is int32; `overflow.product_reach` tells how far it can go. The integers do not depend on
    threads or on the processor.

    Args:
        x: Rows, int8 or uint8.
        weight: int8, laid out or not; on a GPU by `gpu.layout.DeviceWeights`.
        output: Scale, zero point and range of the result; None for the sums themselves.
        bias: int32, in the scale of the sums.
        zero_point: The integer of x that stands for 0.

    Shapes:
        x `[n, in_channels]`, weight `[in_channels, out_channels]`, bias `[out_channels]`.

    Returns:
        `[n, out_channels]`: int8 or uint8 as the output has it, int32 without.

    Raises:
        InputError: Other shapes or types.
    """
    if devices.on_gpu(x):
        from graphlab.ops.integer.gpu import dispatch

        return dispatch.product(x, weight, output, bias, zero_point)
    weight = _laid_out(weight)
    offset = _checked(x, weight, output, bias)
    (inner, width), num_rows = weight.shape, len(x)
    out, result = empty(num_rows, width, output)
    if not num_rows or not width:
        return result
    quads = -(-inner // 4)
    rows = as_bytes(x if inner == 4 * quads else torch.nn.functional.pad(x, (0, 4 * quads - inner)))
    flips = x.dtype == torch.int8
    offset = (0 if offset is None else offset) - (int(zero_point) + 128 * flips) * weight.column_sums
    for block, packed in zip(weight.blocks, weight.packed, strict=True):
        conversion = Conversion.of(block, offset, output, None)
        loop = _loop(
            block.lanes, SUMS // block.lanes, 4 * block.lanes, block.is_masked, flips, output is not None, has_vnni()
        )
        place = quads, width, block.column, block.bits

        def run(first: int, last: int, loop=loop, packed=packed, place=place, conversion=conversion) -> None:
            loop(rows, packed, *place, *conversion, out, first, last)

        over_rows(num_rows, run)
    return result


def reference(
    x: Tensor, weight: Tensor, output: Output | None = None, bias: Tensor | None = None, zero_point: int = 0
) -> Tensor:
    """`product` in int64: the definition."""
    sums = (x.numpy().astype(np.int64) - zero_point) @ weight.numpy().astype(np.int64)
    if bias is not None:
        sums += bias.numpy().astype(np.int64)
    return torch.from_numpy(sums.astype(np.int32) if output is None else requantise(sums, output))


def instructions() -> str:
    """The instruction that multiplies and adds bytes here: "avx512_vnni vpdpbusd", or "vectors of LLVM"."""
    return "avx512_vnni vpdpbusd" if has_vnni() else "vectors of LLVM"


def _laid_out(weight: Tensor | Weights | DeviceWeights) -> Weights:
    if isinstance(weight, (Tensor, Weights)):
        return weight if isinstance(weight, Weights) else Weights(weight)
    raise InputError(
        f"weights laid out on {weight.data.device} for rows on the CPU", hint="lay them out by Weights(weight)"
    )


def _checked(x: Tensor, weight: Weights, output: Output | None, bias: Tensor | None) -> np.ndarray | None:
    check_bytes("rows", x, 2)
    if x.size(1) != weight.shape[0]:
        raise InputError(
            f"rows {tuple(x.shape)} times weights {weight.shape}", hint="rows have as many columns as weights have rows"
        )
    if output is not None:
        output.check_channels(weight.shape[1])
    return check_bias(bias, weight.shape[1])


@lru_cache
def _loop(
    lanes: int, together: int, of_words: int, masked: bool, flips: bool, to_bytes: bool, fast: bool
) -> Callable[..., None]:
    """Rows `[first, last)` of the product with a block of `lanes` columns, which have `of_words` bytes a quad of rows:
    `together` rows at once, then one at a time."""

    @contracted
    def loop(
        x, packed, quads, width, column, bits,
        bias, mantissa, half, right, low, high, out_zero, out, first, last,
    ):  # fmt: skip
        width, column, bits, origin = np.uint64(width), np.uint64(column), np.uint64(bits), np.uint64(0)
        stride, of_quad = np.uint64(quads) * np.uint64(4), np.uint64(of_words)
        start = load(bias, origin, lanes, False, bits)
        i, end, step = np.uint64(first), np.uint64(last), np.uint64(together)
        while i + step <= end:
            sums = spread(start, together)
            for quad in range(quads):
                k = np.uint64(quad)
                factors = load(packed, k * of_quad, of_words, False, bits)
                sums = block_dot(sums, x, i * stride + k * np.uint64(4), stride, factors, flips, fast)
            if to_bytes:
                values = rescaled(sums, mantissa, half, right, low, high, out_zero, lanes)
                store(values, out, i * width + column, width, lanes, masked, bits)
            else:
                store(sums, out, i * width + column, width, lanes, masked, bits)
            i += step
        while i < end:
            sums = start
            for quad in range(quads):
                k = np.uint64(quad)
                factors = load(packed, k * of_quad, of_words, False, bits)
                sums = block_dot(sums, x, i * stride + k * np.uint64(4), stride, factors, flips, fast)
            if to_bytes:
                values = rescaled(sums, mantissa, half, right, low, high, out_zero, lanes)
                store(values, out, i * width + column, width, lanes, masked, bits)
            else:
                store(sums, out, i * width + column, width, lanes, masked, bits)
            i += np.uint64(1)

    return loop
