"""Blocks of columns that a kernel keeps in registers, with what turns their int32 sums into bytes."""

from __future__ import annotations

import contextlib
import mmap
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.integer.rescale import INT32, Output

WIDE, NARROW = 64, 16
"""Columns of a block; the last columns are one block of which some lanes are not used."""

PAGE, PAGES = 2**21, 2**22
"""Bytes of a large page, and bytes from which results lie in these."""

BYTES = (torch.int8, torch.uint8)


class Block(NamedTuple):
    """Columns `[column, column + size)` in `lanes` lanes.

    Attributes:
        column: The first.
        size: How many; fewer than the lanes in the last block.
        lanes: WIDE or NARROW.
    """

    column: int
    size: int
    lanes: int

    @property
    def is_masked(self) -> bool:
        return self.size < self.lanes

    @property
    def bits(self) -> np.uint64:
        """A bit for each column that there is."""
        return np.uint64((1 << self.size) - 1)


def blocks_of(width: int) -> list[Block]:
    """Blocks that cover `width` columns."""
    whole = [Block(column, WIDE, WIDE) for column in range(0, width - WIDE + 1, WIDE)]
    rest = width % WIDE
    return whole + ([Block(width - rest, rest, NARROW if rest <= NARROW else WIDE)] if rest else [])


class Conversion(NamedTuple):
    """What turns the sums of a block into its results, lane by lane: arguments of a compiled loop.

    Attributes:
        bias: int32 `[lanes]`, what sums start from.
        mantissa, half, right: int64 `[lanes]`, of `rescale`.
        low, high: The range, counted from the zero point.
        zero_point: Of the result.
    """

    bias: np.ndarray
    mantissa: np.ndarray
    half: np.ndarray
    right: np.ndarray
    low: int
    high: int
    zero_point: int

    @classmethod
    def of(cls, block: Block, bias: np.ndarray | None, output: Output | None, order: np.ndarray | None) -> Conversion:
        """Arguments for a block of the channels.

        Args:
            block: The columns.
            bias: Integers `[channels]`, taken modulo 2^32; none is 0.
            output: None where the sums themselves are the result.
            order: The column of each lane, where that is not the lane.
        """

        def lanes(values: np.ndarray | None, dtype: type, rest: int) -> np.ndarray:
            out = np.full(block.lanes, rest, dtype)
            if values is not None:
                out[: block.size] = values if len(values) == 1 else values[block.column : block.column + block.size]
            return out if order is None else out[order]

        start = lanes(None if bias is None else bias.astype(np.int64).astype(np.int32), np.int32, 0)
        if output is None:
            unused = np.ones(0, np.int64)
            return cls(start, unused, unused, unused, 0, 0, 0)
        right = 31 - output.multiplier.shift.astype(np.int64)
        half = np.left_shift(np.int64(1), right - 1)
        mantissa, half, right = (lanes(each, np.int64, 1) for each in (output.multiplier.mantissa, half, right))
        low, high = output.low - output.zero_point, output.high - output.zero_point
        return cls(start, mantissa, half, right, low, high, output.zero_point)


def as_bytes(values: Tensor) -> np.ndarray:
    """The numbers of a tensor of int8 or uint8 in a row, as int8."""
    return values.detach().contiguous().numpy().reshape(-1).view(np.int8)


def empty(rows: int, width: int, output: Output | None) -> tuple[np.ndarray, Tensor]:
    """Room for results, as a row of numbers that loops fill and as the tensor `[rows, width]`."""
    out = _room(rows * width, np.dtype(np.int32 if output is None else np.int8))
    shown = out if output is None else out.view(output.dtype)
    return out, torch.from_numpy(shown.reshape(rows, width))


def _room(count: int, dtype: np.dtype) -> np.ndarray:
    """Memory for numbers; much of it in large pages where the system has them, of which rows at random places are read
    up to half faster. Memory that was used before stays in the pages that it has, so that it is new."""
    size = count * dtype.itemsize
    if size < PAGES or not hasattr(mmap, "MADV_HUGEPAGE"):
        return np.empty(count, dtype)
    memory = mmap.mmap(-1, size + PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    whole = np.frombuffer(memory, np.int8)
    return whole[-whole.ctypes.data % PAGE :][:size].view(dtype)


def check_bytes(what: str, values: Tensor, num_dims: int) -> None:
    """Raises InputError for what is not int8 or uint8 on the CPU with so many dimensions."""
    if values.dtype not in BYTES or values.dim() != num_dims or values.device.type != "cpu":
        raise InputError(
            f"{what} {tuple(values.shape)} of {values.dtype} on {values.device}",
            hint=f"integer kernels take int8 or uint8 of {num_dims} dimensions on the CPU",
        )


def check_bias(bias: Tensor | None, channels: int) -> np.ndarray | None:
    """A bias as int64. Raises InputError for what is not int32 `[channels]`, or does not fit into it."""
    if bias is None:
        return None
    if bias.dtype not in (torch.int32, torch.int64) or tuple(bias.shape) != (channels,):
        raise InputError(
            f"a bias {tuple(bias.shape)} of {bias.dtype} for {channels} channels", hint="give int32 [channels]"
        )
    values = bias.detach().numpy().astype(np.int64)
    if len(values) and (values.min() < INT32.min or values.max() > INT32.max):
        raise InputError(f"a bias from {values.min()} to {values.max()}", hint="a bias fits into int32")
    return values
