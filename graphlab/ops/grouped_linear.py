"""A linear map for each group of rows, without moving the rows.

On the CPU the rows are walked in the order of their groups, so that a group's matrix stays in the first cache, four
rows at a time, whose sums stay in registers. A matrix's gradient is summed in registers too, over some rows at a time
that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from graphlab.core.errors import InputError
from graphlab.ops.compiled import contracted, counting_sort, inlined, scratch
from graphlab.ops.threads import for_each, shares

TILE_BYTES = 256
"""Columns that are summed at once: four rows of them fill half the registers."""

CHUNK = 64
"""Rows of a group that are gone over again for each of a gradient's tiles; they stay in the first cache."""


def grouped_linear(x: Tensor, weight: Tensor, group: Tensor) -> Tensor:
    """The linear map of each row by its group's matrix: out[p] = weight[group[p]] x[p].

    Args:
        x: `[P, K]`.
        weight: `[G, D, K]`.
        group: int64 `[P]` in `[0, G)`, in any order. A group may be empty.

    Returns:
        `[P, D]`; differentiable in x and weight, once. On the CPU in float32 and float64, compiled loops give the same
        bits for any number of threads; what else there is takes one product a group.

    Raises:
        InputError: an argument of the wrong shape, dtype or range.
    """
    _check(x, weight, group)
    if x.is_cpu and x.dtype in (torch.float32, torch.float64):
        return _GroupedLinear.apply(x, weight, group)  # pyright: ignore[reportReturnType]
    return product_by_product(x, weight, group)


def grouped_map(x: Tensor, by_input: Tensor, group: Tensor) -> Tensor:
    """`grouped_linear` on the CPU without gradients, of matrices that lie as the loops read them, `[G, K, D]`."""
    _check(x, by_input.transpose(1, 2), group)
    return _map(x.contiguous(), by_input.contiguous(), *counting_sort(group.numpy(), len(by_input)))


def product_by_product(x: Tensor, weight: Tensor, group: Tensor) -> Tensor:
    """`grouped_linear` on any device, one dense product a group."""
    order = group.argsort(stable=True)
    rows = x[order].split(torch.bincount(group, minlength=len(weight)).tolist())
    parts = [F.linear(part, matrix) for part, matrix in zip(rows, weight, strict=True)]
    out = torch.cat([x.new_empty(0, weight.size(1)), *parts])
    return torch.empty_like(out).index_copy(0, order, out)


def _check(x: Tensor, weight: Tensor, group: Tensor) -> None:
    fits = x.dim() == 2 and weight.dim() == 3 and x.size(1) == weight.size(2) and group.shape == x.shape[:1]
    if not fits:
        shapes = f"x {list(x.shape)}, weight {list(weight.shape)} and group {list(group.shape)}"
        raise InputError(f"grouped_linear: {shapes} do not fit", hint="they are [P, K], [G, D, K] and [P]")
    if weight.dtype != x.dtype:
        raise InputError(f"grouped_linear: weight is {weight.dtype} and x is {x.dtype}", hint="use one dtype for both")
    if group.dtype != torch.int64:
        raise InputError(f"grouped_linear: group is {group.dtype}", hint="it must be torch.int64")
    low, high = map(int, group.aminmax()) if len(group) else (0, -1)
    if low < 0 or high >= len(weight):
        raise InputError(
            f"grouped_linear: a row is of group {low if low < 0 else high}",
            hint=f"groups count from 0, below {len(weight)}",
        )


class _GroupedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, group: Tensor) -> Tensor:
        x, weight = x.detach().contiguous(), weight.detach().contiguous()
        ctx.save_for_backward(x, weight)
        ctx.order = counting_sort(group.numpy(), len(weight))
        by_input = torch.empty(len(weight), weight.size(2), weight.size(1), dtype=weight.dtype)
        _transpose(weight.numpy(), by_input.numpy())
        return _map(x, by_input, *ctx.order)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        needs_x, needs_weight, _ = ctx.needs_input_grad
        of_x = _map(grad, weight, *ctx.order) if needs_x else None
        return of_x, _products(x, grad, *ctx.order) if needs_weight else None, None


def _map(x: Tensor, weight: Tensor, start: np.ndarray, order: np.ndarray) -> Tensor:
    """Rows `[P, width]` of x `[P, depth]` by the matrices `[G, depth, width]` of their groups."""
    out = torch.empty(len(x), weight.size(2), dtype=x.dtype)
    arrays = (x.numpy(), _in_tiles(weight), start, order, _in_tiles(out))
    loop = _map_loop(arrays[-1].shape[-1])
    for_each(lambda rows: loop(*arrays, *rows), shares(len(x)))
    return out


def _products(x: Tensor, grad: Tensor, start: np.ndarray, order: np.ndarray) -> Tensor:
    """For each group the sum of grad[p] x[p]^T over its rows: `[G, D, K]` of `[P, K]` and `[P, D]`."""
    out = torch.zeros(len(start) - 1, grad.size(1), x.size(1), dtype=x.dtype)
    arrays = (_in_tiles(x), grad.numpy(), start, order, _in_tiles(out))
    _, tiles, tile = arrays[0].shape
    loop = _products_loop(tile)
    count = -(-torch.get_num_threads() // max(1, tiles))
    cuts = np.searchsorted(start, np.linspace(0, len(x), count + 1))
    cuts[0], cuts[-1] = 0, len(out)
    groups = list(pairwise(cuts))
    for_each(lambda place: loop(*arrays, *place), [(t, *some) for t in range(tiles) for some in groups])
    return out


def _in_tiles(values: Tensor) -> np.ndarray:
    """`[.., columns]` as `[.., tiles, tile]`, as wide as leaves no remainder."""
    columns, most = values.size(-1), TILE_BYTES // values.element_size()
    tile = max(tile for tile in range(1, most + 1) if columns % tile == 0)
    return values.view(*values.shape[:-1], columns // tile, tile).numpy()


@contracted
def _transpose(weight, out):
    for g in range(len(weight)):
        for k in range(weight.shape[2]):
            for j in range(weight.shape[1]):
                out[g, k, j] = weight[g, j, k]


@inlined
def _put(sums, row, tile):
    for j in range(tile):
        row[j] = sums[j]


@lru_cache
def _map_loop(tile: int) -> Callable[..., None]:
    """The loop of `_map`, for the places `[first, last)` of the order."""

    @contracted
    def loop(x, weight, start, order, out, first, last):
        sum_a, sum_b, sum_c, sum_d = scratch(x, tile), scratch(x, tile), scratch(x, tile), scratch(x, tile)
        zero = x.dtype.type(0)
        for g in range(len(start) - 1):
            begin, end = max(start[g], first), min(start[g + 1], last)
            for i in range(begin, end, 4):
                # Past the end the last row is taken again, to the same result.
                a, b = order[i], order[min(i + 1, end - 1)]
                c, d = order[min(i + 2, end - 1)], order[min(i + 3, end - 1)]
                x_a, x_b, x_c, x_d = x[a], x[b], x[c], x[d]
                for t in range(out.shape[1]):
                    for j in range(tile):
                        sum_a[j], sum_b[j], sum_c[j], sum_d[j] = zero, zero, zero, zero
                    for k in range(x.shape[1]):
                        of_a, of_b, of_c, of_d = x_a[k], x_b[k], x_c[k], x_d[k]
                        row = weight[g, k, t]
                        for j in range(tile):
                            sum_a[j] += of_a * row[j]
                            sum_b[j] += of_b * row[j]
                            sum_c[j] += of_c * row[j]
                            sum_d[j] += of_d * row[j]
                    _put(sum_a, out[a, t], tile)
                    _put(sum_b, out[b, t], tile)
                    _put(sum_c, out[c, t], tile)
                    _put(sum_d, out[d, t], tile)

    return loop


@lru_cache
def _products_loop(tile: int) -> Callable[..., None]:
    """The loop of `_products`, for tile t of x and the groups `[first, last)`; adds to out."""

    @contracted
    def loop(x, grad, start, order, out, t, first, last):
        sum_a, sum_b, sum_c, sum_d = scratch(x, tile), scratch(x, tile), scratch(x, tile), scratch(x, tile)
        depth = grad.shape[1]
        for g in range(first, last):
            matrix = out[g]
            for begin in range(start[g], start[g + 1], CHUNK):
                end = min(begin + CHUNK, start[g + 1])
                for a in range(0, depth, 4):
                    # Past the end the last row is taken again, to the same result.
                    b, c, d = min(a + 1, depth - 1), min(a + 2, depth - 1), min(a + 3, depth - 1)
                    for k in range(tile):
                        sum_a[k], sum_b[k] = matrix[a, t, k], matrix[b, t, k]
                        sum_c[k], sum_d[k] = matrix[c, t, k], matrix[d, t, k]
                    for i in range(begin, end):
                        row, slope = x[order[i], t], grad[order[i]]
                        of_a, of_b, of_c, of_d = slope[a], slope[b], slope[c], slope[d]
                        for k in range(tile):
                            sum_a[k] += of_a * row[k]
                            sum_b[k] += of_b * row[k]
                            sum_c[k] += of_c * row[k]
                            sum_d[k] += of_d * row[k]
                    _put(sum_a, matrix[a, t], tile)
                    _put(sum_b, matrix[b, t], tile)
                    _put(sum_c, matrix[c, t], tile)
                    _put(sum_d, matrix[d, t], tile)

    return loop
