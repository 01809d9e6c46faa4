"""Small graphs whose triangles and 4-cycles are counted exactly, after the counting benchmarks of
Chen et al., NeurIPS 2020.

`counted`: Erdos-Renyi graphs of 8 to 16 nodes and varied density. `has-triangle`: pairs of a graph with
triangles and one without, which was made from it by swapping the ends of edges, so that sizes and all
degrees are the same and only the wiring decides. No two graphs of a file are isomorphic, so that none of
the test set was trained on.
"""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np

from graphlab.core.seeds import SeedStream

SIZES = (8, 16)
DENSITIES = (0.15, 0.5)
SPARSE_DENSITIES = (0.2, 0.4)

PARTS = (("train", 400), ("validation", 100), ("test", 100))

MAX_SWAPS = 100
"""Swaps to try before a graph is given up and another is drawn."""

STREAM = SeedStream(2020).child("substructures")


def count_triangles(adjacency: np.ndarray) -> int:
    """tr(A^3) / 6."""
    return int((adjacency @ adjacency * adjacency).sum()) // 6


def count_4_cycles(adjacency: np.ndarray) -> int:
    """(tr(A^4) - 2 sum d^2 + sum d) / 8: closed walks of length four, less those that go back on themselves."""
    degrees = adjacency.sum(axis=0)
    return int(np.trace(np.linalg.matrix_power(adjacency, 4)) - 2 * (degrees**2).sum() + degrees.sum()) // 8


def make(path: Path) -> None:
    """Write `counted.tsv` or `has-triangle.tsv`: one graph a line, its part and its graph6."""
    rng, seen = STREAM.child(path.stem).numpy(), Seen()
    parts = [name for name, size in PARTS for _ in range(size)]
    if path.stem == "counted":
        graphs = [_single(rng, seen) for _ in parts]
    else:
        graphs = [graph for _ in range(len(parts) // 2) for graph in _pair(rng, seen)]
    path.write_text(
        "".join(f"{part}\t{_graph6(graph)}\n" for part, graph in zip(parts, graphs, strict=True)), newline="\n"
    )


def _graph6(adjacency: np.ndarray) -> str:
    return nx.to_graph6_bytes(nx.from_numpy_array(adjacency), header=False).decode().strip()


def _draw(rng: np.random.Generator, densities: tuple[float, float]) -> np.ndarray:
    n = int(rng.integers(SIZES[0], SIZES[1] + 1))
    density = densities[0] + (densities[1] - densities[0]) * rng.random()
    upper = np.triu(rng.random((n, n)) < density, k=1)
    return (upper | upper.T).astype(np.int64)


Seen = dict[tuple[int, ...], list[nx.Graph]]
"""Graphs by their sorted degrees."""


def _is_new(adjacency: np.ndarray, seen: Seen) -> bool:
    """Whether the graph is isomorphic to none before it; it is noted as seen."""
    network = nx.from_numpy_array(adjacency)
    alike = seen.setdefault(tuple(sorted(adjacency.sum(axis=0))), [])
    if any(nx.is_isomorphic(network, other) for other in alike):
        return False
    alike.append(network)
    return True


def _single(rng: np.random.Generator, seen: Seen) -> np.ndarray:
    while True:
        graph = _draw(rng, DENSITIES)
        if _is_new(graph, seen):
            return graph


def _pair(rng: np.random.Generator, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """A graph with triangles and one without, of equal degrees, in random order."""
    while True:
        graph = _draw(rng, SPARSE_DENSITIES)
        rewired = _without_triangles(graph, rng) if count_triangles(graph) else None
        if rewired is not None and _is_new(graph, seen) and _is_new(rewired, seen):
            return (graph, rewired) if rng.random() < 0.5 else (rewired, graph)


def _without_triangles(adjacency: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Swap ends of edges, (a, b), (c, d) to (a, d), (c, b), unless triangles grow; None if some are left at the end."""
    graph, triangles = adjacency.copy(), count_triangles(adjacency)
    for _ in range(MAX_SWAPS):
        if not triangles:
            return graph
        edges = np.argwhere(graph)
        (a, b), (c, d) = edges[rng.integers(len(edges), size=2)]
        if len({a, b, c, d}) < 4 or graph[a, d] or graph[c, b]:
            continue
        swapped = graph.copy()
        swapped[[a, b, c, d], [b, a, d, c]] = 0
        swapped[[a, d, c, b], [d, a, b, c]] = 1
        left = count_triangles(swapped)
        if left <= triangles:
            graph, triangles = swapped, left
    return None
