"""Attention over neighbours on integers, and functions of one number by table.

The scores of both ends of an edge are products of its rows with the vectors of attention, accumulators of int32. They
are brought to one scale, steps of 2^-16, from which `ops.integer.softmax` makes shares of 1 / 255; a table takes these
to the grid of the shares. Then each head sums the rows of neighbours, weighted by its shares.

References:
    Veličković et al., Graph Attention Networks, ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from graphlab.ops.integer.neighbour_sum import neighbour_sum
from graphlab.ops.integer.neighbour_sum import reference as reference_sum
from graphlab.ops.integer.overflow import Reach, check_reach
from graphlab.ops.integer.requantise import requantise_rows, rescale_rows
from graphlab.ops.integer.rescale import Multiplier
from graphlab.ops.integer.softmax import FULL, neighbour_softmax
from graphlab.ops.integer.softmax import reference as reference_softmax
from graphlab.ops.integer.table import look_up
from graphlab.quantization.operations import Operation, steps_of
from graphlab.quantization.rows import Edges, Grid, Rows

SCORE = 2.0**-16
"""The step of scores, of which int32 holds 32,768 to either side."""


@dataclass(frozen=True)
class Attention(Operation):
    """Sums over in-neighbours, weighted by a softmax of scores, for each head; then side by side, or their mean.

    The mean is exact: the heads' accumulators are added up, and the scale is divided by their number.

    Attributes:
        other: Rows of the scores, accumulators `[n, 2 heads]`: each node's as a source, then as a target.
        heads: How many; the columns of the source belong to one after the other.
        is_mean: Heads are averaged, not put side by side.
        slope: Of the LeakyReLU of a sum of two scores.
        shares: Grid of the shares.
        bias: float64 `[d]` of the result.
    """

    kind: ClassVar[str] = "attention"
    other: str
    heads: int
    is_mean: bool
    slope: float
    shares: Grid
    bias: Tensor

    @property
    def reads(self) -> tuple[str, ...]:
        return self.source, self.other

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        read, table = rows[self.source], self.table()
        weights = look_up(torch.from_numpy(table), self._softmax(rows[self.other], edges, by_definition))
        scale = float(read.scale) * self.shares.scale / self.shares.finer / (self.heads if self.is_mean else 1)
        bias = steps_of(self.bias, scale)
        self._check(read, bias, edges, table)
        sums = reference_sum if by_definition else neighbour_sum
        columns = [each.contiguous() for each in read.integers.chunk(self.heads, dim=1)]
        if self.is_mean:
            of_heads = [bias, *[None] * (self.heads - 1)]
            parts = [
                sums(edges.neighbours, each, None, weight, part, read.zero_point)
                for each, weight, part in zip(columns, weights, of_heads, strict=True)
            ]
            total, output = torch.stack(parts).sum(0, dtype=torch.int32), self.output(scale)
            return self.result(total if output is None else requantise_rows(total, output), scale)
        parts = [
            sums(edges.neighbours, each, self.output(scale), weight, part, read.zero_point)
            for each, weight, part in zip(columns, weights, bias.chunk(self.heads), strict=True)
        ]
        return self.result(torch.cat(parts, dim=1), scale)

    def table(self) -> np.ndarray:
        """What sums multiply rows by, for each share of 1 / 255, uint8 `[256]`: steps of the grid of the shares, of few
        bits in finer steps."""
        steps = self.shares.integers(torch.arange(FULL + 1, dtype=torch.float64) / FULL).numpy().astype(np.int64)
        return ((steps - self.shares.zero_point) * self.shares.finer).astype(np.uint8)

    def _softmax(self, scores: Rows, edges: Edges, by_definition: bool) -> Tensor:
        steps = rescale_rows(scores.integers, Multiplier.of(np.asarray(scores.scale) / SCORE))
        softmax = reference_softmax if by_definition else neighbour_softmax
        source, target = (each.contiguous() for each in steps.chunk(2, dim=1))
        return softmax(edges.neighbours, source, target, SCORE, self.slope)

    def _check(self, read: Rows, bias: Tensor, edges: Edges, table: np.ndarray) -> None:
        """See that sums cannot pass int32. Shares into a node of n neighbours add up to 255 + n / 2."""
        degree = int(edges.neighbours.degrees.max(initial=0))
        steepest = float((table[1:] / np.arange(1, FULL + 1)).max())
        total = min(int(table.max()) * degree, int(np.ceil(steepest * (FULL + (degree + 1) / 2))))
        info, heads = torch.iinfo(read.integers.dtype), self.heads if self.is_mean else 1
        most = int(bias.abs().max())
        lowest, highest = (heads * total * (end - read.zero_point) for end in (info.min, info.max))
        check_reach("the attention of a node to its neighbours", Reach(lowest - most, highest + most))


@dataclass(frozen=True)
class Table(Operation):
    """A function of one number, from a grid of 8 bits to another: a look-up.

    Attributes:
        entries: Of the result's type, `[256]`, for each byte as a number without sign.
    """

    kind: ClassVar[str] = "table"
    entries: Tensor

    @classmethod
    def of(cls, function: Callable[[Tensor], Tensor], source: str, target: str, before: Grid, after: Grid) -> Table:
        """Of a function of float32 values between two grids; each entry is the nearest number of the second."""
        integers = torch.arange(256, dtype=torch.uint8).view(before.dtype)
        values = (integers.to(torch.int32) - before.zero_point).float() * torch.tensor(before.scale)
        return cls(source, target, after, False, after.integers(function(values)))

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        assert self.grid is not None
        read = rows[self.source].integers
        if by_definition:
            place = torch.where(read < 0, read.long() + 256, read.long())
            return self.result(self.entries[place], self.grid.scale)
        return self.result(look_up(self.entries, read), self.grid.scale)
