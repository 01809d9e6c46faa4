"""Who hears of whom: the sparse matrices of subgraph GNNs, kept as what makes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.compiled import counting_sort


@dataclass(frozen=True)
class Rows:
    """Compressed rows: row r holds the places `start[r]` to `start[r + 1]`.

    start  int32 `[R + 1]`
    index  int32 `[P]`
    kind   int32 `[P]`, or empty where all are of one kind
    """

    start: Tensor
    index: Tensor
    kind: Tensor

    def to(self, device: torch.device | str) -> Rows:
        return Rows(self.start.to(device), self.index.to(device), self.kind.to(device))


@dataclass(frozen=True)
class View:
    """How N tuples read R rows: tuple i reads row `row[i]`, whose index w means the tuple `base[i] + stride[i] * w`.

    With all pairs (u, v) of a graph of n nodes laid out as u n + v, the n^2 rows of messages along its edges are n
    rows of neighbours, seen from each u.

    row, base, stride  int32 `[N]`
    """

    row: Tensor
    base: Tensor
    stride: Tensor

    @classmethod
    def plain(cls, num_rows: int, device: torch.device | str = "cpu") -> View:
        """Tuple i reads row i, and an index means itself."""
        row = torch.arange(num_rows, dtype=torch.int32, device=device)
        return cls(row, torch.zeros_like(row), torch.ones_like(row))

    def to(self, device: torch.device | str) -> View:
        return View(self.row.to(device), self.base.to(device), self.stride.to(device))


@dataclass(frozen=True)
class Messages:
    """A sparse matrix of N targets and S sources in both directions.

    heard  by target: what it sums up, seen through `listener`
    told   by source: who sums it up, seen through `speaker`
    """

    heard: Rows
    listener: View
    told: Rows
    speaker: View

    @property
    def num_targets(self) -> int:
        return len(self.listener.row)

    @property
    def num_sources(self) -> int:
        return len(self.speaker.row)

    @cached_property
    def num_kinds(self) -> int:
        """Kinds of messages, up to the highest there is; 0 where all are of one kind."""
        return int(self.heard.kind.max()) + 1 if len(self.heard.kind) else 0

    @property
    def transposed(self) -> Messages:
        return Messages(self.told, self.speaker, self.heard, self.listener)

    @classmethod
    def of_pairs(
        cls, target: Tensor, source: Tensor, num_targets: int, num_sources: int, kind: Tensor | None = None
    ) -> Messages:
        """One message a pair.

        Args:
            target, source: int64 `[P]`.
            kind: int64 `[P]`, or None where all are of one kind.

        Raises:
            InputError: a pair names what is not there.
        """
        for what, values, size in (("target", target, num_targets), ("source", source, num_sources)):
            low, high = map(int, values.aminmax()) if values.numel() else (0, -1)
            if low < 0 or high >= size:
                raise InputError(
                    f"messages: a pair has the {what} {low if low < 0 else high}", hint=f"count from 0, below {size}"
                )
        kinds = target.new_empty(0) if kind is None else kind
        return cls(
            _rows(target, source, kinds, num_targets),
            View.plain(num_targets, target.device),
            _rows(source, target, kinds, num_sources),
            View.plain(num_sources, target.device),
        )

    @classmethod
    def of_views(
        cls, target: Tensor, source: Tensor, num_rows: int, view: View, kind: Tensor | None = None
    ) -> Messages:
        """Messages between tuples along the pairs of a smaller matrix, target and source in `[0, num_rows)`, that each
        tuple sees through `view`, the same in both directions."""
        small = cls.of_pairs(target, source, num_rows, num_rows, kind)
        return replace(small, listener=view, speaker=view)

    def to(self, device: torch.device | str) -> Messages:
        parts: dict[str, Any] = {name: getattr(self, name).to(device) for name in self.__dataclass_fields__}
        return Messages(**parts)

    def pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        """All messages laid out: target, source and kind, int64 `[M]`; kind is empty where all are of one kind."""
        rows, view = self.heard, self.listener
        count = rows.start.diff().long()[view.row.long()]
        target = torch.repeat_interleave(count)
        before = count.cumsum(0) - count
        place = (
            rows.start.long()[view.row[target].long()]
            + torch.arange(len(target), device=target.device)
            - before[target]
        )
        source = view.base[target].long() + view.stride[target].long() * rows.index[place].long()
        return target, source, rows.kind[place].long() if len(rows.kind) else rows.kind.long()


def _rows(row: Tensor, other: Tensor, kind: Tensor, num_rows: int) -> Rows:
    if row.is_cuda:
        count = torch.bincount(row, minlength=num_rows)
        start, order = torch.cat([count.new_zeros(1), count.cumsum(0)]), row.argsort(stable=True)
    else:
        start, order = (torch.from_numpy(part) for part in counting_sort(row.numpy(), num_rows))
    return Rows(start.int(), other[order].int(), (kind[order] if len(kind) else kind).int())
