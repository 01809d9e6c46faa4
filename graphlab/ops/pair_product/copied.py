"""Products over all w of graphs whose pairs fit in no cache: four rows of one factor against four of the other at a
time, whose sixteen sums stay in registers. What meets is copied side by side first, for pairs that share their second
node lie far apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from graphlab.ops.compiled import contracted, inlined, scratch

MOST, COPIED = 64, 2**14
"""Rows of the first factor that meet the same rows of the second before these are left: so many, or so many tiles."""


@lru_cache
def copied_loop(tile: int) -> Callable[..., None]:
    """The loop for rows `[first, last)` of all graphs, those of a graph one after another."""

    @inlined
    def four(like):
        return scratch(like, tile), scratch(like, tile), scratch(like, tile), scratch(like, tile)

    @inlined
    def clear(sums, zero):
        for j in range(tile):
            sums[0][j], sums[1][j], sums[2][j], sums[3][j] = zero, zero, zero, zero

    @inlined
    def add(sums, row, factors, others):
        for j in range(tile):
            sums[0][j] += factors[row, j] * others[0, j]
            sums[1][j] += factors[row, j] * others[1, j]
            sums[2][j] += factors[row, j] * others[2, j]
            sums[3][j] += factors[row, j] * others[3, j]

    @inlined
    def put(sums, out, row, q, n, t):
        # Past the end the last column is written again, with the same result.
        at_a, at_b = out[row + q, t], out[row + min(q + 1, n - 1), t]
        at_c, at_d = out[row + min(q + 2, n - 1), t], out[row + min(q + 3, n - 1), t]
        for j in range(tile):
            at_a[j], at_b[j], at_c[j], at_d[j] = sums[0][j], sums[1][j], sums[2][j], sums[3][j]

    @inlined
    def copy(rows, into, block, n, first, end, is_first, t):
        """into[k, i] = the tile of the pair of row first + i and k; the last row again past the end."""
        apart, step = (n, 1) if is_first else (1, n)
        for i in range(4):
            start = block + min(first + i, end - 1) * apart
            for k in range(n):
                row, place = rows[start + k * step, t], into[k, i]
                for j in range(tile):
                    place[j] = row[j]

    @contracted
    def loop(one, other, out, places, is_first, first, last):
        sums_a, sums_b, sums_c, sums_d = four(out), four(out), four(out), four(out)
        zero = out.dtype.type(0)
        largest = places[0][first:last].max()
        most = max(1, min(MOST, COPIED // largest) // 4)
        factors, others = np.empty((most, largest, 4, tile), out.dtype), np.empty((largest, 4, tile), out.dtype)
        r = first
        while r < last:
            n, block, p = places[0][r], places[1][r], places[2][r]
            end = min(n, p + last - r, p + 4 * most)
            r += end - p
            groups = (end - p + 3) // 4
            for t in range(out.shape[1]):
                for i in range(groups):
                    copy(one, factors[i], block, n, p + 4 * i, end, is_first[0], t)
                for q in range(0, n, 4):
                    copy(other, others, block, n, q, n, is_first[1], t)
                    for i in range(groups):
                        rows, row = factors[i], p + 4 * i
                        clear(sums_a, zero)
                        clear(sums_b, zero)
                        clear(sums_c, zero)
                        clear(sums_d, zero)
                        for k in range(n):
                            add(sums_a, 0, rows[k], others[k])
                            add(sums_b, 1, rows[k], others[k])
                            add(sums_c, 2, rows[k], others[k])
                            add(sums_d, 3, rows[k], others[k])
                        put(sums_a, out, block + n * row, q, n, t)
                        put(sums_b, out, block + n * min(row + 1, end - 1), q, n, t)
                        put(sums_c, out, block + n * min(row + 2, end - 1), q, n, t)
                        put(sums_d, out, block + n * min(row + 3, end - 1), q, n, t)

    return loop
