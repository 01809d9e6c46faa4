"""Sums over neighbours: the product of a graph's adjacency with rows of nodes, without a message laid out.

    out[i] = own x[i] + sum over edges e = (j, i) of weight[e] x[j]

On a CPU compiled loops walk the edges into a node, four at a time, and keep the sum of a block of columns in registers;
the gradient walks the edges out of a node in the same way. Indices are int32. A row is summed by one thread in one
order, so that the numbers do not depend on threads. Rows of large graphs are visited in an order in which those that
follow one another read the same rows, where there is one, which changes no number either.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.core.errors import InputError
from graphlab.ops.compiled import MAX_WIDTH, at, contracted, counting_sort, scratch
from graphlab.ops.threads import over_parts

BLOCK = 64
"""Columns whose sums are kept in registers together."""

MANY = 5_000
"""Edges from which the loops of a block's width, which are faster, are worth compiling beside the
others."""

LARGE = 50_000
"""Nodes from which their rows do not fit in a cache, and the order in which they are read counts."""

NEAR, SHARE = 4096, 0.1
"""Rows that a cache holds, and the share of edges for which another order is taken."""

WEIGHTS_KEPT = 4
"""Weights of the edges of one graph that are kept in order."""


class Neighbours:
    """The edges of a graph, or of one side of a bipartite one, by target and by source.

    Args:
        edge_index: int64 `[2, E]`, sources in `[0, num_sources)` and targets in `[0, num_targets)`; an edge that is
            listed twice counts twice.
        num_targets, num_sources: Nodes that edges lead to, and nodes that they come from.
    """

    def __init__(self, edge_index: Tensor, num_targets: int, num_sources: int) -> None:
        self.source, self.target = edge_index.detach()
        self.num_targets, self.num_sources = num_targets, num_sources
        self._ordered: deque[_Ordered] = deque(maxlen=WEIGHTS_KEPT)

    def __len__(self) -> int:
        return self.source.numel()

    def transposed(self) -> Neighbours:
        """The edges the other way round. An order of locality has no direction, and is that of both."""
        turned = Neighbours(torch.stack([self.target, self.source]), self.num_sources, self.num_targets)
        if self._is_large:
            turned.__dict__["_locality"] = self._locality
        return turned

    def to(self, device: torch.device | str) -> Neighbours:
        """The edges on a device."""
        source = self.source.to(device)
        if source is self.source:
            return self
        moved = Neighbours(torch.stack([source, self.target.to(device)]), self.num_targets, self.num_sources)
        if "degrees" in self.__dict__:
            moved.__dict__["degrees"] = self.degrees
        return moved

    @cached_property
    def degrees(self) -> np.ndarray:
        """How many edges lead into each target, int64 `[num_targets]`; on the host, whatever the device."""
        return torch.bincount(self.target, minlength=self.num_targets).cpu().numpy()

    @cached_property
    def sorted_edges(self) -> SortedEdges:
        """The edges into each target as tensors, on the device of the edges."""
        target, place = self.target.sort(stable=True)
        start = torch.searchsorted(target, torch.arange(self.num_targets + 1, device=target.device), out_int32=True)
        return SortedEdges(start, self.source[place].to(torch.int32), place.to(torch.int32))

    @cached_property
    def by_target(self) -> Rows:
        """The edges into each target, in the order of `edge_index`: `other` are their sources, `place` their places in
        `edge_index`."""
        return Rows.sorted(self.target.numpy(), self.source.numpy(), self._visits(self.num_targets))

    @cached_property
    def by_source(self) -> Rows:
        """The edges out of each source, by their targets: `other` are these, `place` the places in `by_target`."""
        by_number = counting_sort(self.target.numpy(), self.num_targets)[1]
        source, target = (each.numpy()[by_number] for each in (self.source, self.target))
        rows = Rows.sorted(source, target, self._visits(self.num_sources))
        place = np.empty_like(rows.place)
        place[self.by_target.place] = np.arange(len(place), dtype=place.dtype)
        return rows._replace(place=place[by_number[rows.place]])

    @cached_property
    def _locality(self) -> np.ndarray | None:
        return locality_order(self.source.numpy(), self.target.numpy(), self.num_targets)

    @property
    def _is_large(self) -> bool:
        return self.num_targets == self.num_sources >= LARGE

    def _visits(self, num_rows: int) -> np.ndarray:
        order = self._locality if self._is_large else None
        return np.arange(num_rows, dtype=np.int32) if order is None else order

    def weights_by_target(self, weight: Tensor) -> np.ndarray:
        """Weights `[E]` in the order of `by_target`. Those of the last few weights without a gradient are kept."""
        if weight.requires_grad or weight.is_inference():
            return weight.detach().numpy()[self.by_target.place]
        for each in self._ordered:
            if each.weight is weight and each.version == weight._version:
                return each.by_target
        self._ordered.append(_Ordered(weight, weight._version, weight.numpy()[self.by_target.place]))
        return self._ordered[-1].by_target

    def weights_by_source(self, by_target: np.ndarray) -> np.ndarray:
        """What `weights_by_target` gave, in the order of `by_source`."""
        for each in self._ordered:
            if each.by_target is by_target:
                if each.by_source is None:
                    each.by_source = by_target[self.by_source.place]
                return each.by_source
        return by_target[self.by_source.place]


class SortedEdges(NamedTuple):
    """Edges by their targets.

    Attributes:
        start: Where the edges into each target begin, int32 `[num_targets + 1]`.
        other: The source of each edge, int32 `[E]`.
        place: Where each edge was before it was sorted, int32 `[E]`.
    """

    start: Tensor
    other: Tensor
    place: Tensor


class Rows(NamedTuple):
    """Edges by one of their ends, row after row, in the order in which the rows are computed.

    Attributes:
        row: The rows in that order, int32 `[num_rows]`.
        start: Where the edges of each begin, int32 `[num_rows + 1]`.
        other: The other end of each edge, int32 `[E]`.
        place: Where each edge was before it was sorted, int32 `[E]`.
    """

    row: np.ndarray
    start: np.ndarray
    other: np.ndarray
    place: np.ndarray

    @classmethod
    def sorted(cls, end: np.ndarray, other: np.ndarray, row: np.ndarray) -> Rows:
        rank = np.empty(len(row), np.int64)
        rank[row] = np.arange(len(row))
        start, place = counting_sort(rank[end], len(row))
        return cls(row, start.astype(np.int32), other[place].astype(np.int32), place.astype(np.int32))


def locality_order(source: np.ndarray, target: np.ndarray, num_nodes: int) -> np.ndarray | None:
    """An order of nodes in which those that follow one another have neighbours in common, int32 `[num_nodes]`.

    Reverse Cuthill and McKee, 1969, of the graph without its directions. None where it brings less than SHARE of the
    edges within NEAR nodes of each other, beyond those that are so by their numbers.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    edges = csr_matrix((np.ones(len(source), np.int32), (target, source)), shape=(num_nodes, num_nodes))
    order = reverse_cuthill_mckee(edges).astype(np.int32)
    rank = np.empty_like(order)
    rank[order] = np.arange(num_nodes, dtype=np.int32)
    before, after = (np.mean(np.abs(a - b) < NEAR) for a, b in ((source, target), (rank[source], rank[target])))
    return order if after >= before + SHARE else None


@dataclass
class _Ordered:
    """Weights of edges in the orders that loops read them in."""

    weight: Tensor
    version: int
    by_target: np.ndarray
    by_source: np.ndarray | None = None


def neighbour_sum(
    neighbours: Neighbours,
    x: Tensor,
    weight: Tensor | None = None,
    own: Tensor | None = None,
    sum_dtype: torch.dtype | None = None,
) -> Tensor:
    """The sum of what the sources of the edges into each node have, times the weights of the edges.

    Args:
        neighbours: The edges.
        x: `[num_sources, d]`.
        weight: `[E]`, in the order of `edge_index`; None where all edges count alike.
        own: A number that a node's own row counts, of the targets as the first of the sources; None for zero.
        sum_dtype: What sums and those of gradients are kept in until they are rounded: float64 makes those of float32
            almost the same in any order of the edges. None for the dtype of x.

    Returns:
        `[num_targets, d]`, float32 at least, under autocast too; differentiable once in x, weight and own.

    Raises:
        InputError: Shapes that do not fit the edges, or a row of its own for more targets than there are sources.
    """
    if x.dim() != 2 or len(x) != neighbours.num_sources or (weight is not None and weight.shape != (len(neighbours),)):
        shapes = tuple(x.shape) if weight is None else f"{tuple(x.shape)} and weights {tuple(weight.shape)}"
        raise InputError(
            f"sums over {len(neighbours)} edges of {neighbours.num_sources} nodes have rows {shapes}",
            hint=f"give rows [{neighbours.num_sources}, d] and weights [{len(neighbours)}]",
        )
    if own is not None and (own.numel() != 1 or neighbours.num_targets > neighbours.num_sources):
        raise InputError(
            f"{neighbours.num_targets} targets among {neighbours.num_sources} sources count their own rows "
            f"{tuple(own.shape)} times",
            hint="give one number, and targets that are the first of the sources",
        )
    dtype = torch.promote_types(x.dtype, torch.float32)
    x = x.to(dtype)
    weight, own = (each if each is None else each.to(dtype) for each in (weight, own))
    sum_dtype = torch.promote_types(sum_dtype or dtype, dtype)
    if x.device.type == "cpu":
        return _Sum.apply(neighbours, x, weight, own, sum_dtype)  # pyright: ignore[reportReturnType]
    with torch.autocast(x.device.type, enabled=False):
        return reference(neighbours, x, weight, own, sum_dtype)


def reference(
    neighbours: Neighbours,
    x: Tensor,
    weight: Tensor | None = None,
    own: Tensor | None = None,
    sum_dtype: torch.dtype | None = None,
) -> Tensor:
    """`neighbour_sum` of messages `[E, d]` that are laid out."""
    rows = x if sum_dtype is None else x.to(sum_dtype)
    messages = rows.index_select(0, neighbours.source)
    messages = messages if weight is None else messages * weight.unsqueeze(1)
    out = rows.new_zeros(neighbours.num_targets, x.size(1)).index_add(0, neighbours.target, messages)
    return (out if own is None else out + own * rows[: neighbours.num_targets]).to(x.dtype)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        neighbours: Neighbours,
        x: Tensor,
        weight: Tensor | None,
        own: Tensor | None,
        sum_dtype: torch.dtype,
    ) -> Tensor:
        x = x.contiguous()
        ctx.neighbours, ctx.weight = neighbours, None if weight is None else neighbours.weights_by_target(weight)
        ctx.own = None if own is None else own.detach().reshape(1).numpy().copy()
        ctx.own_shape, ctx.sum_dtype = None if own is None else own.shape, sum_dtype
        ctx.save_for_backward(*((x,) if any(ctx.needs_input_grad[2:4]) else ()))
        return _sums(neighbours.by_target, ctx.weight, ctx.own, x, sum_dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        neighbours, grad, to_x, to_weight, to_own = ctx.neighbours, grad.contiguous(), None, None, None
        if ctx.needs_input_grad[1]:
            weight = None if ctx.weight is None else neighbours.weights_by_source(ctx.weight)
            to_x = _sums(neighbours.by_source, weight, ctx.own, grad, ctx.sum_dtype)
        if ctx.needs_input_grad[2]:
            (x,) = ctx.saved_tensors
            edges = neighbours.by_target
            to_weight = torch.empty(len(edges.place), dtype=grad.dtype)
            numbers = grad.numpy(), x.numpy(), to_weight.numpy()
            over_rows(len(edges.row), lambda first, last: _inner(*edges, *numbers, first, last))
        if ctx.needs_input_grad[3]:
            (x,) = ctx.saved_tensors
            to_own = torch.dot(grad.flatten(), x[: neighbours.num_targets].flatten()).view(ctx.own_shape)
        return None, to_x, to_weight, to_own, None


def _sums(edges: Rows, weight: np.ndarray | None, own: np.ndarray | None, x: Tensor, sum_dtype: torch.dtype) -> Tensor:
    """Each row's weighted sum of the rows of x that it names, and of its own."""
    out, width = x.new_empty(len(edges.row), x.size(1)), x.size(1)
    known = 0 if width % BLOCK or len(edges.other) < MANY else BLOCK
    if width > MAX_WIDTH and not known:
        parts = x.split(MAX_WIDTH, dim=1)
        return torch.cat([_sums(edges, weight, own, part.contiguous(), sum_dtype) for part in parts], dim=1)
    if not width:
        return out
    of_block = known or width
    rows, result = (each.detach().view(len(each), width // of_block, of_block).numpy() for each in (x, out))
    weights, owns = (np.empty(0, rows.dtype) if each is None else each for each in (weight, own))
    like, loop = _empty(sum_dtype), _loop(weight is not None, known)

    def run(first: int, last: int) -> None:
        for block in range(rows.shape[1]):
            loop(edges.row, edges.start, edges.other, weights, owns, rows, block, like, result, first, last)

    over_rows(len(out), run)
    return out


@cache
def _empty(dtype: torch.dtype) -> np.ndarray:
    return torch.empty(0, dtype=dtype).numpy()


def over_rows(num_rows: int, run: Callable[[int, int], object]) -> None:
    """run(first, last) for parts of the rows, on as many threads as torch uses."""
    if torch.get_num_threads() == 1:
        run(0, num_rows)
    else:
        over_parts(num_rows, lambda _, first, last: run(first, last))


@lru_cache
def _loop(weighted: bool, known: int) -> Callable[..., None]:
    """The sums of some of the rows, `row_of[first:last]`, in one of the blocks of columns: x `[num_others, blocks, n]`,
    out `[num_rows, blocks, n]`, kept in the dtype of `like`. n is `known` when it is compiled, or at most MAX_WIDTH.

    Its indices are unsigned, written out: numba checks others for those that count from the end, and `at` takes a
    sixth longer to compile.
    """

    @contracted
    def loop(row_of, start, other, weight, own, x, block, like, out, first, last):
        n = known if known else x.shape[2]
        sums, column = scratch(like, n), np.uint64(block)
        exact, rounded = like.dtype.type, out.dtype.type
        for r in range(first, last):
            i = np.uint64(row_of[np.uint64(r)])
            if len(own) and i < len(x):
                row, of_own = x[i, column], exact(own[0])
                for k in range(n):
                    sums[k] = of_own * exact(row[k])
            else:
                for k in range(n):
                    sums[k] = exact(0)
            p, end = np.uint64(start[np.uint64(r)]), np.uint64(start[np.uint64(r + 1)])
            while p + np.uint64(4) <= end:
                q, s, t = p + np.uint64(1), p + np.uint64(2), p + np.uint64(3)
                a, b = x[np.uint64(other[p]), column], x[np.uint64(other[q]), column]
                c, d = x[np.uint64(other[s]), column], x[np.uint64(other[t]), column]
                if weighted:
                    of_a, of_b, of_c, of_d = exact(weight[p]), exact(weight[q]), exact(weight[s]), exact(weight[t])
                    for k in range(n):
                        sums[k] += (of_a * exact(a[k]) + of_b * exact(b[k])) + (of_c * exact(c[k]) + of_d * exact(d[k]))
                else:
                    for k in range(n):
                        sums[k] += (exact(a[k]) + exact(b[k])) + (exact(c[k]) + exact(d[k]))
                p += np.uint64(4)
            for q in range(p, end):
                a = x[np.uint64(other[q]), column]
                if weighted:
                    of_a = exact(weight[q])
                    for k in range(n):
                        sums[k] += of_a * exact(a[k])
                else:
                    for k in range(n):
                        sums[k] += exact(a[k])
            row = out[i, column]
            for k in range(n):
                row[k] = rounded(sums[k])

    return loop


@contracted
def _inner(row_of, start, other, place, left, right, out, first, last):
    """out[e] = left[i] . right[j] for the edges e = (j, i)."""
    width = left.shape[1]
    for r in range(first, last):
        row = at(left, at(row_of, r))
        for p in range(at(start, r), at(start, r + 1)):
            column, total = at(right, at(other, p)), left.dtype.type(0)
            for c in range(width):
                total += row[c] * column[c]
            out[at(place, p)] = total
