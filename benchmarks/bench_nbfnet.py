"""A full training step of NBFNet beside the plain PyTorch path of the same function, on two threads.

Batch 64, 32 negatives, 6 layers of 32, distmult and PNA, with the data set's published recipe for the rest. Both
arms start from the same weights and see the same batches. They take turns; a turn of the compiled arms is five steps,
for in training a step follows one like it and not one that has just emptied the caches. Peak memory is that of a
process of its own, less what it held before its first step. FB15k-237 is too large for the plain path; its step is
measured alone, at batch 16.

Expected: on UMLS, where every node is two steps from every other, what compiled loops save, some fifty times; on
WN18RR's graphs more, since few states decide the scores. Found: see `results/nbfnet.json`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import graphlab  # isort: skip  # noqa: F401  before torch, whose threads it sets
import torch
from measure import interleaved, median_ratio, peak_mib, write_result
from plain_nbfnet import PlainNBFNet

from graphlab.core.seeds import SeedStream
from graphlab.data.load import load
from graphlab.experiment.plan import make_plan

THREADS = 2
BATCH = {"kg/umls": 64, "grail/wn18rr-v1": 64, "kg/fb15k-237": 16}
PUBLISHED = {"dim": 32, "num_layers": 6, "message": "distmult", "aggregate": "pna"}
ARMS = ("fast", "recompute", "plain")
STEPS_OF_A_TURN = {"fast": 5, "recompute": 5, "plain": 1}


def training_step(name: str, arm: str) -> Callable[[], float]:
    """A step over the same few batches in turn; gives the loss."""
    dataset = load(name)
    settings = {f"model.{key}": value for key, value in PUBLISHED.items()}
    settings |= {"task.batch_size": BATCH[name], "task.num_negatives": 32, "model.recompute": arm == "recompute"}
    plan = make_plan("nbfnet", dataset, settings)
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)
    if arm == "plain":
        learner.model.__class__ = PlainNBFNet
    learner.train()
    epoch = task.batches(SeedStream(0))
    batches = [epoch[step] for step in range(3)]
    optimizer = torch.optim.Adam(learner.parameters(), lr=5e-3, fused=True)
    turn = iter(range(10**6))

    def step() -> float:
        optimizer.zero_grad()
        loss = task.loss(learner, batches[next(turn) % len(batches)])
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def extra_memory(name: str, arm: str) -> float:
    step = training_step(name, arm)
    before = peak_mib()
    step()
    step()
    return round(peak_mib() - before, 1)


def in_child(name: str, arm: str) -> float:
    child = subprocess.run([sys.executable, __file__, name, arm], capture_output=True, text=True, check=True)
    return json.loads(child.stdout)


def measure(name: str, arms: tuple[str, ...], repeats: int) -> dict[str, Any]:
    steps = {arm: training_step(name, arm) for arm in arms}
    losses = {arm: step() for arm, step in steps.items()}
    turns = {arm: lambda arm=arm: [steps[arm]() for _ in range(STEPS_OF_A_TURN[arm])] for arm in arms}
    seconds = {
        arm: [wall / STEPS_OF_A_TURN[arm] for wall in walls]
        for arm, walls in interleaved(turns, repeats)["wall"].items()
    }
    found: dict[str, Any] = {"dataset": name, "batch": BATCH[name], "first_loss": losses}
    found["seconds"] = {arm: round(median(times), 4) for arm, times in seconds.items()}
    found["extra_mib"] = {arm: in_child(name, arm) for arm in arms}
    if "plain" in arms:
        found["times_faster"] = {
            arm: round(median_ratio(seconds["plain"], seconds[arm]), 1) for arm in arms if arm != "plain"
        }
        found["memory_share"] = {
            arm: round(found["extra_mib"][arm] / found["extra_mib"]["plain"], 3) for arm in arms if arm != "plain"
        }
    return found


def main() -> None:
    torch.set_num_threads(THREADS)
    if len(sys.argv) == 3:
        print(extra_memory(sys.argv[1], sys.argv[2]))
        return
    rows = [measure(name, ARMS, repeats=5) for name in ("kg/umls", "grail/wn18rr-v1")]
    rows.append(measure("kg/fb15k-237", ("fast", "recompute"), repeats=3))
    write_result("nbfnet", {"threads": THREADS, "steps": rows})


if __name__ == "__main__":
    main()
