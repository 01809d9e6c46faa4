"""The twelve tests in plain numpy, pair by pair: what one writes without a laboratory. One thread.

Colours are numbers from 0, found by `np.unique` over both graphs of a pair; multisets are sums of random numbers.
Resistances are floating-point numbers, rounded to eight decimals.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

Both = list[np.ndarray]
ODD = np.random.default_rng(1).integers(0, 2**64, 4, dtype=np.uint64) | np.uint64(1)
TABLE = np.random.default_rng(0).integers(0, 2**64, (3, 200_000), dtype=np.uint64)


def named(*columns: Both) -> tuple[Both, int]:
    """A number for each different row of numbers, the same in both graphs, and how many there are."""
    rows = [np.concatenate([part.ravel() for part in column]).astype(np.uint64) for column in columns]
    key = np.sum([row * ODD[k] for k, row in enumerate(rows)], axis=0, dtype=np.uint64)
    names, inverse = np.unique(key, return_inverse=True)
    cut = columns[0][0].size
    parts = inverse[:cut].reshape(columns[0][0].shape), inverse[cut:].reshape(columns[0][1].shape)
    return list(parts), len(names)


def hashed(colour: np.ndarray, k: int = 0) -> np.ndarray:
    return TABLE[k][colour]


def refine(
    start: Both, pooled: Callable[[np.ndarray], np.ndarray], *parts: Callable[[np.ndarray, int], np.ndarray]
) -> bool:
    """Whether the two differ once their common colours no longer split."""
    colours, count = named(start)
    while True:
        first, second = (np.sort(pooled(colour)) for colour in colours)
        if len(first) != len(second) or (first != second).any():
            return True
        before = count
        colours, count = named(
            colours, *([part(colour, side) for side, colour in enumerate(colours)] for part in parts)
        )
        if count == before:
            return False


def flat(colour: np.ndarray) -> np.ndarray:
    return colour.ravel()


def by_root(colour: np.ndarray) -> np.ndarray:
    return hashed(colour).sum(1)


def by_node(colour: np.ndarray) -> np.ndarray:
    return hashed(colour).sum(0)


def separated(name: str, adjacency: Both) -> bool:
    """Whether a test tells two adjacencies `[n, n]` apart."""
    joined = [csr_array(a.astype(np.uint64)) for a in adjacency]
    if name in ("1-WL", "SPD-WL", "RD-WL"):
        nodes = [np.zeros(len(a), np.int64) for a in adjacency]
        if name == "1-WL":
            return refine(nodes, flat, lambda c, g: joined[g] @ hashed(c))
        far = [shortest_path(a, unweighted=True) if name == "SPD-WL" else resistance(a) for a in adjacency]
        weight = [hashed(d, 1) for d in named([(np.round(d, 8) + 0.0).view(np.uint64) for d in far])[0]]
        return refine(nodes, flat, lambda c, g: weight[g] @ hashed(c))
    same = [np.eye(len(a), dtype=np.int64) for a in adjacency]
    kinds = [2 * s + a for s, a in zip(same, adjacency, strict=True)]
    closed = [kind > 0 for kind in kinds]
    pool = by_node if "(SV)" in name else by_root

    def u_local(c: np.ndarray, g: int) -> np.ndarray:
        return (joined[g] @ hashed(c).T).T

    def v_local(c: np.ndarray, g: int) -> np.ndarray:
        return joined[g] @ hashed(c)

    def v_global(c: np.ndarray, g: int) -> np.ndarray:
        return np.broadcast_to(hashed(c).sum(0), c.shape)

    def vv(c: np.ndarray, g: int) -> np.ndarray:
        return np.broadcast_to(c.diagonal(), c.shape)

    def folklore(c: np.ndarray, g: int) -> np.ndarray:
        return hashed(c, 1) @ hashed(c, 2)

    def local_folklore(c: np.ndarray, g: int) -> np.ndarray:
        one, two = hashed(c, 1), hashed(c, 2)
        return np.stack([one[:, near] @ two[near, v] for v, near in enumerate(closed[g])], axis=1)

    def either_folklore(c: np.ndarray, g: int) -> np.ndarray:
        one, two = hashed(c, 1), hashed(c, 2)
        near = closed[g]
        return np.stack([((near[u][:, None] | near) * one[u][:, None] * two).sum(0) for u in range(len(near))])

    parts = {
        "SWL": (u_local,),
        "PSWL": (u_local, vv),
        "GSWL": (u_local, v_global),
        "SSWL": (u_local, v_local),
    }
    if name in ("LFWL(2)", "SLFWL(2)", "FWL(2)"):
        part = {"LFWL(2)": local_folklore, "SLFWL(2)": either_folklore, "FWL(2)": folklore}[name]
        return refine(kinds, flat, part)
    return refine(same, pool, *parts[name.partition("(")[0]])


def resistance(adjacency: np.ndarray) -> np.ndarray:
    inverse = np.linalg.pinv(np.diag(adjacency.sum(0)) - adjacency, rcond=1e-10, hermitian=True)
    diagonal = inverse.diagonal()
    return diagonal[:, None] + diagonal - 2 * inverse
