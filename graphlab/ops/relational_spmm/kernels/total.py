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

UNROLLED = 32
"""Width up to which the compiler unrolls the sum over columns completely."""


@lru_cache
def totals(message: int, weighted: bool, dim: int, width: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Loops (forward, backward), compiled when they are first called and kept on disk; see `common`."""

    @compiled
    def forward(edges, pairs, mask, weight, x, relation, boundary, mean, out, block, rows):
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        sums = scratch(x, width)
        zero, one = x.dtype.type(0), x.dtype.type(1)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = len(boundary[:1])
            for k in range(width):
                sums[k] = boundary[p, block, k] if count else zero
            for i in range(start[v], start[v + 1]):
                if len(mask) and not mask[edge[i]]:
                    continue
                count += 1
                s, r = x[near[other[i]], block], relation[of_slot + kind[i]]
                w = weight[edge[i]] if weighted else one
                # A short loop of known length is unrolled too early to be vectorised.
                for k in range(width if width > UNROLLED else len(s)):
                    sums[k] += w * message_of(s, r, k, message, dim)
            share = x.dtype.type(1 / max(count, 1)) if mean else one
            row = out[p, block]
            for k in range(width):
                row[k] = sums[k] * share

    @compiled
    def backward(edges, pairs, mask, weight, x, relation, boundary, mean, out, grad, grads, block, rows):
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
                g[k] = grad[p, block, k] * share
            if len(boundary):
                for k in range(width):
                    grad_boundary[p, block, k] = g[k]
            for i in range(start[v], start[v + 1]):
                e, u, q = edge[i], near[other[i]], of_slot + kind[i]
                if len(mask) and not mask[e]:
                    continue
                if u < 0:  # never: a loop with a second way out is not vectorised across edges, a gather at a time
                    break
                s, r = x[u, block], relation[q]
                to_s, to_r = grad_x[u, block], grad_relation[q]
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
