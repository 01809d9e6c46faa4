"""Typed edges, checked once, in the orders that the kernels walk them in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.compiled import counting_sort

CHUNK = 256
"""Edges a chunk of `Chunks`, at most."""


@dataclass(frozen=True)
class Rows:
    """Edges in compressed rows: row v holds the places `start[v]` to `start[v + 1]`.

    start   int64 `[N + 1]`
    other   int32 `[E]`, the node at the far end of the edge in each place
    kind    int32 `[E]`, its type
    edge    int64 `[E]`, its number
    """

    start: Tensor
    other: Tensor
    kind: Tensor
    edge: Tensor


@dataclass(frozen=True)
class Runs:
    """The edges of one type in each row, which follow each other.

    run    int64 `[N + 1]`: row v holds the runs `run[v]` to `run[v + 1]`
    begin  int64 `[runs + 1]`: run j holds the places `begin[j]` to `begin[j + 1]`, of which there is one at least
    """

    run: Tensor
    begin: Tensor


@dataclass(frozen=True)
class Chunks:
    """Edges in the order of their types, cut into C chunks of at most CHUNK edges of one type.

    start   int64 `[C + 1]`: chunk c holds the places `start[c]` to `start[c + 1]`
    kind    int64 `[C]`, its type
    first   int64 `[types + 1]`: type k has the chunks `first[k]` to `first[k + 1]`
    source  int32 `[E]`, of the edge in each place
    target  int32 `[E]`
    edge    int64 `[E]`, its number; within a type the numbers rise
    """

    start: Tensor
    kind: Tensor
    first: Tensor
    source: Tensor
    target: Tensor
    edge: Tensor


class RelationalGraph:
    """Typed edges from `edge_index[0]` to `edge_index[1]`.

    Args:
        edge_index: int64 `[2, E]`; sources in `[0, num_sources)`, targets in `[0, num_nodes)`.
        edge_type: int64 `[E]`, not negative.
        num_nodes: N. Nodes without edges count.
        num_sources: where sources are not the same nodes as targets, how many they are.

    Raises:
        InputError: an argument of the wrong shape, dtype or range.
    """

    def __init__(self, edge_index: Tensor, edge_type: Tensor, num_nodes: int, num_sources: int | None = None) -> None:
        for name, value in (("edge_index", edge_index), ("edge_type", edge_type)):
            if value.dtype != torch.int64:
                raise InputError(f"{name} is {value.dtype}", hint="it must be torch.int64")
        if edge_type.dim() != 1 or list(edge_index.shape) != [2, len(edge_type)]:
            raise InputError(
                f"edge_index has shape {list(edge_index.shape)} and edge_type {list(edge_type.shape)}",
                hint="they are [2, num_edges] and [num_edges]",
            )
        self.edge_index = edge_index
        self.edge_type = edge_type
        self.num_nodes = num_nodes
        self.num_sources = num_nodes if num_sources is None else num_sources
        _check_range("source", edge_index[0], self.num_sources)
        _check_range("target", edge_index[1], self.num_nodes)
        self.least_num_relations = _check_range("type", edge_type, None) + 1

    @classmethod
    def with_inverses(
        cls, edge_index: Tensor, edge_type: Tensor, num_nodes: int, num_relations: int
    ) -> RelationalGraph:
        """Every edge in both directions: edge e of E and, as edge e + E of type r + num_relations, its inverse."""
        return cls(
            torch.cat([edge_index, edge_index.flip(0)], dim=1),
            torch.cat([edge_type, edge_type + num_relations]),
            num_nodes,
        )

    @property
    def num_edges(self) -> int:
        return len(self.edge_type)

    def kept(self, edge_mask: Tensor) -> RelationalGraph:
        """The graph of the edges under True in `edge_mask` `[E]`, numbered anew."""
        return RelationalGraph(
            self.edge_index[:, edge_mask], self.edge_type[edge_mask], self.num_nodes, self.num_sources
        )

    @cached_property
    def by_target(self) -> Rows:
        """Row v: the edges that arrive at v, those of one type together."""
        _, order = _sorted(self.edge_type, self.least_num_relations)
        return _rows(self.edge_index[1], self.edge_index[0], self.edge_type, self.num_nodes, order)

    @cached_property
    def runs(self) -> Runs:
        """Those of `by_target`."""
        rows = self.by_target
        row = torch.repeat_interleave(rows.start.diff())
        place = torch.arange(self.num_edges, device=row.device)
        starts = (place == rows.start[row]) | (rows.kind != rows.kind.roll(1))
        before = torch.cat([starts.new_zeros(1, dtype=torch.int64), starts.cumsum(0)])
        return Runs(before[rows.start], torch.cat([place[starts], rows.start[-1:]]))

    @cached_property
    def by_source(self) -> Rows:
        """Row u: the edges that leave u."""
        return _rows(self.edge_index[0], self.edge_index[1], self.edge_type, self.num_sources)

    @cached_property
    def by_type(self) -> Chunks:
        """Chunks of edges of one type."""
        rows = _rows(self.edge_type, self.edge_index[0], self.edge_index[1], self.least_num_relations)
        count = (rows.start.diff() + CHUNK - 1) // CHUNK
        first = torch.cat([count.new_zeros(1), count.cumsum(0)])
        kind = torch.repeat_interleave(count)
        begin = rows.start[kind] + CHUNK * (torch.arange(len(kind), device=kind.device) - first[kind])
        return Chunks(torch.cat([begin, rows.start[-1:]]), kind, first, rows.other, rows.kind, rows.edge)

    def incoming_count(self, edge_mask: Tensor | None = None) -> Tensor:
        """Edges that arrive at each node: int64 `[N]`."""
        target = self.edge_index[1] if edge_mask is None else self.edge_index[1, edge_mask]
        return torch.bincount(target, minlength=self.num_nodes)


def _check_range(what: str, values: Tensor, size: int | None) -> int:
    """The highest value, -1 if there is none."""
    if not values.numel():
        return -1
    low, high = (int(value) for value in values.aminmax())
    if low < 0 or (size is not None and high >= size):
        raise InputError(f"an edge has the {what} {low if low < 0 else high}", hint=f"count from 0, below {size}")
    return high


def _rows(row: Tensor, other: Tensor, kind: Tensor, num_rows: int, order: Tensor | None = None) -> Rows:
    """The edges of each row in the given order, int64 `[E]`, or else in that of their numbers."""
    start, place = _sorted(row if order is None else row[order], num_rows)
    edge = place if order is None else order[place]
    return Rows(start, other[edge].int(), kind[edge].int(), edge)


def _sorted(key: Tensor, num_keys: int) -> tuple[Tensor, Tensor]:
    """Where each key starts, `[num_keys + 1]`, and the places of the keys in order, equal ones in that of places."""
    if not key.is_cuda:
        start, order = counting_sort(key.numpy(), num_keys)
        return torch.from_numpy(start), torch.from_numpy(order)
    count = torch.bincount(key, minlength=num_keys)
    return torch.cat([count.new_zeros(1), count.cumsum(0)]), key.argsort(stable=True)
