"""Sums over neighbours: the product of a graph's adjacency with rows of nodes, without a message laid out.

    out[i] = sum over edges e = (j, i) of weight[e] x[j]

On a CPU compiled loops walk the edges into a node, four at a time, and keep the sum of a block of columns in registers;
the gradient walks the edges out of a node in the same way. Indices are int32. A row is summed by one thread in one
order, so that the numbers do not depend on threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.core.errors import InputError
from graphlab.ops.compiled import MAX_WIDTH, at, contracted, counting_sort, scratch
from graphlab.ops.threads import over_parts

BLOCK = 64
"""Columns whose sums are kept in registers together."""


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
        self._constant: tuple[Tensor, int, np.ndarray, np.ndarray | None] | None = None

    def __len__(self) -> int:
        return self.source.numel()

    @cached_property
    def by_target(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the edges into each target start, int32 `[num_targets + 1]`; in that order their sources and their
        places in `edge_index`, int32 `[E]`."""
        start, order = counting_sort(self.target.numpy(), self.num_targets)
        return start.astype(np.int32), self.source.numpy()[order].astype(np.int32), order.astype(np.int32)

    @cached_property
    def by_source(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same for the edges out of each source: starts, targets, and places in the order of `by_target`."""
        _, source, order = self.by_target
        start, place = counting_sort(source, self.num_sources)
        target = self.target.numpy()[order[place]]
        return start.astype(np.int32), target.astype(np.int32), place.astype(np.int32)

    def weights_by_target(self, weight: Tensor) -> np.ndarray:
        """Weights `[E]` in the order of `by_target`. Those of the last weights without a gradient are kept."""
        if weight.requires_grad or weight.is_inference():
            return weight.detach().numpy()[self.by_target[2]]
        constant = self._constant
        if constant is None or constant[0] is not weight or constant[1] != weight._version:
            self._constant = constant = (weight, weight._version, weight.numpy()[self.by_target[2]], None)
        return constant[2]

    def weights_by_source(self, ordered: np.ndarray) -> np.ndarray:
        """What `weights_by_target` gave, in the order of `by_source`."""
        constant = self._constant
        if constant is None or constant[2] is not ordered:
            return ordered[self.by_source[2]]
        if constant[3] is None:
            self._constant = constant = (*constant[:3], ordered[self.by_source[2]])
        assert constant[3] is not None
        return constant[3]


def neighbour_sum(neighbours: Neighbours, x: Tensor, weight: Tensor | None = None) -> Tensor:
    """The sum of what the sources of the edges into each node have, times the weights of the edges.

    Args:
        neighbours: The edges.
        x: `[num_sources, d]`.
        weight: `[E]`, in the order of `edge_index`; None where all edges count alike.

    Returns:
        `[num_targets, d]`, float32 at least, under autocast too; differentiable once in x and weight.

    Raises:
        InputError: Shapes that do not fit the edges.
    """
    if x.dim() != 2 or len(x) != neighbours.num_sources or (weight is not None and weight.shape != (len(neighbours),)):
        shapes = tuple(x.shape) if weight is None else f"{tuple(x.shape)} and weights {tuple(weight.shape)}"
        raise InputError(
            f"sums over {len(neighbours)} edges of {neighbours.num_sources} nodes have rows {shapes}",
            hint=f"give rows [{neighbours.num_sources}, d] and weights [{len(neighbours)}]",
        )
    dtype = torch.promote_types(x.dtype, torch.float32)
    x, weight = x.to(dtype), None if weight is None else weight.to(dtype)
    with torch.autocast(x.device.type, enabled=False):
        if x.device.type == "cpu":
            return _Sum.apply(neighbours, x, weight)  # pyright: ignore[reportReturnType]
        return reference(neighbours, x, weight)


def reference(neighbours: Neighbours, x: Tensor, weight: Tensor | None = None) -> Tensor:
    """`neighbour_sum` of messages `[E, d]` that are laid out."""
    messages = x.index_select(0, neighbours.source)
    messages = messages if weight is None else messages * weight.unsqueeze(1)
    return x.new_zeros(neighbours.num_targets, x.size(1)).index_add(0, neighbours.target, messages)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, neighbours: Neighbours, x: Tensor, weight: Tensor | None) -> Tensor:
        x = x.contiguous()
        start, source, _ = neighbours.by_target
        ctx.neighbours, ctx.weight = neighbours, None if weight is None else neighbours.weights_by_target(weight)
        ctx.save_for_backward(*((x,) if weight is not None and weight.requires_grad else ()))
        return _sums(start, source, ctx.weight, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor | None, Tensor | None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        neighbours, grad, to_x, to_weight = ctx.neighbours, grad.contiguous(), None, None
        if ctx.needs_input_grad[1]:
            start, target, _ = neighbours.by_source
            weight = None if ctx.weight is None else neighbours.weights_by_source(ctx.weight)
            to_x = _sums(start, target, weight, grad)
        if ctx.needs_input_grad[2]:
            (x,) = ctx.saved_tensors
            start, source, order = neighbours.by_target
            to_weight = torch.empty(len(order), dtype=grad.dtype)
            rows = grad.numpy(), x.numpy(), to_weight.numpy()
            over_rows(len(start) - 1, lambda first, last: _inner(start, source, order, *rows, first, last))
        return None, to_x, to_weight


def _sums(start: np.ndarray, other: np.ndarray, weight: np.ndarray | None, x: Tensor) -> Tensor:
    """Each row's weighted sum of the rows of x that it names."""
    if x.size(1) % BLOCK and x.size(1) > MAX_WIDTH:
        return torch.cat([_sums(start, other, weight, part.contiguous()) for part in x.split(MAX_WIDTH, dim=1)], dim=1)
    out, width = x.new_empty(len(start) - 1, x.size(1)), x.size(1)
    known = 0 if width % BLOCK else BLOCK
    rows, result = (each.detach().view(len(each), -1, known or width).numpy() for each in (x, out))
    weights, loop = np.empty(0, rows.dtype) if weight is None else weight, _loop(weight is not None, known)

    def run(first: int, last: int) -> None:
        for block in range(rows.shape[1]):
            loop(start, other, weights, rows, block, result, first, last)

    if width:
        over_rows(len(out), run)
    return out


def over_rows(num_rows: int, run: Callable[[int, int], object]) -> None:
    """run(first, last) for parts of the rows, on as many threads as torch uses."""
    if torch.get_num_threads() == 1:
        run(0, num_rows)
    else:
        over_parts(num_rows, lambda _, first, last: run(first, last))


@lru_cache
def _loop(weighted: bool, known: int) -> Callable[..., None]:
    """The sums of the rows `[first, last)` in one of the blocks of columns: x `[num_others, blocks, n]`, out
    `[num_rows, blocks, n]`. n is `known` when it is compiled, or at most MAX_WIDTH."""

    @contracted
    def loop(start, other, weight, x, block, out, first, last):
        n = known if known else x.shape[2]
        sums, zero, column = scratch(x, n), x.dtype.type(0), np.uint64(block)
        for i in range(first, last):
            for k in range(n):
                sums[k] = zero
            p, end = at(start, i), at(start, i + 1)
            while p + 4 <= end:
                a, b = x[np.uint64(at(other, p)), column], x[np.uint64(at(other, p + 1)), column]
                c, d = x[np.uint64(at(other, p + 2)), column], x[np.uint64(at(other, p + 3)), column]
                if weighted:
                    of_a, of_b, of_c, of_d = at(weight, p), at(weight, p + 1), at(weight, p + 2), at(weight, p + 3)
                    for k in range(n):
                        sums[k] += (of_a * a[k] + of_b * b[k]) + (of_c * c[k] + of_d * d[k])
                else:
                    for k in range(n):
                        sums[k] += (a[k] + b[k]) + (c[k] + d[k])
                p += 4
            while p < end:
                a = x[np.uint64(at(other, p)), column]
                if weighted:
                    of_a = at(weight, p)
                    for k in range(n):
                        sums[k] += of_a * a[k]
                else:
                    for k in range(n):
                        sums[k] += a[k]
                p += 1
            row = out[np.uint64(i), column]
            for k in range(n):
                row[k] = sums[k]

    return loop


@contracted
def _inner(start, other, order, left, right, out, first, last):
    """out[e] = left[i] . right[j] for the edges e = (j, i)."""
    width = left.shape[1]
    for i in range(first, last):
        row = at(left, i)
        for p in range(at(start, i), at(start, i + 1)):
            column, total = at(right, at(other, p)), left.dtype.type(0)
            for c in range(width):
                total += row[c] * column[c]
            out[at(order, p)] = total
