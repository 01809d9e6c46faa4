"""Compiled loops of the CPU path: one set for each message, with edge weights and without.

A kernel works on the columns `[first, first + width)` of the `B * d` that a row has, for the rows
`[rows[0], rows[1])` of P results. Names used throughout:

    edges           (start, other, kind, edge): the rows of `RelationalGraph.by_target`
    pairs           (node `[P]`, slot `[P]`, place `[slots, sources]`, stride): result p is that of node[p]; its
                    source u lies in row place[slot[p], u] of x, its relation k in row stride * slot[p] + k
    mask            bool `[E]`, or empty where all edges are there
    weight          `[E]`, or empty where there are none
    x               `[Q, B * d]`; boundary, out, grad: `[P, B * d]`, boundary empty where there is none
    relation        `[rows, width]`, the block's own
    grads           (x, relation, weight, boundary), added to; weight empty where it is not wanted
    dim             d; the columns are those of whole queries
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np

TRANSE, DISTMULT, ROTATE = range(3)

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")
# In line, because a view that is passed on to a function takes an atomic count of its references.
inlined = numba.njit(inline="always", error_model="numpy")


@lru_cache
def kernels(message: int, weighted: bool) -> SimpleNamespace:
    """The kernels of one message; each is compiled when it is first called, and kept on disk."""
    named: list[Callable[..., Any]] = [
        *_totals(message, weighted),
        *_extremes(message, weighted),
        *_moments(message, weighted),
    ]
    return SimpleNamespace(**{kernel.__name__: kernel for kernel in named})


def _totals(message: int, weighted: bool) -> tuple[Callable[..., Any], ...]:
    @compiled
    def total(edges, pairs, mask, weight, x, relation, boundary, dim, mean, out, first, width, rows):
        """out[v] = sum or mean of the messages at v."""
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        m = np.empty(width, x.dtype)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            sums = out[p, first : first + width]
            count = _begin(sums, boundary, p, first, 0)
            for i in range(start[v], start[v + 1]):
                if len(mask) and not mask[edge[i]]:
                    continue
                count += 1
                s, r = x[near[other[i]], first : first + width], relation[of_slot + kind[i]]
                if message == DISTMULT and not weighted:
                    for k in range(width):
                        sums[k] += s[k] * r[k]
                else:
                    _message(m, s, r, message, dim)
                    if weighted:
                        _scale(m, weight[edge[i]])
                    for k in range(width):
                        sums[k] += m[k]
            if mean and count > 1:
                _scale(sums, x.dtype.type(1 / count))

    @compiled
    def total_backward(edges, pairs, mask, weight, x, relation, boundary, dim, mean, grad, grads, first, width, rows):
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        grad_x, grad_relation, grad_weight, grad_boundary = grads
        m, g, reached = np.empty((3, width), x.dtype)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            g[:] = grad[p, first : first + width]
            if mean:
                _scale(g, x.dtype.type(1 / max(_count(start, edge, mask, v) + len(boundary[:1]), 1)))
            if len(boundary):
                grad_boundary[p, first : first + width] = g
            for i in range(start[v], start[v + 1]):
                e, u, q = edge[i], near[other[i]], of_slot + kind[i]
                if len(mask) and not mask[e]:
                    continue
                s, r = x[u, first : first + width], relation[q]
                if weighted:
                    reached[:] = g
                    if len(grad_weight):
                        _message(m, s, r, message, dim)
                        grad_weight[e] += _dot(m, g)
                    _scale(reached, weight[e])
                    _backward(reached, s, r, grad_x[u, first : first + width], grad_relation[q], message, dim)
                else:
                    _backward(g, s, r, grad_x[u, first : first + width], grad_relation[q], message, dim)

    return total, total_backward


def _extremes(message: int, weighted: bool) -> tuple[Callable[..., Any], ...]:
    @compiled
    def extreme(edges, pairs, mask, weight, x, relation, boundary, dim, sign, out, first, width, rows):
        """out[v] = the largest (sign 1) or smallest (sign -1) message at v."""
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        m = np.empty(width, x.dtype)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            best = out[p, first : first + width]
            count = _begin(best, boundary, p, first, -sign * np.inf)
            for i in range(start[v], start[v + 1]):
                if len(mask) and not mask[edge[i]]:
                    continue
                count += 1
                _message(m, x[near[other[i]], first : first + width], relation[of_slot + kind[i]], message, dim)
                if weighted:
                    _scale(m, weight[edge[i]])
                if sign > 0:
                    for k in range(width):
                        best[k] = m[k] if m[k] > best[k] else best[k]
                else:
                    for k in range(width):
                        best[k] = m[k] if m[k] < best[k] else best[k]
            if count == 0:
                best[:] = 0

    @compiled
    def extreme_backward(edges, pairs, mask, weight, x, relation, boundary, dim, out, grad, grads, first, width, rows):
        """Equal messages share their gradient evenly, which takes a pass over the row to count them."""
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        grad_x, grad_relation, grad_weight, grad_boundary = grads
        m, share, reached = np.empty((3, width), x.dtype)
        zero, one = x.dtype.type(0), x.dtype.type(1)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            best = out[p, first : first + width]
            share[:] = 0
            if len(boundary):
                own = boundary[p, first : first + width]
                for k in range(width):
                    share[k] += one if own[k] == best[k] else zero
            for i in range(start[v], start[v + 1]):
                if len(mask) and not mask[edge[i]]:
                    continue
                _message(m, x[near[other[i]], first : first + width], relation[of_slot + kind[i]], message, dim)
                if weighted:
                    _scale(m, weight[edge[i]])
                for k in range(width):
                    share[k] += one if m[k] == best[k] else zero
            for k in range(width):
                share[k] = grad[p, first + k] / max(share[k], one)
            if len(boundary):
                own, to_own = boundary[p, first : first + width], grad_boundary[p, first : first + width]
                for k in range(width):
                    to_own[k] = share[k] if own[k] == best[k] else zero
            for i in range(start[v], start[v + 1]):
                e, u, q = edge[i], near[other[i]], of_slot + kind[i]
                if len(mask) and not mask[e]:
                    continue
                s, r = x[u, first : first + width], relation[q]
                _message(m, s, r, message, dim)
                if weighted:
                    _scale(m, weight[e])
                for k in range(width):
                    reached[k] = share[k] if m[k] == best[k] else zero
                if weighted:
                    if len(grad_weight):
                        _message(m, s, r, message, dim)
                        grad_weight[e] += _dot(m, reached)
                    _scale(reached, weight[e])
                _backward(reached, s, r, grad_x[u, first : first + width], grad_relation[q], message, dim)

    return extreme, extreme_backward


def _moments(message: int, weighted: bool) -> tuple[Callable[..., Any], ...]:
    @compiled
    def moments(edges, pairs, mask, weight, x, relation, boundary, dim, floor, out, first, width, rows):
        """out[v] = mean, largest, smallest, standard deviation: `[N, B * 4 d]` with the four side by side a query."""
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        m = np.empty(width, x.dtype)
        sums, squares, largest, smallest = np.empty((4, width), x.dtype)
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = _begin(sums, boundary, p, first, 0)
            _begin(largest, boundary, p, first, -np.inf)
            _begin(smallest, boundary, p, first, np.inf)
            for k in range(width):
                squares[k] = sums[k] * sums[k]
            for i in range(start[v], start[v + 1]):
                if len(mask) and not mask[edge[i]]:
                    continue
                count += 1
                _message(m, x[near[other[i]], first : first + width], relation[of_slot + kind[i]], message, dim)
                if weighted:
                    _scale(m, weight[edge[i]])
                for k in range(width):
                    value = m[k]
                    sums[k] += value
                    squares[k] += value * value
                    largest[k] = value if value > largest[k] else largest[k]
                    smallest[k] = value if value < smallest[k] else smallest[k]
            if count == 0:
                largest[:] = 0
                smallest[:] = 0
            share = x.dtype.type(1 / max(count, 1))
            least = x.dtype.type(floor)
            for q in range(width // dim):
                row = out[p, 4 * (first + q * dim) : 4 * (first + (q + 1) * dim)]
                for k in range(dim):
                    mean = sums[q * dim + k] * share
                    row[k] = mean
                    row[dim + k] = largest[q * dim + k]
                    row[2 * dim + k] = smallest[q * dim + k]
                    row[3 * dim + k] = np.sqrt(max(squares[q * dim + k] * share - mean * mean, least))

    @compiled
    def moments_backward(
        edges, pairs, mask, weight, x, relation, boundary, dim, floor, out, grad, grads, first, width, rows
    ):
        """A message m among n, with mean a and deviation s, has d a = 1 / n and d s = (m - a) / (n s), 0 at the floor;
        equal extremes share theirs evenly."""
        start, other, kind, edge = edges
        node, slot, place, stride = pairs
        grad_x, grad_relation, grad_weight, grad_boundary = grads
        m, reached, constant, slope = np.empty((4, width), x.dtype)
        largest, smallest, of_largest, of_smallest = np.empty((4, width), x.dtype)
        zero, one = x.dtype.type(0), x.dtype.type(1)
        least = np.sqrt(x.dtype.type(floor))
        for p in range(rows[0], rows[1]):
            v, near, of_slot = node[p], place[slot[p]], stride * slot[p]
            count = _count(start, edge, mask, v) + len(boundary[:1])
            share = x.dtype.type(1 / max(count, 1))
            for q in range(width // dim):
                row = out[p, 4 * (first + q * dim) : 4 * (first + (q + 1) * dim)]
                grad_row = grad[p, 4 * (first + q * dim) : 4 * (first + (q + 1) * dim)]
                for k in range(dim):
                    deviation = row[3 * dim + k]
                    slant = share * grad_row[3 * dim + k] / deviation if deviation > least else zero
                    slope[q * dim + k] = slant
                    constant[q * dim + k] = share * grad_row[k] - slant * row[k]
                largest[q * dim : (q + 1) * dim] = row[dim : 2 * dim]
                smallest[q * dim : (q + 1) * dim] = row[2 * dim : 3 * dim]
            of_largest[:] = 0
            of_smallest[:] = 0
            if len(boundary):
                own = boundary[p, first : first + width]
                for k in range(width):
                    of_largest[k] += one if own[k] == largest[k] else zero
                    of_smallest[k] += one if own[k] == smallest[k] else zero
            for i in range(start[v], start[v + 1]):
                if len(mask) and not mask[edge[i]]:
                    continue
                _message(m, x[near[other[i]], first : first + width], relation[of_slot + kind[i]], message, dim)
                if weighted:
                    _scale(m, weight[edge[i]])
                for k in range(width):
                    of_largest[k] += one if m[k] == largest[k] else zero
                    of_smallest[k] += one if m[k] == smallest[k] else zero
            for q in range(width // dim):
                grad_row = grad[p, 4 * (first + q * dim) : 4 * (first + (q + 1) * dim)]
                for k in range(dim):
                    of_largest[q * dim + k] = grad_row[dim + k] / max(of_largest[q * dim + k], one)
                    of_smallest[q * dim + k] = grad_row[2 * dim + k] / max(of_smallest[q * dim + k], one)
            if len(boundary):
                own, to_own = boundary[p, first : first + width], grad_boundary[p, first : first + width]
                for k in range(width):
                    top = of_largest[k] if own[k] == largest[k] else zero
                    bottom = of_smallest[k] if own[k] == smallest[k] else zero
                    to_own[k] = constant[k] + slope[k] * own[k] + top + bottom
            for i in range(start[v], start[v + 1]):
                e, u, q = edge[i], near[other[i]], of_slot + kind[i]
                if len(mask) and not mask[e]:
                    continue
                s, r = x[u, first : first + width], relation[q]
                _message(m, s, r, message, dim)
                if weighted:
                    _scale(m, weight[e])
                for k in range(width):
                    top = of_largest[k] if m[k] == largest[k] else zero
                    bottom = of_smallest[k] if m[k] == smallest[k] else zero
                    reached[k] = constant[k] + slope[k] * m[k] + top + bottom
                if weighted:
                    if len(grad_weight):
                        _message(m, s, r, message, dim)
                        grad_weight[e] += _dot(m, reached)
                    _scale(reached, weight[e])
                _backward(reached, s, r, grad_x[u, first : first + width], grad_relation[q], message, dim)

    return moments, moments_backward


@inlined
def _begin(values, boundary, row, first, identity):
    """Start a reduction with the boundary, if there is one, or else the identity; how many messages that was."""
    count = 0
    if len(boundary):
        values[:] = boundary[row, first : first + len(values)]
        count = 1
    else:
        values[:] = identity
    return count


@compiled
def _count(start, edge, mask, v):
    if not len(mask):
        return start[v + 1] - start[v]
    count = 0
    for i in range(start[v], start[v + 1]):
        count += mask[edge[i]]
    return count


@inlined
def _message(m, s, r, message, dim):
    if message == DISTMULT:
        for k in range(len(m)):
            m[k] = s[k] * r[k]
    elif message == TRANSE:
        for k in range(len(m)):
            m[k] = s[k] + r[k]
    else:
        half = dim // 2
        for q in range(len(m) // dim):
            re, im = q * dim, q * dim + half
            for k in range(half):
                m[re + k] = s[re + k] * r[re + k] - s[im + k] * r[im + k]
                m[im + k] = s[re + k] * r[im + k] + s[im + k] * r[re + k]


@inlined
def _backward(g, s, r, to_s, to_r, message, dim):
    """From the gradient g of a message to those of its source s and its relation r."""
    if message == DISTMULT:
        for k in range(len(g)):
            to_s[k] += g[k] * r[k]
            to_r[k] += g[k] * s[k]
    elif message == TRANSE:
        for k in range(len(g)):
            to_s[k] += g[k]
            to_r[k] += g[k]
    else:
        half = dim // 2
        for q in range(len(g) // dim):
            re, im = q * dim, q * dim + half
            for k in range(half):
                to_s[re + k] += g[re + k] * r[re + k] + g[im + k] * r[im + k]
                to_s[im + k] += g[im + k] * r[re + k] - g[re + k] * r[im + k]
                to_r[re + k] += g[re + k] * s[re + k] + g[im + k] * s[im + k]
                to_r[im + k] += g[im + k] * s[re + k] - g[re + k] * s[im + k]


@inlined
def _scale(values, factor):
    for k in range(len(values)):
        values[k] *= factor


@inlined
def _dot(a, b):
    total = a[0] * 0
    for k in range(len(a)):
        total += a[k] * b[k]
    return total
