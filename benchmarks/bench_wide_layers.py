"""Training steps of wide attention, 16 heads of three widths: networks of gnn-micro beside PyG's GATConv; one thread.

Two layers on a random graph and features with the shapes and the density of CiteSeer; both arms compute the same.

Expected: PyG lays out a message for every edge and maps the zeros of the features too, so several times slower, the
more the wider; of the edges only coefficients and indices stay in memory, of no width.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import graphlab  # isort: skip  # noqa: F401  before torch, whose threads it sets
import torch
from measure import interleaved, measured_in_a_child, median_ratio, peak_mib, write_result
from torch import Tensor, nn
from torch_geometric import nn as pyg
from torch_geometric.data import Data

from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.registry import build_model

NODES, EDGES, WORDS, DENSITY, CLASSES, HEADS, REPEATS = 3327, 9104, 3703, 0.0085, 6, 16, 5
DIMS = (16, 64, 256)
ARMS = ("pyg", "ours")


class Plain(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first = pyg.GATConv(WORDS, dim, HEADS)
        self.second = pyg.GATConv(HEADS * dim, CLASSES, HEADS, concat=False)

    def forward(self, data: Data) -> Tensor:
        return self.second(self.first(data.x, data.edge_index).relu(), data.edge_index)


def make_ours(dim: int) -> nn.Module:
    spec = DataSpec("nodes", (Target("y", "node", "class", CLASSES),), node=Continuous(WORDS))
    settings = {"activation": ("relu", "linear"), "heads": (HEADS,) * 2, "hidden_dims": (dim,) * 2, "dropout": 0.0}
    return build_model("gnn-micro", spec, settings)


def graph() -> Data:
    random = torch.Generator().manual_seed(0)
    half = torch.randint(NODES, (2, EDGES // 2), generator=random)
    words = torch.rand(NODES, WORDS, generator=random) * (torch.rand(NODES, WORDS, generator=random) < DENSITY)
    label = torch.randint(CLASSES, (NODES,), generator=random)
    return Data(words, torch.cat([half, half.flip(0)], dim=1), y=label)


def make_step(network: nn.Module, data: Data) -> Callable[[], None]:
    optimizer, label = torch.optim.Adam(network.parameters(), 0.005), data["y"]

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(data), label).backward()
        optimizer.step()

    return step


def make_arm(arm: str, dim: int) -> Callable[[], None]:
    return make_step(Plain(dim) if arm == "pyg" else make_ours(dim), graph())


def compare(dim: int) -> dict[str, Any]:
    seconds = interleaved({arm: make_arm(arm, dim) for arm in ARMS}, REPEATS)
    return {
        "dim": dim,
        **{f"milliseconds, {arm}": round(median(seconds["wall"][arm]) * 1e3, 1) for arm in ARMS},
        "times faster": {clock: round(median_ratio(one["pyg"], one["ours"]), 1) for clock, one in seconds.items()},
        **{f"MiB, {arm}": measured_in_a_child(__file__, dim, arm) for arm in ARMS},
    }


def extra_memory(dim: int, arm: str) -> float:
    """MiB that ten steps add to the largest resident set before them."""
    step = make_arm(arm, dim)
    before = peak_mib()
    for _ in range(10):
        step()
    return round(peak_mib() - before, 1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        print(extra_memory(int(sys.argv[1]), sys.argv[2]))
    else:
        write_result("wide_layers", {"comparisons": [compare(dim) for dim in DIMS]})
