"""Maximum and minimum."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from graphlab.ops.relational_spmm.kernels.common import (
    ROTATE,
    compiled,
    message_of,
    rotate_back,
    scratch,
    send_back,
    store,
)


@lru_cache
def extremes(message: int, weighted: bool, dim: int, width: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Loops (forward, backward), compiled when they are first called and kept on disk; see `common`."""

    @compiled
    def forward(edges, pairs, mask, weight, x, relation, boundary, sign, out, block, rows):
        """The largest message for sign 1, the smallest for -1."""
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        best = scratch(x, width)
        turn = x.dtype.type(sign)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = len(boundary[:1])
            for k in range(width):
                best[k] = turn * boundary[p, block, k] if count else -np.inf
            for i in range(start[v], start[v + 1]):
                if len(mask) and not mask[edge[i]]:
                    continue
                count += 1
                s, r = x[near[other[i]], block], relation[of_slot + kind[i]]
                w = turn * weight[edge[i]] if weighted else turn
                for k in range(width):
                    value = w * message_of(s, r, k, message, dim)
                    best[k] = value if value > best[k] else best[k]
            row = out[p, block]
            for k in range(width):
                row[k] = turn * best[k] if count else x.dtype.type(0)

    @compiled
    def backward(edges, pairs, mask, weight, x, relation, boundary, sign, out, grad, grads, block, rows):
        """Equal messages share their gradient evenly, which takes a pass over the row to count them."""
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        grad_x, grad_relation, grad_weight, grad_boundary = grads
        new_s, new_r = scratch(x, width), scratch(x, width)
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
            for i in range(start[v], start[v + 1]):
                if len(mask) and not mask[edge[i]]:
                    continue
                s, r = x[near[other[i]], block], relation[of_slot + kind[i]]
                w = weight[edge[i]] if weighted else one
                for k in range(width):
                    share[k] += one if w * message_of(s, r, k, message, dim) == best[k] else zero
            for k in range(width):
                share[k] = grad[p, block, k] / max(share[k], one)
            if len(boundary):
                for k in range(width):
                    grad_boundary[p, block, k] = share[k] if boundary[p, block, k] == best[k] else zero
            for i in range(start[v], start[v + 1]):
                e, u, q = edge[i], near[other[i]], of_slot + kind[i]
                if len(mask) and not mask[e]:
                    continue
                s, r = x[u, block], relation[q]
                to_s, to_r = grad_x[u, block], grad_relation[q]
                w = weight[e] if weighted else one
                for k in range(width):
                    value = message_of(s, r, k, message, dim)
                    g = share[k] if w * value == best[k] else zero
                    if weighted and len(grad_weight):
                        grad_weight[e] += g * value
                    if message == ROTATE:
                        reached[k] = w * g
                    else:
                        send_back(w * g, s, r, to_s, to_r, new_s, new_r, k, message)
                if message == ROTATE:
                    rotate_back(reached, s, r, to_s, to_r, dim, width)
                else:
                    store(new_s, new_r, to_s, to_r, width)

    return forward, backward
