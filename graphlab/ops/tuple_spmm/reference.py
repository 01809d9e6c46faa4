"""The slow path: every message is laid out."""

from __future__ import annotations

from torch import Tensor

from graphlab.ops.tuple_spmm.messages import Messages


def reference(messages: Messages, x: Tensor, table: Tensor | None = None, self_weight: Tensor | None = None) -> Tensor:
    """`tuple_spmm` by gather and scatter: memory for every message."""
    target, source, kind = messages.pairs()
    sent = x[source]
    if table is not None:
        sent = (sent + table[kind]).relu()
    out = x.new_zeros(messages.num_targets, x.size(1)).index_add(0, target, sent)
    return out if self_weight is None else out + self_weight * x
