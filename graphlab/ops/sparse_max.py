"""The largest of weighted rows that are heard, number by number: messages that are compared, not summed.

    out[i, h, c] = max over entries (i, j) of values[(i, j), h] dense[j, h, c]

The gradient goes to the first entry that is the largest. On a CPU compiled loops lay out no message.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.compiled import contracted
from graphlab.ops.sparse_product import Pattern


def sparse_max(pattern: Pattern, values: Tensor, dense: Tensor) -> Tensor:
    """Largest weighted rows of a dense matrix, for each row of a sparse one.

    Args:
        values: `[E, heads]`, or `[E]` for all heads.
        dense: `[num_columns, heads, d]`.

    Returns `[num_rows, heads, d]`, float32 at least; 0 for a row without entries.
    """
    dtype = torch.promote_types(dense.dtype, torch.float32)
    values, rows = values.to(dtype), dense.to(dtype)
    if values.dim() == 1:
        values, rows = values.unsqueeze(1), rows.flatten(1).unsqueeze(1)
    out = _Max.apply(pattern, values, rows) if rows.device.type == "cpu" else reference(pattern, values, rows)
    return out.view(-1, *dense.shape[1:])  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]


def reference(pattern: Pattern, values: Tensor, dense: Tensor) -> Tensor:
    """The same by scattering messages `[E, heads, d]`, with heads in both; ties share the gradient."""
    messages = values.unsqueeze(2) * dense.index_select(0, pattern.column)
    place = pattern.row.view(-1, 1, 1).expand_as(messages)
    out = messages.new_zeros(pattern.shape[0], *messages.shape[1:])
    return out.scatter_reduce(0, place, messages, "amax", include_self=False)


class _Max(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pattern: Pattern, values: Tensor, dense: Tensor) -> Tensor:
        values, dense = values.contiguous(), dense.contiguous()
        out = dense.new_zeros(pattern.shape[0], *dense.shape[1:])
        best = torch.full(out.shape, -1, dtype=torch.int32)
        start, order = (part.numpy() for part in pattern.row_order)
        _forward(start, order, pattern.column.numpy(), values.numpy(), dense.numpy(), out.numpy(), best.numpy())
        ctx.save_for_backward(values, dense, best)
        ctx.column = pattern.column
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        values, dense, best = ctx.saved_tensors
        to_values, to_dense = torch.zeros_like(values), torch.zeros_like(dense)
        given = (ctx.column, values, dense, best, grad.contiguous(), to_values, to_dense)
        _backward(*(part.numpy() for part in given))
        return None, to_values, to_dense


@contracted
def _forward(start, order, column, values, dense, out, best):
    _, heads, width = dense.shape
    for i in range(len(start) - 1):
        for place in range(start[i], start[i + 1]):
            entry = order[place]
            j = column[entry]
            for h in range(heads):
                value = values[entry, h]
                for c in range(width):
                    message = value * dense[j, h, c]
                    if place == start[i] or message > out[i, h, c]:
                        out[i, h, c] = message
                        best[i, h, c] = entry


@contracted
def _backward(column, values, dense, best, grad, to_values, to_dense):
    rows, heads, width = grad.shape
    for i in range(rows):
        for h in range(heads):
            for c in range(width):
                entry = best[i, h, c]
                if entry >= 0:
                    j = column[entry]
                    to_values[entry, h] += grad[i, h, c] * dense[j, h, c]
                    to_dense[j, h, c] += grad[i, h, c] * values[entry, h]
