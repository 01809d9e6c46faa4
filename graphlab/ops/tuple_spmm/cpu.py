"""The CPU path: compiled loops over rows, by target forward and by source backward, without locks or copies.

The table's gradient is summed part by part of the rows, which are the same for any number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.threads import PARTS, over_parts
from graphlab.ops.tuple_spmm.kernels import WIDE, loops
from graphlab.ops.tuple_spmm.messages import Messages, Rows, View


def cpu(messages: Messages, x: Tensor, table: Tensor | None = None, self_weight: Tensor | None = None) -> Tensor:
    """`tuple_spmm` in float32 or float64."""
    return _TupleSum.apply(x, table, self_weight, messages)  # pyright: ignore[reportReturnType]


class RowLoops:
    """The sums of one product and their gradients, any range of rows at a time.

    x: `[S, d]`, contiguous; table, self_weight as `tuple_spmm` takes them.
    """

    def __init__(self, messages: Messages, x: Tensor, table: Tensor | None, self_weight: Tensor | None) -> None:
        self._heard = _arrays(messages.heard, messages.listener)
        self._told = _arrays(messages.told, messages.speaker)
        self._x = x.detach().numpy()
        self._table = None if table is None else table.detach().contiguous().numpy()
        weight = x.new_empty(0) if self_weight is None else self_weight.detach().reshape(1)
        self._weight = weight.numpy()
        self._loops = loops(x.size(1))

    def forward(self, out: np.ndarray, first: int, last: int) -> None:
        """The sums of the targets `[first, last)`, into `out`, a row each."""
        if self._table is None:
            self._loops.plain(*self._heard, self._x, self._weight, WIDE, out, first, last)
        else:
            self._loops.rectified(*self._heard, self._x, self._table, self._weight, out, first, last)

    def backward(self, grad: np.ndarray, out: np.ndarray, to_table: np.ndarray, first: int, last: int) -> None:
        """The gradient of the sources `[first, last)` into `out`, and of the table, added to, from that of the sums."""
        if self._table is None:
            self._loops.plain(*self._told, grad, self._weight, np.zeros(0, grad.dtype), out, first, last)
        else:
            self._loops.rectified_back(
                *self._told, self._x, self._table, self._weight, grad, out, to_table, first, last
            )


class _TupleSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor | None, self_weight: Tensor | None, messages: Messages) -> Tensor:
        ctx.messages = messages
        x = x.contiguous()
        ctx.save_for_backward(x, table, self_weight)
        product = RowLoops(messages, x, table, self_weight)
        out = x.new_empty(messages.num_targets, x.size(1))
        result = out.numpy()
        over_parts(len(out), lambda _, first, last: product.forward(result[first:last], first, last))
        return out

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        x, table, self_weight = ctx.saved_tensors
        product = RowLoops(ctx.messages, x, table, self_weight)
        to_x = torch.empty_like(x)
        to_table = x.new_zeros(PARTS, *(() if table is None else table.shape))
        back, result, parts = grad.contiguous().numpy(), to_x.numpy(), to_table.numpy()

        def run(part: int, first: int, last: int) -> None:
            product.backward(back, result[first:last], parts[part], first, last)

        over_parts(len(x), run)
        return (
            to_x,
            None if table is None else to_table.sum(0),
            None if self_weight is None else torch.dot(grad.flatten(), x.flatten()).view_as(self_weight),
            None,
        )


def _arrays(rows: Rows, view: View) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    return (
        (rows.start.numpy(), rows.index.numpy(), rows.kind.numpy()),
        (view.row.numpy(), view.base.numpy(), view.stride.numpy()),
    )
