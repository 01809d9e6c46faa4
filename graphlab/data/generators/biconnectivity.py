"""Regular graphs with cut vertices, and twins without, which 1-WL cannot tell apart. After the tasks of Zhang et al.,
ICLR 2023, section 5.

Random regular graphs of a few nodes, which are 2-connected, are put together: a node is placed on an edge of each of
two graphs, and the two new nodes are joined, which makes a cut edge of a cubic graph, or made one, which makes a cut
vertex of a quartic graph. Cubic graphs have both or neither; quartic ones have no cut edges, their degrees being even.
A graph's twin is made from it by exchanging ends of edges until no cut vertex is left: as large and as regular, and
little else has changed. No two graphs of a file are isomorphic, so that none of the test set was trained on.
"""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np

from graphlab.core.seeds import SeedStream
from graphlab.data.generators.circulant import renumber
from graphlab.data.generators.hard_pairs import random_regular
from graphlab.data.graph6 import encode

DEGREES = {"cubic": 3, "quartic": 4}
SIZES = {3: (4, 6), 4: (5, 6, 7)}
"""Nodes of what is put together, by degree: too few for a cut vertex."""

NUM_BLOCKS = (3, 4, 5)
PARTS = (("train", 240), ("validation", 60), ("test", 120))

MAX_SWAPS = 2000
"""Exchanges to try before a graph is given up and another is drawn."""

STREAM = SeedStream(2023).child("biconnectivity")

Seen = dict[tuple[int, ...], list[nx.Graph]]
"""Graphs by what isomorphic ones share."""


def splice(first: np.ndarray, second: np.ndarray, degree: int, rng: np.random.Generator) -> np.ndarray:
    """Two cubic graphs joined by a cut edge, or two quartic ones that share a cut vertex: adjacency `[n, n]`, bool."""
    size, rest = len(first), len(second)
    joined = np.zeros((size + rest + 2,) * 2, dtype=bool)
    joined[:size, :size] = first
    joined[size : size + rest, size : size + rest] = second
    for graph, start, node in ((first, 0, -2), (second, size, -1)):
        u, v = start + _random_edge(graph, rng)
        _set(joined, u, v, False)
        _set(joined, u, node, True)
        _set(joined, node, v, True)
    if degree == 3:
        _set(joined, -2, -1, True)
        return joined
    joined[-2] |= joined[-1]
    joined[:, -2] |= joined[:, -1]
    return joined[:-1, :-1]


def twin(adjacency: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """A connected graph of the same degrees without cut vertices, by exchanges (a, b), (c, d) to (a, d), (c, b) each of
    which leaves fewer; None if some are left at the end."""
    graph, left = adjacency, num_cut_vertices(adjacency)
    for _ in range(MAX_SWAPS):
        if not left:
            return graph
        (a, b), (c, d) = _random_edge(graph, rng), _random_edge(graph, rng)
        if len({a, b, c, d}) < 4 or graph[a, d] or graph[c, b]:
            continue
        swapped = graph.copy()
        for u, v in ((a, b), (c, d)):
            _set(swapped, u, v, False)
        for u, v in ((a, d), (c, b)):
            _set(swapped, u, v, True)
        network = nx.from_numpy_array(swapped)
        if nx.is_connected(network) and (fewer := len(set(nx.articulation_points(network)))) < left:
            graph, left = swapped, fewer
    return None


def num_cut_vertices(adjacency: np.ndarray) -> int:
    return len(set(nx.articulation_points(nx.from_numpy_array(adjacency))))


def make(path: Path) -> None:
    """Write `cubic.tsv` or `quartic.tsv`: one graph a line, its part and its graph6; a graph with cut vertices and its
    twin without stand next to each other, in random order."""
    degree = DEGREES[path.stem]
    rng, seen = STREAM.child(path.stem).numpy(), Seen()
    parts = [name for name, size in PARTS for _ in range(size)]
    graphs = [graph for _ in range(len(parts) // 2) for graph in _pair(degree, rng, seen)]
    path.write_text(
        "".join(f"{part}\t{encode(graph)}\n" for part, graph in zip(parts, graphs, strict=True)), newline="\n"
    )


def _pair(degree: int, rng: np.random.Generator, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    while True:
        graph = _block(degree, rng)
        for _ in range(int(rng.choice(NUM_BLOCKS)) - 1):
            graph = splice(graph, _block(degree, rng), degree, rng)
        other = twin(graph, rng)
        if other is None or not (_is_new(graph, seen) and _is_new(other, seen)):
            continue
        graph, other = renumber(graph, rng), renumber(other, rng)
        return (graph, other) if rng.random() < 0.5 else (other, graph)


def _block(degree: int, rng: np.random.Generator) -> np.ndarray:
    return random_regular(int(rng.choice(SIZES[degree])), degree, rng)


def _is_new(adjacency: np.ndarray, seen: Seen) -> bool:
    """Whether the graph is isomorphic to none before it; it is noted as seen."""
    network = nx.from_numpy_array(adjacency)
    walks = np.linalg.matrix_power(adjacency.astype(np.int64), 6).diagonal()
    alike = seen.setdefault(tuple(np.sort(walks).tolist()), [])
    if any(nx.is_isomorphic(network, other) for other in alike):
        return False
    alike.append(network)
    return True


def _random_edge(adjacency: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    edges = np.argwhere(adjacency)
    return edges[rng.integers(len(edges))]


def _set(adjacency: np.ndarray, u: int, v: int, there: bool) -> None:
    adjacency[u, v] = adjacency[v, u] = there
