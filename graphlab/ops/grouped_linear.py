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
from graphlab.ops.compiled import contracted, counting_sort, scratch
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
        by_input.numpy()[:] = weight.numpy().transpose(0, 2, 1)
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
    tile = _tile(weight.size(2), weight.size(1), x.element_size())
    arrays = (x.numpy(), _in_tiles(weight, tile), start, order, _in_tiles(out, tile))
    loop = _map_loop(tile)
    for_each(lambda rows: loop(*arrays, *rows), shares(len(x)))
    return out


def _products(x: Tensor, grad: Tensor, start: np.ndarray, order: np.ndarray) -> Tensor:
    """For each group the sum of grad[p] x[p]^T over its rows: `[G, D, K]` of `[P, K]` and `[P, D]`."""
    out = torch.zeros(len(start) - 1, grad.size(1), x.size(1), dtype=x.dtype)
    tile = _tile(x.size(1), grad.size(1), x.element_size())
    arrays = (_in_tiles(x, tile), grad.numpy(), start, order, _in_tiles(out, tile))
    tiles = arrays[0].shape[1]
    loop = _products_loop(tile)
    count = -(-torch.get_num_threads() // max(1, tiles))
    cuts = np.searchsorted(start, np.linspace(0, len(x), count + 1))
    cuts[0], cuts[-1] = 0, len(out)
    groups = list(pairwise(cuts))
    for_each(lambda place: loop(*arrays, *place), [(t, *some) for t in range(tiles) for some in groups])
    return out


def _tile(columns: int, others: int, itemsize: int) -> int:
    """Columns of a tile: as many as leave no remainder. If the columns of the other side, which the backward pass
    tiles, can be cut into tiles of the same width that fill half of the room, they are: that saves a compilation."""
    most = TILE_BYTES // itemsize
    shared = max(tile for tile in range(1, most + 1) if columns % tile == 0 and others % tile == 0)
    return shared if 2 * shared >= most else max(tile for tile in range(1, most + 1) if columns % tile == 0)


def _in_tiles(values: Tensor, tile: int) -> np.ndarray:
    """`[.., columns]` as `[.., tiles, tile]`."""
    return values.view(*values.shape[:-1], values.size(-1) // tile, tile).numpy()


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
                for t in range(out.shape[1]):
                    for j in range(tile):
                        sum_a[j], sum_b[j], sum_c[j], sum_d[j] = zero, zero, zero, zero
                    for k in range(x.shape[1]):
                        of_a, of_b, of_c, of_d = x[a, k], x[b, k], x[c, k], x[d, k]
                        for j in range(tile):
                            value = weight[g, k, t, j]
                            sum_a[j] += of_a * value
                            sum_b[j] += of_b * value
                            sum_c[j] += of_c * value
                            sum_d[j] += of_d * value
                    for j in range(tile):
                        out[a, t, j] = sum_a[j]
                    for j in range(tile):
                        out[b, t, j] = sum_b[j]
                    for j in range(tile):
                        out[c, t, j] = sum_c[j]
                    for j in range(tile):
                        out[d, t, j] = sum_d[j]

    return loop


@lru_cache
def _products_loop(tile: int) -> Callable[..., None]:
    """The loop of `_products`, for tile t of x and the groups `[first, last)`; adds to out."""

    @contracted
    def loop(x, grad, start, order, out, t, first, last):
        sum_a, sum_b, sum_c, sum_d = scratch(x, tile), scratch(x, tile), scratch(x, tile), scratch(x, tile)
        depth = grad.shape[1]
        for g in range(first, last):
            for begin in range(start[g], start[g + 1], CHUNK):
                end = min(begin + CHUNK, start[g + 1])
                for a in range(0, depth, 4):
                    # Past the end the last row is taken again, to the same result.
                    b, c, d = min(a + 1, depth - 1), min(a + 2, depth - 1), min(a + 3, depth - 1)
                    for k in range(tile):
                        sum_a[k], sum_b[k] = out[g, a, t, k], out[g, b, t, k]
                        sum_c[k], sum_d[k] = out[g, c, t, k], out[g, d, t, k]
                    for i in range(begin, end):
                        p = order[i]
                        of_a, of_b, of_c, of_d = grad[p, a], grad[p, b], grad[p, c], grad[p, d]
                        for k in range(tile):
                            value = x[p, t, k]
                            sum_a[k] += of_a * value
                            sum_b[k] += of_b * value
                            sum_c[k] += of_c * value
                            sum_d[k] += of_d * value
                    for k in range(tile):
                        out[g, a, t, k] = sum_a[k]
                    for k in range(tile):
                        out[g, b, t, k] = sum_b[k]
                    for k in range(tile):
                        out[g, c, t, k] = sum_c[k]
                    for k in range(tile):
                        out[g, d, t, k] = sum_d[k]

    return loop
