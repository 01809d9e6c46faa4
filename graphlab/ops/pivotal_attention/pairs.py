"""Pivotal attention of pairs, a block of scores at a time.

A block of scores, `[rows i, columns k, all pivots j]`, fits in a cache. Products with what depends on i and j are a
batch over i, those with what depends on j and k a batch over k of the same memory: no score is copied or laid out
twice. The gradient makes probabilities again from the inputs, which are all that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.pivotal_attention.options import Options
from graphlab.ops.pivotal_attention.reference import masked_score
from graphlab.ops.threads import for_each_alone

BLOCK = 2**18
"""Scores of a block; 1 MiB in float32."""

SIDE = 8
"""Rows and columns of a block at least: products of fewer are slow."""


def pairs(query: Tensor, keys: tuple[Tensor, Tensor], values: tuple[Tensor, Tensor], options: Options) -> Tensor:
    """`pivotal_attention` of pairs; query `[B, H, I, K, d]`, keys and values `[B, H, I, J, d]`, `[B, H, J, K, d]`."""
    return _Pairs.apply(options, query, *keys, *values)  # pyright: ignore[reportReturnType]


class _Pairs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, options: Options, *inputs: Tensor) -> Tensor:
        out, ctx.options = empty_by_pair(inputs[0]), options
        Tiling.of(*inputs[:2]).run(lambda part: _Group(part, options, inputs).forward(out))
        ctx.save_for_backward(*inputs)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        inputs: tuple[Tensor, ...] = ctx.saved_tensors
        results = tuple(empty_by_pair(each) for each in inputs)
        Tiling.of(*inputs[:2]).run(lambda part: _Group(part, ctx.options, inputs).backward(grad, results))
        return None, *results


def empty_by_pair(like: Tensor) -> Tensor:
    """Memory of a tensor `[B, H, I, K, d]` in which a pair's heads lie side by side."""
    batch, heads, rows, columns, dim = like.shape
    return like.new_empty(batch, rows, columns, heads, dim).permute(0, 3, 1, 2, 4)


@dataclass(frozen=True)
class Part:
    """Some graphs and heads: all heads of several graphs, or some heads of one."""

    batch: slice
    heads: slice
    rows: int
    columns: int


@dataclass(frozen=True)
class Tiling:
    """How scores are cut: `group` graphs times heads together, `rows` and `columns` of pairs."""

    shape: tuple[int, int]
    group: int
    rows: int
    columns: int

    @classmethod
    def of(cls, query: Tensor, first: Tensor) -> Tiling:
        """Whole graphs while they fit in a block, else squares of one graph's and one head's pairs. first: what has the
        pivot in the second place."""
        batch, heads, rows, columns, _ = query.shape
        shape, pivots = (batch, heads), max(1, first.size(3))
        whole = max(1, rows * columns * pivots)
        if whole <= BLOCK:
            return cls(shape, BLOCK // whole, rows, columns)
        side = max(SIDE, int((BLOCK / pivots) ** 0.5))
        width = min(columns, max(SIDE, BLOCK // (pivots * min(rows, side))))
        height = min(rows, max(SIDE, BLOCK // (pivots * width)))
        return cls(shape, 1, height, width)

    def run(self, work: Callable[[Part], None]) -> None:
        """Every part, on as many threads as torch uses; a part alone has torch's own."""
        parts = list(self._parts())
        if len(parts) == 1 or torch.get_num_threads() == 1:
            for part in parts:
                work(part)
        else:
            for_each_alone(work, parts)

    def _parts(self) -> Iterator[Part]:
        batch, heads = self.shape
        together = max(1, self.group // heads)
        each = heads if self.group >= heads else self.group
        for b in range(0, batch, together):
            for h in range(0, heads, each):
                yield Part(slice(b, b + together), slice(h, h + each), self.rows, self.columns)


class _Group:
    """The work on one part. Layouts: query `[I, m, K, d]`, what depends on i and j `[I, m, J, d]`, what depends on j
    and k `[m, K, J, d]`, with m graphs times heads."""

    def __init__(self, part: Part, options: Options, inputs: tuple[Tensor, ...]) -> None:
        self.part, self.options = part, options
        query, first_key, second_key, first_value, second_value = (self._of_part(each) for each in inputs)
        self.rows, self.columns, self.pivots, self.dim = *query.shape[2:4], first_key.size(3), query.size(4)
        self.group = (query.size(0), query.size(1))
        self.size = query.size(0) * query.size(1)
        self.query = self._by_row(query).mul_(options.scale)
        self.first_key, self.first_value = self._by_row(first_key), self._by_row(first_value)
        self.second_key, self.second_value = self._by_column(second_key), self._by_column(second_value)
        self.mask = None if options.mask is None else self._of_part(options.mask)
        tile = min(part.rows, self.rows) * self.size * min(part.columns, self.columns) * self.pivots
        self.memory = query.new_empty(2 if options.cap is None else 3, tile)

    def forward(self, out: Tensor) -> None:
        result = self._of_part(out)
        for tile in self._tiles():
            weights = self._probabilities(tile)
            weights = self.options.drop(weights, *self._place(tile))
            rows = torch.bmm(weights, self._first(self.first_value, tile))
            by_column = tile.by_column(rows)
            torch.baddbmm(by_column, tile.by_column(weights), self._second(self.second_value, tile), out=by_column)
            result[:, :, tile.rows, tile.columns].copy_(self._to_pairs(tile, rows))

    def backward(self, grad: Tensor, results: tuple[Tensor, ...]) -> None:
        grad = self._by_row(self._of_part(grad))
        to_query = torch.empty_like(self.query)
        to_first, to_second = (
            [torch.zeros_like(each) for each in pair]
            for pair in ((self.first_key, self.first_value), (self.second_key, self.second_value))
        )
        for tile in self._tiles():
            weights = self._probabilities(tile)
            query, received = (self._tuples(each, tile) for each in (self.query, grad))
            to_scores = tile.block(self.memory[1])
            self._scores(tile, received, self.first_value, self.second_value, to_scores)
            dropped = self.options.drop(weights, *self._place(tile))
            self._add(tile, dropped, received, to_first[1], to_second[1])
            if self.options.dropout:
                to_scores *= self.options.draws(weights, *self._place(tile))
            torch.ops.aten._softmax_backward_data.out(to_scores, weights, -1, weights.dtype, grad_input=to_scores)
            self._through_scores(tile, to_scores)
            rows = torch.bmm(to_scores, self._first(self.first_key, tile))
            by_column = tile.by_column(rows)
            torch.baddbmm(by_column, tile.by_column(to_scores), self._second(self.second_key, tile), out=by_column)
            to_query[tile.rows, :, tile.columns] = rows.view(tile.height, self.size, tile.width, -1)
            self._add(tile, to_scores, query, to_first[0], to_second[0])
        query, first_key, second_key, first_value, second_value = (self._of_part(each) for each in results)
        query.copy_(self._from_rows(to_query.mul_(self.options.scale), query))
        for result, rows in ((first_key, to_first[0]), (first_value, to_first[1])):
            result.copy_(self._from_rows(rows, result))
        for result, rows in ((second_key, to_second[0]), (second_value, to_second[1])):
            result.copy_(rows.view(*result.shape[:2], *rows.shape[1:]).transpose(2, 3))

    def _tiles(self) -> Iterator[_Tile]:
        for i in range(0, self.rows, self.part.rows):
            for k in range(0, self.columns, self.part.columns):
                last_row, last_column = min(self.rows, i + self.part.rows), min(self.columns, k + self.part.columns)
                yield _Tile(slice(i, last_row), slice(k, last_column), self.size, self.pivots)

    def _probabilities(self, tile: _Tile) -> Tensor:
        scores = tile.block(self.memory[0])
        self._scores(tile, self._tuples(self.query, tile), self.first_key, self.second_key, scores)
        cap = self.options.cap
        if cap is not None:
            scores.div_(cap).tanh_()
            torch.mul(scores, scores, out=tile.block(self.memory[2])).neg_().add_(1)  # the derivative
            scores.mul_(cap)
        if self.mask is not None:
            pairs, mask = self._to_pairs(tile, scores), self.mask[:, :, tile.rows, tile.columns]
            pairs.masked_fill_(mask, masked_score(pairs.dtype)) if mask.dtype == torch.bool else pairs.add_(mask)
        return torch.softmax(scores, -1, out=scores)

    def _scores(self, tile: _Tile, tuples: Tensor, first: Tensor, second: Tensor, out: Tensor) -> None:
        """Inner products of rows of pairs with the sums of two rows that have the pivot."""
        torch.bmm(tuples, self._first(first, tile).transpose(1, 2), out=out)
        by_column = tile.by_column(out)
        rows = self._second(second, tile).transpose(1, 2)
        torch.baddbmm(by_column, tile.by_column(tuples), rows, out=by_column)

    def _through_scores(self, tile: _Tile, to_scores: Tensor) -> None:
        """Gradients of scores that are capped and masked, to those of products, in place."""
        if self.mask is not None and self.mask.dtype == torch.bool:
            self._to_pairs(tile, to_scores).masked_fill_(self.mask[:, :, tile.rows, tile.columns], 0.0)
        if self.options.cap is not None:
            to_scores.mul_(tile.block(self.memory[2]))

    def _add(self, tile: _Tile, weights: Tensor, tuples: Tensor, first: Tensor, second: Tensor) -> None:
        """weights^T tuples, added to what has the rows of the tile, and to what has its columns."""
        rows = first[tile.rows].view(-1, self.pivots, self.dim)
        torch.baddbmm(rows, weights.transpose(1, 2), tuples, out=rows)
        columns = second[:, tile.columns]
        columns = columns.squeeze(0) if self.size == 1 else columns.view(-1, self.pivots, self.dim)
        by_column = tile.by_column(weights).transpose(1, 2)
        torch.baddbmm(columns, by_column, tile.by_column(tuples), out=columns)

    def _place(self, tile: _Tile) -> tuple[int, ...]:
        return self.part.batch.start, self.part.heads.start, tile.rows.start, tile.columns.start

    def _of_part(self, tensor: Tensor) -> Tensor:
        return tensor[self.part.batch, self.part.heads]

    def _by_row(self, tensor: Tensor) -> Tensor:
        """`[B, H, I, n, d]` -> `[I, m, n, d]`, a copy."""
        rows = torch.empty_like(tensor.permute(2, 0, 1, 3, 4), memory_format=torch.contiguous_format)
        return rows.copy_(tensor.permute(2, 0, 1, 3, 4)).flatten(1, 2)

    def _from_rows(self, rows: Tensor, like: Tensor) -> Tensor:
        return rows.unflatten(1, like.shape[:2]).permute(1, 2, 0, 3, 4)

    def _by_column(self, tensor: Tensor) -> Tensor:
        """`[B, H, J, K, d]` -> `[m, K, J, d]`, contiguous."""
        return tensor.transpose(2, 3).contiguous().flatten(0, 1)

    def _tuples(self, rows: Tensor, tile: _Tile) -> Tensor:
        """`[I, m, K, d]` -> `[rows m, columns, d]` of a tile."""
        return rows[tile.rows, :, tile.columns].reshape(-1, tile.width, self.dim)

    def _first(self, rows: Tensor, tile: _Tile) -> Tensor:
        """`[I, m, J, d]` -> `[rows m, J, d]`."""
        return rows[tile.rows].flatten(0, 1)

    def _second(self, rows: Tensor, tile: _Tile) -> Tensor:
        """`[m, K, J, d]` -> `[m columns, J, d]`."""
        return rows[:, tile.columns].reshape(-1, self.pivots, self.dim)

    def _to_pairs(self, tile: _Tile, block: Tensor) -> Tensor:
        """`[rows m, columns, n]` -> `[B, H, rows, columns, n]`, a view."""
        return block.view(tile.height, *self.group, tile.width, block.size(-1)).permute(1, 2, 0, 3, 4)


@dataclass(frozen=True)
class _Tile:
    """A block of scores `[rows m, columns, pivots]`."""

    rows: slice
    columns: slice
    size: int
    pivots: int

    @property
    def height(self) -> int:
        return self.rows.stop - self.rows.start

    @property
    def width(self) -> int:
        return self.columns.stop - self.columns.start

    def block(self, memory: Tensor) -> Tensor:
        shape = (self.height * self.size, self.width, self.pivots)
        return memory[: shape[0] * shape[1] * shape[2]].view(shape)

    def by_column(self, block: Tensor) -> Tensor:
        """`[rows m, columns, n]` -> `[m columns, rows, n]`, a view of the same memory."""
        return block.view(self.height, self.size * self.width, block.size(-1)).transpose(0, 1)
