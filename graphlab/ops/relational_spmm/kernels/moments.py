"""The four moments of principal neighbourhood aggregation, in one pass, side by side a query."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from graphlab.ops.compiled import at, scratch
from graphlab.ops.relational_spmm.kernels.common import (
    ROTATE,
    bounds,
    compiled,
    copy,
    count_edges,
    message_of,
    rotate_back,
    send_back,
)


@lru_cache
def moments(message: int, weighted: bool, dim: int, width: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Loops (forward, backward), compiled when they are first called and kept on disk; see `common`."""

    @compiled(message)
    def forward(edges, pairs, mask, weight, x, relation, boundary, floor, out, block, rows):
        """Mean, largest, smallest, and standard deviation from sum and sum of squares."""
        run, begin, other, kind, edge = edges
        node, slot, place, stride = pairs
        column = np.uint64(block)
        sums, squares, r = scratch(x, width), scratch(x, width), scratch(x, width)
        largest, smallest = scratch(x, width), scratch(x, width)
        zero, one, least = x.dtype.type(0), x.dtype.type(1), x.dtype.type(floor)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = len(boundary[:1])
            for k in range(width):
                sums[k] = boundary[p, block, k] if count else zero
                largest[k] = sums[k] if count else -np.inf
                smallest[k] = sums[k] if count else np.inf
                squares[k] = sums[k] * sums[k]
            for j in range(run[v], run[v + 1]):
                first, last = bounds(begin, j)
                copy(at(relation, of_slot + at(kind, first)), r, width)
                for i in range(first, last):
                    e, u = at(edge, i), np.uint64(at(near, at(other, i)))
                    if len(mask) and not at(mask, e):
                        continue
                    count += 1
                    s = x[u, column]
                    w = at(weight, e) if weighted else one
                    for k in range(width):
                        value = w * message_of(s, r, k, message, dim)
                        sums[k] += value
                        squares[k] += value * value
                        largest[k] = value if value > largest[k] else largest[k]
                        smallest[k] = value if value < smallest[k] else smallest[k]
            share = x.dtype.type(1 / max(count, 1))
            for q in range(width // dim):
                row = out[p, block, q]
                for k in range(dim):
                    mean = sums[q * dim + k] * share
                    row[k] = mean
                    row[dim + k] = largest[q * dim + k] if count else zero
                    row[2 * dim + k] = smallest[q * dim + k] if count else zero
                    row[3 * dim + k] = np.sqrt(max(squares[q * dim + k] * share - mean * mean, least))

    @compiled(message)
    def backward(edges, pairs, mask, weight, x, relation, boundary, floor, out, grad, grads, block, rows):
        """A message m of n, with mean a and deviation s, has d a = 1 / n and d s = (m - a) / (n s), 0 at the floor:
        a constant and a slope in m. Equal extremes share theirs evenly, which takes a pass to count them."""
        run, begin, other, kind, edge = edges
        node, slot, place, stride = pairs
        column = np.uint64(block)
        grad_x, grad_relation, grad_weight, grad_boundary = grads
        new_s, r, to_r = scratch(x, width), scratch(x, width), scratch(x, width)
        constant, slope, reached = scratch(x, width), scratch(x, width), scratch(x, width)
        largest, smallest = scratch(x, width), scratch(x, width)
        of_largest, of_smallest = scratch(x, width), scratch(x, width)
        zero, one, least = x.dtype.type(0), x.dtype.type(1), np.sqrt(x.dtype.type(floor))
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = count_edges(begin[run[v]], begin[run[v + 1]], edge, mask) + len(boundary[:1])
            share = x.dtype.type(1 / max(count, 1))
            for q in range(width // dim):
                row = out[p, block, q]
                of_row = grad[p, block, q]
                for k in range(dim):
                    deviation = row[3 * dim + k]
                    slant = share * of_row[3 * dim + k] / deviation if deviation > least else zero
                    slope[q * dim + k] = slant
                    constant[q * dim + k] = share * of_row[k] - slant * row[k]
                    largest[q * dim + k] = row[dim + k]
                    smallest[q * dim + k] = row[2 * dim + k]
            for k in range(width):
                own = boundary[p, block, k] if len(boundary) else np.nan
                of_largest[k] = one if own == largest[k] else zero
                of_smallest[k] = one if own == smallest[k] else zero
            for j in range(run[v], run[v + 1]):
                first, last = bounds(begin, j)
                copy(at(relation, of_slot + at(kind, first)), r, width)
                for i in range(first, last):
                    e, u = at(edge, i), np.uint64(at(near, at(other, i)))
                    if len(mask) and not at(mask, e):
                        continue
                    s = x[u, column]
                    w = at(weight, e) if weighted else one
                    for k in range(width):
                        value = w * message_of(s, r, k, message, dim)
                        of_largest[k] += one if value == largest[k] else zero
                        of_smallest[k] += one if value == smallest[k] else zero
            for q in range(width // dim):
                of_row = grad[p, block, q]
                for k in range(dim):
                    of_largest[q * dim + k] = of_row[dim + k] / max(of_largest[q * dim + k], one)
                    of_smallest[q * dim + k] = of_row[2 * dim + k] / max(of_smallest[q * dim + k], one)
            if len(boundary):
                for k in range(width):
                    own = boundary[p, block, k]
                    g = constant[k] + slope[k] * own
                    g += of_largest[k] if own == largest[k] else zero
                    g += of_smallest[k] if own == smallest[k] else zero
                    grad_boundary[p, block, k] = g
            for j in range(run[v], run[v + 1]):
                first, last = bounds(begin, j)
                q = of_slot + at(kind, first)
                to_row = at(grad_relation, q)
                copy(at(relation, q), r, width)
                copy(to_row, to_r, width)
                for i in range(first, last):
                    e, u = at(edge, i), np.uint64(at(near, at(other, i)))
                    if len(mask) and not at(mask, e):
                        continue
                    s, to_s = x[u, column], grad_x[u, column]
                    w = at(weight, e) if weighted else one
                    for k in range(width):
                        plain = message_of(s, r, k, message, dim)
                        value = w * plain
                        g = constant[k] + slope[k] * value
                        g += of_largest[k] if value == largest[k] else zero
                        g += of_smallest[k] if value == smallest[k] else zero
                        if weighted and len(grad_weight):
                            grad_weight[e] += g * plain
                        if message == ROTATE:
                            reached[k] = w * g
                        else:
                            send_back(w * g, s, r, to_s, to_r, new_s, k, message)
                    if message == ROTATE:
                        rotate_back(reached, s, r, to_s, to_r, dim, width)
                    else:
                        copy(new_s, to_s, width)
                copy(to_r, to_row, width)

    return forward, backward
