"""The one way to the sums: by device, to the path that computes them."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.compiled import MAX_WIDTH
from graphlab.ops.tuple_spmm.cpu import cpu
from graphlab.ops.tuple_spmm.messages import Messages
from graphlab.ops.tuple_spmm.reference import reference


def tuple_spmm(messages: Messages, x: Tensor, table: Tensor | None = None, self_weight: Tensor | None = None) -> Tensor:
    """Sums over the tuples that each tuple hears of. Zhang et al., ICML 2023, eq. 4 with the messages of appendix G.

        out[i] = self_weight x[i] + sum of { relu(x[j] + table[kind]) or, without a table, x[j] : j -> i }

    Args:
        messages: N targets, S sources.
        x: `[S, d]`.
        table: `[K, d]`, a vector a kind of message. Without one the kinds are not looked at, nor x rectified.
        self_weight: a scalar, such as 1 + epsilon; needs N = S. Without one a row is no part of its own sum.

    Returns:
        `[N, d]`; differentiable in x, table and self_weight, once. Float32 is summed in float64: the same comes out in
        whatever order messages are, but for sums at the very edge between two numbers. On the CPU the same bits for any
        number of threads; memory for the sums alone, never for messages.

    Raises:
        InputError: an argument of the wrong shape or dtype.
    """
    _check(messages, x, table, self_weight)
    if x.is_cpu and x.dtype in (torch.float32, torch.float64) and x.size(1) <= MAX_WIDTH:
        return cpu(messages, x, table, self_weight)
    if x.is_cuda and x.dtype in (torch.float32, torch.bfloat16, torch.float16) and find_spec("triton") is not None:
        from graphlab.ops.tuple_spmm.gpu import gpu

        return gpu(messages, x, table, self_weight)
    return reference(messages, x, table, self_weight)


def _check(messages: Messages, x: Tensor, table: Tensor | None, self_weight: Tensor | None) -> None:
    _require(x.dim() == 2 and len(x) == messages.num_sources, f"x has shape {list(x.shape)}", _rows_of(messages))
    if table is not None:
        fits = table.dim() == 2 and table.size(1) == x.size(1) and table.dtype == x.dtype
        _require(fits, f"table is {table.dtype} {list(table.shape)}", f"it is {x.dtype} [kinds, {x.size(1)}]")
        known = len(messages.heard.kind) == len(messages.heard.index)
        _require(known, "there is a table and messages have no kinds", "give `kind` when they are made")
        kinds = messages.num_kinds
        _require(kinds <= len(table), f"table has {len(table)} rows and messages {kinds} kinds", "one row a kind")
    if self_weight is not None:
        _require(self_weight.numel() == 1, f"self_weight has shape {list(self_weight.shape)}", "it is one number")
        square = messages.num_targets == messages.num_sources
        _require(square, "a self_weight needs as many targets as sources", _rows_of(messages))


def _rows_of(messages: Messages) -> str:
    return f"there are {messages.num_sources} sources and {messages.num_targets} targets"


def _require(holds: bool, message: str, hint: str) -> None:
    if not holds:
        raise InputError(f"tuple_spmm: {message}", hint=hint)
