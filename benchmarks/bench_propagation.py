"""What ADPA passes along six patterns of directed edges before training, beside PyG's generic message passing.

Random directed graphs of 200,000 nodes, 128 features, two hops: twelve products of one factor or two, and the sums of
rows that scale them. The plain arm makes the same products by `MessagePassing.propagate`, whose messages are laid out.
Both sides are processes of their own, two threads, in turn, five rounds after one that is not counted; peaks are the
largest resident set less what was held when the graph was there, and hold the result of 1.1 GiB.

Expected: within 10 s and 4 GiB at 1,000,000 edges, and three times as fast as the plain arm.
Found: see `results/propagation.json`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import graphlab as gl  # isort: skip  # noqa: F401  # before torch, whose threads it sets
import torch
from measure import measured_in_a_process, median_ratio, peak_mib, write_result
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.nn import MessagePassing

from graphlab.model.propagation import FACTORS, Propagation, attribute
from graphlab.model.zoo.adpa import PATTERNS

NODES, FEATURES, EDGES, ROUNDS = 200_000, 128, (250_000, 500_000, 1_000_000), 5
HOPS, EXPONENT, COEFFICIENTS = 2, 0.5, (1.000001, 0.306854)


class Plain(MessagePassing):
    """Sums of rows along edges, one message an edge."""

    def __init__(self) -> None:
        super().__init__(aggr="add")

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.propagate(edge_index, x=x)

    def message(self, x_j: Tensor) -> Tensor:
        return x_j


def graph_of(num_edges: int, num_nodes: int = NODES) -> Data:
    random = torch.Generator().manual_seed(0)
    edge_index = torch.randint(num_nodes, (2, num_edges), generator=random)
    return Data(x=torch.randn(num_nodes, FEATURES, generator=random), edge_index=edge_index, num_nodes=num_nodes)


def ours(graph: Data) -> dict[str, Tensor]:
    return Propagation(PATTERNS, HOPS, EXPONENT, COEFFICIENTS).propagated(graph)


def plain(graph: Data) -> dict[str, Tensor]:
    """The same by PyG."""
    layer, x, loops = Plain(), graph["x"], torch.arange(graph["x"].shape[0]).expand(2, -1)
    out: dict[str, Tensor] = {}

    def product(rows: Tensor, factors: tuple[str, ...]) -> Tensor:
        for direction in reversed(factors):
            edges = graph["edge_index"] if direction == "in" else graph["edge_index"].flip(0)
            rows = layer(rows, torch.cat([edges, loops], dim=1) if len(factors) == 1 else edges)
        return rows

    for pattern in PATTERNS:
        degree = product(x.new_ones(len(x), 1), FACTORS[pattern])
        scale = torch.where(degree > 0, degree**-0.5, 0)
        rows = x
        for hop, coefficient in enumerate(COEFFICIENTS, start=1):
            rows = scale * product(scale * rows * coefficient, FACTORS[pattern])
            out[attribute(pattern, hop)] = rows
    return out


ARMS = {"ours": ours, "plain": plain}


def measured(arm: str, num_edges: int) -> dict[str, Any]:
    torch.set_num_threads(2)
    small = graph_of(5_000, 1_000)
    torch.testing.assert_close(ours(small), plain(small), rtol=0, atol=1e-4)  # both are keyed alike
    graph = graph_of(num_edges)
    Path("/proc/self/clear_refs").write_text("5")  # the largest resident set is counted from here
    held = peak_mib()
    started = time.perf_counter()
    ARMS[arm](graph)
    return {"seconds": time.perf_counter() - started, "peak_mib": round(peak_mib() - held, 1)}


def main() -> None:
    rows = []
    for num_edges in EDGES:
        rounds: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ARMS}
        for counted in [False] + [True] * ROUNDS:
            for arm in ARMS:
                result = measured_in_a_process(__file__, arm, num_edges)
                if counted:
                    rounds[arm].append(result)
        seconds = {arm: [each["seconds"] for each in results] for arm, results in rounds.items()}
        rows.append(
            {
                "edges": num_edges,
                "times": round(median_ratio(seconds["plain"], seconds["ours"]), 2),
                **{f"{arm}_seconds": round(median(seconds[arm]), 3) for arm in ARMS},
                **{f"{arm}_peak_mib": max(each["peak_mib"] for each in rounds[arm]) for arm in ARMS},
            }
        )
    write_result("propagation", {"nodes": NODES, "features": FEATURES, "growth": rows})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
