"""One sum over neighbours beside copying every gathered row once and beside a CSR product of torch (MKL).

Graphs with 10 edges into a node: a random one, one with a power law of degrees (Barabasi and Albert), and one of points
in a square with their nearest, whose numbers are by chance; at three sizes and three widths. Three real ones: PubMed,
WN18RR and FB15k-237. The copy goes to memory that is there already. `by number` visits rows in the order of their
numbers, where the loops have an order of locality. One thread; two threads by the wall at the middle size.

Expected: a sum writes a tenth of what the copy writes, and reads the same, so it is faster where numbers are not the
limit; an order of locality helps where there is one to be had, in the plane and not in a random graph.

    python benchmarks/bench_neighbour_sum.py
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch
from measure import interleaved, median_ratio, write_result
from scipy.spatial import KDTree
from torch import Tensor

import graphlab.ops.neighbour_sum as module
from graphlab.core.errors import DataError
from graphlab.data.load import load
from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum

DEGREE, REPEATS = 10, 7
SIZES = (20_000, 200_000, 1_000_000)
WIDTHS = (16, 64, 128)
BY_LOCALITY = module.LARGE
REAL = ("planetoid/pubmed", "kg/wn18rr", "kg/fb15k-237")


def both_ways(pairs: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.concatenate([pairs, pairs[::-1]], axis=1)).astype(np.int64))


def random_graph(nodes: int, random: np.random.Generator) -> Tensor:
    return both_ways(random.integers(nodes, size=(2, nodes * DEGREE // 2)))


def power_law(nodes: int, random: np.random.Generator) -> Tensor:
    """Each node joins DEGREE / 2 ends of edges that are there, so a node by its degree."""
    each = DEGREE // 2
    ends = np.empty(2 * nodes * each, np.int64)
    for node in range(nodes):
        first = 2 * node * each
        ends[first : first + each] = ends[random.integers(first, size=each)] if node > each else 0
        ends[first + each : first + 2 * each] = node
    pairs = ends.reshape(nodes, 2, each).transpose(1, 0, 2).reshape(2, -1)
    return both_ways(random.permutation(nodes)[pairs])


def plane(nodes: int, random: np.random.Generator) -> Tensor:
    points = random.random((nodes, 2))
    nearest = np.asarray(KDTree(points).query(points, DEGREE // 2 + 1)[1])[:, 1:]
    return both_ways(np.stack([nearest.flatten(), np.repeat(np.arange(nodes), DEGREE // 2)]))


GRAPHS: dict[str, Callable[[int, np.random.Generator], Tensor]] = {
    "random": random_graph,
    "power law": power_law,
    "plane": plane,
}


def sorted_edges(edges: Tensor, nodes: int, large: float) -> Neighbours:
    module.LARGE = large  # pyright: ignore[reportAttributeAccessIssue]
    neighbours = Neighbours(edges, nodes, nodes)
    _ = neighbours.by_target
    return neighbours


def row(name: str, edges: Tensor, nodes: int, width: int) -> dict[str, Any]:
    x = torch.randn(nodes, width, generator=torch.Generator().manual_seed(0))
    ours, by_number = (sorted_edges(edges, nodes, large) for large in (BY_LOCALITY, float("inf")))
    source = torch.from_numpy(by_number.by_target.other).long()
    start = torch.from_numpy(by_number.by_target.start).long()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = torch.sparse_csr_tensor(start, source, torch.ones(len(source)), (nodes, nodes))
    rows = torch.empty(len(source), width)
    arms: dict[str, Callable[[], object]] = {
        "ours": lambda: neighbour_sum(ours, x),
        "copy": lambda: torch.index_select(x, 0, source, out=rows),
        "csr": lambda: matrix @ x,
    }
    is_ordered = not np.array_equal(ours.by_target.row, by_number.by_target.row)
    if is_ordered:
        arms["by number"] = lambda: neighbour_sum(by_number, x)
    torch.testing.assert_close(neighbour_sum(ours, x), matrix @ x, rtol=1e-3, atol=1e-3)
    seconds = interleaved(arms, REPEATS)
    figures: dict[str, Any] = {
        f"milliseconds, {arm}": round(median(seconds["processor"][arm]) * 1e3, 2) for arm in arms
    }
    for arm in list(arms)[1:]:
        figures[f"times {arm}"] = {
            clock: round(median_ratio(each[arm], each["ours"]), 2) for clock, each in seconds.items()
        }
    return {"graph": name, "nodes": nodes, "edges": len(source), "width": width, "ordered": is_ordered, **figures}


def on_two_threads(name: str, edges: Tensor, nodes: int, width: int) -> dict[str, Any]:
    x = torch.randn(nodes, width, generator=torch.Generator().manual_seed(0))
    neighbours = sorted_edges(edges, nodes, BY_LOCALITY)

    def arm(threads: int) -> Callable[[], None]:
        def call() -> None:
            torch.set_num_threads(threads)
            neighbour_sum(neighbours, x)

        return call

    seconds = interleaved({"one": arm(1), "two": arm(2)}, REPEATS)["wall"]
    torch.set_num_threads(1)
    return {
        "graph": name,
        "nodes": nodes,
        "width": width,
        "times one thread": round(median_ratio(seconds["one"], seconds["two"]), 2),
    }


def real_graph(name: str) -> tuple[Tensor, int]:
    graph = load(name).graph
    edges = graph["edge_index"]
    return (edges if name.startswith("planetoid") else torch.cat([edges, edges.flip(0)], dim=1)), int(
        graph.num_nodes or 0
    )


if __name__ == "__main__":
    torch.set_num_threads(1)

    rows, threads = [], []
    for name, make in GRAPHS.items():
        for nodes in SIZES:
            edges = make(nodes, np.random.default_rng(0))
            rows += [row(name, edges, nodes, width) for width in WIDTHS]
            if nodes == SIZES[1]:
                threads.append(on_two_threads(name, edges, nodes, 64))
    for name in REAL:
        try:
            edges, nodes = real_graph(name)
        except DataError:
            continue
        rows += [row(name, edges, nodes, width) for width in WIDTHS]
    write_result("neighbour_sum", {"sums": rows, "two threads": threads})
