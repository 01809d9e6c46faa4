"""Distances between all nodes of a graph, as whole numbers.

Those of many graphs lie in one flat array, `[n, n]` by `[n, n]` in the order of `which`. `edges` are `start`, `row` and
`source` of `GraphArrays`.
"""

from __future__ import annotations

import numpy as np

from graphlab.ops.colour_refinement.hashing import new_matrix
from graphlab.ops.compiled import called_by_loops, compiled, inlined

PRIMES = (2147483647, 2147483629, 2147483587, 2147483579, 2147483563, 2147483549)
"""The largest primes below 2^31."""

APART = np.uint64(2**63)
"""The distance of nodes that no path joins."""

_32 = np.uint64(32)
_LOW = np.uint64(2**32 - 1)


@compiled
def shortest_paths(edges, which):
    """Edges on the shortest path to v, the row, from u, the column, or APART, for each graph of `which`."""
    start, row, source = edges
    first = 0
    for g in which:
        first += (start[g + 1] - start[g]) ** 2
    out = np.empty(first, np.uint64)
    first = 0
    for g in which:
        rows = row[start[g] : start[g + 1] + 1]
        n = len(rows) - 1
        distance = out[first : first + n * n].reshape(n, n)
        first += n * n
        queue = np.empty(n, np.int64)
        for v in range(n):
            for u in range(n):
                distance[v, u] = APART
            queue[0], end, place = v, 1, 0
            distance[v, v] = 0
            while place < end:
                w = queue[place]
                place += 1
                for e in range(rows[w], rows[w + 1]):
                    u = source[e]
                    if distance[v, u] == APART:
                        distance[v, u] = distance[v, w] + np.uint64(1)
                        queue[end] = u
                        end += 1
    return out


@compiled
def resistances(edges, which, primes, out, usable):
    """Resistance distances of graphs whose edges are resistors of 1 ohm: residues modulo two primes side by side, APART
    between components, in place of the shortest paths. And whether the primes were usable, bool `[len(which)]`.

    A resistance is the quotient of two numbers of spanning forests, a fraction whose denominator divides the number of
    spanning trees. Residues of equal fractions are equal, in whatever way they are computed; those of different ones
    agree only if both primes, of 31 bits, divide the numerator of their difference. A prime that divides the number of
    spanning trees, or a leading minor, is not usable.
    """
    start, row, source = edges
    first = 0
    for k in range(len(which)):
        g = which[k]
        rows = row[start[g] : start[g + 1] + 1]
        n = len(rows) - 1
        distance = out[first : first + n * n].reshape(n, n)
        first += n * n
        matrix = new_matrix(n)
        usable[k] = True
        for i in range(2):
            prime = np.uint64(primes[i])
            unit, inverse = (_LOW + np.uint64(1)) % prime, negative_inverse(prime)
            ground = grounded_laplacian(distance, rows, source, prime, unit, matrix)
            usable[k] &= invert(matrix, prime, unit, inverse)
            merge(distance, matrix, ground, prime, inverse, np.uint64(31 * i), i == 0)


@called_by_loops
def merge(out, matrix, ground, prime, inverse, shift, first):
    """R(u, v) = M_uu + M_vv - M_uv - M_vu from M, the inverse of the grounded Laplacian."""
    n = len(out)
    for u in range(n):
        for v in range(n):
            matrix[u, v] = reduced(matrix[u, v], prime, inverse) % prime
        if ground[u]:
            matrix[u, u] = 0
    for u in range(n):
        for v in range(n):
            if out[u, v] == APART:
                continue
            plus = matrix[u, u] + matrix[v, v]
            value = (plus + prime + prime - matrix[u, v] - matrix[v, u]) % prime
            out[u, v] = value if first else out[u, v] | (value << shift)


@called_by_loops
def grounded_laplacian(apart, rows, source, prime, unit, matrix):
    """Writes the Laplacian modulo a prime to `matrix`, times 2^32 as Montgomery's products take it. The first node of
    each component has the row and the column of the identity. Returns which nodes these are, bool `[n]`."""
    n = len(rows) - 1
    ground = np.empty(n, np.bool_)
    for v in range(n):
        ground[v] = True
        for u in range(v):
            ground[v] &= apart[v, u] == APART
        for u in range(n):
            matrix[v, u] = 0
    for v in range(n):
        if ground[v]:
            matrix[v, v] = unit
            continue
        for e in range(rows[v], rows[v + 1]):
            u = source[e]
            if u == v:
                continue
            matrix[v, v] = (matrix[v, v] + unit) % prime
            if not ground[u]:
                matrix[v, u] = (matrix[v, u] + prime - unit) % prime
    return ground


@called_by_loops
def invert(matrix, prime, unit, inverse):
    """By Gauss and Jordan, in place and without exchanging rows; False where a pivot is 0."""
    n = len(matrix)
    for k in range(n):
        pivot = matrix[k, k]
        if pivot == 0:
            return False
        factor = power(pivot, prime - np.uint64(2), prime, unit, inverse)
        matrix[k, k] = unit
        for j in range(n):
            matrix[k, j] = reduced(matrix[k, j] * factor, prime, inverse) % prime
        for i in range(n):
            factor = matrix[i, k]
            if i == k or factor == 0:
                continue
            matrix[i, k] = 0
            subtract(matrix[i], matrix[k], factor, prime, inverse)
    return True


@called_by_loops
def subtract(row, other, factor, prime, inverse):
    """row -= factor * other."""
    twice = prime + prime
    for j in range(len(row)):
        value = row[j] + twice - reduced(factor * other[j], prime, inverse)
        value = value - twice if value >= twice else value
        row[j] = value - prime if value >= prime else value


@inlined
def reduced(product, prime, inverse):
    """product / 2^32 modulo the prime, below twice the prime (Montgomery, 1985). `inverse` is `negative_inverse`."""
    multiple = ((product & _LOW) * inverse) & _LOW
    return (product + multiple * prime) >> _32


@called_by_loops
def negative_inverse(prime):
    """-1 / prime modulo 2^32, by Newton's iteration."""
    inverse = prime
    for _ in range(5):
        inverse *= np.uint64(2) - prime * inverse
    return (np.uint64(0) - inverse) & _LOW


@called_by_loops
def power(base, exponent, prime, unit, inverse):
    result = unit
    while exponent:
        if exponent & np.uint64(1):
            result = reduced(result * base, prime, inverse) % prime
        base = reduced(base * base, prime, inverse) % prime
        exponent >>= np.uint64(1)
    return result
