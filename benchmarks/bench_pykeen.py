"""Quality and speed of a knowledge-graph embedding beside PyKEEN (Ali et al., JMLR 22, 2021).

ComplEx on UMLS and Kinship, trained on both sides for the same epochs with the same number of coordinates, batches
of as many queries (each (head, relation) with a known tail, and its inverse), all true tails against all entities
with binary cross-entropy, Adam at the same rate, and reciprocal relations. What is left to each side is its own:
PyKEEN starts from standard normal vectors and regularises by its L2 default, GraphLab from vectors of standard
deviation 1 / sqrt(dim) and without. `PyKEEN, our start` has GraphLab's start and no regulariser.

The weights after the last epoch are ranked by GraphLab's evaluator for all arms: filtered, heads and tails, ties by
the mean of the optimistic and the pessimistic rank, which is PyKEEN's `realistic`. Seconds an epoch are of training
alone, without the first epoch; arms take turns, seed by seed.

Expected: no lower MRR than either arm of PyKEEN, and no more seconds an epoch. PyKEEN is not a requirement of
GraphLab: without it this says so and ends with exit code 2.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from statistics import mean, median, stdev
from typing import Any

import torch
from measure import median_ratio, write_result
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.load import load
from graphlab.experiment.plan import Plan, make_plan
from graphlab.model.base import TripleModel
from graphlab.task.base import Learner, Task
from graphlab.training.optim import Engine

SEEDS = 3
EPOCHS = {"kg/umls": 50, "kg/kinship": 30}
DIM, BATCH, LR = 200, 128, 0.01
SETTINGS = {
    "model.dim": DIM,
    "model.reciprocal": True,
    "task.objective": "k-vs-all",
    "task.batch_size": BATCH,
    "task.tie": "mean",
    "training.lr": LR,
}


class Borrowed(TripleModel):
    """A PyKEEN model as one of ours. There relation r is 2 r, and its inverse 2 r + 1."""

    reads_graph = False

    def __init__(self, model: Any, num_relations: int) -> None:
        super().__init__()
        self.model = model
        self.num_relations = num_relations

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        inverse = relation >= self.num_relations
        theirs = 2 * (relation % self.num_relations) + inverse.long()
        return self.model.score_t(torch.stack([head, theirs], dim=1))


def ours(plan: Plan, task: Task[Any], seed: int) -> tuple[float, float]:
    """Test MRR and median seconds an epoch."""
    learner = plan.make_learner(task, seed)
    engine = Engine(learner, plan.training, task.direction, task.device)
    stream, ends = SeedStream(seed).child("sampling"), []
    learner.train()
    for epoch in range(EPOCHS[plan.dataset.name]):
        batches = task.batches(stream.child("epoch", epoch))
        for step in range(len(batches)):
            engine.backward(task.loss(learner, batches[step]))
            engine.step()
        ends.append(time.process_time())
    return task.evaluate(learner, "test")["mrr"], seconds_an_epoch(ends)


def theirs(plan: Plan, task: Task[Any], seed: int, **settings: Any) -> tuple[float, float]:
    from pykeen.models import ComplEx  # pyright: ignore[reportMissingImports]
    from pykeen.training import LCWATrainingLoop, TrainingCallback  # pyright: ignore[reportMissingImports]
    from pykeen.triples import CoreTriplesFactory  # pyright: ignore[reportMissingImports]

    ends: list[float] = []

    class Watch(TrainingCallback):
        def post_epoch(self, epoch: int, epoch_loss: float, **kwargs: Any) -> None:
            ends.append(time.process_time())

    data = plan.dataset
    factory = CoreTriplesFactory(
        data.split().train,
        num_entities=data.spec.num_entities,
        num_relations=data.spec.num_relations,
        create_inverse_triples=True,
    )
    model = ComplEx(triples_factory=factory, embedding_dim=DIM // 2, loss="bcewithlogits", random_seed=seed, **settings)
    optimizer = torch.optim.Adam(model.get_grad_params(), lr=LR)
    loop = LCWATrainingLoop(model=model, triples_factory=factory, optimizer=optimizer)
    epochs = EPOCHS[data.name]
    loop.train(factory, num_epochs=epochs, batch_size=BATCH, use_tqdm=False, callbacks=Watch, num_workers=0)
    learner = Learner(Borrowed(model, data.spec.num_relations), nn.Identity())
    return task.evaluate(learner, "test")["mrr"], seconds_an_epoch(ends)


def theirs_from_our_start(plan: Plan, task: Task[Any], seed: int) -> tuple[float, float]:
    def start(vectors: Tensor) -> Tensor:
        return nn.init.normal_(vectors, std=DIM**-0.5)

    unregularised = {"weight": 0.0, "p": 2.0}
    return theirs(
        plan, task, seed, entity_initializer=start, relation_initializer=start, regularizer_kwargs=unregularised
    )


def seconds_an_epoch(ends: list[float]) -> float:
    return median(b - a for a, b in pairwise(ends))


Arm = Callable[[Plan, Task[Any], int], tuple[float, float]]
ARMS: dict[str, Arm] = {"graphlab": ours, "pykeen": theirs, "pykeen, our start": theirs_from_our_start}


def compare(name: str) -> dict[str, Any]:
    plan = make_plan("complex", load(name), SETTINGS)
    task = plan.make_task(0)
    runs: dict[str, list[tuple[float, float]]] = {arm: [] for arm in ARMS}
    for seed in range(SEEDS):
        for arm, train in ARMS.items():
            runs[arm].append(train(plan, task, seed))
    found: dict[str, Any] = {"dataset": name, "epochs": EPOCHS[name]}
    seconds = {arm: [s for _, s in values] for arm, values in runs.items()}
    for arm, values in runs.items():
        mrr = [m for m, _ in values]
        found[arm] = {
            "mrr": [round(m, 4) for m in mrr],
            "mrr_mean": round(mean(mrr), 4),
            "mrr_std": round(stdev(mrr), 4),
            "processor_seconds_per_epoch": [round(s, 4) for s in seconds[arm]],
            "times_our_seconds": round(median_ratio(seconds[arm], seconds["graphlab"]), 2),
        }
    return found


def main() -> None:
    if importlib.util.find_spec("pykeen") is None:
        print("pykeen is not installed, so there is nothing to compare with; pip install pykeen", file=sys.stderr)
        raise SystemExit(2)
    torch.set_num_threads(1)
    import pykeen.version  # pyright: ignore[reportMissingImports]

    settings = SETTINGS | {"seeds": SEEDS, "pykeen": pykeen.version.VERSION}
    write_result("pykeen", {"settings": settings, "comparisons": [compare(name) for name in EPOCHS]})


if __name__ == "__main__":
    main()
