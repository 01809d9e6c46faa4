"""Loops that refine the colours of the nodes of a graph, by neighbours or by all nodes with their distances."""

from __future__ import annotations

import numpy as np

from graphlab.ops.colour_refinement.distances import resistances, shortest_paths
from graphlab.ops.colour_refinement.hashing import copy_all, count_different, mix, mix_all, new_table
from graphlab.ops.compiled import called_by_loops, compiled, inlined

NEIGHBOURS, SHORTEST, RESISTANCE = range(3)
"""What the colours of other nodes are seen with."""

MORE_ROUNDS, UNUSABLE = -1, -2
"""Instead of a number of rounds: the columns did not suffice; a prime divides what it must not."""

_OWN, _NEXT, _ALL, _DISTANCE, _EDGE, _LOOP = range(6)
_NOTHING = np.empty(0, np.uint64)


def distances(fields, which, seen, primes):
    """The distances that colours are seen with in the graphs of `which`, flat uint64, `[n, n]` by `[n, n]`; empty where
    neighbours are all that is seen. And the graphs for which the primes are not usable, int64."""
    if seen == NEIGHBOURS:
        return _NOTHING, which[:0]
    edges = fields[:3]
    out = shortest_paths(edges, which)
    if seen == SHORTEST:
        return out, which[:0]
    usable = np.empty(len(which), np.bool_)
    resistances(edges, which, primes, out, usable)
    return out, which[~usable]


@compiled
def refine_all_nodes(fields, which, seen, keys, history, rounds, colours):
    """For each graph g of `which`, its invariant after every round as `history[g, :rounds[g] + 1]`; `rounds[g]` is
    MORE_ROUNDS where the columns did not suffice. `seen`, the distances, is overwritten.

    If `colours` `[n]` has room for them, those of the only graph after the last column's round are written there, and
    it is refined for so long even if it is stable before, without a history.
    """
    start, row, source, node_colour, edge_colour, edge_weight = fields
    first = 0
    for g in which:
        rows = row[start[g] : start[g + 1] + 1]
        n = len(rows) - 1
        weight = seen[first : first + n * n]
        first += n * n
        if len(weight):
            mix_edges(weight, rows, source, edge_colour, keys)
        colour, out = np.empty(n, np.uint64), np.empty(n, np.uint64)
        copy_all(node_colour[start[g] : start[g + 1]], colour)
        mix_all(colour, keys[_NEXT])
        table = new_table(n)
        count = -1
        rounds[g] = MORE_ROUNDS
        for t in range(history.shape[1]):
            if not len(colours):
                history[g, t] = pooled(colour, keys)
                before, count = count, count_different(colour, table)
                if count == before:
                    rounds[g] = t
                    break
            if t + 1 < history.shape[1]:
                step(colour, out, weight, rows, source, edge_weight, keys)
                colour, out = out, colour
        copy_all(colour, colours)


@called_by_loops
def mix_edges(weight, rows, source, edge_colour, keys):
    """From distances to colours of them and of the edge between two nodes, where that has one (mix(0) is 0) or is a
    self-loop, which no distance tells of. In place."""
    n = len(rows) - 1
    for v in range(n):
        for e in range(rows[v], rows[v + 1]):
            w = source[e]
            weight[v * n + w] += keys[_EDGE] * mix(edge_colour[e] + keys[_LOOP] if w == v else edge_colour[e])
    mix_all(weight, keys[_DISTANCE])


@called_by_loops
def step(colour, out, weight, rows, source, edge_weight, keys):
    """The next colours, to `out`."""
    n = len(colour)
    for v in range(n):
        total = np.uint64(0)
        if len(weight):
            row = weight[v * n : (v + 1) * n]
            for w in range(n):
                total += row[w] * colour[w]
        else:
            for e in range(rows[v], rows[v + 1]):
                total += colour[source[e]] * edge_weight[e]
        out[v] = keys[_OWN] * colour[v] + total
    mix_all(out, keys[_NEXT])


@inlined
def pooled(colour, keys):
    total = np.uint64(len(colour))
    for value in colour:
        total += value
    return mix(total + keys[_ALL])
