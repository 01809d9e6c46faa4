"""Vectors of nodes without features: FastRP of a whole graph, and the walks of node2vec; seconds, memory and growth.

Graphs are the random and power-law ones of `bench_topology.py`, 200,000 nodes and three numbers of links. FastRP has
128 dimensions and the powers 1 to 4, from the links to the vectors: the projection is drawn, links are sorted by node.
Walks are 80 nodes long, one from each of 20,000 nodes, with tables of the graph made beforehand: of second order
(p = .25, q = 4), and of first order (p = q = 1), which propose once a step and look for no link. Every number is the
median of three in a process of its own, two threads, wall clock; peaks are the largest resident set less what was held
when the links were there.

Expected: FastRP of 1,000,000 links within 20 s, memory by nodes; a step of second order a few times one of first order,
more on power-law graphs, where nodes with many neighbours have most of them away.
Found: see `results/embeddings.json`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import graphlab  # noqa: F401  # isort: skip  # before torch, whose threads it sets
import numpy as np
import torch
from bench_topology import NODES, REPEATS, links_of
from measure import measured_in_a_process, peak_mib, write_result
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.links import both_directions
from graphlab.data.spec import LINK, DataSpec
from graphlab.model.base import LinkModel
from graphlab.model.registry import build_model
from graphlab.ops.biased_walks import BiasedWalks
from graphlab.ops.personalised_pagerank import Transition

LINKS = (250_000, 500_000, 1_000_000)
DIM, LENGTH, WALKED = 128, 80, 20_000
BIAS = {"second order": (0.25, 4.0), "first order": (1.0, 1.0)}


def fastrp(links: np.ndarray, num_nodes: int) -> Callable[[], object]:
    spec = DataSpec("node-pairs", (LINK,), num_entities=num_nodes)
    edge_index = both_directions(torch.from_numpy(links))

    def embed() -> torch.Tensor:
        SeedStream(0).seed_torch()
        model = build_model("fastrp", spec, {"embedding_dim": DIM})
        assert isinstance(model, LinkModel)
        with torch.no_grad():
            return model.encode(Data(edge_index=edge_index, num_nodes=num_nodes))

    return embed


def walks(order: str) -> Callable[[np.ndarray, int], Callable[[], object]]:
    def prepare(links: np.ndarray, num_nodes: int) -> Callable[[], object]:
        walker = BiasedWalks(Transition.of(links.T, num_nodes, directed=False), *BIAS[order])
        starts = np.arange(0, num_nodes, max(1, num_nodes // WALKED))
        return lambda: walker.walk(starts, LENGTH, stream=SeedStream(0).child("walks"))

    return prepare


ARMS = {"fastrp": fastrp, **{order: walks(order) for order in BIAS}}


def measured(what: str, kind: str, count: int) -> dict[str, Any]:
    """Seconds and peak of one size."""
    torch.set_num_threads(2)
    ARMS[what](links_of(kind, 2000, 1000), 1000)()
    work = ARMS[what](links_of(kind, count), NODES)
    Path("/proc/self/clear_refs").write_text("5")  # the largest resident set is counted from here
    held, seconds = peak_mib(), []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    row = {"links": count, "seconds": round(median(seconds), 3), "peak_mib": round(peak_mib() - held, 1)}
    return row if what == "fastrp" else {**row, "ns_a_step": round(1e9 * median(seconds) / (WALKED * (LENGTH - 1)))}


def main() -> None:
    write_result(
        "embeddings",
        {
            what: {
                kind: [measured_in_a_process(__file__, what, kind, count) for count in LINKS]
                for kind in ("random", "power-law")
            }
            for what in ARMS
        },
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        main()
