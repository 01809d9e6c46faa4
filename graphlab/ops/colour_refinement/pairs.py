"""Loops that refine the colours of all pairs (u, v) of nodes of a graph, u the root."""

from __future__ import annotations

import numpy as np

from graphlab.ops.colour_refinement.hashing import copy_all, count_different, flat, mix, mix_all, new_matrix, new_table
from graphlab.ops.colour_refinement.nodes import MORE_ROUNDS
from graphlab.ops.compiled import called_by_loops, compiled, inlined

VU, UU, VV, UL, VL, UG, VG, FWL, LFWL, SLFWL = (1 << bit for bit in range(10))
"""What a colour may be refined by, beside itself; see `refine_pairs`."""

FLAT, VS, SV = range(3)
FOLKLORE = FWL | LFWL | SLFWL

_OWN, _VU, _UU, _VV, _UL, _VL, _UG, _VG, _FWL, _LFWL, _SLFWL, _SECOND, _NEXT, _ROW, _ALL, _X, _Y, _E, _SAME = range(19)
_ZERO = np.uint64(0)

TILE = 16
"""Rows and columns that are transposed together."""


@compiled
def refine_all_pairs(fields, which, flags, pool, keys, history, rounds, colours):
    """For each graph g of `which`, its invariant after every round as `history[g, :rounds[g] + 1]`; `rounds[g]` is
    MORE_ROUNDS where the columns did not suffice.

    If `colours` `[n * n]` has room for them, those of the only graph after the last column's round are written there,
    and it is refined for so long even if it is stable before, without a history.
    """
    start, row, source, node_colour, _, edge_weight = fields
    for g in which:
        rows = row[start[g] : start[g + 1] + 1]
        colour = first_colours(rows, source, node_colour[start[g] : start[g + 1]], edge_weight, flags & FOLKLORE, keys)
        n = len(colour)
        out, second = new_matrix(n), new_matrix(n if flags & FOLKLORE else 0)
        table = new_table(colour.size)
        count = -1
        rounds[g] = MORE_ROUNDS
        for t in range(history.shape[1]):
            if not len(colours):
                history[g, t] = pooled(colour, pool, keys)
                before, count = count, count_different(flat(colour), table)
                if count == before:
                    rounds[g] = t
                    break
            if t + 1 < history.shape[1]:
                step(colour, out, second, rows, source, edge_weight, flags, keys)
                colour, out = out, colour
        copy_all(flat(colour), colours)


@called_by_loops
def first_colours(rows, source, node_colour, edge_weight, isotype, keys):
    """What is known of v and whether it is u; with `isotype` of u as well, and of the edges between the two."""
    n = len(node_colour)
    colour = new_matrix(n)
    for u in range(n):
        for v in range(n):
            colour[u, v] = keys[_Y] * node_colour[v] + keys[_SAME] * np.uint64(u == v)
    if isotype:
        for v in range(n):
            own = keys[_X] * node_colour[v]
            for u in range(n):
                colour[v, u] += own
            for e in range(rows[v], rows[v + 1]):
                colour[source[e], v] += keys[_E] * mix(edge_weight[e])
                colour[v, source[e]] += keys[_ALL] * mix(edge_weight[e])
    mix_all(flat(colour), keys[_NEXT])
    return colour


@inlined
def step(colour, out, second, rows, source, edge_weight, flags, keys):
    """The next colours, to `out`."""
    n = len(colour)
    for u in range(n):
        for v in range(n):
            out[u, v] = keys[_OWN] * colour[u, v]
    if flags & (VU | UU | VV):
        add_points(colour, out, flags, keys)
    if flags & (UG | VG):
        add_global(colour, out, flags, keys)
    if flags & UL:
        add_within(colour, out, rows, source, edge_weight, keys[_UL])
    if flags & VL:
        add_across(colour, out, rows, source, edge_weight, keys[_VL])
    if flags & FOLKLORE:
        copy_all(flat(colour), flat(second))
        mix_all(flat(second), keys[_SECOND])
    if flags & FWL:
        add_product(colour, second, out, keys[_FWL])
    if flags & (LFWL | SLFWL):
        add_local_product(colour, second, out, rows, source, keys[_LFWL])
    if flags & SLFWL:
        add_rest_of_root(colour, second, out, rows, source, keys[_LFWL])
    mix_all(flat(out), keys[_NEXT])


@called_by_loops
def add_points(colour, out, flags, keys):
    n = len(colour)
    vu, uu, vv = (
        keys[_VU] if flags & VU else _ZERO,
        keys[_UU] if flags & UU else _ZERO,
        keys[_VV] if flags & VV else _ZERO,
    )
    for u in range(n):
        for v in range(n):
            out[u, v] += vu * colour[v, u] + uu * colour[u, u] + vv * colour[v, v]


@called_by_loops
def add_global(colour, out, flags, keys):
    """Sums over whole rows (root u) and whole columns (node v)."""
    n = len(colour)
    of_node = column_sums(colour)
    root_key, node_key = keys[_UG] if flags & UG else _ZERO, keys[_VG] if flags & VG else _ZERO
    for u in range(n):
        of_root = _ZERO
        for v in range(n):
            of_root += colour[u, v]
        for v in range(n):
            out[u, v] += root_key * of_root + node_key * of_node[v]


@called_by_loops
def add_within(colour, out, rows, source, edge_weight, key):
    """Sum of (u, w) over the neighbours w of v."""
    n = len(colour)
    for v in range(n):
        first, last = rows[v], rows[v + 1]
        for u in range(n):
            total = _ZERO
            for e in range(first, last):
                total += colour[u, source[e]] * edge_weight[e]
            out[u, v] += key * total


@called_by_loops
def add_across(colour, out, rows, source, edge_weight, key):
    """Sum of (w, v) over the neighbours w of u."""
    n = len(colour)
    for u in range(n):
        for e in range(rows[u], rows[u + 1]):
            add_row(out[u], colour[source[e]], key * edge_weight[e])


@inlined
def add_row(out, row, times):
    for v in range(len(out)):
        out[v] += times * row[v]


@called_by_loops
def add_product(colour, second, out, key):
    """Sum of the pairs ((u, w), (w, v)) over all nodes w: a product of matrices."""
    n = len(colour)
    for u in range(n):
        for w in range(n):
            add_row(out[u], second[w], key * colour[u, w])


@called_by_loops
def add_local_product(colour, second, out, rows, source, key):
    """The same over w = v and its neighbours."""
    n = len(colour)
    second_turned = new_matrix(n)
    transpose(second, second_turned)
    for v in range(n):
        first, last = rows[v], rows[v + 1]
        for u in range(n):
            total = colour[u, v] * second_turned[v, v]
            for e in range(first, last):
                w = source[e]
                total += colour[u, w] * second_turned[v, w]
            out[u, v] += key * total


@called_by_loops
def transpose(matrix, out):
    """Tile by tile: whole columns of a size of a power of two fall on the same lines of a cache."""
    n = len(matrix)
    for first in range(0, n, TILE):
        for left in range(0, n, TILE):
            for w in range(first, min(first + TILE, n)):
                for v in range(left, min(left + TILE, n)):
                    out[v, w] = matrix[w, v]


@called_by_loops
def add_rest_of_root(colour, second, out, rows, source, key):
    """The same over w = u and its neighbours, but for v and its neighbours, which become 0 in `second`."""
    n = len(colour)
    for v in range(n):
        second[v, v] = _ZERO
        for e in range(rows[v], rows[v + 1]):
            second[source[e], v] = _ZERO
    for u in range(n):
        add_row(out[u], second[u], key * colour[u, u])
        for e in range(rows[u], rows[u + 1]):
            w = source[e]
            add_row(out[u], second[w], key * colour[u, w])


@called_by_loops
def column_sums(colour):
    n = len(colour)
    total = np.empty(n, np.uint64)
    for v in range(n):
        total[v] = _ZERO
    for u in range(n):
        for v in range(n):
            total[v] += colour[u, v]
    return total


@called_by_loops
def pooled(colour, pool, keys):
    """The graph's invariant: of all pairs at once, root by root (VS), or node by node (SV)."""
    n = len(colour)
    total = np.uint64(n)
    if pool == SV:
        of_node = column_sums(colour)
        for v in range(n):
            total += mix(of_node[v] + keys[_ROW])
        return mix(total + keys[_ALL])
    for u in range(n):
        of_root = _ZERO
        for v in range(n):
            of_root += colour[u, v]
        total += mix(of_root + keys[_ROW]) if pool == VS else of_root
    return mix(total + keys[_ALL])
