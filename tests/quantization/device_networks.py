"""Integer networks on a device, to the bit, and that their rows do not leave it.

Run as a program it checks networks by the Triton kernels with Triton's interpreter, which must be chosen before Triton
is first imported: `TRITON_INTERPRET=1 python -m tests.quantization.device_networks RESULTS`.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from graphlab.ops.integer.gpu import dispatch
from graphlab.ops.integer.gpu.dispatch import PLAIN
from graphlab.quantization.attention import Attention, Table
from graphlab.quantization.network import IntegerNetwork
from graphlab.quantization.operations import Join, Operation, Product, Sum
from graphlab.quantization.rows import Edges, Grid, Rows
from graphlab.quantization.states import Beside, Norm, OwnSum, Pool
from tests.ops.integer.device_checks import failures, on_cpu, path_of_gpus

NODES, WIDTH, HEADS = 12, 6, 2
GRID, FINE, UNSIGNED = Grid(0.05, -3, -128, 127), Grid(0.02, -128, -128, 127), Grid(0.03, 20, 0, 255)
WEIGHTS, SHARES = Grid(1 / 255, -128, -128, 127), Grid(0.9 / 255, -128, -128, 127)


class Parts:
    """Operations of random numbers."""

    def __init__(self, seed: int, bits: int) -> None:
        self.random, self.bits = torch.Generator().manual_seed(seed), bits

    def numbers(self, width: int) -> Tensor:
        return torch.randn(width, generator=self.random, dtype=torch.float64)

    def product(
        self, source: str, target: str, grid: Grid | None, inner: int, width: int, bias: Tensor | None = None
    ) -> Product:
        largest = 2 ** (self.bits - 1) - 1
        weight = torch.randint(-largest, largest + 1, (inner, width), generator=self.random).to(torch.int8)
        scale = torch.rand(width, generator=self.random, dtype=torch.float64) / largest + 1e-3
        return Product(source, target, grid, False, weight, scale, self.bits, bias)

    def attention(self, source: str, other: str, target: str, grid: Grid | None, is_mean: bool) -> Attention:
        bias = self.numbers(WIDTH // HEADS if is_mean else WIDTH)
        return Attention(source, target, grid, False, other, HEADS, is_mean, 0.2, SHARES, bias)


def convolutions(parts: Parts) -> tuple[Operation, ...]:
    """As of gcn, then as of sage, with a rounded mean and without."""
    return (
        parts.product("input", "map0", GRID, WIDTH, WIDTH),
        Sum("map0", "rows1", UNSIGNED, True, bias=parts.numbers(WIDTH)),
        parts.product("rows1", "map1", GRID, WIDTH, 3),
        parts.product("rows1", "own1", GRID, WIDTH, 3),
        Sum("map1", "mean1", FINE, False, bias=None),
        Join("mean1", "rows2", GRID, True, other="own1", bias=parts.numbers(3)),
        Sum("map1", "sum1", None, False, bias=None),
        Join("sum1", "output", None, False, other="rows2", bias=parts.numbers(3)),
    )


def attentions(parts: Parts) -> tuple[Operation, ...]:
    """As of gat: heads side by side, then their mean, rounded and not."""
    return (
        parts.product("input", "map0", GRID, WIDTH, WIDTH),
        parts.product("map0", "scores0", None, WIDTH, 2 * HEADS),
        parts.attention("map0", "scores0", "sums0", GRID, is_mean=False),
        Table.of(torch.nn.functional.elu, "sums0", "rows1", GRID, FINE),
        parts.product("rows1", "map1", GRID, WIDTH, WIDTH),
        parts.product("map1", "scores1", None, WIDTH, 2 * HEADS),
        parts.attention("map1", "scores1", "mean1", GRID, is_mean=True),
        parts.attention("map1", "scores1", "output", None, is_mean=True),
    )


def isomorphisms(parts: Parts, pools_mean: bool) -> tuple[Operation, ...]:
    """As of gin, to graphs."""
    return (
        OwnSum.of("input", "sum0", GRID, Grid(1.5 / 255, -128, -128, 127), 1.5),
        parts.product("sum0", "map0", GRID, WIDTH, WIDTH, parts.numbers(WIDTH)),
        Norm("map0", "hidden0", UNSIGNED, True, parts.numbers(WIDTH), parts.numbers(WIDTH)),
        Pool("input", "first", FINE, False, is_mean=pools_mean),
        Pool("hidden0", "second", FINE, False, is_mean=pools_mean),
        Beside("first", "head0", FINE, False, ("second",)),
        parts.product("head0", "output", GRID, 2 * WIDTH, 2, parts.numbers(2)),
    )


def network(name: str, bits: int, seed: int) -> IntegerNetwork:
    parts, adjacency = Parts(seed, bits), None
    if name == "convolutions":
        operations, adjacency = convolutions(parts), WEIGHTS
    elif name == "attentions":
        operations = attentions(parts)
    else:
        operations = isomorphisms(parts, pools_mean=name == "isomorphisms, mean")
    return IntegerNetwork("gcn", GRID, adjacency, operations)


NETWORKS = ("attentions", "convolutions", "isomorphisms, mean", "isomorphisms, sum")
CASES = {f"{name}, {bits} bits": (name, bits) for name in NETWORKS for bits in (3, 8)} | {
    "convolutions, 2 bits": ("convolutions", 2)
}


def example(integers: IntegerNetwork, seed: int) -> tuple[Tensor, Edges]:
    """Features, and edges of which the last are a loop a node; three graphs, of which the second has no nodes."""
    random = torch.Generator().manual_seed(seed)
    loops = torch.arange(NODES).expand(2, -1)
    edge_index = torch.cat([torch.randint(NODES, (2, 30), generator=random), loops], dim=1)
    weight = torch.rand(edge_index.size(1), generator=random)
    graph_of = torch.tensor([0] * 5 + [2] * (NODES - 5))
    return torch.randn(NODES, WIDTH, generator=random), integers.edges(edge_index, weight, NODES, graph_of, 3)


def defined(integers: IntegerNetwork, x: Tensor, edges: Edges) -> dict[str, Rows]:
    return dict(integers.stages(x, edges, by_definition=True))


def check_network(name: str, bits: int, device: str) -> None:
    """Each stage is the definition's, again when the network runs again, and lies on the device."""
    integers = network(name, bits, seed=bits)
    x, edges = example(integers, seed=bits)
    definition, there = on_cpu(defined)(integers, x, edges), edges.to(device)
    for _ in range(2):
        stages = dict(integers.stages(x.to(device), there))
        assert stages.keys() == definition.keys()
        for stage, rows in stages.items():
            assert rows.integers.device.type == device
            assert rows.integers.dtype == definition[stage].integers.dtype
            assert torch.equal(rows.integers.cpu(), definition[stage].integers), stage
        assert torch.equal(stages["output"].values().cpu(), definition["output"].values())


CHECKS = {case: partial(check_network, *named) for case, named in CASES.items()}


def main() -> None:
    """By way of the dispatch, as on a GPU."""
    kernels = dispatch.paths()
    assert kernels is not PLAIN
    with path_of_gpus(kernels):
        Path(sys.argv[1]).write_text(json.dumps(failures(CHECKS, "cpu")))


if __name__ == "__main__":
    main()
