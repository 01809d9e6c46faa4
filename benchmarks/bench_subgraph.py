"""SSWL+ on molecules beside the plain PyTorch version of the same network, on two threads.

An epoch over the 1,000 validation graphs of ZINC-12k: 6 layers of 96, batch 128. Both arms start
from the same weights and see the same batches, in turn; a turn is a step. Peak memory is that of a process of its own,
less what it held before its first step. Aggregations alone, forward and backward, at three widths; the listed carrier
at three numbers of tuples; and what is prepared of 10,000 graphs.

Expected: the linear maps are half of the plain step and can be no faster than matrix products, so about twice; its
aggregations alone five times. Found: see `results/subgraph.json`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import graphlab  # isort: skip  # noqa: F401  before torch, whose threads it sets
import torch
from measure import interleaved, median_ratio, peak_mib, write_result
from plain_subgraph import PlainSubgraphNetwork, listed, plain_sum
from torch import Tensor
from torch_geometric.data import Batch, Data

from graphlab.core.seeds import SeedStream
from graphlab.data.load import load
from graphlab.experiment.plan import make_plan
from graphlab.model.subgraph.inputs import edge_kinds
from graphlab.model.subgraph.policies import Distance, EgoDistance
from graphlab.ops.tuple_spmm import Messages, tuple_spmm

THREADS = 2
DATASET, VALIDATION = "zinc/12k-held-out", 1000
BATCH = 128
ARMS = ("compiled", "plain")
WIDTHS = (32, 96, 192)
NODES = (2_000, 8_000, 32_000)


def graphs() -> tuple[Data, ...]:
    return load(DATASET).graphs[:VALIDATION]


def training_step(arm: str) -> tuple[Callable[[], float], int]:
    """A step over the batches of an epoch in turn, which gives the loss; and how many they are."""
    plan = make_plan("subgraph/sswl-plus", DATASET, {"task.batch_size": BATCH})
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0).train()
    model: Any = learner.model
    parts = plan.prepared.graphs[:VALIDATION]
    batches: list[Any] = [Batch.from_data_list(list(parts[k : k + BATCH])) for k in range(0, VALIDATION, BATCH)]
    if arm == "plain":
        model.__class__ = PlainSubgraphNetwork
        batches = [listed(model, batch) for batch in batches]
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3, fused=True)
    turn = iter(range(10**6))

    def step() -> float:
        optimizer.zero_grad()
        loss = task.loss(learner, batches[next(turn) % len(batches)])
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, len(batches)


def extra_memory(arm: str) -> float:
    step, _ = training_step(arm)
    before = peak_mib()
    step()
    step()
    return round(peak_mib() - before, 1)


def in_child(arm: str) -> float:
    child = subprocess.run([sys.executable, __file__, arm], capture_output=True, text=True, check=True)
    return json.loads(child.stdout)


def measure_training() -> dict[str, Any]:
    arms = {arm: training_step(arm) for arm in ARMS}
    losses = {arm: step() for arm, (step, _) in arms.items()}
    apart = abs(losses["compiled"] - losses["plain"]) / abs(losses["plain"])
    assert apart < 1e-4, f"the arms compute different losses: {losses}"
    steps_an_epoch = arms["plain"][1]
    seconds = interleaved({arm: step for arm, (step, _) in arms.items()}, repeats=2 * steps_an_epoch - 1)["wall"]
    memory = {arm: in_child(arm) for arm in ARMS}
    return {
        "seconds_an_epoch": {arm: round(median(values) * steps_an_epoch, 2) for arm, values in seconds.items()},
        "seconds_a_step": {arm: round(median(values), 3) for arm, values in seconds.items()},
        "times_faster": round(median_ratio(seconds["plain"], seconds["compiled"]), 2),
        "peak_mib": memory,
        "share_of_memory": round(memory["compiled"] / memory["plain"], 3),
    }


def measure_aggregations(dim: int) -> dict[str, Any]:
    """uL, vL and vv of a batch, forward and backward, with bonds where they are local."""
    policy = Distance()
    batch: Any = Batch.from_data_list(list(policy.prepare(graphs()[:BATCH])))
    features = load(DATASET).spec.edge
    tuples = policy.tuples(batch, edge_kinds(batch, features))
    messages: dict[str, Messages] = {name: tuples.messages(name) for name in ("uL", "vL", "vv")}
    pairs = {name: of_one.pairs() for name, of_one in messages.items()}
    h = torch.randn(tuples.num_tuples, dim, requires_grad=True)
    table = torch.randn(4, dim, requires_grad=True)
    tables: dict[str, Tensor | None] = {"uL": table, "vL": table, "vv": None}
    grad = torch.randn(tuples.num_tuples, dim)

    def forward_and_back(product: Callable[[str], Tensor]) -> None:
        for name, of_kinds in tables.items():
            torch.autograd.grad(product(name), [h] if of_kinds is None else [h, of_kinds], grad)

    arms = {
        "compiled": lambda: forward_and_back(lambda name: tuple_spmm(messages[name], h, tables[name])),
        "plain": lambda: forward_and_back(lambda name: plain_sum(h, pairs[name], tables[name])),
    }
    seconds = interleaved(arms)["wall"]
    return {
        "dim": dim,
        "milliseconds": {arm: round(1000 * median(values), 2) for arm, values in seconds.items()},
        "times_faster": round(median_ratio(seconds["plain"], seconds["compiled"]), 2),
    }


def measure_listed(num_nodes: int) -> dict[str, Any]:
    """An ego policy on one sparse random graph: the sum of 32 columns over a tuple's neighbours, forward and back."""
    ends = torch.randint(num_nodes, (2, 2 * num_nodes), generator=SeedStream(0).torch())
    edges = torch.cat([ends, ends.flip(0)], dim=1)
    policy = EgoDistance(hops=2)
    started = time.perf_counter()
    data = policy(Data(edge_index=edges, num_nodes=num_nodes))
    prepared = time.perf_counter() - started
    messages = policy.tuples(data, None).messages("uL")
    h = torch.randn(messages.num_targets, 32, requires_grad=True)
    arms = {"compiled": lambda: torch.autograd.grad(tuple_spmm(messages, h).sum(), h)}
    seconds = median(interleaved(arms)["wall"]["compiled"])
    return {
        "nodes": num_nodes,
        "tuples": messages.num_targets,
        "messages": len(messages.heard.index),
        "milliseconds": round(1000 * seconds, 2),
        "nanoseconds_a_tuple": round(1e9 * seconds / messages.num_targets, 1),
        "seconds_to_prepare": round(prepared, 3),
    }


def measure_preparation() -> dict[str, Any]:
    """Distances of all pairs of 10,000 molecules, on one thread and on two."""
    many = graphs() * 10
    seconds = {}
    for threads in (1, THREADS):
        torch.set_num_threads(threads)
        arms = {"prepare": lambda: Distance().prepare(many)}
        seconds[str(threads)] = round(median(interleaved(arms, repeats=3)["wall"]["prepare"]), 3)
    return {"graphs": len(many), "seconds_by_threads": seconds}


def main() -> None:
    torch.set_num_threads(THREADS)
    if len(sys.argv) > 1:
        print(json.dumps(extra_memory(sys.argv[1])))
        return
    write_result(
        "subgraph",
        {
            "threads": THREADS,
            "training": measure_training(),
            "aggregations": [measure_aggregations(dim) for dim in WIDTHS],
            "listed": [measure_listed(num_nodes) for num_nodes in NODES],
            "preparation": measure_preparation(),
        },
    )


if __name__ == "__main__":
    main()
