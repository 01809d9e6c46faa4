"""Products over all w of graphs that fit in a cache: four pairs of a row at a time, whose sums stay in registers."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from graphlab.ops.compiled import contracted, inlined, scratch


@inlined
def _put(sums, row, tile):
    for j in range(tile):
        row[j] = sums[j]


@lru_cache
def in_place_loop(tile: int) -> Callable[..., None]:
    """The loop for rows `[first, last)` of all graphs."""

    @contracted
    def loop(one, other, out, places, is_first, first, last):
        sum_a, sum_b, sum_c, sum_d = scratch(out, tile), scratch(out, tile), scratch(out, tile), scratch(out, tile)
        zero = out.dtype.type(0)
        for r in range(first, last):
            n, block, p = places[0][r], places[1][r], places[2][r]
            begin, step = (block + n * p, 1) if is_first[0] else (block + p, n)
            apart, other_step = (n, 1) if is_first[1] else (1, n)
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
