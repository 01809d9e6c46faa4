"""Products over all w, of small graphs as their pairs lie in memory and of large ones from copies; both add up in the
same order."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from graphlab.ops.pair_product.copied import copied_loop
from graphlab.ops.pair_product.in_place import in_place_loop
from graphlab.ops.threads import for_each, shares

LARGE = 48
"""Nodes from which on copies pay."""

IN_PLACE_BYTES, COPIED_BYTES = 256, 64
"""Columns that are summed at once: with four sums of one and sixteen of the other half the registers are full."""

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
    is_large = places[0] >= LARGE
    for make, most, chosen in ((in_place_loop, IN_PLACE_BYTES, ~is_large), (copied_loop, COPIED_BYTES, is_large)):
        rows = (places[0][chosen], places[1][chosen], places[2][chosen])
        arrays = tuple(_in_tiles(values, most) for values in (one, other, out))
        loop = make(arrays[2].shape[-1])
        for_each(lambda part, run=loop, a=arrays, r=rows: run(*a, r, is_first, *part), shares(len(rows[0])))
    return out


def _in_tiles(values: Tensor, most: int) -> np.ndarray:
    """`[rows, columns]` as `[rows, tiles, tile]`, tiles of at most so many bytes and as wide as leaves no remainder."""
    columns, fits = values.size(1), most // values.element_size()
    tile = max(tile for tile in range(1, fits + 1) if columns % tile == 0)
    return values.detach().contiguous().view(len(values), columns // tile, tile).numpy()
