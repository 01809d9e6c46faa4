"""Pairs of graphs made here, by which the laboratory is tried without any file."""

from __future__ import annotations

import networkx as nx
import numpy as np

from graphlab.analysis.expressiveness.hierarchy import Pair
from graphlab.data.generators.fuerer import fuerer_pair
from graphlab.data.graph6 import decode

BASES = (
    "Bw",
    "Cl",
    "Dlc",
    "Djs",
    "E{CW",
    "EhNG",
    "EyuG",
    "F`NBW",
    "G?opuG",
    "HCOe`XG",
    "HCQREpa",
    "HCQREOq",
    "H?BcroE",
)
"""Base graphs whose Fürer graphs show the hierarchy strict, the smallest that `experiments/expressiveness.py` found."""


def example_pairs() -> tuple[Pair, ...]:
    """A pair at least for every edge of the hierarchy, the largest of 38 nodes."""
    triangles = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    return (
        Pair("a hexagon and two triangles", nx.cycle_graph(6), triangles),
        Pair("rook's graph and Shrikhande's", rook(4), shrikhande()),
        *(Pair(f"Fürer graphs of {base}", *fuerer_pair(decode(base.encode()))) for base in BASES),
    )


def rook(n: int) -> nx.Graph:
    """The moves of a rook on a board of n times n fields; at n = 4 strongly regular, (16, 6, 2, 2)."""
    return nx.line_graph(nx.complete_bipartite_graph(n, n))


def shrikhande() -> np.ndarray:
    """The other strongly regular graph (16, 6, 2, 2): adjacency `[16, 16]` (Shrikhande, 1959)."""
    moves = {(0, 1), (1, 0), (1, 1), (0, 3), (3, 0), (3, 3)}
    fields = [(i, j) for i in range(4) for j in range(4)]
    return np.array([[((i - x) % 4, (j - y) % 4) in moves for x, y in fields] for i, j in fields])
