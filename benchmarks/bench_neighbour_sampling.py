"""Node classification in sampled mini-batches: the sampler alone at three sizes, and GraphSAGE on a block model.

The sampler: 10 batches of 1,024 seeds with fan-outs (10, 10) on random graphs of mean in-degree 10, one thread, beside
a vectorised numpy sampler (Floyd's algorithm for all nodes at once, one pass for each number that is drawn; a table of
new numbers) and beside PyG's `NeighborSampler`, where one of its back ends is installed. Of torch-sparse the two files
of its neighbour sampler can be compiled alone; `NEIGHBOR_SAMPLE_LIBRARY` names the library.

The training: a block model of 200,000 nodes in ten blocks and 2,000,000 edges, features that say little, a tenth of the
nodes for training. Each arm is a process of its own, one thread; its peak is the largest resident set less what was
held when the data were there. Both take sixty steps: three epochs of batches, sixty of the full batch.

Expected: no slower than either sampler; under 1 GiB above the data; accuracy within one point of the full batch.
Found: see `results/neighbour_sampling.json`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import graphlab as gl  # isort: skip  # before torch, whose threads it sets
import numpy as np
import torch
from measure import interleaved, median_ratio, peak_mib, write_result
from torch import Tensor
from torch_geometric import typing as pyg_typing
from torch_geometric.data import Data
from torch_geometric.sampler import NeighborSampler, NodeSamplerInput

from graphlab.core.seeds import SeedStream
from graphlab.experiment.restore import restore
from graphlab.model.layered import layerwise
from graphlab.ops.neighbour_sampling import InNeighbours, sample_neighbours
from graphlab.task.kinds.node_classification import NodeClassification

SIZES = ((20_000, 200_000), (200_000, 2_000_000), (600_000, 6_000_000))
SEEDS, FAN_OUTS, BATCHES, REPEATS = 1024, (10, 10), 10, 7

NODES, EDGES, BLOCKS, FEATURES = 200_000, 2_000_000, 10, 16
HOMOPHILY, SIGNAL = 0.5, 1.0
LIMIT_MIB = 1024
ARMS = {
    "sampled": {"training.epochs": 10, "task.batch_size": SEEDS, "task.fan_outs": FAN_OUTS},
    "full batch": {"training.epochs": 100},
}
COMMON = {
    "model.hidden_dim": 32,
    "model.dropout": 0.0,
    "training.lr": 0.02,
    "training.scheduler": "cosine",
    "training.evaluate_every": 100,
}
LIBRARY = os.environ.get("NEIGHBOR_SAMPLE_LIBRARY")


class NumpySampler:
    """The same samples in distribution, by numpy alone."""

    def __init__(self, edge_index: np.ndarray, num_nodes: int) -> None:
        self.edge = np.argsort(edge_index[1], kind="stable")
        self.source = edge_index[0][self.edge]
        self.start = np.concatenate([[0], np.bincount(edge_index[1], minlength=num_nodes).cumsum()])
        self.place = np.full(num_nodes, -1)

    def sample(self, seeds: np.ndarray, fan_outs: Sequence[int], random: np.random.Generator) -> tuple[np.ndarray, ...]:
        """n_id, local sources, local targets, edges."""
        nodes, front, first, hops = [seeds], seeds, 0, []
        self.place[seeds] = np.arange(len(seeds))
        count = len(seeds)
        for fan_out in fan_outs:
            target, at = self._draw(front, fan_out, random)
            source = self.source[at]
            new = np.unique(source[self.place[source] < 0])
            self.place[new] = np.arange(count, count + len(new))
            hops.append((self.place[source], first + target, self.edge[at]))
            first, count, front = count, count + len(new), new
            nodes.append(new)
        n_id = np.concatenate(nodes)
        self.place[n_id] = -1
        return n_id, *(np.concatenate(column) for column in zip(*hops, strict=True))

    def _draw(self, front: np.ndarray, fan_out: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The position in `front` of the target of each edge that is drawn, and the edge's place."""
        start = self.start[front]
        degree = self.start[front + 1] - start
        many = np.flatnonzero(degree > fan_out)
        few = np.flatnonzero(degree <= fan_out)
        chosen = np.empty((fan_out, len(many)), np.int64)
        for j in range(fan_out):
            last = degree[many] - fan_out + j
            number = (random.random(len(many)) * (last + 1)).astype(np.int64)
            chosen[j] = np.where((chosen[:j] == number).any(0), last, number)
        counts = degree[few]
        within = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
        at = np.concatenate([np.repeat(start[few], counts) + within, (start[many] + chosen).ravel()])
        return np.concatenate([np.repeat(few, counts), np.tile(many, fan_out)]), at


def random_edges(num_nodes: int, num_edges: int) -> Tensor:
    random = SeedStream(0).child("edges", num_nodes).torch()
    return torch.randint(num_nodes, (2, num_edges), generator=random)


def seeds_of(num_nodes: int) -> list[Tensor]:
    random = SeedStream(0).child("seeds", num_nodes).torch()
    return [torch.randperm(num_nodes, generator=random)[:SEEDS] for _ in range(BATCHES)]


def samplers(num_nodes: int, num_edges: int) -> dict[str, Callable[[], int]]:
    """By arm, what draws all batches and gives the number of edges."""
    edge_index, batches = random_edges(num_nodes, num_edges), seeds_of(num_nodes)
    ours, plain = InNeighbours(edge_index, num_nodes), NumpySampler(edge_index.numpy(), num_nodes)
    random = np.random.default_rng(0)
    arms = {
        "ours": lambda: sum(len(sample_neighbours(ours, seeds, FAN_OUTS, k).e_id) for k, seeds in enumerate(batches)),
        "numpy": lambda: sum(len(plain.sample(seeds.numpy(), FAN_OUTS, random)[3]) for seeds in batches),
    }
    if LIBRARY or pyg_typing.WITH_PYG_LIB or pyg_typing.WITH_TORCH_SPARSE:
        graph = Data(edge_index=edge_index, num_nodes=num_nodes)
        theirs = NeighborSampler(graph, list(FAN_OUTS))
        inputs = [NodeSamplerInput(input_id=None, node=seeds) for seeds in batches]
        arms["pyg"] = lambda: sum(len(theirs.sample_from_nodes(each).edge) for each in inputs)  # pyright: ignore
    return arms


def compare_samplers(num_nodes: int, num_edges: int) -> dict[str, Any]:
    arms = samplers(num_nodes, num_edges)
    edges = {name: arm() for name, arm in arms.items()}
    seconds = interleaved(arms, REPEATS)
    ours = {clock: of_arms.pop("ours") for clock, of_arms in seconds.items()}
    return {
        "nodes": num_nodes,
        "edges": num_edges,
        "edges of a batch": {name: round(count / BATCHES) for name, count in edges.items()},
        "milliseconds a batch": {
            name: round(median(times) / BATCHES * 1e3, 2)
            for name, times in {"ours": ours["wall"], **seconds["wall"]}.items()
        },
        "times faster than": {
            name: {clock: round(median_ratio(seconds[clock][name], ours[clock]), 1) for clock in seconds}
            for name in seconds["wall"]
        },
        "MiB": {name: in_process("sampler", name, num_nodes, num_edges) for name in arms},
    }


def sampler_memory(arm: str, num_nodes: int, num_edges: int) -> float:
    """MiB that sampling adds to the largest resident set of a process that has sampled a graph of 2,000 edges."""
    samplers(2_000, 2_000)[arm]()
    draw = samplers(num_nodes, num_edges)[arm]
    before = reset_peak()
    draw()
    return round(peak_mib() - before, 1)


def reset_peak() -> float:
    """MiB that are resident now, from which the peak counts."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mib()


def block_model() -> Data:
    """Links in both directions; with probability HOMOPHILY both ends are in one block, else the other is in any."""
    random = np.random.default_rng(0)
    y = np.arange(NODES) % BLOCKS
    source = random.integers(NODES, size=EDGES // 2)
    stays = random.random(EDGES // 2) < HOMOPHILY
    block = np.where(stays, y[source], random.integers(BLOCKS, size=EDGES // 2))
    target = random.integers(NODES // BLOCKS, size=EDGES // 2) * BLOCKS + block
    x = SIGNAL * np.eye(BLOCKS, FEATURES)[y] + random.standard_normal((NODES, FEATURES))
    part = random.permutation(NODES)
    masks = {name: torch.zeros(NODES, dtype=torch.bool) for name in ("train_mask", "val_mask", "test_mask")}
    for name, first, last in (("train_mask", 0, 0.1), ("val_mask", 0.1, 0.2), ("test_mask", 0.2, 1)):
        masks[name][torch.from_numpy(part[int(first * NODES) : int(last * NODES)])] = True
    edges = torch.from_numpy(np.stack([np.concatenate([source, target]), np.concatenate([target, source])]))
    return Data(x=torch.from_numpy(x).float(), edge_index=edges, y=torch.from_numpy(y), num_nodes=NODES, **masks)


def train(arm: str, path: str) -> dict[str, Any]:
    data = gl.dataset(Data.from_dict(torch.load(path, weights_only=True)), name="blocks", directed=False)
    small = gl.dataset(data.graph.subgraph(torch.arange(500)), name="few", split="random-60/20/20", directed=False)
    few = ARMS[arm] | {"training.epochs": 1}
    with tempfile.TemporaryDirectory() as store:
        gl.run("sage", small, store=store, progress=False, device="cpu", **few)  # what is compiled and imported
        before, started = reset_peak(), time.perf_counter()
        runs = gl.run("sage", data, store=store, progress=False, device="cpu", **COMMON | ARMS[arm])
        seconds, peak = time.perf_counter() - started, peak_mib() - before
        trained = restore(runs)
        assert isinstance(trained.task, NodeClassification)
        evaluation = time.perf_counter()
        rows = trained.task.predictions(trained.learner)
        evaluation = time.perf_counter() - evaluation
        with torch.no_grad():
            whole = trained.model(trained.dataset.graph)
        by_layers = layerwise(trained.model, trained.dataset.graph)  # pyright: ignore[reportArgumentType]
    (record,) = runs.records
    return {
        "arm": arm,
        "accuracy": round(record.result.test["accuracy"], 4),
        "epochs": record.result.epochs,
        "seconds": round(seconds, 1),
        "evaluation seconds": round(evaluation, 2),
        "peak MiB above the data": round(peak, 1),
        "data MiB": round(before, 1),
        "largest difference of layer-wise rows": max((each - whole).abs().max().item() for each in (rows, by_layers)),
    }


def in_process(*words: object) -> Any:
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"}
    command = [sys.executable, __file__, *map(str, words)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout)


def main() -> None:
    sizes = [compare_samplers(*size) for size in SIZES]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blocks.pt"
        torch.save(block_model().to_dict(), path)
        arms = [in_process("train", arm, path) for arm in ARMS]
    sampled, full = arms
    held = {
        "no slower": all(ratio["processor"] >= 1 for size in sizes for ratio in size["times faster than"].values()),
        "memory": sampled["peak MiB above the data"] <= LIMIT_MIB,
        "accuracy": abs(sampled["accuracy"] - full["accuracy"]) <= 0.01,
    }
    write_result("neighbour_sampling", {"held": held, "samplers": sizes, "training": arms})
    if not all(held.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if LIBRARY:
        torch.ops.load_library(LIBRARY)
        pyg_typing.WITH_TORCH_SPARSE = True
    match sys.argv[1:]:
        case ["sampler", arm, num_nodes, num_edges]:
            print(json.dumps(sampler_memory(arm, int(num_nodes), int(num_edges))))
        case ["train", arm, path]:
            print(json.dumps(train(arm, path)))
        case _:
            main()
