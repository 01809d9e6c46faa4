"""Additive scores of pairs: attention by a hidden layer. Bahdanau, Cho and Bengio, ICLR 2015, section A.1.2.

    score[(i, j), h] = sum over c of out[c] tanh(left[i, h, c] + right[j, h, c])

for the entries (i, j) of a pattern. On a CPU as many entries as stay in the cache are worked on at a time, and the
gradient computes their tangents again: no message is laid out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.core.errors import InputError
from graphlab.ops.compiled import contracted
from graphlab.ops.sparse_product import Pattern
from graphlab.ops.threads import for_each_alone, shares

AT_A_TIME = 2**17
"""Numbers of messages that a thread works on at a time: 512 KiB of float32."""


def additive_score(pattern: Pattern, left: Tensor, right: Tensor, out: Tensor) -> Tensor:
    """What a hidden layer with hyperbolic tangents makes of a row of each of two matrices, for each entry of a sparse
    one. Bahdanau, Cho and Bengio, ICLR 2015, section A.1.2.

    Args:
        left: `[num_rows, heads, d]`.
        right: `[num_columns, heads, d]`.
        out: `[d]`, the weights of all heads.

    Returns:
        `[E, heads]`, float32 at least, under autocast too; differentiable in left, right and out, once on a CPU.

    Raises:
        InputError: shapes that do not fit the pattern or each other.
    """
    num_rows, num_columns = pattern.shape
    if not (
        left.shape == (num_rows, *right.shape[1:])
        and right.shape == (num_columns, *left.shape[1:])
        and left.shape[2:] == out.shape
    ):
        raise InputError(
            f"additive scores of {tuple(left.shape)}, {tuple(right.shape)} and {tuple(out.shape)} need"
            f" [{num_rows}, heads, d], [{num_columns}, heads, d] and [d]",
            hint="give both sides the same heads and width",
        )
    dtype = torch.promote_types(left.dtype, torch.float32)
    given = (left.to(dtype), right.to(dtype), out.to(dtype))
    with torch.autocast(left.device.type, enabled=False):
        if left.device.type == "cpu":
            return _Score.apply(pattern, *given)  # pyright: ignore[reportReturnType]
        return reference(pattern, *given)


def reference(pattern: Pattern, left: Tensor, right: Tensor, out: Tensor) -> Tensor:
    """`additive_score` of messages `[E, heads, d]` that are laid out."""
    return (left.index_select(0, pattern.row) + right.index_select(0, pattern.column)).tanh() @ out


class _Score(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pattern: Pattern, left: Tensor, right: Tensor, out: Tensor) -> Tensor:
        left, right, out = left.contiguous(), right.contiguous(), out.contiguous()
        ctx.save_for_backward(left, right, out)
        ctx.pattern = pattern
        score = left.new_empty(len(pattern), left.size(1))

        def of_heads(heads: tuple[int, int]) -> None:
            for entries, tangents in _tangents(pattern, left, right, heads):
                score[entries, slice(*heads)] = tangents @ out

        for_each_alone(of_heads, shares(left.size(1)))
        return score

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        left, right, out = ctx.saved_tensors
        pattern, grad = ctx.pattern, grad.contiguous()
        to_left, to_right = torch.zeros_like(left), torch.zeros_like(right)
        to_out = out.new_zeros(left.size(1), len(out))

        def of_heads(heads: tuple[int, int]) -> None:
            first, last = heads
            for entries, tangents in _tangents(pattern, left, right, heads):
                received = grad[entries, first:last]
                to_out[first] += received.flatten() @ tangents.flatten(0, 1)
                to_sums = tangents.square_().neg_().add_(1.0).mul_(out).mul_(received.unsqueeze(2))
                places = (pattern.row[entries], pattern.column[entries])
                given = (*places, to_sums.flatten(1), to_left.flatten(1), to_right.flatten(1))
                _add_to_both(first * len(out), *(part.numpy() for part in given))

        for_each_alone(of_heads, shares(left.size(1)))
        return None, to_left, to_right, to_out.sum(0)


def _tangents(pattern: Pattern, left: Tensor, right: Tensor, heads: tuple[int, int]) -> Iterator[tuple[slice, Tensor]]:
    """tanh(left_i + right_j) of a few entries at a time, `[entries, heads, d]`, in the same memory each time."""
    first, last = heads
    count = max(1, AT_A_TIME // max(1, (last - first) * left.size(2)))
    room = left.new_empty(min(count, len(pattern)), last - first, left.size(2))
    rows, columns = pattern.row.numpy(), pattern.column.numpy()
    sides = (left.flatten(1).numpy(), right.flatten(1).numpy())
    for start in range(0, len(pattern), count):
        entries = slice(start, min(start + count, len(pattern)))
        sums = room[: entries.stop - start]
        _add(first * left.size(2), rows[entries], columns[entries], *sides, sums.flatten(1).numpy())
        yield entries, sums.tanh_()


@contracted
def _add(first, row, column, left, right, sums):
    """sums[e, c] = left[row[e], first + c] + right[column[e], first + c]."""
    for e in range(len(row)):
        one, other, both = left[row[e]], right[column[e]], sums[e]
        for c in range(len(both)):
            both[c] = one[np.uint64(first + c)] + other[np.uint64(first + c)]


@contracted
def _add_to_both(first, row, column, to_sums, to_left, to_right):
    """The gradient of each entry's sums, added to its two rows."""
    for e in range(len(row)):
        one, other, both = to_left[row[e]], to_right[column[e]], to_sums[e]
        for c in range(len(both)):
            one[np.uint64(first + c)] += both[c]
            other[np.uint64(first + c)] += both[c]
