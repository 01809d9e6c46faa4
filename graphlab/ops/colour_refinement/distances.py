"""Distances between all nodes of a graph, as whole numbers."""

from __future__ import annotations

import numpy as np

from graphlab.ops.colour_refinement.hashing import compiled, inlined

PRIMES = (2147483647, 2147483629, 2147483587, 2147483579, 2147483563, 2147483549)
"""The largest primes below 2^31."""

APART = np.uint64(2**63)
"""The distance of nodes that no path joins."""

_32 = np.uint64(32)
_LOW = np.uint64(2**32 - 1)


@compiled
def shortest_paths(rows, source):
    """Edges on the shortest path to v, the row, from u, the column, or APART: uint64 `[n, n]`."""
    n = len(rows) - 1
    distance = np.full((n, n), APART, np.uint64)
    queue = np.empty(n, np.int64)
    for v in range(n):
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
    return distance


@compiled
def resistances(rows, source, primes):
    """Resistance distances of a graph whose edges are resistors of 1 ohm: uint64 `[n, n]`, residues modulo two primes
    side by side, APART between components. And whether the primes were usable.

    A resistance is the quotient of two numbers of spanning forests, a fraction whose denominator divides the number of
    spanning trees. Residues of equal fractions are equal, in whatever way they are computed; those of different ones
    agree only if both primes, of 31 bits, divide the numerator of their difference. A prime that divides the number of
    spanning trees, or a leading minor, is not usable.
    """
    out = shortest_paths(rows, source)
    usable = True
    for i in range(2):
        prime = np.uint64(primes[i])
        inverse, good = grounded_inverse(out, rows, source, prime)
        usable &= good
        merge(out, inverse, prime, np.uint64(31 * i), i == 0)
    return out, usable


@compiled
def merge(out, inverse, prime, shift, first):
    """R(u, v) = M_uu + M_vv - M_uv - M_vu from M, the inverse of the grounded Laplacian."""
    n = len(out)
    for u in range(n):
        for v in range(n):
            if out[u, v] == APART:
                continue
            plus = inverse[u, u] + inverse[v, v]
            value = (plus + prime + prime - inverse[u, v] - inverse[v, u]) % prime
            out[u, v] = value if first else out[u, v] | (value << shift)


@compiled
def grounded_inverse(apart, rows, source, prime):
    """The inverse modulo a prime of the Laplacian without the first node of each component, whose row and column are
    0 in the result: uint64 `[n, n]`. By Gauss and Jordan in place; products are those of Montgomery, of numbers that
    stand for 2^32 times themselves."""
    n = len(rows) - 1
    ground = np.empty(n, np.bool_)
    for v in range(n):
        ground[v] = True
        for u in range(v):
            ground[v] &= apart[v, u] == APART
    unit = (_LOW + np.uint64(1)) % prime
    matrix = np.zeros((n, n), np.uint64)
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
    good = invert(matrix, prime, unit)
    for v in range(n):
        if ground[v]:
            matrix[v, v] = 0
        for u in range(n):
            matrix[v, u] = reduced(matrix[v, u], prime, negative_inverse(prime)) % prime
    return matrix, good


@compiled
def invert(matrix, prime, unit):
    """In place and without exchanging rows; False where a pivot is 0."""
    n = len(matrix)
    helper = negative_inverse(prime)
    for k in range(n):
        pivot = matrix[k, k]
        if pivot == 0:
            return False
        inverse = power(pivot, prime - np.uint64(2), prime, unit, helper)
        matrix[k, k] = unit
        for j in range(n):
            matrix[k, j] = reduced(matrix[k, j] * inverse, prime, helper) % prime
        for i in range(n):
            factor = matrix[i, k]
            if i == k or factor == 0:
                continue
            matrix[i, k] = 0
            subtract(matrix[i], matrix[k], factor, prime, helper)
    return True


@compiled
def subtract(row, other, factor, prime, helper):
    """row -= factor * other."""
    twice = prime + prime
    for j in range(len(row)):
        value = row[j] + twice - reduced(factor * other[j], prime, helper)
        value = value - twice if value >= twice else value
        row[j] = value - prime if value >= prime else value


@inlined
def reduced(product, prime, helper):
    """product / 2^32 modulo the prime, below twice the prime (Montgomery, 1985)."""
    multiple = ((product & _LOW) * helper) & _LOW
    return (product + multiple * prime) >> _32


@compiled
def negative_inverse(prime):
    """-1 / prime modulo 2^32, by Newton's iteration."""
    inverse = prime
    for _ in range(5):
        inverse *= np.uint64(2) - prime * inverse
    return (np.uint64(0) - inverse) & _LOW


@compiled
def power(base, exponent, prime, unit, helper):
    result = unit
    while exponent:
        if exponent & np.uint64(1):
            result = reduced(result * base, prime, helper) % prime
        base = reduced(base * base, prime, helper) % prime
        exponent >>= np.uint64(1)
    return result
