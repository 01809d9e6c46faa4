"""Quality and speed of a knowledge-graph embedding beside PyKEEN (Ali et al., JMLR 22, 2021).

ComplEx on UMLS and Kinship, trained on both sides for the same epochs with the same number of coordinates, batches
of as many queries (each (head, relation) with a known tail, and its inverse), all true tails against all entities
with binary cross-entropy, Adam at the same rate, and reciprocal relations. Two arms train one function from one
start, vectors of standard deviation 1 / sqrt(dim) without regularisation: `graphlab, plain` and `pykeen, plain`. The
other two are as each side would have it: `graphlab` drops 0.3 of the coordinates, which PyKEEN's ComplEx does not
offer, and `pykeen` has its defaults, standard normal vectors and an L2 regulariser.

The weights after the last epoch are ranked by GraphLab's evaluator for all arms: filtered, heads and tails, ties by
the mean of the optimistic and the pessimistic rank, which is PyKEEN's `realistic`. Seconds an epoch are of training
alone, without the first epoch; arms take turns, seed by seed.

Expected: the plain arms alike in MRR, `graphlab` no lower than `pykeen`, and no more seconds an epoch. PyKEEN is not
a requirement of GraphLab: without it this says so and ends with exit code 2.
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
from graphlab.data.dataset import Dataset
from graphlab.data.load import load
from graphlab.experiment.plan import make_plan
from graphlab.model.base import TripleModel
from graphlab.task.base import Learner, Task
from graphlab.training.optim import Engine

SEEDS = 3
EPOCHS = {"kg/umls": 50, "kg/kinship": 30}
DIM, BATCH, LR, DROPOUT = 200, 128, 0.01, 0.3
SETTINGS = {
    "model.dim": DIM,
    "model.init_scale": 1.0,
    "model.reciprocal": True,
    "model.regularization": 0.0,
    "task.objective": "k-vs-all",
    "task.batch_size": BATCH,
    "task.label_smoothing": 0.0,
    "task.tie": "mean",
    "training.optimizer": "adam",
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


def ours(dataset: Dataset, task: Task[Any], seed: int, dropout: float = DROPOUT) -> tuple[float, float]:
    """Test MRR and median seconds an epoch."""
    plan = make_plan("complex", dataset, SETTINGS | {"model.dropout": dropout})
    learner = plan.make_learner(task, seed)
    engine = Engine(learner, plan.training, task.direction, task.device)
    stream, ends = SeedStream(seed).child("sampling"), []
    learner.train()
    for epoch in range(EPOCHS[dataset.name]):
        batches = task.batches(stream.child("epoch", epoch))
        for step in range(len(batches)):
            engine.backward(task.loss(learner, batches[step]))
            engine.step()
        ends.append(time.process_time())
    return task.evaluate(learner, "test")["mrr"], seconds_an_epoch(ends)


def theirs(dataset: Dataset, task: Task[Any], seed: int, **settings: Any) -> tuple[float, float]:
    from pykeen.models import ComplEx  # pyright: ignore[reportMissingImports]
    from pykeen.training import LCWATrainingLoop, TrainingCallback  # pyright: ignore[reportMissingImports]
    from pykeen.triples import CoreTriplesFactory  # pyright: ignore[reportMissingImports]

    ends: list[float] = []

    class Watch(TrainingCallback):
        def post_epoch(self, epoch: int, epoch_loss: float, **kwargs: Any) -> None:
            ends.append(time.process_time())

    factory = CoreTriplesFactory(
        dataset.split().train,
        num_entities=dataset.spec.num_entities,
        num_relations=dataset.spec.num_relations,
        create_inverse_triples=True,
    )
    model = ComplEx(triples_factory=factory, embedding_dim=DIM // 2, loss="bcewithlogits", random_seed=seed, **settings)
    optimizer = torch.optim.Adam(model.get_grad_params(), lr=LR)
    loop = LCWATrainingLoop(model=model, triples_factory=factory, optimizer=optimizer)
    epochs = EPOCHS[dataset.name]
    loop.train(factory, num_epochs=epochs, batch_size=BATCH, use_tqdm=False, callbacks=Watch, num_workers=0)
    learner = Learner(Borrowed(model, dataset.spec.num_relations), nn.Identity())
    return task.evaluate(learner, "test")["mrr"], seconds_an_epoch(ends)


def ours_plain(dataset: Dataset, task: Task[Any], seed: int) -> tuple[float, float]:
    return ours(dataset, task, seed, dropout=0.0)


def theirs_plain(dataset: Dataset, task: Task[Any], seed: int) -> tuple[float, float]:
    def start(vectors: Tensor) -> Tensor:
        return nn.init.normal_(vectors, std=DIM**-0.5)

    none = {"weight": 0.0, "p": 2.0}
    return theirs(dataset, task, seed, entity_initializer=start, relation_initializer=start, regularizer_kwargs=none)


def seconds_an_epoch(ends: list[float]) -> float:
    return median(b - a for a, b in pairwise(ends))


Arm = Callable[[Dataset, Task[Any], int], tuple[float, float]]
ARMS: dict[str, Arm] = {
    "graphlab": ours,
    "pykeen": theirs,
    "graphlab, plain": ours_plain,
    "pykeen, plain": theirs_plain,
}


def compare(name: str) -> dict[str, Any]:
    dataset = load(name)
    task = make_plan("complex", dataset, SETTINGS).make_task(0)
    runs: dict[str, list[tuple[float, float]]] = {arm: [] for arm in ARMS}
    for seed in range(SEEDS):
        for arm, train in ARMS.items():
            runs[arm].append(train(dataset, task, seed))
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

    settings = SETTINGS | {"dropout": DROPOUT, "seeds": SEEDS, "pykeen": pykeen.version.VERSION}
    write_result("pykeen", {"settings": settings, "comparisons": [compare(name) for name in EPOCHS]})


if __name__ == "__main__":
    main()
