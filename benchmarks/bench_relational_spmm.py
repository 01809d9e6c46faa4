"""What the plain PyTorch path of the relational product costs: the baseline for faster kernels.

Forward and backward of one layer with distmult messages, at three sizes of (nodes, edges, dimension, batch);
the largest is a layer of NBFNet on FB15k-237 with its inverse edges. Peak memory is that of a process of its
own, less what it held before the first product.

Expected: memory grows as the messages do, E * batch * dim * 4 bytes, for they are written out. Found: five times
that for a sum and ten times for PNA, the backward pass included.
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

import torch
from measure import interleaved, peak_mib, write_result

from graphlab.core.seeds import SeedStream
from graphlab.ops.relational_spmm import Reduce, RelationalGraph, relational_spmm

NUM_RELATIONS = 64
SIZES = {
    "small": (1_000, 10_000, 32, 8),
    "medium": (5_000, 100_000, 32, 8),
    "large": (14_541, 544_230, 32, 8),
}
REDUCES: tuple[Reduce, ...] = ("sum", "pna")


class Layer:
    """One layer's inputs, drawn from a fixed seed; calling it goes forward and backward."""

    def __init__(self, size: str, reduce: Reduce) -> None:
        num_nodes, num_edges, dim, batch = SIZES[size]
        random = SeedStream(0).child(size).torch()
        self.reduce: Reduce = reduce
        self.edge_index = torch.randint(num_nodes, (2, num_edges), generator=random)
        self.edge_type = torch.randint(NUM_RELATIONS, (num_edges,), generator=random)
        self.relation = torch.randn(NUM_RELATIONS, batch, dim, generator=random).requires_grad_()
        self.x = torch.randn(num_nodes, batch, dim, generator=random).requires_grad_()

    def __call__(self) -> None:
        graph = RelationalGraph(self.edge_index, self.edge_type, len(self.x))
        rows = relational_spmm(graph, self.relation, self.x, reduce=self.reduce)
        rows.sum().backward()


def extra_memory(size: str, reduce: Reduce) -> float:
    layer = Layer(size, reduce)
    before = peak_mib()
    layer()
    return round(peak_mib() - before, 1)


def measure(size: str, reduce: Reduce) -> dict[str, object]:
    """Seconds of this path, and memory, of one layer of this size."""
    seconds = interleaved({"plain": Layer(size, reduce)})
    child = subprocess.run(
        [sys.executable, __file__, size, str(REDUCES.index(reduce))], capture_output=True, text=True, check=True
    )
    num_nodes, num_edges, dim, batch = SIZES[size]
    return {
        "reduce": reduce,
        "nodes": num_nodes,
        "edges": num_edges,
        "dim": dim,
        "batch": batch,
        "wall_seconds": round(median(seconds["wall"]["plain"]), 4),
        "processor_seconds": round(median(seconds["processor"]["plain"]), 4),
        "peak_mib": json.loads(child.stdout),
    }


def main() -> None:
    torch.set_num_threads(1)
    if len(sys.argv) == 3:
        print(extra_memory(sys.argv[1], REDUCES[int(sys.argv[2])]))
        return
    write_result("relational_spmm", {"layers": [measure(size, reduce) for size in SIZES for reduce in REDUCES]})


if __name__ == "__main__":
    main()
