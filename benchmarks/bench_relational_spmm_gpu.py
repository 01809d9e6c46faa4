"""What the relational product costs on a GPU: the kernels beside gather and scatter, at the size of NBFNet's training.

One layer with distmult messages and a boundary, on a random graph of FB15k-237's size with inverse edges, batch 64,
dim 32: forward, and forward with backward. Sources, targets and types are drawn with a skew, so that a few have
thousands of edges. Peak memory is what the call adds to what was there before it. A path that runs out of memory has
no numbers.

The bandwidth limit of a call is the time to move what must be moved at least once, at the rate of a copy measured here:
forward, x and the boundary are read and the result is written; backward, both and the result's gradient are read and
two gradients written. Indices and relations are left out, and so are the reads of x that miss the cache: the limit is
a bound, not a target.

Expected: memory of the order of the result's instead of the messages', and no slower than gather and scatter.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from statistics import median

import torch
from measure import REPEATS, median_ratio, write_result
from torch import Tensor

from graphlab.core.seeds import SeedStream
from graphlab.ops.relational_spmm import MOMENTS, Reduce, RelationalGraph, reference, relational_spmm
from graphlab.ops.relational_spmm.signature import Product

NUM_NODES, NUM_EDGES, NUM_RELATIONS, BATCH, DIM = 14_541, 544_230, 474, 64, 32
REDUCES: tuple[Reduce, ...] = ("sum", "pna")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Layer:
    """One layer's inputs on the GPU, drawn from a fixed seed."""

    def __init__(self, reduce: Reduce, dtype: torch.dtype) -> None:
        random = SeedStream(0).child("gpu").torch()
        skewed = (torch.rand(2, NUM_EDGES, generator=random) ** 2 * NUM_NODES).long().clamp(max=NUM_NODES - 1)
        kinds = (torch.rand(NUM_EDGES, generator=random) ** 2 * NUM_RELATIONS).long().clamp(max=NUM_RELATIONS - 1)
        self.graph = RelationalGraph(skewed.cuda(), kinds.cuda(), NUM_NODES)
        self.reduce: Reduce = reduce
        self.x, self.relation, self.boundary = (
            torch.randn(rows, BATCH, DIM, generator=random).to("cuda", dtype).requires_grad_()
            for rows in (NUM_NODES, NUM_RELATIONS, NUM_NODES)
        )
        width = MOMENTS * DIM if reduce == "pna" else DIM
        self.grad = torch.randn(NUM_NODES, BATCH, width, generator=random).to("cuda", dtype)

    def kernels(self) -> Tensor:
        return relational_spmm(self.graph, self.relation, self.x, boundary=self.boundary, reduce=self.reduce)

    def gather_scatter(self) -> Tensor:
        return reference(Product(self.graph, self.relation, self.x, None, None, self.boundary, "distmult", self.reduce))

    def back(self, path: Callable[[], Tensor]) -> None:
        torch.autograd.grad(path(), [self.x, self.relation, self.boundary], self.grad)

    def least_bytes(self, *, backward: bool) -> int:
        inputs, results = self.x.nbytes + self.boundary.nbytes, self.grad.nbytes
        return inputs + results + (2 * inputs + results if backward else 0)


def milliseconds(call: Callable[[], object]) -> float:
    started, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    started.record()
    call()
    ended.record()
    ended.synchronize()
    return started.elapsed_time(ended)


def extra_mib(call: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    torch.cuda.synchronize()
    return round((torch.cuda.max_memory_allocated() - before) / 2**20, 1)


def copy_rate() -> float:
    """Bytes a second, read and written, of a copy of a GiB."""
    source = torch.empty(2**28, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.nbytes / median(milliseconds(lambda: target.copy_(source)) / 1e3 for _ in range(REPEATS + 1))


def fits(call: Callable[[], object]) -> bool:
    """Whether the GPU has the memory for it. What is done once, such as compiling, is done after this."""
    try:
        call()
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        return False
    return True


def measure(reduce: Reduce, dtype: str, rate: float, *, backward: bool) -> dict[str, object]:
    layer = Layer(reduce, DTYPES[dtype])
    arms = {"kernels": layer.kernels, "gather_scatter": layer.gather_scatter}
    calls = {name: partial(layer.back, path) if backward else path for name, path in arms.items()}
    calls = {name: call for name, call in calls.items() if fits(call)}
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPEATS):
        for name, call in calls.items():
            spent[name].append(milliseconds(call))
    limit = layer.least_bytes(backward=backward) / rate * 1e3
    return {
        "reduce": reduce,
        "dtype": dtype,
        "pass": "forward and backward" if backward else "forward",
        "milliseconds": {name: round(median(times), 3) for name, times in spent.items()},
        "speedup": round(median_ratio(spent["gather_scatter"], spent["kernels"]), 2) if len(spent) == 2 else None,
        "peak_mib": {name: extra_mib(call) for name, call in calls.items()},
        "share_of_bandwidth_limit": round(limit / median(spent["kernels"]), 3),
    }


def main() -> None:
    if not torch.cuda.is_available():
        print("bench_relational_spmm_gpu.py needs a CUDA device, and there is none", file=sys.stderr)
        sys.exit(2)
    rate = copy_rate()
    layers = [
        measure(reduce, dtype, rate, backward=backward)
        for dtype, reduce, backward in product(DTYPES, REDUCES, (False, True))
    ]
    size = {"nodes": NUM_NODES, "edges": NUM_EDGES, "relations": NUM_RELATIONS, "batch": BATCH, "dim": DIM}
    write_result("relational_spmm_gpu", {**size, "copy_gb_per_second": round(rate / 1e9, 1), "layers": layers})


if __name__ == "__main__":
    main()
