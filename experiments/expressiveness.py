"""What the tests of the Weisfeiler-Lehman kind can tell apart, exactly, and how strict their hierarchy is.

    python experiments/expressiveness.py --plot hierarchy.svg

First the ceilings: the pairs of BREC, CSL, graph8c and SR25 that each test separates; nothing is trained. Then the
hierarchy (Zhang et al., ICML 2023): for each of its edges, pairs of graphs that only the stronger test tells apart, and
none that only the weaker does, are looked for among the pairs of BREC, those of graph8c that 1-WL ties, and the CFI
graphs of base graphs on up to nine nodes. The bases are the connected graphs without leaves on up to eight nodes, and
those that come from graphs on eight by one more node, whose CFI graphs are small.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from torch_geometric.utils import to_dense_adj

import graphlab as gl
from graphlab.analysis.expressiveness import Evidence, Pair, ceilings, example_pairs, find_evidence, partition
from graphlab.core.files import write_json
from graphlab.data.generators.cfi import cfi_pair
from graphlab.data.graph6 import encode

DATASETS = ("brec", "csl", "graph8c", "sr25")
LARGEST = {7: 64, 8: 50, 9: 44}
"""Nodes of the CFI graphs that are made, by nodes of the base."""


def cfi_size(base: np.ndarray) -> int:
    return int((2 ** (base.sum(0).astype(np.int64) - 1)).sum())


def is_base(base: np.ndarray) -> bool:
    return bool(base.sum(0).min() >= 2) and cfi_size(base) <= LARGEST[max(len(base), 7)]


def bases(eights: list[np.ndarray]) -> list[np.ndarray]:
    """Base graphs on up to nine nodes; on nine, one of each kind that FWL(2) knows."""
    atlas = (
        nx.to_numpy_array(graph, dtype=bool)
        for graph in nx.graph_atlas_g()
        if len(graph) > 2 and nx.is_connected(graph)
    )
    found = [base for base in [*atlas, *eights] if is_base(base)]
    nines = [larger for base in eights for larger in with_one_more(base) if is_base(larger)]
    return found + [nines[kind[0]] for kind in partition("FWL(2)", nines).classes]


def with_one_more(base: np.ndarray) -> Iterator[np.ndarray]:
    """The graph with a new node that is joined to two or three of its nodes, its leaves among them."""
    size = len(base)
    leaves = set(np.flatnonzero(base.sum(0) == 1).tolist())
    if cfi_size(base) > LARGEST[size + 1] - 2 or len(leaves) > 3:
        return
    for degree in (2, 3):
        for joined in combinations(range(size), degree):
            if leaves <= set(joined):
                larger = np.zeros((size + 1, size + 1), dtype=bool)
                larger[:size, :size] = base
                larger[size, list(joined)] = larger[list(joined), size] = True
                yield larger


def structures(name: str) -> list[np.ndarray]:
    """The adjacencies of a data set's graphs."""
    return [to_dense_adj(g.edge_index, max_num_nodes=g.num_nodes)[0].bool().numpy() for g in gl.load(name).graphs]


def all_pairs() -> list[Pair]:
    brec, eights = structures("brec"), structures("graph8c")
    pairs = [Pair(f"BREC {k}", *graphs) for k, graphs in enumerate(zip(brec[::2], brec[1::2], strict=True))]
    for tied in partition("1-WL", eights).classes:
        pairs += [Pair(f"graph8c {a}, {b}", eights[a], eights[b]) for a, b in combinations(tied, 2)]
    return pairs + [
        Pair(f"CFI graphs of {encode(base)}", *cfi_pair(nx.from_numpy_array(base))) for base in bases(eights)
    ]


def evidence() -> Evidence:
    """FWL(3), which takes n^4, is asked about small strongly regular graphs alone."""
    found = find_evidence(all_pairs())
    graphs = structures("sr25")
    regular = [Pair(f"SR25 {a}, {b}", graphs[a], graphs[b]) for a, b in combinations(range(len(graphs)), 2)]
    triples = find_evidence([*example_pairs()[:2], *regular], ["FWL(2)", "FWL(3)"])
    return replace(found, shown=found.shown + triples.shown, num_pairs=found.num_pairs + triples.num_pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path, default=None)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "expressiveness.json"
    )
    options = parser.parse_args()
    study: dict[str, Any] = {"ceilings": {}}
    for name in DATASETS:
        found = ceilings(gl.load(name))
        study["ceilings"][name] = {test: dict(counts) for test, counts in found.tests.items()}
        print(found.text)
    hierarchy = evidence()
    print(hierarchy)
    study["hierarchy"] = hierarchy.to_json()
    if options.plot:
        hierarchy.plot().save(options.plot)
    write_json(options.out, study)


if __name__ == "__main__":
    main()
