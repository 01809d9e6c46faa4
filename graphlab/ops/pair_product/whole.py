"""Products over all w: of small graphs as their pairs lie in memory, of large ones as products of matrices."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from graphlab.ops.pair_product.in_place import in_place_loop
from graphlab.ops.pair_product.matrices import matrix_products
from graphlab.ops.threads import for_each, shares

LARGE = 64
"""Nodes from which on copies pay."""

TILE_BYTES = 256
"""Columns that are summed at once: with four sums of a quarter of a kilobyte half of the registers are full."""

Places = tuple[np.ndarray, np.ndarray, np.ndarray]
First = tuple[bool, bool]

PRODUCT: First = (True, False)
"""out[u, v] of a[u, w] and b[w, v]: p is u, q is v and k is w."""

TO_LEFT: First = (True, True)
"""out[u, w] of grad[u, v] and b[w, v]: p is u, q is w and k is v."""

TO_RIGHT: First = (False, False)
"""out[w, v] of a[u, w] and grad[u, v]: p is w, q is v and k is u."""


def whole_product(one: Tensor, other: Tensor, out: Tensor, places: Places, is_first: First) -> Tensor:
    """out[p, q] = sum over k of the pair of p and k of `one` times the pair of q and k of `other`, `[T, d]`.

    places: of each row of each graph, the graph's size, where its pairs start, and which row it is.
    is_first: whether p in `one`, and q in `other`, is the first node of the pair; if not, k is.
    """
    size, block, row = places
    small, large = size < LARGE, (size >= LARGE) & (row == 0)
    rows = (size[small], block[small], row[small])
    arrays = tuple(_in_tiles(values) for values in (one, other, out))
    loop = in_place_loop(arrays[2].shape[-1])
    for_each(lambda part: loop(*arrays, rows, is_first, *part), shares(len(rows[0])))
    matrix_products(one, other, out, np.stack([size[large], block[large]], 1), is_first)
    return out


def _in_tiles(values: Tensor) -> np.ndarray:
    """`[rows, columns]` as `[rows, tiles, tile]`, tiles of at most TILE_BYTES and as wide as leaves no remainder."""
    columns, fits = values.size(1), TILE_BYTES // values.element_size()
    tile = max(tile for tile in range(1, fits + 1) if columns % tile == 0)
    return values.detach().contiguous().view(len(values), columns // tile, tile).numpy()
