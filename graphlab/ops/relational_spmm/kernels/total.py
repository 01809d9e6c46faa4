"""Sum and mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from graphlab.ops.compiled import add_product, at, scratch
from graphlab.ops.relational_spmm.kernels.common import (
    DISTMULT,
    ROTATE,
    bounds,
    compiled,
    copy,
    count_edges,
    message_of,
    rotate_back,
    send_back,
)

UNROLLED = 32
"""Width up to which the compiler unrolls the sum over columns, too early to make vectors of it."""


@lru_cache
def totals(message: int, weighted: bool, dim: int, width: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Loops (forward, backward), compiled when they are first called and kept on disk; see `common`."""

    @compiled(message)
    def forward(edges, pairs, mask, weight, x, relation, boundary, mean, out, block, rows):
        run, begin, other, kind, edge = edges
        node, slot, place, stride = pairs
        column = np.uint64(block)
        sums, r = scratch(x, width), scratch(x, width)
        zero, one = x.dtype.type(0), x.dtype.type(1)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = len(boundary[:1])
            for k in range(width):
                sums[k] = boundary[p, block, k] if count else zero
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
                    if message == DISTMULT and not weighted and width <= UNROLLED:
                        add_product(sums, s, r, width)
                        continue
                    for k in range(width if width > UNROLLED else len(s)):
                        sums[k] += w * message_of(s, r, k, message, dim)
            share = x.dtype.type(1 / max(count, 1)) if mean else one
            row = out[p, block]
            for k in range(width):
                row[k] = sums[k] * share

    @compiled(message)
    def backward(edges, pairs, mask, weight, x, relation, boundary, mean, out, grad, grads, block, rows):
        run, begin, other, kind, edge = edges
        node, slot, place, stride = pairs
        column = np.uint64(block)
        grad_x, grad_relation, grad_weight, grad_boundary = grads
        new_s, r, to_r = scratch(x, width), scratch(x, width), scratch(x, width)
        g, reached = scratch(x, width), scratch(x, width)
        one = x.dtype.type(1)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = count_edges(begin[run[v]], begin[run[v + 1]], edge, mask) + len(boundary[:1])
            share = x.dtype.type(1 / max(count, 1)) if mean else one
            for k in range(width):
                g[k] = grad[p, block, k] * share
            if len(boundary):
                for k in range(width):
                    grad_boundary[p, block, k] = g[k]
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
                    if weighted and len(grad_weight):
                        for k in range(width):
                            grad_weight[e] += g[k] * message_of(s, r, k, message, dim)
                    if message == ROTATE:
                        for k in range(width):
                            reached[k] = w * g[k]
                        rotate_back(reached, s, r, to_s, to_r, dim, width)
                    else:
                        for k in range(width):
                            send_back(w * g[k], s, r, to_s, to_r, new_s, k, message)
                        copy(new_s, to_s, width)
                copy(to_r, to_row, width)

    return forward, backward
