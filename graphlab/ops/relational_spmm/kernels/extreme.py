"""Maximum and minimum."""

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
    message_of,
    rotate_back,
    send_back,
)


@lru_cache
def extremes(message: int, weighted: bool, dim: int, width: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Loops (forward, backward), compiled when they are first called and kept on disk; see `common`."""

    @compiled(message)
    def forward(edges, pairs, mask, weight, x, relation, boundary, sign, out, block, rows):
        """The largest message for sign 1, the smallest for -1."""
        run, begin, other, kind, edge = edges
        node, slot, place, stride = pairs
        column = np.uint64(block)
        best, r = scratch(x, width), scratch(x, width)
        turn = x.dtype.type(sign)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = len(boundary[:1])
            for k in range(width):
                best[k] = turn * boundary[p, block, k] if count else -np.inf
            for j in range(run[v], run[v + 1]):
                first, last = bounds(begin, j)
                copy(at(relation, of_slot + at(kind, first)), r, width)
                for i in range(first, last):
                    e, u = at(edge, i), np.uint64(at(near, at(other, i)))
                    if len(mask) and not at(mask, e):
                        continue
                    count += 1
                    s = x[u, column]
                    w = turn * at(weight, e) if weighted else turn
                    for k in range(width):
                        value = w * message_of(s, r, k, message, dim)
                        best[k] = value if value > best[k] else best[k]
            row = out[p, block]
            for k in range(width):
                row[k] = turn * best[k] if count else x.dtype.type(0)

    @compiled(message)
    def backward(edges, pairs, mask, weight, x, relation, boundary, sign, out, grad, grads, block, rows):
        """Equal messages share their gradient evenly, which takes a pass over the row to count them."""
        run, begin, other, kind, edge = edges
        node, slot, place, stride = pairs
        column = np.uint64(block)
        grad_x, grad_relation, grad_weight, grad_boundary = grads
        new_s, r, to_r = scratch(x, width), scratch(x, width), scratch(x, width)
        best, share, reached = scratch(x, width), scratch(x, width), scratch(x, width)
        zero, one = x.dtype.type(0), x.dtype.type(1)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            for k in range(width):
                best[k] = out[p, block, k]
                share[k] = zero
            if len(boundary):
                for k in range(width):
                    share[k] = one if boundary[p, block, k] == best[k] else zero
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
                        share[k] += one if w * message_of(s, r, k, message, dim) == best[k] else zero
            for k in range(width):
                share[k] = grad[p, block, k] / max(share[k], one)
            if len(boundary):
                for k in range(width):
                    grad_boundary[p, block, k] = share[k] if boundary[p, block, k] == best[k] else zero
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
                        value = message_of(s, r, k, message, dim)
                        g = share[k] if w * value == best[k] else zero
                        if weighted and len(grad_weight):
                            grad_weight[e] += g * value
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
