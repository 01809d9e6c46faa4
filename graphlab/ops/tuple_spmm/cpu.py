"""The CPU path: compiled loops over rows, by target forward and by source backward, without locks or copies.

Rows are cut into the same chunks for any number of threads, so that the bits of the table's gradient, which is summed
chunk by chunk, do not depend on it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.threads import for_each
from graphlab.ops.tuple_spmm.kernels import plain, rectified, rectified_back
from graphlab.ops.tuple_spmm.messages import Messages, Rows, View

CHUNKS = 16


def cpu(messages: Messages, x: Tensor, table: Tensor | None = None, self_weight: Tensor | None = None) -> Tensor:
    """`tuple_spmm` in float32 or float64."""
    return _TupleSum.apply(x, table, self_weight, messages)  # pyright: ignore[reportReturnType]


def forward(messages: Messages, x: Tensor, table: Tensor | None, self_weight: Tensor | None) -> Tensor:
    """The sums, without a graph of gradients."""
    rows, view = _arrays(messages.heard, messages.listener)
    out = x.new_empty(messages.num_targets, x.size(1))
    values, weight, result = _array(x), _weight(x, self_weight), out.numpy()
    if table is None:
        _over_chunks(len(out), lambda first, last: plain(rows, view, values, weight, result, first, last))
    else:
        shift = _array(table)
        _over_chunks(len(out), lambda first, last: rectified(rows, view, values, shift, weight, result, first, last))
    return out


def backward(
    messages: Messages, x: Tensor, table: Tensor | None, self_weight: Tensor | None, grad: Tensor
) -> tuple[Tensor, Tensor | None]:
    """The gradients of x and of the table from that of the sums."""
    if table is None:
        return forward(messages.transposed, grad, None, self_weight), None
    rows, view = _arrays(messages.told, messages.speaker)
    out = torch.empty_like(x)
    values, shift, weight = _array(x), _array(table), _weight(x, self_weight)
    coming, result = _array(grad), out.numpy()
    to_table = torch.zeros(CHUNKS, *table.shape, dtype=x.dtype)
    parts = to_table.numpy()

    def run(first: int, last: int) -> None:
        part = parts[first * CHUNKS // len(out)]
        rectified_back(rows, view, values, shift, weight, coming, result, part, first, last)

    _over_chunks(len(out), run)
    return out, to_table.sum(0)


class _TupleSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor | None, self_weight: Tensor | None, messages: Messages) -> Tensor:
        ctx.messages = messages
        ctx.save_for_backward(x, table, self_weight)
        return forward(messages, x, table, self_weight)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        x, table, self_weight = ctx.saved_tensors
        grad = grad.contiguous()
        to_x, to_table = backward(ctx.messages, x, table, self_weight, grad)
        to_weight = None if self_weight is None else torch.dot(grad.flatten(), x.flatten()).view_as(self_weight)
        return to_x, to_table, to_weight, None


def _over_chunks(num_rows: int, run: Any) -> None:
    cuts = [-(-num_rows * part // CHUNKS) for part in range(CHUNKS + 1)]
    for_each(lambda chunk: run(*chunk), [c for c in pairwise(cuts) if c[0] < c[1]])


def _arrays(rows: Rows, view: View) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    return (
        (rows.start.numpy(), rows.index.numpy(), rows.kind.numpy()),
        (view.row.numpy(), view.base.numpy(), view.stride.numpy()),
    )


def _array(values: Tensor) -> np.ndarray:
    return values.detach().contiguous().numpy()


def _weight(x: Tensor, self_weight: Tensor | None) -> np.ndarray:
    return np.empty(0, x.detach().numpy().dtype) if self_weight is None else _array(self_weight.reshape(1))
