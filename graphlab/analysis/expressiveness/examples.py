"""Pairs of graphs made here, by which the laboratory is tried without any file."""

from __future__ import annotations

import networkx as nx

from graphlab.analysis.expressiveness.hierarchy import Pair
from graphlab.data.generators.cfi import cfi_pair
from graphlab.data.generators.strongly_regular import rook, shrikhande

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
"""Base graphs whose CFI graphs show the hierarchy strict, the smallest that `experiments/expressiveness.py` found."""


def example_pairs() -> tuple[Pair, ...]:
    """A pair at least for every edge of the hierarchy, the largest of 38 nodes."""
    triangles = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    return (
        Pair("a hexagon and two triangles", nx.cycle_graph(6), triangles),
        Pair("rook's graph and Shrikhande's", rook(4), shrikhande()),
        *(Pair(f"CFI graphs of {base}", *cfi_pair(nx.from_graph6_bytes(base.encode()))) for base in BASES),
    )
