"""Pairs of graphs that some test of isomorphism cannot tell apart, from 1-WL upwards; no pair is isomorphic.

`Cycles`: one cycle and two half as long, and the molecules decalin and bicyclopentyl of Sato, 2020, alike under 1-WL.
`Regular`: random regular graphs, alike under 1-WL. `SkipLinks`: circulant graphs, see `circulant`. `Distance`: alike
under shortest-path distances too. `StronglyRegular`: alike under 2-FWL, see `strongly_regular`. `CFI`: twins of growing
treewidth, see `cfi`.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import networkx as nx
import numpy as np

from graphlab.core.seeds import SeedStream
from graphlab.data.generators.cfi import cfi_pair
from graphlab.data.generators.circulant import NUM_NODES, SKIPS, circulant
from graphlab.data.generators.strongly_regular import chang, rook, shrikhande, triangular
from graphlab.data.graph6 import encode

Graphs = dict[str, np.ndarray]
"""Adjacencies by name."""

REGULAR = ((8, 3), (10, 3), (12, 3), (14, 3), (16, 3), (10, 4), (12, 4), (14, 4), (16, 4), (16, 5))
"""Nodes and degree of each random pair."""

STREAM = SeedStream(1992).child("hard-pairs")


def random_regular(num_nodes: int, degree: int, rng: np.random.Generator) -> np.ndarray:
    """A connected regular graph, uniform over the simple and connected draws of the pairing model: adjacency `[n, n]`.

    Raises ValueError where the number of nodes times the degree is odd, or the degree no less than the number of nodes.
    """
    if num_nodes * degree % 2 or not 1 < degree < num_nodes:
        raise ValueError(f"there is no connected graph of {num_nodes} nodes that all have degree {degree}")
    stubs = np.repeat(np.arange(num_nodes), degree)
    while True:
        links = rng.permutation(stubs).reshape(2, -1)
        adjacency = np.zeros((num_nodes, num_nodes), dtype=np.int64)
        np.add.at(adjacency, (links[0], links[1]), 1)
        adjacency += adjacency.T
        if adjacency.max() == 1 and not adjacency.diagonal().any() and nx.is_connected(nx.from_numpy_array(adjacency)):
            return adjacency.astype(bool)


def regular_pair(num_nodes: int, degree: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two random regular graphs that are not isomorphic."""
    first = random_regular(num_nodes, degree, rng)
    while True:
        second = random_regular(num_nodes, degree, rng)
        if not nx.is_isomorphic(nx.from_numpy_array(first), nx.from_numpy_array(second)):
            return first, second


def cfi_bases() -> dict[str, nx.Graph]:
    """Base graphs of CFI twins, from treewidth 2 to 5."""
    return {
        "cycle-5": nx.cycle_graph(5),
        "complete-4": nx.complete_graph(4),
        "prism": nx.circular_ladder_graph(3),
        "bipartite-3-3": nx.complete_bipartite_graph(3, 3),
        "grid-3x3": nx.grid_2d_graph(3, 3),
        "wheel-5": nx.wheel_graph(6),
        "cube": nx.hypercube_graph(3),
        "petersen": nx.petersen_graph(),
        "complete-5": nx.complete_graph(5),
        "complete-6": nx.complete_graph(6),
    }


def hard_pairs() -> tuple[Graphs, list[tuple[str, str, str]]]:
    """All graphs by name, and the pairs as (category, name, name)."""
    rng = STREAM.numpy()
    regular = {
        f"regular-{n}-{d}-{k}": g for n, d in REGULAR for k, g in zip("ab", regular_pair(n, d, rng), strict=True)
    }
    twins = {name: cfi_pair(base) for name, base in cfi_bases().items()}
    skips = {f"skip-{skip}": circulant(NUM_NODES, (1, skip)) for skip in SKIPS}
    switched = {"triangular-8": triangular(8), **{f"chang-{k}": g for k, g in enumerate(chang(), 1)}}
    cycles = {name: _dense(graph) for name, graph in _cycles().items()}
    graphs = {
        **cycles,
        **regular,
        **skips,
        "dodecahedron": _dense(nx.dodecahedral_graph()),
        "desargues": _dense(nx.desargues_graph()),
        "rook-4x4": rook(4),
        "shrikhande": shrikhande(),
        **switched,
        **{
            f"cfi-{name}{suffix}": g
            for name, twin in twins.items()
            for suffix, g in zip(("", "-twisted"), twin, strict=True)
        },
    }
    pairs = [
        *(("Cycles", *names) for names in _in_twos(list(cycles))),
        *(("Regular", *names) for names in _in_twos(list(regular))),
        *(("SkipLinks", *names) for names in combinations(skips, 2)),
        ("Distance", "dodecahedron", "desargues"),
        ("StronglyRegular", "rook-4x4", "shrikhande"),
        *(("StronglyRegular", *names) for names in combinations(switched, 2)),
        *(("CFI", f"cfi-{name}", f"cfi-{name}-twisted") for name in twins),
    ]
    return graphs, pairs


def make(path: Path) -> None:
    """Write `graphs.tsv`, names and graph6, or `pairs.tsv`, categories and two names."""
    graphs, pairs = hard_pairs()
    rows = pairs if path.stem == "pairs" else [(name, encode(graph)) for name, graph in graphs.items()]
    path.write_text("".join("\t".join(row) + "\n" for row in rows), newline="\n")


def _cycles() -> dict[str, nx.Graph]:
    """Pairs one after the other."""
    decalin, bicyclopentyl = nx.cycle_graph(10), nx.disjoint_union(nx.cycle_graph(5), nx.cycle_graph(5))
    decalin.add_edge(0, 5)
    bicyclopentyl.add_edge(0, 5)
    found = {"decalin": decalin, "bicyclopentyl": bicyclopentyl}
    for length in (3, 4, 5, 6):
        found[f"cycle-{2 * length}"] = nx.cycle_graph(2 * length)
        found[f"two-cycles-{length}"] = nx.disjoint_union(nx.cycle_graph(length), nx.cycle_graph(length))
    return found


def _dense(graph: nx.Graph) -> np.ndarray:
    return nx.to_numpy_array(graph).astype(bool)


def _in_twos(names: list[str]) -> list[tuple[str, str]]:
    return list(zip(names[::2], names[1::2], strict=True))
