"""Loops that refine the colours of all pairs (u, v) of nodes of a graph, u the root."""

from __future__ import annotations

import numpy as np

from graphlab.ops.colour_refinement.hashing import compiled, count_different, inlined, mix, mix_all, new_table
from graphlab.ops.colour_refinement.nodes import MORE_ROUNDS

VU, UU, VV, UL, VL, UG, VG, FWL, LFWL, SLFWL = (1 << bit for bit in range(10))
"""What a colour may be refined by, beside itself; see `refine_pairs`."""

FLAT, VS, SV = range(3)
FOLKLORE = FWL | LFWL | SLFWL

_OWN, _VU, _UU, _VV, _UL, _VL, _UG, _VG, _FWL, _LFWL, _SLFWL, _SECOND, _NEXT, _ROW, _ALL, _X, _Y, _E, _SAME = range(19)
_ZERO = np.uint64(0)


@compiled
def refine_all_pairs(fields, which, flags, pool, keys, history, rounds):
    """For each graph g of `which`, its invariant after every round as `history[g, :rounds[g] + 1]`; `rounds[g]` is
    MORE_ROUNDS where the columns did not suffice."""
    for g in which:
        start, row, source, node_colour, _, edge_weight = fields
        nodes = slice(start[g], start[g + 1])
        rows = row[start[g] : start[g + 1] + 1]
        colour = first_colours(rows, source, node_colour[nodes], edge_weight, flags & FOLKLORE != 0, keys)
        rounds[g] = refine(colour, rows, source, edge_weight, flags, pool, keys, history[g])


@compiled
def colours_of_pairs(fields, g, flags, keys, num_rounds):
    """The colours of graph g after so many rounds: uint64 `[n, n]`."""
    start, row, source, node_colour, _, edge_weight = fields
    rows = row[start[g] : start[g + 1] + 1]
    colour = first_colours(rows, source, node_colour[start[g] : start[g + 1]], edge_weight, flags & FOLKLORE != 0, keys)
    out, second, joined = new_scratch(colour, rows, source, flags)
    for _ in range(num_rounds):
        step(colour, out, second, joined, rows, source, edge_weight, flags, keys)
        colour, out = out, colour
    return colour


@compiled
def first_colours(rows, source, node_colour, edge_weight, isotype, keys):
    """What is known of v and whether it is u; with `isotype` of u as well, and of the edges between the two."""
    n = len(node_colour)
    colour = np.empty((n, n), np.uint64)
    for u in range(n):
        for v in range(n):
            colour[u, v] = keys[_Y] * node_colour[v] + keys[_SAME] * np.uint64(u == v)
    if isotype:
        for v in range(n):
            colour[v] += keys[_X] * node_colour[v]
            for e in range(rows[v], rows[v + 1]):
                colour[source[e], v] += keys[_E] * mix(edge_weight[e])
                colour[v, source[e]] += keys[_ALL] * mix(edge_weight[e])
    mix_all(colour, keys[_NEXT])
    return colour


@compiled
def refine(colour, rows, source, edge_weight, flags, pool, keys, history):
    """Rounds until the number of colours no longer grows, or MORE_ROUNDS."""
    out, second, joined = new_scratch(colour, rows, source, flags)
    table = new_table(colour.size)
    count, t = count_different(colour, table), 0
    history[0] = pooled(colour, pool, keys)
    while True:
        t += 1
        if t == len(history):
            return MORE_ROUNDS
        step(colour, out, second, joined, rows, source, edge_weight, flags, keys)
        colour, out = out, colour
        history[t] = pooled(colour, pool, keys)
        before, count = count, count_different(colour, table)
        if count == before:
            return t


@compiled
def new_scratch(colour, rows, source, flags):
    """The next colours, those of the second function, and which pairs are adjacent or the same: as large as needed."""
    n = len(colour)
    out = np.empty((n, n), np.uint64)
    second = np.empty((n, n) if flags & FOLKLORE else (0, 0), np.uint64)
    joined = np.zeros((n, n) if flags & SLFWL else (0, 0), np.bool_)
    if flags & SLFWL:
        for v in range(n):
            joined[v, v] = True
            for e in range(rows[v], rows[v + 1]):
                joined[source[e], v] = True
    return out, second, joined


@compiled
def step(colour, out, second, joined, rows, source, edge_weight, flags, keys):
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
        second[:] = colour
        mix_all(second, keys[_SECOND])
    if flags & FWL:
        add_product(colour, second, out, keys[_FWL])
    if flags & (LFWL | SLFWL):
        add_local_product(colour, np.ascontiguousarray(second.T), out, rows, source, keys[_LFWL])
    if flags & SLFWL:
        add_rest_of_root(colour, second, out, joined, rows, source, keys[_LFWL])
    mix_all(out, keys[_NEXT])


@compiled
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


@compiled
def add_global(colour, out, flags, keys):
    """Sums over whole rows (root u) and whole columns (node v)."""
    n = len(colour)
    of_root, of_node = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    for u in range(n):
        for v in range(n):
            of_root[u] += colour[u, v]
            of_node[v] += colour[u, v]
    of_root *= keys[_UG] if flags & UG else _ZERO
    of_node *= keys[_VG] if flags & VG else _ZERO
    for u in range(n):
        for v in range(n):
            out[u, v] += of_root[u] + of_node[v]


@compiled
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


@compiled
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


@compiled
def add_product(colour, second, out, key):
    """Sum of the pairs ((u, w), (w, v)) over all nodes w: a product of matrices."""
    n = len(colour)
    for u in range(n):
        for w in range(n):
            add_row(out[u], second[w], key * colour[u, w])


@compiled
def add_local_product(colour, second_turned, out, rows, source, key):
    """The same over w = v and its neighbours."""
    n = len(colour)
    for v in range(n):
        first, last = rows[v], rows[v + 1]
        for u in range(n):
            total = colour[u, v] * second_turned[v, v]
            for e in range(first, last):
                w = source[e]
                total += colour[u, w] * second_turned[v, w]
            out[u, v] += key * total


@compiled
def add_rest_of_root(colour, second, out, joined, rows, source, key):
    """The same over w = u and its neighbours, but for those that are v or its neighbours."""
    n = len(colour)
    hidden = np.empty((n, n), np.uint64)
    for w in range(n):
        for v in range(n):
            hidden[w, v] = _ZERO if joined[w, v] else second[w, v]
    for u in range(n):
        add_row(out[u], hidden[u], key * colour[u, u])
        for e in range(rows[u], rows[u + 1]):
            w = source[e]
            add_row(out[u], hidden[w], key * colour[u, w])


@compiled
def pooled(colour, pool, keys):
    """The graph's invariant: of all pairs at once, root by root (VS), or node by node (SV)."""
    n = len(colour)
    total = np.uint64(n)
    if pool == SV:
        of_node = np.zeros(n, np.uint64)
        for u in range(n):
            for v in range(n):
                of_node[v] += colour[u, v]
        for v in range(n):
            total += mix(of_node[v] + keys[_ROW])
        return mix(total + keys[_ALL])
    for u in range(n):
        of_root = _ZERO
        for v in range(n):
            of_root += colour[u, v]
        total += mix(of_root + keys[_ROW]) if pool == VS else of_root
    return mix(total + keys[_ALL])
