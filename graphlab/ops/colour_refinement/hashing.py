"""Colours as 64-bit numbers.

A colour is what a pseudo-random function gives for the colour's true, tuple-valued name. A multiset of colours is named
by a sum modulo 2^64, one of pairs (a, b) by a sum of products c_a d_b, where c and d are two such functions: no order
has to be found and nothing is sorted. Two different names agree with small probability only. Write their difference as
a polynomial in the independent, uniform numbers c and d: it is linear in each, its coefficients are differences of
counts, at most n in magnitude, and not all 0. If 2^k is the largest power of two that divides them all, the difference
is 0 modulo 2^64 with probability at most 65 * 2^k / 2^64 for pairs and 2^k / 2^64 for single colours, as sum_j 2^-j 2^j
counts the 65 powers of two that may divide a random factor. With 2^k <= n that is below n * 2^-57.
"""

from __future__ import annotations

import numpy as np

from graphlab.core.seeds import SeedStream
from graphlab.ops.compiled import called_by_loops, compiled, inlined

NUM_KEYS = 24
_ONE = np.uint64(1)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def make_keys(seed: int) -> np.ndarray:
    """Odd numbers uint64 `[NUM_KEYS]` that make the functions of one seed."""
    random = SeedStream(seed).child("colour-refinement").numpy()
    return random.integers(0, 2**64, NUM_KEYS, dtype=np.uint64) | _ONE


def edge_weights(edge_colour: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The function of edges, by which what comes over an edge is multiplied; odd, so that nothing is lost."""
    weight = edge_colour.copy()
    mix_all(weight, keys[-1])
    return weight | _ONE


@inlined
def flat(values):
    """An array's numbers on one axis, so that arrays of one, two and three axes share their compiled loops."""
    return values.reshape(values.size)


@inlined
def mix(value):
    """A bijection of 64-bit numbers after which neighbouring arguments have nothing in common (SplitMix64)."""
    value = (value ^ (value >> _S30)) * _M1
    value = (value ^ (value >> _S27)) * _M2
    return value ^ (value >> _S31)


@compiled
def mix_all(values, key):
    """In place, each of the flat values as the function with this key gives it."""
    for i in range(values.size):
        values[i] = mix(values[i] + key)


@compiled
def count_different(values, table):
    """How many different numbers there are among the flat values. The table, uint64 of a power of two that is twice as
    long or more, is overwritten."""
    zero, free = False, np.uint64(0)
    for i in range(table.size):
        table[i] = free
    last = np.uint64(table.size - 1)
    count = 0
    for i in range(values.size):
        value = values[i]
        if value == free:
            zero = True
            continue
        place = value & last
        while table[place] != free and table[place] != value:
            place = (place + _ONE) & last
        if table[place] == free:
            table[place] = value
            count += 1
    return count + zero


@inlined
def new_table(size):
    length = 4
    while length < 2 * size:
        length *= 2
    return np.empty(length, np.uint64)


@called_by_loops
def copy_all(values, out):
    """As many of the flat values as `out` has room for."""
    for i in range(out.size):
        out[i] = values[i]


@called_by_loops
def new_matrix(n):
    return np.empty((n, n), np.uint64)
