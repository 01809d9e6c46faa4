"""Loops that refine the colours of all triples of nodes of a graph: FWL(3)."""

from __future__ import annotations

import numpy as np

from graphlab.ops.colour_refinement.hashing import copy_all, count_different, flat, mix, mix_all, new_table
from graphlab.ops.colour_refinement.nodes import MORE_ROUNDS
from graphlab.ops.colour_refinement.pairs import FOLKLORE, first_colours
from graphlab.ops.compiled import called_by_loops, compiled, inlined

_OWN, _PRODUCT, _SECOND, _THIRD, _NEXT, _ALL, _FIRST = range(7)


@compiled
def refine_all_triples(fields, which, keys, history, rounds, colours):
    """For each graph g of `which`, its invariant after every round as `history[g, :rounds[g] + 1]`; `rounds[g]` is
    MORE_ROUNDS where the columns did not suffice.

    If `colours` `[n * n * n]` has room for them, those of the only graph after the last column's round are written
    there, and it is refined for so long even if it is stable before, without a history.
    """
    start, row, source, node_colour, _, edge_weight = fields
    for g in which:
        rows = row[start[g] : start[g + 1] + 1]
        known = first_colours(rows, source, node_colour[start[g] : start[g + 1]], edge_weight, FOLKLORE, keys)
        n = len(known)
        colour, out = np.empty((n, n, n), np.uint64), np.empty((n, n, n), np.uint64)
        second, third = np.empty((n, n, n), np.uint64), np.empty((n, n, n), np.uint64)
        fill_first(known, keys, colour)
        table = new_table(colour.size)
        count = -1
        rounds[g] = MORE_ROUNDS
        for t in range(history.shape[1]):
            if not len(colours):
                history[g, t] = pooled(flat(colour), n, keys)
                before, count = count, count_different(flat(colour), table)
                if count == before:
                    rounds[g] = t
                    break
            if t + 1 < history.shape[1]:
                step(colour, second, third, out, keys)
                colour, out = out, colour
        copy_all(flat(colour), colours)


@called_by_loops
def fill_first(known, keys, colour):
    """What is known of the pairs (a, b), (b, d) and (a, d) of (a, b, d), to `colour` `[n, n, n]`."""
    n = len(known)
    for a in range(n):
        for b in range(n):
            for d in range(n):
                colour[a, b, d] = known[a, b] + keys[_FIRST] * known[b, d] + keys[_THIRD] * known[a, d]
    mix_all(flat(colour), keys[_NEXT])


@called_by_loops
def step(colour, second, third, out, keys):
    """Sum over all nodes w of the triples ((w, b, d), (a, w, d), (a, b, w)), as products of three functions."""
    n = len(colour)
    copy_all(flat(colour), flat(second))
    mix_all(flat(second), keys[_SECOND])
    copy_all(flat(colour), flat(third))
    mix_all(flat(third), keys[_THIRD])
    for a in range(n):
        for b in range(n):
            for d in range(n):
                out[a, b, d] = keys[_OWN] * colour[a, b, d]
            for w in range(n):
                add_products(out[a, b], colour[w, b], second[a, w], keys[_PRODUCT] * third[a, b, w])
    mix_all(flat(out), keys[_NEXT])


@inlined
def add_products(out, one, other, times):
    for d in range(len(out)):
        out[d] += times * one[d] * other[d]


@inlined
def pooled(values, n, keys):
    total = np.uint64(n)
    for value in values:
        total += value
    return mix(total + keys[_ALL])
