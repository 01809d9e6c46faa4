"""Circular skip links: circulant graphs, of equal degrees and, but for one number, of equal wiring. Murphy et al.,
ICML 2019, section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from graphlab.core.seeds import SeedStream
from graphlab.data.graph6 import encode

NUM_NODES = 41
SKIPS = (2, 3, 4, 5, 6, 9, 11, 12, 13, 16)
"""R, one class each; no two of these graphs are isomorphic."""

COPIES = 15
"""Renumberings of each class."""

STREAM = SeedStream(2019).child("csl")


def circulant(num_nodes: int, jumps: Iterable[int]) -> np.ndarray:
    """The graph on 0..n-1 that joins u and u + r mod n for each jump r: adjacency `[n, n]`, bool.

    Raises ValueError for a jump that is a multiple of n, which would join a node to itself.
    """
    adjacency = np.zeros((num_nodes, num_nodes), dtype=bool)
    nodes = np.arange(num_nodes)
    for jump in jumps:
        if jump % num_nodes == 0:
            raise ValueError(f"a jump of {jump} joins each of {num_nodes} nodes to itself")
        adjacency[nodes, (nodes + jump) % num_nodes] = True
    return adjacency | adjacency.T


def renumber(adjacency: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same graph with its nodes in a random order."""
    order = rng.permutation(len(adjacency))
    return adjacency[np.ix_(order, order)]


def make(path: Path) -> None:
    """Write one graph a line, R and its graph6: fifteen renumberings of each class, class by class."""
    rng = STREAM.numpy()
    lines = [
        f"{skip}\t{encode(renumber(circulant(NUM_NODES, (1, skip)), rng))}\n" for skip in SKIPS for _ in range(COPIES)
    ]
    path.write_text("".join(lines), newline="\n")
