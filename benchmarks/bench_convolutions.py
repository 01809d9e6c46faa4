"""Training steps and inference of gcn, sage, gin and gat beside PyG's layers, on edge indices and on a CSR matrix.

PyG's GCNConv caches its normalised matrix. Networks are of two layers, a hidden one of 64 (gat: 8 heads of 8), on
random undirected graphs with 128 numbers a node and 16 classes; on the largest 32 numbers and a hidden layer of 16; and
on Cora with its published widths, features and dropout of features. One thread. Both sides compute the same function;
memory is the largest resident set of a process that takes three steps, above what it had with the data alone.

Expected: PyG lays out a message an edge, or multiplies by MKL's sparse product. The loops here read int32 indices, four
edges at a time, and keep sums in registers; attention keeps two numbers an edge and head. So gcn and sage at least 1.2
times the faster of PyG's two, gat twice, with less memory; the zeros of Cora's features are not multiplied.

    python benchmarks/bench_convolutions.py
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from measure import interleaved, measured_in_a_child, median_ratio, peak_mib, write_result
from torch import Tensor, nn
from torch_geometric import nn as pyg
from torch_geometric.data import Data
from torch_geometric.utils import to_torch_csr_tensor

from graphlab.core.errors import DataError
from graphlab.data.load import load
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.registry import build_model

CLASSES, REPEATS, LARGEST = 16, 7, 1_000_000
SIZES = {
    "gcn": [(20_000, 200_000), (200_000, 2_000_000), (LARGEST, 10_000_000)],
    "sage": [(20_000, 200_000), (200_000, 2_000_000)],
    "gin": [(20_000, 200_000), (200_000, 2_000_000)],
    "gat": [(5_000, 50_000), (50_000, 500_000), (200_000, 2_000_000)],
}
ARMS = ("ours", "pyg", "pyg, csr")
CORA = {
    "gcn": ({"hidden_dim": 16}, 0.5),
    "sage": ({"hidden_dim": 64}, 0.5),
    "gin": ({"hidden_dim": 64, "num_layers": 2}, 0.5),
    "gat": ({"hidden_dim": 8, "heads": 8}, 0.6),
}
"""Settings of each model and the dropout of features."""


class Plain(nn.Module):
    """PyG's layers as a user writes them down. What gin gives is every layer's rows and the features, side by side."""

    def __init__(self, model: str, widths: tuple[int, int, int], dropout: float) -> None:
        super().__init__()
        first, hidden, last = widths
        self.model = model
        match model:
            case "gcn":
                self.first, self.second = (
                    pyg.GCNConv(first, hidden, cached=True),
                    pyg.GCNConv(hidden, last, cached=True),
                )
            case "sage":
                self.first, self.second = pyg.SAGEConv(first, hidden), pyg.SAGEConv(hidden, last)
            case "gin":
                self.first, self.second = (
                    pyg.GINConv(two_maps(width, hidden), train_eps=True) for width in (first, hidden)
                )
                self.head = nn.Linear(first + 2 * hidden, last)
            case _:
                self.first = pyg.GATConv(first, hidden // 8, 8, dropout=dropout)
                self.second = pyg.GATConv(hidden, last, 1, concat=False, dropout=dropout)
        self.activation = nn.ELU() if model == "gat" else nn.ReLU()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        if self.model == "gin":
            inner = self.first(x, edges)
            return self.head(self.dropout(torch.cat([x, inner, self.second(inner, edges)], dim=1)))
        return self.second(self.dropout(self.activation(self.first(self.dropout(x), edges))), edges)


def two_maps(width: int, hidden: int) -> nn.Module:
    """The network of one layer of gin."""
    parts = [(nn.Linear(n, hidden), nn.BatchNorm1d(hidden), nn.ReLU()) for n in (width, hidden)]
    return nn.Sequential(*parts[0], *parts[1])


def random_graph(nodes: int, edges: int) -> Data:
    random = torch.Generator().manual_seed(0)
    half, features = torch.randint(nodes, (2, edges // 2), generator=random), 32 if nodes == LARGEST else 128
    label = torch.randint(CLASSES, (nodes,), generator=random)
    x = torch.randn(nodes, features, generator=random)
    return Data(x, torch.cat([half, half.flip(0)], dim=1), y=label, num_nodes=nodes)


def functions(model: str, data: Data, settings: dict[str, Any], dropout: float, arm: str) -> tuple[nn.Module, Any]:
    """A network, and what calls it."""
    x, edges = data["x"], data["edge_index"]
    classes = int(data["y"].max()) + 1
    if arm == "ours":
        spec = DataSpec("nodes", (Target("y", "node", "class", classes),), node=Continuous(x.size(1)))
        network = build_model(model, spec, {**settings, "dropout": dropout})
        if model == "gin":
            with_head = nn.ModuleList([network, nn.Linear(network.out_dim, classes)])
            return with_head, lambda: with_head[1](with_head[0](data))
        return network, lambda: network(data)
    hidden = settings["hidden_dim"] * settings.get("heads", 1)
    network = Plain(model, (x.size(1), hidden, classes), dropout)
    if arm == "pyg, csr":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            edges = to_torch_csr_tensor(edges.flip(0), size=(len(x), len(x)))
    return network, lambda: network(x, edges)


def make_step(model: str, data: Data, settings: dict[str, Any], dropout: float, arm: str) -> Callable[[], None]:
    network, call = functions(model, data, settings, dropout, arm)
    optimizer, label = torch.optim.Adam(network.parameters()), data["y"]

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(call(), label).backward()
        optimizer.step()

    return step


def make_inference(model: str, data: Data, settings: dict[str, Any], arm: str) -> Callable[[], None]:
    network, call = functions(model, data, settings, 0.0, arm)
    network.eval()

    def infer() -> None:
        with torch.no_grad():
            call()

    return infer


def ratios(arms: dict[str, Callable[[], None]], repeats: int = REPEATS) -> dict[str, Any]:
    seconds = interleaved(arms, repeats)
    figures: dict[str, Any] = {
        f"milliseconds, {arm}": round(median(seconds["processor"][arm]) * 1e3, 2) for arm in arms
    }
    for other in (arm for arm in arms if arm != "ours"):
        figures[f"times {other}"] = {
            clock: round(median_ratio(each[other], each["ours"]), 2) for clock, each in seconds.items()
        }
    return figures


def settings_of(model: str, nodes: int) -> dict[str, Any]:
    match model:
        case "gat":
            return {"hidden_dim": 8, "heads": 8}
        case "gin":
            return {"hidden_dim": 64, "num_layers": 2}
        case _:
            return {"hidden_dim": 16 if nodes == LARGEST else 64}


def at_size(model: str, nodes: int, edges: int) -> dict[str, Any]:
    data = random_graph(nodes, edges)
    arms = {arm: make_step(model, data, settings_of(model, nodes), 0.0, arm) for arm in ARMS}
    figures = ratios(arms, REPEATS if edges <= 2_000_000 else 3)
    memory = {f"MiB, {arm}": measured_in_a_child(__file__, model, nodes, edges, arm) for arm in ARMS}
    return {"model": model, "nodes": nodes, "edges": edges, **figures, **memory}


def on_cora(model: str) -> list[dict[str, Any]]:
    data, (settings, dropout) = load("planetoid/cora").graph, CORA[model]
    return [
        {"model": model, "what": what, **ratios({arm: make(arm) for arm in ARMS})}
        for what, make in {
            "training": lambda arm: make_step(model, data, settings, dropout, arm),
            "training without dropout": lambda arm: make_step(model, data, settings, 0.0, arm),
            "inference": lambda arm: make_inference(model, data, settings, arm),
        }.items()
    ]


def extra_memory(model: str, nodes: int, edges: int, arm: str) -> float:
    """MiB of three steps above the data."""
    data = random_graph(nodes, edges)
    before = peak_mib()
    step = make_step(model, data, settings_of(model, nodes), 0.0, arm)
    for _ in range(3):
        step()
    return round(peak_mib() - before, 1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        print(extra_memory(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
    else:
        largest = int(os.environ.get("LARGEST_EDGES", "10_000_000"))
        rows = [at_size(model, *size) for model, sizes in SIZES.items() for size in sizes if size[1] <= largest]
        try:
            cora = [row for model in CORA for row in on_cora(model)]
        except DataError:
            cora = []
        write_result("convolutions", {"steps": rows, "cora": cora})
