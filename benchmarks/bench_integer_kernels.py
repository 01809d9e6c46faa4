"""A graph convolution in integers, from bytes to bytes, beside PyG's path and our own in float32.

Random graphs of three sizes with 10 edges into a node. A network of two layers, 128 -> 64 -> 16: product, weighted sum
over neighbours, ReLU, product, weighted sum. `csr` is PyG's path on a CPU: `torch.mm`, then a CSR product of torch;
`float` is `torch.mm` and `graphlab.ops.neighbour_sum`; `int8` the integer kernels, with every requantisation. Each part
of it is timed as well: sums of the same loop built for float32 and int32 rows show what bits buy; products stand beside
`torch._int_mm` (whose result is int32, not requantised) and the quantised linear layer of oneDNN (which requantises in
float32, so that its integers are not those of the definition). Weights are constant and laid out before. Two threads;
processor seconds are those of all of them.

Expected: a sum over neighbours reads rows at random places, of which int8 has a quarter of the lines: up to four times
as fast at 64 columns, less at 16, where a row of float32 is one line as well. A product of few columns is bound by
what it reads, a quarter too.

    python benchmarks/bench_integer_kernels.py
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from measure import interleaved, median_ratio, write_result
from torch import Tensor

from graphlab.ops.integer.neighbour_sum import neighbour_sum as integer_sum
from graphlab.ops.integer.pack import pack
from graphlab.ops.integer.product import Weights, instructions, product
from graphlab.ops.integer.rescale import Output
from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum

DEGREE, REPEATS, THREADS = 10, 9, 2
SIZES = (20_000, 200_000, 1_000_000)
IN, HIDDEN, OUT = 128, 64, 16

Arms = dict[str, Callable[[], Tensor]]


def integers(random: torch.Generator, low: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randint(low, 128, shape, generator=random, dtype=torch.int8)


class Problem:
    """A graph, weights of its edges in both forms, and both networks."""

    def __init__(self, nodes: int) -> None:
        random = torch.Generator().manual_seed(0)
        edge_index = torch.randint(nodes, (2, nodes * DEGREE), generator=random)
        self.neighbours = Neighbours(edge_index, nodes, nodes)
        self.weight = torch.rand(nodes * DEGREE, generator=random)
        self.byte_weight = (255 * self.weight).round().to(torch.uint8)
        target, order = edge_index[1].sort(stable=True)
        start = torch.zeros(nodes + 1, dtype=torch.int64)
        start[1:] = torch.bincount(target, minlength=nodes).cumsum(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.matrix = torch.sparse_csr_tensor(start, edge_index[0][order], self.weight[order], (nodes, nodes))
        self.x = integers(random, -128, (nodes, IN))
        self.first, self.second = integers(random, -127, (IN, HIDDEN)), integers(random, -127, (HIDDEN, OUT))
        self.float_x, self.float_first, self.float_second = (each.float() for each in (self.x, self.first, self.second))
        self.laid_first, self.laid_second = Weights(self.first), Weights(self.second)
        self.to_hidden, self.to_out = Output.of(2e-4, 3), Output.of(1e-3, -5)
        self.relu, self.logits = Output.of(1e-3, -128, relu=True), Output.of(1e-3)

    def float_network(self, sums: Callable[[Tensor], Tensor]) -> Tensor:
        return sums(sums(self.float_x @ self.float_first).relu() @ self.float_second)

    def integer_sum(self, x: Tensor, output: Output, zero_point: int) -> Tensor:
        return integer_sum(self.neighbours, x, output, self.byte_weight, zero_point=zero_point)

    def integer_network(self) -> Tensor:
        hidden = self.integer_sum(product(self.x, self.laid_first, self.to_hidden), self.relu, 3)
        return self.integer_sum(product(hidden, self.laid_second, self.to_out, zero_point=-128), self.logits, -5)

    def networks(self) -> Arms:
        return {
            "int8": self.integer_network,
            "csr": lambda: self.float_network(lambda x: self.matrix @ x),
            "float": lambda: self.float_network(lambda x: neighbour_sum(self.neighbours, x, self.weight)),
        }

    def sums(self, width: int) -> Arms:
        rows = self.x[:, :width].contiguous()
        wide, exact, exact_weight = rows.float(), rows.int(), self.byte_weight.int()
        return {
            "int8": lambda: self.integer_sum(rows, self.logits, 3),
            "int32 build": lambda: integer_sum(self.neighbours, exact, weight=exact_weight),
            "float32 build": lambda: integer_sum(self.neighbours, wide, weight=self.weight),
            "float": lambda: neighbour_sum(self.neighbours, wide, self.weight),
            "csr": lambda: self.matrix @ wide,
        }

    def products(self) -> Arms:
        packed = pack(self.first >> 4, 4)
        arms: Arms = {
            "int8": lambda: product(self.x, self.laid_first, self.to_hidden),
            "int4, unpacked each time": lambda: product(self.x, packed.weights(), self.to_hidden),
            "torch.mm": lambda: self.float_x @ self.float_first,
            "torch._int_mm": lambda: torch._int_mm(self.x, self.first),  # pyright: ignore[reportPrivateImportUsage]  # no public name
        }
        onednn = onednn_linear(self.x, self.first)
        return arms if onednn is None else arms | {"oneDNN": onednn}


def onednn_linear(x: Tensor, weight: Tensor) -> Callable[[], Tensor] | None:
    """The quantised linear layer of torch, whose rows are uint8; None where it is not built in."""
    engines = torch.backends.quantized.supported_engines
    if "onednn" not in engines:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.backends.quantized.engine = "onednn"
        rows = torch.quantize_per_tensor(0.01 * x.float(), 0.01, 128, torch.quint8)
        quantised = torch.quantize_per_tensor(0.01 * weight.t().contiguous().float(), 0.01, 0, torch.qint8)
        laid_out = torch.ops.quantized.linear_prepack(quantised, None)
    return lambda: torch.ops.quantized.linear(rows, laid_out, 0.5, 128)


def figures(arms: Arms) -> dict[str, Any]:
    """Milliseconds and ratios. Each arm is called twice in a turn and the second call counts: threads of OpenMP wait
    actively for a while after the arm before, on cores that this arm needs."""
    twice = {name: arm for each in arms for name, arm in ((f"before {each}", arms[each]), (each, arms[each]))}
    seconds = interleaved(twice, REPEATS)
    mine = {clock: each["int8"] for clock, each in seconds.items()}
    return {
        arm: {
            "milliseconds": round(median(seconds["wall"][arm]) * 1e3, 2),
            **{
                f"times int8, {clock}": round(median_ratio(each[arm], mine[clock]), 2)
                for clock, each in seconds.items()
            },
        }
        for arm in arms
    }


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    rows = []
    with torch.no_grad():
        for nodes in SIZES:
            problem = Problem(nodes)
            row: dict[str, Any] = {"nodes": nodes, "edges": nodes * DEGREE, "network": figures(problem.networks())}
            row |= {f"sum of {width} columns": figures(problem.sums(width)) for width in (HIDDEN, OUT)}
            rows.append(row | {"product 128 -> 64": figures(problem.products())})
    write_result("integer_kernels", {"instructions": instructions(), "threads": THREADS, "graphs": rows})
