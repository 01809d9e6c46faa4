"""The twelve tests on all 400 pairs of BREC: the laboratory on two threads beside plain numpy pair by pair on one; and
what a graph costs by its size, test by test.

The growth is that of circulant graphs C_n(1, 2) with as many rounds as each takes, on one thread; the exponent is that
between the two largest sizes, seconds a round. Both arms must find the same counts.

Expected: 5 s at most after start-up; local tests grow with n^2 (tuples times degree), FWL(2) with n^3, FWL(3) with n^4,
resistances with n^3. Found: see `results/expressiveness.json`.
"""

from __future__ import annotations

import math
import time
from statistics import median
from typing import Any

import networkx as nx
import numpy as np
import torch
from measure import CLOCKS, interleaved, median_ratio, write_result
from plain_expressiveness import separated
from torch_geometric.utils import to_dense_adj

from graphlab.analysis.expressiveness import TESTS, as_arrays, ceilings
from graphlab.analysis.expressiveness.tests import USUAL
from graphlab.data.load import load

THREADS = 2
SIZES = (32, 64, 128, 256)
SMALL = (16, 32, 64, 96)


def plain(adjacencies: list[np.ndarray]) -> dict[str, int]:
    pairs = list(zip(adjacencies[::2], adjacencies[1::2], strict=True))
    return {name: sum(separated(name, list(pair)) for pair in pairs) for name in USUAL}


def growth(name: str) -> dict[str, Any]:
    """Seconds of a graph, and of a round of it, by size."""
    sizes = SMALL if name == "FWL(3)" else SIZES
    seconds, rounds = [], []
    for n in sizes:
        arrays = as_arrays([nx.circulant_graph(n, [1, 2])])
        found = TESTS[name].refinement.histories(arrays)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            TESTS[name].refinement.histories(arrays)
            times.append(time.perf_counter() - started)
        seconds.append(min(times))
        rounds.append(int(found.rounds[0]))
    each = [s / (r + 1) for s, r in zip(seconds, rounds, strict=True)]
    exponent = math.log(each[-1] / each[-2]) / math.log(sizes[-1] / sizes[-2])
    return {
        "nodes": sizes,
        "seconds": [round(s, 6) for s in seconds],
        "rounds": rounds,
        "exponent_of_a_round": round(exponent, 2),
    }


def main() -> None:
    torch.set_num_threads(THREADS)
    data = load("brec")
    adjacencies = [to_dense_adj(g["edge_index"], max_num_nodes=g.num_nodes)[0].numpy().astype(int) for g in data.graphs]
    ceilings(load("csl"))
    arms = {"laboratory": lambda: ceilings(data), "plain": lambda: plain(adjacencies)}
    seconds = interleaved(arms, repeats=3)
    counts = {name: count["total"] for name, count in ceilings(data).tests.items()}
    assert counts == plain(adjacencies), "the two arms do not agree"
    torch.set_num_threads(1)
    write_result(
        "expressiveness",
        {
            "threads": THREADS,
            "separated": counts,
            "seconds": {clock: {arm: round(median(seconds[clock][arm]), 3) for arm in arms} for clock in CLOCKS},
            "times_faster": {
                clock: round(median_ratio(seconds[clock]["plain"], seconds[clock]["laboratory"]), 1) for clock in CLOCKS
            },
            "growth": {name: growth(name) for name in TESTS},
        },
    )


if __name__ == "__main__":
    main()
