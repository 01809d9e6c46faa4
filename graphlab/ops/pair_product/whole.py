"""Products over all w: four pairs of a row at a time, whose sums stay in registers."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from torch import Tensor

from graphlab.ops.compiled import contracted, inlined, scratch
from graphlab.ops.threads import for_each, shares

TILE_BYTES = 256
"""Columns that are summed at once: four rows of them fill half the registers."""

Places = tuple[np.ndarray, np.ndarray, np.ndarray]
Steps = tuple[bool, bool, bool, bool]

PRODUCT: Steps = (True, False, False, True)
"""out[u, v] of a[u, w] and b[w, v]: p is u, q is v and k is w."""

TO_LEFT: Steps = (True, False, True, False)
"""out[u, w] of grad[u, v] and b[w, v]: p is u, q is w and k is v."""

TO_RIGHT: Steps = (False, True, False, True)
"""out[w, v] of a[u, w] and grad[u, v]: p is w, q is v and k is u."""


def whole_product(one: Tensor, other: Tensor, out: Tensor, places: Places, steps: Steps) -> Tensor:
    """out[p, q] = sum over k of the pair of p and k of `one` times the pair of q and k of `other`, `[T, d]`.

    places: of each row of each graph, the graph's size, where its pairs start, and which row it is.
    steps: whether p and k in `one`, and q and k in `other`, are the first node of the pair.
    """
    arrays = (_in_tiles(one), _in_tiles(other), _in_tiles(out))
    loop = _loop(arrays[2].shape[-1])
    for_each(lambda rows: loop(*arrays, places, steps, *rows), shares(len(places[0])))
    return out


def _in_tiles(values: Tensor) -> np.ndarray:
    """`[rows, columns]` as `[rows, tiles, tile]`, as wide as leaves no remainder."""
    columns, most = values.size(1), TILE_BYTES // values.element_size()
    tile = max(tile for tile in range(1, most + 1) if columns % tile == 0)
    return values.detach().contiguous().view(len(values), columns // tile, tile).numpy()


@inlined
def _put(sums, row, tile):
    for j in range(tile):
        row[j] = sums[j]


@lru_cache
def _loop(tile: int) -> Callable[..., None]:
    """The loop for rows `[first, last)` of all graphs."""

    @contracted
    def loop(one, other, out, places, steps, first, last):
        sum_a, sum_b, sum_c, sum_d = scratch(out, tile), scratch(out, tile), scratch(out, tile), scratch(out, tile)
        zero = out.dtype.type(0)
        for r in range(first, last):
            n, block, p = places[0][r], places[1][r], places[2][r]
            begin, step = block + (n * p if steps[0] else p), n if steps[1] else 1
            apart, other_step = n if steps[2] else 1, n if steps[3] else 1
            for t in range(out.shape[1]):
                for q in range(0, n, 4):
                    # Past the end the last column is taken again, to the same result.
                    qb, qc, qd = min(q + 1, n - 1), min(q + 2, n - 1), min(q + 3, n - 1)
                    a, b, c, d = block + q * apart, block + qb * apart, block + qc * apart, block + qd * apart
                    for j in range(tile):
                        sum_a[j], sum_b[j], sum_c[j], sum_d[j] = zero, zero, zero, zero
                    for k in range(n):
                        factor, ahead = one[begin + k * step, t], k * other_step
                        row_a, row_b, row_c, row_d = (
                            other[a + ahead, t],
                            other[b + ahead, t],
                            other[c + ahead, t],
                            other[d + ahead, t],
                        )
                        for j in range(tile):
                            sum_a[j] += factor[j] * row_a[j]
                            sum_b[j] += factor[j] * row_b[j]
                            sum_c[j] += factor[j] * row_c[j]
                            sum_d[j] += factor[j] * row_d[j]
                    row = block + n * p
                    _put(sum_a, out[row + q, t], tile)
                    _put(sum_b, out[row + qb, t], tile)
                    _put(sum_c, out[row + qc, t], tile)
                    _put(sum_d, out[row + qd, t], tile)

    return loop
