"""Strongly regular graphs of equal parameters, which 2-FWL cannot tell apart. Brouwer and Van Maldeghem, Strongly
Regular Graphs, 2022; the switched ones by Seidel, Linear Algebra and its Applications 1968.

Every adjacency is `[n, n]`, bool.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations, product

import numpy as np


def rook(side: int) -> np.ndarray:
    """The squares of a board, linked along its rows and columns; of side 4, parameters (16, 6, 2, 2)."""
    squares = np.array(list(product(range(side), repeat=2)))
    alike = squares[:, None] == squares[None, :]
    return alike[..., 0] ^ alike[..., 1]


def shrikhande() -> np.ndarray:
    """The Cayley graph of Z4 x Z4 with the differences (0, 1), (1, 0) and (1, 1); parameters (16, 6, 2, 2)."""
    places = np.array(list(product(range(4), repeat=2)))
    difference = (places[:, None] - places[None, :]) % 4
    steps = {(0, 1), (1, 0), (1, 1), (0, 3), (3, 0), (3, 3)}
    return np.array([[tuple(d) in steps for d in row] for row in difference.tolist()])


def triangular(size: int) -> np.ndarray:
    """The pairs out of `size` points, linked if they share one; of 8 points, parameters (28, 12, 6, 4)."""
    pairs = [set(pair) for pair in combinations(range(size), 2)]
    return np.array([[len(a & b) == 1 for b in pairs] for a in pairs])


def switch(adjacency: np.ndarray, nodes: Collection[int]) -> np.ndarray:
    """Seidel switching: links between `nodes` and the others become gaps, and gaps links."""
    inside = np.zeros(len(adjacency), dtype=bool)
    inside[list(nodes)] = True
    return adjacency ^ (inside[:, None] ^ inside[None, :])


def chang() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three Chang graphs, with the parameters of T(8) and isomorphic neither to it nor to each other.

    T(8) switched by the links of a graph on its points: four separate links, a cycle of 8, and a cycle of 5 beside one
    of 3.
    """
    matching = [(0, 1), (2, 3), (4, 5), (6, 7)]
    octagon = [(k, (k + 1) % 8) for k in range(8)]
    two_cycles = [*((k, (k + 1) % 5) for k in range(5)), (5, 6), (6, 7), (7, 5)]
    first, second, third = (_switched_by(links) for links in (matching, octagon, two_cycles))
    return first, second, third


def _switched_by(links: Collection[tuple[int, int]]) -> np.ndarray:
    pairs = list(combinations(range(8), 2))
    return switch(triangular(8), [pairs.index((min(link), max(link))) for link in links])
