"""What A*Net's pruning saves: a training step at several node ratios beside full NBFNet, in time and memory.

Random graphs of the sizes of WN18RR and FB15k-237, degrees as skewed as theirs; each model with its published
recipe, untrained. A step is the scores of 32 negatives, forward and backward. The arms take turns. Peak memory is
that of a process of its own, less what it held before the first step.

Expected: time and memory fall with the ratio, down to what does not depend on it, the sorting of what was reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median
from typing import Any

import torch
from measure import interleaved, median_ratio, peak_mib, write_result
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import FACT, DataSpec
from graphlab.model.registry import build_model

BATCH, NEGATIVES = 8, 32
SIZES: dict[str, tuple[int, int, int, float, dict[str, Any]]] = {
    "wn18rr": (40_943, 86_835, 11, 0.3, {"dependent": False}),
    "fb15k-237": (14_541, 272_115, 237, 0.6, {}),
}
"""Nodes, facts, relations, skew, and the recipe's settings that are no defaults."""

ARMS = ("nbfnet", "1.0", "0.5", "0.1", "0.05")
"""Full NBFNet, and A*Net at these ratios."""


class Step:
    """One model on one graph, both drawn from a fixed seed; calling it goes forward and backward."""

    def __init__(self, size: str, arm: str) -> None:
        num_nodes, num_facts, num_relations, skew, settings = SIZES[size]
        stream = SeedStream(0).child(size)
        random = stream.torch()
        chance = torch.arange(1, num_nodes + 1, dtype=torch.float64).pow(-skew)
        ends = [chance.multinomial(num_facts, replacement=True, generator=random) for _ in range(2)]
        types = torch.randint(num_relations, (num_facts,), generator=random)
        self.graph = Data(edge_index=torch.stack(ends), edge_type=types, num_nodes=num_nodes)
        self.head = torch.randint(num_nodes, (BATCH,), generator=random)
        self.relation = torch.randint(2 * num_relations, (BATCH,), generator=random)
        self.tail = torch.randint(num_nodes, (BATCH, 1 + NEGATIVES), generator=random)
        spec = DataSpec("triples", (FACT,), num_relations=num_relations, num_entities=num_nodes, directed=True)
        stream.child("weights").seed_torch()
        name = "nbfnet" if arm == "nbfnet" else "astarnet"
        extra = {} if arm == "nbfnet" else {"node_ratio": float(arm)}
        self.model = build_model(name, spec, {**settings, **extra})

    def __call__(self) -> None:
        self.model(self.graph, self.head, self.relation, self.tail).square().mean().backward()


def extra_memory(size: str, arm: str) -> float:
    step = Step(size, arm)
    before = peak_mib()
    step()
    return round(peak_mib() - before, 1)


def measure(size: str) -> dict[str, object]:
    """Seconds and memory of all arms on a graph of this size, and how often faster each is than NBFNet."""
    wall = interleaved({arm: Step(size, arm) for arm in ARMS})["wall"]
    return {
        "graph": size,
        "batch": BATCH,
        "arms": [
            {
                "arm": arm,
                "wall_seconds": round(median(wall[arm]), 3),
                "times_faster": round(median_ratio(wall["nbfnet"], wall[arm]), 2),
                "peak_mib": _in_a_child(size, arm),
            }
            for arm in ARMS
        ],
    }


def _in_a_child(size: str, arm: str) -> float:
    child = subprocess.run([sys.executable, __file__, size, arm], capture_output=True, text=True, check=True)
    return json.loads(child.stdout)


def main() -> None:
    torch.set_num_threads(1)
    if len(sys.argv) == 3:
        print(extra_memory(sys.argv[1], sys.argv[2]))
        return
    write_result("astarnet", {"graphs": [measure(size) for size in SIZES]})


if __name__ == "__main__":
    main()
