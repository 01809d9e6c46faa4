"""Results for some nodes only, and for some queries each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.relational_spmm.graph import RelationalGraph


@dataclass(frozen=True)
class Pairs:
    """P results, each of a node as one of several slots sees the graph.

    node        int64 `[P]`
    slot        int64 `[P]`
    place       int32 `[slots, S]`: the row of x that holds source u as the slot sees it, -1 where no result asks for it
    is_checked  whether who made them vouches for their ranges
    """

    node: Tensor
    slot: Tensor
    place: Tensor
    is_checked: bool = False

    def check(self, graph: RelationalGraph, num_rows: int) -> None:
        """Raises InputError where a result names a node, a slot or a row that is not there."""
        if self.place.dim() != 2 or self.place.size(1) != graph.num_sources or self.place.dtype != torch.int32:
            raise InputError(
                f"place is {self.place.dtype} {list(self.place.shape)}",
                hint=f"it must be torch.int32 [slots, {graph.num_sources}]",
            )
        if self.is_checked:
            return
        for name, value, size in (
            ("node", self.node, graph.num_nodes),
            ("slot", self.slot, len(self.place)),
            ("place", self.place, num_rows),
        ):
            low, high = value.aminmax() if value.numel() else (torch.zeros(()), -torch.ones(()))
            if low < (-1 if name == "place" else 0) or high >= size:
                raise InputError(f"a {name} of the pairs is out of range", hint=f"it must be below {size}")

    def expanded(self, graph: RelationalGraph, num_rows: int, types_per_slot: int) -> tuple[RelationalGraph, Tensor]:
        """The edges of all results as a graph of their own, from rows of x to results, and the edge of `graph` that
        each one is; type k of slot s is type `s * types_per_slot + k`."""
        rows = graph.by_target
        first, last = rows.start[self.node], rows.start[self.node + 1]
        target = torch.repeat_interleave(torch.arange(len(self.node), device=self.node.device), last - first)
        begin = (last - first).cumsum(0) - (last - first)
        at = torch.arange(len(target), device=target.device) - begin[target] + first[target]
        slot = self.slot[target]
        source = self.place[slot, rows.other[at].long()].long()
        kind = rows.kind[at].long() + slot * types_per_slot
        return RelationalGraph(torch.stack([source, target]), kind, len(self.node), num_rows), rows.edge[at]
