"""Slow refinements and invariants of graphs, as independent truths for the data sets of pairs."""

from __future__ import annotations

from itertools import product

import networkx as nx
import numpy as np
from scipy.sparse import csr_array

MIX = np.uint64(0x7FB5D329728EA185)


def same_under_1_wl(first: np.ndarray, second: np.ndarray, *marks: list[int]) -> bool:
    """Colours of nodes, of `marks` at first, refined by those of their neighbours until none splits, by renaming."""
    near = [list(np.flatnonzero(row)) for row in first]
    near += [list(np.flatnonzero(row) + len(first)) for row in second]
    colours, number = [mark for one in marks for mark in one] or [0] * len(near), 0
    while True:
        rows = [(colour, *sorted(colours[v] for v in nodes)) for colour, nodes in zip(colours, near, strict=True)]
        names = {row: k for k, row in enumerate(dict.fromkeys(rows))}
        colours = [names[row] for row in rows]
        if sorted(colours[: len(first)]) != sorted(colours[len(first) :]):
            return False
        if len(names) == number:
            return True
        number = len(names)


def same_under_2_fwl(first: np.ndarray, second: np.ndarray) -> bool:
    """Colours of pairs (u, v), refined by the multiset over w of the colours of (w, v) and (u, w), by renaming."""
    colours = [2 * np.eye(len(a), dtype=np.int64) + a for a in (first, second)]
    number = 0
    while True:
        rows = [np.sort(c.T[None, :, :] * 10**6 + c[:, None, :], axis=2) for c in colours]
        flat = np.concatenate(
            [np.dstack([c[..., None], r]).reshape(c.size, -1) for c, r in zip(colours, rows, strict=True)]
        )
        names, renamed = np.unique(flat, axis=0, return_inverse=True)
        parts = np.split(renamed.ravel(), [colours[0].size])
        colours = [part.reshape(c.shape) for part, c in zip(parts, colours, strict=True)]
        if not np.array_equal(*(np.sort(part) for part in parts)):
            return False
        if len(names) == number:
            return True
        number = len(names)


def signature(adjacency: np.ndarray, marks: int, rounds: int = 6) -> tuple[int, ...]:
    """Equal for isomorphic graphs: 1-WL with `marks` nodes marked in turn, a hash for each choice of them, sorted.

    Exact integers, so that other signatures prove that graphs are not isomorphic.
    """
    choices = np.array(list(product(range(len(adjacency)), repeat=marks)))
    links = csr_array(adjacency.astype(np.uint64))
    colours = np.ones((len(adjacency), len(choices)), dtype=np.uint64)
    for k in range(marks):
        colours[choices[:, k], np.arange(len(choices))] += np.uint64(7 + 4 * k)
    for _ in range(rounds):
        colours = _mixed(colours * np.uint64(3) + links @ _mixed(colours))
    return tuple(np.sort(_mixed(colours).sum(axis=0)).tolist())


def proven_different(first: np.ndarray, second: np.ndarray, marks: int = 2) -> bool:
    return any(signature(first, k) != signature(second, k) for k in range(1, marks + 1))


def homomorphisms(pattern: nx.Graph, adjacency: np.ndarray) -> int:
    """How many maps of the pattern's nodes take edges to edges, summed over one node of the pattern after the other."""
    letters = {v: chr(ord("a") + k) for k, v in enumerate(pattern)}
    factors = [(letters[u] + letters[v], adjacency.astype(np.float64)) for u, v in pattern.edges]
    while any(names for names, _ in factors):
        joint = {v: set("".join(names for names, _ in factors if v in names)) for v in "".join(n for n, _ in factors)}
        v = min(sorted(joint), key=lambda v: len(joint[v]))
        touched = [factor for factor in factors if v in factor[0]]
        left = "".join(sorted(joint[v] - {v}))
        summed = np.einsum(f"{','.join(names for names, _ in touched)}->{left}", *(array for _, array in touched))
        factors = [factor for factor in factors if v not in factor[0]] + [(left, summed)]
    return round(float(np.prod([array for _, array in factors])))


def _mixed(colours: np.ndarray) -> np.ndarray:
    colours = (colours ^ (colours >> np.uint64(31))) * MIX
    return colours ^ (colours >> np.uint64(33))
