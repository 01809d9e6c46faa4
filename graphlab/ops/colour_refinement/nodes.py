"""Loops that refine the colours of the nodes of a graph, by neighbours or by all nodes with their distances."""

from __future__ import annotations

import numpy as np

from graphlab.ops.colour_refinement.distances import resistances, shortest_paths
from graphlab.ops.colour_refinement.hashing import compiled, count_different, mix, mix_all, new_table

NEIGHBOURS, SHORTEST, RESISTANCE = range(3)
"""What the colours of other nodes are seen with."""

MORE_ROUNDS, UNUSABLE = -1, -2
"""Instead of a number of rounds: the columns did not suffice; a prime divides what it must not."""

_OWN, _NEXT, _ALL, _DISTANCE, _EDGE, _LOOP = range(6)


@compiled
def refine_all_nodes(fields, which, seen, keys, primes, history, rounds):
    """For each graph g of `which`, its invariant after every round as `history[g, :rounds[g] + 1]`; `rounds[g]` is
    MORE_ROUNDS or UNUSABLE where there is none."""
    for g in which:
        start, row, source, node_colour, edge_colour, edge_weight = fields
        rows = row[start[g] : start[g + 1] + 1]
        weight, usable = weights(rows, source, edge_colour, seen, keys, primes)
        if not usable:
            rounds[g] = UNUSABLE
            continue
        colour = node_colour[start[g] : start[g + 1]].copy()
        mix_all(colour, keys[_NEXT])
        rounds[g] = refine(colour, weight, rows, source, edge_weight, keys, history[g])


@compiled
def colours_of_nodes(fields, g, seen, keys, primes, num_rounds):
    """The colours of graph g after so many rounds, uint64 `[n]`, and whether the primes were usable."""
    start, row, source, node_colour, edge_colour, edge_weight = fields
    rows = row[start[g] : start[g + 1] + 1]
    weight, usable = weights(rows, source, edge_colour, seen, keys, primes)
    colour = node_colour[start[g] : start[g + 1]].copy()
    mix_all(colour, keys[_NEXT])
    for _ in range(num_rounds):
        colour = step(colour, weight, rows, source, edge_weight, keys)
    return colour, usable


@compiled
def weights(rows, source, edge_colour, seen, keys, primes):
    """What each node sees each node with, `[n, n]`: a colour of the distance and of the edge between them, where that
    has one (mix(0) is 0) or is a self-loop, which no distance tells of; empty where neighbours are all that is seen.
    And whether the primes were usable."""
    n = len(rows) - 1
    if seen == NEIGHBOURS:
        return np.empty((0, 0), np.uint64), True
    if seen == SHORTEST:
        weight, usable = shortest_paths(rows, source), True
    else:
        weight, usable = resistances(rows, source, primes)
    for v in range(n):
        for e in range(rows[v], rows[v + 1]):
            w = source[e]
            weight[v, w] += keys[_EDGE] * mix(edge_colour[e] + keys[_LOOP] if w == v else edge_colour[e])
    mix_all(weight, keys[_DISTANCE])
    return weight, usable


@compiled
def refine(colour, weight, rows, source, edge_weight, keys, history):
    """Rounds until the number of colours no longer grows, or MORE_ROUNDS."""
    table = new_table(colour.size)
    count, t = count_different(colour, table), 0
    history[0] = pooled(colour, keys)
    while True:
        t += 1
        if t == len(history):
            return MORE_ROUNDS
        colour = step(colour, weight, rows, source, edge_weight, keys)
        history[t] = pooled(colour, keys)
        before, count = count, count_different(colour, table)
        if count == before:
            return t


@compiled
def step(colour, weight, rows, source, edge_weight, keys):
    n = len(colour)
    out = np.empty(n, np.uint64)
    for v in range(n):
        total = np.uint64(0)
        if len(weight):
            for w in range(n):
                total += weight[v, w] * colour[w]
        else:
            for e in range(rows[v], rows[v + 1]):
                total += colour[source[e]] * edge_weight[e]
        out[v] = keys[_OWN] * colour[v] + total
    mix_all(out, keys[_NEXT])
    return out


@compiled
def pooled(colour, keys):
    total = np.uint64(len(colour))
    for value in colour:
        total += value
    return mix(total + keys[_ALL])
