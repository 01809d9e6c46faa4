"""Node classification with ego networks on a graph of 50,000 nodes, a few roots at a time, in memory that is bounded.

NGNN, 3 layers of 32, two hops, on a geometric graph in the unit square (mean degree about 6, 768,000 tuples, 4.2
million messages); the class of a node is whether it is in more triangles than the median node, of which its features,
noise, say nothing. Each size of blocks is a process of its own, two threads; its peak is the largest resident set less
what was held when the data were there. The bound in bytes, for N nodes, T tuples, M messages, m = M / T, blocks of B:

    rows      8 * 4 * N * (2 dim + features)
    kept      64 T + 8 M: who hears of whom in each block, from its forward pass to its backward pass
    a block   B * (4 dim (10 layers + 4) + 24 + 8 * 24 * m)

The C library keeps freed blocks below a growing threshold in its own heap, where they fall to pieces; with
MALLOC_MMAP_THRESHOLD_ the threshold stays, and memory is handed back. The bound is held under it; a row without shows
what the heap adds, and a row with 0 tuples, one epoch, what it is without blocks.

Expected: peaks under the bound, a small part of what is held without blocks; the loss falls at every size.
Found: see `results/ego_memory.json`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import graphlab  # isort: skip  # noqa: F401  before torch, whose threads it sets
import numpy as np
import torch
import torch.nn.functional as F
from measure import write_result
from scipy.sparse import coo_array
from scipy.spatial import KDTree
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.registry import build_model

NODES, DEGREE, FEATURES = 50_000, 6.0, 8
DIM, LAYERS, HOPS, EPOCHS = 32, 3, 2, 3
SIZES = (10_000, 40_000, 160_000)
THRESHOLD = "131072"


def geometric_graph(num_nodes: int, seed: int = 0) -> Data:
    """Random points, those nearer than a radius joined; y, int64 `[N]`, is 1 for nodes in more triangles than the
    median."""
    random = np.random.default_rng(seed)
    places = random.random((num_nodes, 2))
    pairs = KDTree(places).query_pairs((DEGREE / np.pi / num_nodes) ** 0.5, output_type="ndarray").astype(np.int64)
    both = np.concatenate([pairs, pairs[:, ::-1]]).T
    adjacency: Any = coo_array((np.ones(both.shape[1]), (both[0], both[1])), shape=(num_nodes, num_nodes)).tocsr()
    triangles = np.asarray((adjacency @ adjacency).multiply(adjacency).sum(axis=1)).ravel() / 2
    x = random.standard_normal((num_nodes, FEATURES)).astype(np.float32)
    y = torch.from_numpy((triangles > np.median(triangles)).astype(np.int64))
    return Data(x=torch.from_numpy(x), edge_index=torch.from_numpy(both.copy()), num_nodes=num_nodes, y=y)


def resident(field: str) -> float:
    """MiB of this process, VmRSS now or VmHWM at most since it was reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def bound(num_tuples: int, num_messages: int, max_tuples: int) -> float:
    """MiB."""
    rows = 8 * 4 * NODES * (2 * DIM + FEATURES)
    a_tuple = 4 * DIM * (10 * LAYERS + 4) + 24 + 8 * 24 * num_messages / num_tuples
    kept = 64 * num_tuples + 8 * num_messages
    return (rows + kept + (max_tuples or num_tuples) * a_tuple) / 2**20


def train(max_tuples: int) -> dict[str, Any]:
    torch.set_num_threads(2)
    spec = DataSpec("nodes", (Target("y", "node", "class", 2),), node=Continuous(FEATURES))
    SeedStream(0).seed_torch()
    settings = {"hidden_dim": DIM, "num_layers": LAYERS, "hops": HOPS, "max_tuples": max_tuples}
    model: Any = build_model("ngnn", spec, settings).train()
    head = torch.nn.Linear(model.out_dim, 2)
    build_model("ngnn", spec, settings).train()(model.policy(geometric_graph(500))).sum().backward()
    batch = model.policy(geometric_graph(NODES))
    num_tuples, num_messages = len(batch["tuple_root"]), len(batch["uL_edge"])
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=0.01)
    Path("/proc/self/clear_refs").write_text("5")
    before, started, losses = resident("VmRSS"), time.perf_counter(), []
    epochs = EPOCHS if max_tuples else 1
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = F.cross_entropy(head(model(batch)), batch.y)
        loss.backward()
        optimizer.step()
        losses.append(round(loss.item(), 4))
    return {
        "max_tuples": max_tuples,
        "tuples": num_tuples,
        "messages": num_messages,
        "lists_mib": round((25 * num_tuples + 24 * num_messages) / 2**20, 1),
        "peak_mib": round(resident("VmHWM") - before, 1),
        "bound_mib": round(bound(num_tuples, num_messages, max_tuples), 1),
        "epoch_s": round((time.perf_counter() - started) / epochs, 2),
        "losses": losses,
    }


def in_process(size: int, environment: Mapping[str, str]) -> dict[str, Any]:
    words = [sys.executable, __file__, str(size)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True, env=environment).stdout)


def main() -> None:
    handed_back = os.environ | {"MALLOC_MMAP_THRESHOLD_": THRESHOLD}
    blocks = [in_process(size, handed_back) for size in SIZES]
    held = all(row["peak_mib"] <= row["bound_mib"] and row["losses"][-1] < row["losses"][0] for row in blocks)
    own_heap, whole = in_process(SIZES[1], os.environ), in_process(0, handed_back)
    write_result("ego_memory", {"held": held, "blocks": blocks, "own_heap": own_heap, "whole": whole})
    if not held:
        raise SystemExit(1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(train(int(sys.argv[1]))))
    else:
        main()
