"""The relational product on the CPU: compiled loops beside the plain PyTorch path, on two threads.

One layer with distmult messages. Forward alone at the size of FB15k-237 with its inverse edges and 512 columns; then
forward and backward at three sizes each of edges, dimension and batch, the others held. Peak memory is that of a
process of its own, less what it held before the first product.

The share of the bandwidth limit is the time that the bytes which must move would take at the measured copy bandwidth
over the time found: every edge's source read and every result written (`gather`), or every array touched once
(`least`), which only a cache that holds the graph could reach.

Expected: the plain path is bound by the messages that it writes and reads again, the loops by reading sources; so a
ratio of ten to twenty, and memory that grows with nodes rather than edges. Found: see `results/relational_spmm.json`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch
from measure import interleaved, median_ratio, peak_mib, write_result

from graphlab.core.seeds import SeedStream
from graphlab.ops.relational_spmm import Reduce, RelationalGraph, reference, relational_spmm
from graphlab.ops.relational_spmm.signature import Product

THREADS = 2
NUM_RELATIONS = 474


@dataclass(frozen=True)
class Size:
    nodes: int
    edges: int
    dim: int
    batch: int


FB15K_237 = Size(14_541, 544_230, 32, 16)
GROWING = {
    "edges": [Size(14_541, edges, 32, 8) for edges in (10_000, 100_000, 544_230)],
    "dim": [Size(14_541, 100_000, dim, 8) for dim in (16, 32, 64)],
    "batch": [Size(14_541, 100_000, 32, batch) for batch in (2, 8, 32)],
}


class Layer:
    """One layer's inputs, drawn from a fixed seed."""

    def __init__(self, size: Size, reduce: Reduce) -> None:
        random = SeedStream(0).child(*asdict(size).values()).torch()
        edge_index = torch.randint(size.nodes, (2, size.edges), generator=random)
        edge_type = torch.randint(NUM_RELATIONS, (size.edges,), generator=random)
        self.graph = RelationalGraph(edge_index, edge_type, size.nodes)
        self.relation = torch.randn(NUM_RELATIONS, size.dim, generator=random).requires_grad_()
        self.x = torch.randn(size.nodes, size.batch, size.dim, generator=random).requires_grad_()
        self.reduce: Reduce = reduce

    def loops(self) -> torch.Tensor:
        return relational_spmm(self.graph, self.relation, self.x, reduce=self.reduce)

    def plain(self) -> torch.Tensor:
        return reference(Product(self.graph, self.relation, self.x, None, None, None, "distmult", self.reduce))

    @torch.no_grad()
    def forward(self, arm: str) -> None:
        getattr(self, arm)()

    def step(self, arm: str) -> None:
        getattr(self, arm)().sum().backward()


def copy_bandwidth() -> float:
    """Bytes a second, read and written, of copying 256 MiB."""
    source = torch.ones(64 * 2**20)
    target = torch.empty_like(source)
    seconds = interleaved({"copy": lambda: target.copy_(source)})["wall"]["copy"]
    return 2 * source.numel() * source.element_size() / median(seconds)


def share_of_limit(size: Size, seconds: float, bandwidth: float) -> dict[str, float]:
    columns, indices = 4 * size.dim * size.batch, 8 * size.edges
    gather = size.edges * columns + size.nodes * columns + indices
    least = 2 * size.nodes * columns + indices
    return {
        "gather": round(gather / bandwidth / seconds, 2),
        "least": round(least / bandwidth / seconds, 2),
    }


def compare(size: Size, reduce: Reduce, work: str) -> dict[str, Any]:
    layer = Layer(size, reduce)
    arms = {arm: (lambda arm=arm: getattr(layer, work)(arm)) for arm in ("loops", "plain")}
    seconds = interleaved(arms, repeats=5)["wall"]
    return {
        **asdict(size),
        "reduce": reduce,
        "seconds": {arm: round(median(times), 5) for arm, times in seconds.items()},
        "times_faster": round(median_ratio(seconds["plain"], seconds["loops"]), 1),
        "extra_mib": {arm: in_child(size, reduce, work, arm) for arm in arms},
    }


def in_child(size: Size, reduce: str, work: str, arm: str) -> float:
    words = [*map(str, asdict(size).values()), reduce, work, arm]
    child = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=True)
    return json.loads(child.stdout)


def extra_memory(words: list[str]) -> float:
    *numbers, reduce, work, arm = words
    layer = Layer(Size(*map(int, numbers)), reduce)  # pyright: ignore[reportArgumentType]
    getattr(Layer(Size(10, 10, int(numbers[2]), int(numbers[3])), layer.reduce), work)(arm)
    before = peak_mib()
    getattr(layer, work)(arm)
    return round(peak_mib() - before, 1)


def main() -> None:
    torch.set_num_threads(THREADS)
    if len(sys.argv) > 1:
        print(extra_memory(sys.argv[1:]))
        return
    bandwidth = copy_bandwidth()
    alone = compare(FB15K_237, "sum", "forward")
    alone["share_of_limit"] = share_of_limit(FB15K_237, alone["seconds"]["loops"], bandwidth)
    growing = {
        name: [compare(size, reduce, "step") for reduce in ("sum", "pna") for size in sizes]
        for name, sizes in GROWING.items()
    }
    write_result(
        "relational_spmm",
        {"threads": THREADS, "copy_gb_a_second": round(bandwidth / 1e9, 1), "forward": alone, "step": growing},
    )


if __name__ == "__main__":
    main()
