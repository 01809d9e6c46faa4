"""Sum and mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from graphlab.ops.relational_spmm.kernels.common import (
    ROTATE,
    compiled,
    count_edges,
    message_of,
    rotate_back,
    scratch,
    send_back,
    store,
)


@lru_cache
def totals(message: int, weighted: bool, dim: int, width: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Loops (forward, backward), compiled when they are first called and kept on disk; see `common`."""

    @compiled
    def forward(edges, pairs, mask, weight, x, relation, boundary, mean, out, first, rows):
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        sums = scratch(x, width)
        zero, one = x.dtype.type(0), x.dtype.type(1)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = len(boundary[:1])
            for k in range(width):
                sums[k] = boundary[p, first + k] if count else zero
            for i in range(start[v], start[v + 1]):
                if len(mask) and not mask[edge[i]]:
                    continue
                count += 1
                s, r = x[near[other[i]], first : first + width], relation[of_slot + kind[i]]
                w = weight[edge[i]] if weighted else one
                for k in range(width):
                    sums[k] += w * message_of(s, r, k, message, dim)
            share = x.dtype.type(1 / max(count, 1)) if mean else one
            row = out[p, first : first + width]
            for k in range(width):
                row[k] = sums[k] * share

    @compiled
    def backward(edges, pairs, mask, weight, x, relation, boundary, mean, out, grad, grads, first, rows):
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        grad_x, grad_relation, grad_weight, grad_boundary = grads
        new_s, new_r = scratch(x, width), scratch(x, width)
        g, reached = scratch(x, width), scratch(x, width)
        one = x.dtype.type(1)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = count_edges(start, edge, mask, v) + len(boundary[:1])
            share = x.dtype.type(1 / max(count, 1)) if mean else one
            for k in range(width):
                g[k] = grad[p, first + k] * share
            if len(boundary):
                for k in range(width):
                    grad_boundary[p, first + k] = g[k]
            for i in range(start[v], start[v + 1]):
                e, u, q = edge[i], near[other[i]], of_slot + kind[i]
                if len(mask) and not mask[e]:
                    continue
                s, r = x[u, first : first + width], relation[q]
                to_s, to_r = grad_x[u, first : first + width], grad_relation[q]
                w = weight[e] if weighted else one
                if weighted and len(grad_weight):
                    for k in range(width):
                        grad_weight[e] += g[k] * message_of(s, r, k, message, dim)
                if message == ROTATE:
                    for k in range(width):
                        reached[k] = w * g[k]
                    rotate_back(reached, s, r, to_s, to_r, dim, width)
                else:
                    for k in range(width):
                        send_back(w * g[k], s, r, to_s, to_r, new_s, new_r, k, message)
                    store(new_s, new_r, to_s, to_r, width)

    return forward, backward
