"""Topological concentration and the ranking of each node: seconds, memory and growth.

Graphs are random and power-law ones (each link's ends drawn by a weight that falls as rank^-0.7) of 200,000 nodes, 70 %
of the links for training, 10 and 20 % for validation and test. Exact values are those of all three parts, projected
ones of test links. Every number is the median of three in a process of its own, two threads, wall clock; peaks are the
largest resident set less what was held when the graph was there.

The plain version is the formula with Python's sets and loops, on Cora's links, for walks of one to three steps: of all
three parts, for which it counts walks once, and of test links alone.

Expected: exact TC of one hop on 1,000,000 links within 10 s; ATC of three hops, 64 columns, on 10,000,000 links within
60 s and 6 GiB; at least 200 times the plain version; a node of Cora ranked against all within .15 ms after an encoding.
Found: see `results/topology.json`.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import graphlab as gl  # isort: skip  # before torch, whose threads it sets
import numpy as np
import torch
from measure import interleaved, measured_in_a_process, median_ratio, peak_mib, write_result

from graphlab.analysis.topology.concentration import (
    Concentration,
    approximate_concentration,
    topological_concentration,
)
from graphlab.analysis.topology.parts import LinkParts
from graphlab.analysis.topology.performance import node_performance

NODES = 200_000
PARTS = ("train", "validation", "test")
LINKS = {
    "exact": (250_000, 500_000, 1_000_000),
    "two hops": (100_000, 200_000, 400_000),
    "projection": (2_500_000, 5_000_000, 10_000_000),
}
DIM, EXPONENT, REPEATS, ROUNDS = 64, 0.7, 3, 9
CALLS = 100
"""Calls that are timed together where one takes less than the machine's own disturbances."""


def links_of(kind: str, count: int, num_nodes: int = NODES) -> np.ndarray:
    """Different links, once each."""
    random = np.random.default_rng(0)
    weight = np.ones(num_nodes) if kind == "random" else np.arange(1, num_nodes + 1) ** -EXPONENT
    bounds = np.cumsum(weight / weight.sum())
    keys = np.zeros(0, np.int64)
    while len(keys) < count:
        ends = np.searchsorted(bounds, random.random((2, 2 * (count - len(keys)) + 1000))).clip(max=num_nodes - 1)
        low, high = ends.min(0), ends.max(0)
        keys = np.unique(np.concatenate([keys, (low * num_nodes + high)[low < high]]))
    keys = random.permutation(keys)[:count]
    return np.stack([keys // num_nodes, keys % num_nodes], axis=1)


def parts_of(links: np.ndarray, num_nodes: int = NODES) -> LinkParts:
    bounds = [len(links) * 7 // 10, len(links) * 8 // 10]
    return LinkParts.of_links(num_nodes, *np.split(links, bounds))


def measured(what: str, kind: str, count: int) -> dict[str, Any]:
    """Seconds and peak of one size."""
    torch.set_num_threads(2)
    arms = {
        "exact": lambda parts: [topological_concentration(parts, part, 1) for part in PARTS],
        "two hops": lambda parts: [topological_concentration(parts, part, 2) for part in PARTS],
        "projection": lambda parts: approximate_concentration(parts, "test", 3, dim=DIM),
    }
    arms[what](parts_of(links_of(kind, 2000, 1000), 1000))
    parts = parts_of(links_of(kind, count))
    Path("/proc/self/clear_refs").write_text("5")  # the largest resident set is counted from here
    held, seconds = peak_mib(), []
    for _ in range(REPEATS):
        started = time.perf_counter()
        arms[what](parts)
        seconds.append(time.perf_counter() - started)
    return {"links": count, "seconds": round(median(seconds), 3), "peak_mib": round(peak_mib() - held, 1)}


def plain(num_nodes: int, train: list[tuple[int, int]], parts: list[list[tuple[int, int]]], hops: int) -> list[Any]:
    """TC of each part's links, by sets and loops; the walks are counted once for all parts."""
    neighbours = by_node(num_nodes, train)
    decay = num_nodes / (2 * len(train))
    walks: list[list[Counter[int]]] = []
    for node in range(num_nodes):
        ends, of_node = Counter({node: 1}), []
        for _ in range(hops):
            further: Counter[int] = Counter()
            for end, count in ends.items():
                for other in neighbours[end]:
                    further[other] += count
            ends = further
            of_node.append(ends)
        walks.append(of_node)
    return [of_links(walks, by_node(num_nodes, links), decay, links is train) for links in parts]


def by_node(num_nodes: int, links: list[tuple[int, int]]) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(num_nodes)]
    for u, v in links:
        rows[u].append(v)
        rows[v].append(u)
    return rows


def of_links(walks: list[list[Counter[int]]], linked: list[list[int]], decay: float, is_train: bool) -> list[float]:
    out = []
    for of_node, others in zip(walks, linked, strict=True):
        total, size = 0.0, -float(is_train)
        for p, mine in enumerate(of_node):
            for q in range(len(of_node)):
                size += decay ** (p + q) * sum(mine.values())
                for other in others:
                    theirs = walks[other][q]
                    total += decay ** (p + q) * sum(count for end, count in mine.items() if end in theirs)
        is_counted = others and sum(of_node[0].values()) > is_train
        out.append(total / (size * len(others)) if is_counted else 0.0)
    return out


def on_cora() -> dict[str, Any]:
    data = gl.load("cora@links-70/10/20")
    parts = LinkParts.of(data)
    links = {part: [tuple(link) for link in parts.links(part).links.tolist()] for part in PARTS}
    rows_of: dict[str, list[dict[str, Any]]] = {}
    for what, names in (("all parts", PARTS), ("test alone", ("test",))):
        rows_of[what] = []
        for hops in (1, 2, 3):
            by_loops = partial(plain, parts.num_nodes, links["train"], [links[part] for part in names], hops)

            def ours(hops: int = hops, names: tuple[str, ...] = names) -> list[Concentration]:
                return [topological_concentration(parts, part, hops) for part in names]

            for result, expected in zip(ours(), by_loops(), strict=True):
                np.testing.assert_allclose(result.values, expected, atol=1e-12)
            wall = interleaved(
                {"plain": by_loops, "laboratory": lambda call=ours: [call() for _ in range(CALLS)]}, ROUNDS
            )
            seconds = {name: median(each) for name, each in wall["wall"].items()}
            rows_of[what].append(
                {
                    "hops": hops,
                    "times": round(CALLS * median_ratio(wall["wall"]["plain"], wall["wall"]["laboratory"]), 1),
                    "plain_ms": round(1000 * seconds["plain"], 2),
                    "laboratory_ms": round(1000 * seconds["laboratory"] / CALLS, 3),
                }
            )
    rows = torch.randn(parts.num_nodes, DIM, generator=torch.Generator().manual_seed(0))

    def score(nodes: np.ndarray) -> np.ndarray:
        return (rows[torch.from_numpy(nodes)] @ rows.T).numpy()

    ranked = interleaved({"ranked": lambda: node_performance(parts, score)})
    num_ranked = int((parts.test.degree > 0).sum())
    return {**rows_of, "ms_a_node_ranked": round(1000 * median(ranked["wall"]["ranked"]) / num_ranked, 4)}


def main() -> None:
    growth = {
        what: {
            kind: [measured_in_a_process(__file__, what, kind, count) for count in counts]
            for kind in ("random", "power-law")
        }
        for what, counts in LINKS.items()
    }
    write_result("topology", {"cora": on_cora(), "growth": growth})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        main()
