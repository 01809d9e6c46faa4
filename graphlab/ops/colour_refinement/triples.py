"""Loops that refine the colours of all triples of nodes of a graph: FWL(3)."""

from __future__ import annotations

import numpy as np

from graphlab.ops.colour_refinement.hashing import compiled, count_different, inlined, mix, mix_all, new_table
from graphlab.ops.colour_refinement.nodes import MORE_ROUNDS
from graphlab.ops.colour_refinement.pairs import first_colours

_OWN, _PRODUCT, _SECOND, _THIRD, _NEXT, _ALL, _FIRST = range(7)


@compiled
def refine_all_triples(fields, which, keys, history, rounds):
    """For each graph g of `which`, its invariant after every round as `history[g, :rounds[g] + 1]`; `rounds[g]` is
    MORE_ROUNDS where the columns did not suffice."""
    for g in which:
        start, row, source, node_colour, _, edge_weight = fields
        rows = row[start[g] : start[g + 1] + 1]
        pairs = first_colours(rows, source, node_colour[start[g] : start[g + 1]], edge_weight, True, keys)
        rounds[g] = refine(first_triples(pairs, keys), keys, history[g])


@compiled
def colours_of_triples(fields, g, keys, num_rounds):
    """The colours of graph g after so many rounds: uint64 `[n, n, n]`."""
    start, row, source, node_colour, _, edge_weight = fields
    rows = row[start[g] : start[g + 1] + 1]
    pairs = first_colours(rows, source, node_colour[start[g] : start[g + 1]], edge_weight, True, keys)
    colour = first_triples(pairs, keys)
    second, third, out = np.empty_like(colour), np.empty_like(colour), np.empty_like(colour)
    for _ in range(num_rounds):
        step(colour, second, third, out, keys)
        colour, out = out, colour
    return colour


@compiled
def first_triples(pairs, keys):
    """What is known of the pairs (a, b), (b, d) and (a, d) of (a, b, d): uint64 `[n, n, n]`."""
    n = len(pairs)
    colour = np.empty((n, n, n), np.uint64)
    for a in range(n):
        for b in range(n):
            for d in range(n):
                colour[a, b, d] = pairs[a, b] + keys[_FIRST] * pairs[b, d] + keys[_THIRD] * pairs[a, d]
    mix_all(colour, keys[_NEXT])
    return colour


@compiled
def refine(colour, keys, history):
    """Rounds until the number of colours no longer grows, or MORE_ROUNDS."""
    second, third, out = np.empty_like(colour), np.empty_like(colour), np.empty_like(colour)
    table = new_table(colour.size)
    count, t = count_different(colour, table), 0
    history[0] = pooled(colour, keys)
    while True:
        t += 1
        if t == len(history):
            return MORE_ROUNDS
        step(colour, second, third, out, keys)
        colour, out = out, colour
        history[t] = pooled(colour, keys)
        before, count = count, count_different(colour, table)
        if count == before:
            return t


@compiled
def step(colour, second, third, out, keys):
    """Sum over all nodes w of the triples ((w, b, d), (a, w, d), (a, b, w)), as products of three functions."""
    n = len(colour)
    second[:] = colour
    mix_all(second, keys[_SECOND])
    third[:] = colour
    mix_all(third, keys[_THIRD])
    for a in range(n):
        for b in range(n):
            for d in range(n):
                out[a, b, d] = keys[_OWN] * colour[a, b, d]
            for w in range(n):
                add_products(out[a, b], colour[w, b], second[a, w], keys[_PRODUCT] * third[a, b, w])
    mix_all(out, keys[_NEXT])


@inlined
def add_products(out, one, other, times):
    for d in range(len(out)):
        out[d] += times * one[d] * other[d]


@compiled
def pooled(colour, keys):
    total = np.uint64(len(colour))
    for value in colour.flat:
        total += value
    return mix(total + keys[_ALL])
