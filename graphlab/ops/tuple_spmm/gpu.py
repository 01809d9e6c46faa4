"""The GPU path: Triton kernels by target forward and by source backward, without atomics, the same bits every time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.tuple_spmm import gpu_kernels
from graphlab.ops.tuple_spmm.messages import Messages, Rows, View

BLOCK = 128
"""Columns a program, at most."""

ROWS = 64
"""Rows that a program sums the table's gradient over."""


def gpu(messages: Messages, x: Tensor, table: Tensor | None = None, self_weight: Tensor | None = None) -> Tensor:
    """`tuple_spmm` in float32, bfloat16 or float16."""
    return _GPUTupleSum.apply(x, table, self_weight, messages)  # pyright: ignore[reportReturnType]


class _GPUTupleSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor | None, self_weight: Tensor | None, messages: Messages) -> Tensor:
        x, table = x.contiguous(), None if table is None else table.contiguous()
        ctx.messages = messages
        ctx.save_for_backward(x, table, self_weight)
        return _gather(messages.heard, messages.listener, x, table, self_weight)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        x, table, self_weight = ctx.saved_tensors
        grad = grad.contiguous()
        told, speaker = ctx.messages.told, ctx.messages.speaker
        to_weight = None if self_weight is None else (grad.float() * x.float()).sum().to(x.dtype).view_as(self_weight)
        if table is None:
            return _gather(told, speaker, grad, None, self_weight), None, to_weight, None
        to_x = torch.empty_like(x)
        _launch(
            gpu_kernels.send_back, len(x), x, *_arrays(told, speaker), x, table, self_weight, grad, to_x, x.size(1),
            WEIGHTED=self_weight is not None,
        )  # fmt: skip
        chunks = -(-len(x) // ROWS)
        parts = x.new_zeros(chunks, *table.shape, dtype=torch.float32)
        _launch(
            gpu_kernels.send_back_to_table, chunks, x, *_arrays(told, speaker), x, table, grad, parts, len(x),
            len(table), x.size(1), ROWS=ROWS,
        )  # fmt: skip
        return to_x, parts.sum(0).to(table.dtype), to_weight, None


def _gather(rows: Rows, view: View, x: Tensor, table: Tensor | None, self_weight: Tensor | None) -> Tensor:
    out = x.new_empty(len(view.row), x.size(1))
    _launch(
        gpu_kernels.gather, len(out), x, *_arrays(rows, view), x, table, self_weight, out, x.size(1),
        RECTIFIED=table is not None, WEIGHTED=self_weight is not None,
    )  # fmt: skip
    return out


def _arrays(rows: Rows, view: View) -> tuple[Tensor, ...]:
    return rows.start, rows.index, rows.kind, view.row, view.base, view.stride


def _launch(kernel: Any, programs: int, x: Tensor, *arguments: Any, **constants: Any) -> None:
    columns = x.size(1)
    if not programs or not columns:
        return
    block = min(BLOCK, 1 << max(0, columns - 1).bit_length())
    options = {"BLOCK": block, "num_warps": 4, "enable_fp_fusion": False}
    with torch.cuda.device_of(x):
        kernel[programs, -(-columns // block)](*arguments, **constants, **options)
