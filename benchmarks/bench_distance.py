"""Distances of queries to all entities: RotatE and TransE beside the code of before, blocks in plain torch and PyKEEN.

Ranking: 200 test triples of WN18RR, heads and tails, by GraphLab's evaluator and by PyKEEN's with its own models of the
same number of coordinates; then the whole test set once. TransE has the same weights on both sides, so that the mean
reciprocal ranks must agree. PyKEEN's RotatE takes the Euclidean norm of the complex differences, not the sum of their
moduli, so that only its time is compared. Without PyKEEN its column is missing.

Scores and gradients: 64 queries of width 256 and three sizes of tables. The code of before is `torch.cdist` for TransE,
and for RotatE blocks of stacked halves under `vector_norm`; gradients of that go through all blocks. Listed candidates
are 65 for each of 128 queries, as in training by negative sampling.

Expected: PyKEEN lays out all differences, so that ranking is ten times as fast or more; time grows with the table;
memory is that of the result and the gradients.
"""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import graphlab  # isort: skip  # noqa: F401  before torch, whose threads it sets
import torch
from measure import interleaved, median_ratio, peak_mib, write_result
from torch import Tensor

from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split
from graphlab.data.load import load
from graphlab.experiment.plan import make_plan
from graphlab.ops.distance import Norm, distances, in_blocks, reference
from graphlab.task.base import Learner, Task

QUERIES, DIM = 64, 256
SCORED = (1_000, 4_000, 16_000)
TRAINED = (500, 1_000, 2_000)
"""Rows of tables: a forward pass alone, and with gradients."""

REPEATS, RANKING_REPEATS = 7, 3
RANKED = 200

MODELS: dict[str, tuple[str, dict[str, Any], Norm]] = {
    "RotatE": ("rotate", {"model.dim": DIM}, "complex-l1"),
    "TransE, L1": ("transe", {"model.dim": DIM, "model.norm": 1}, "l1"),
    "TransE, L2": ("transe", {"model.dim": DIM, "model.norm": 2}, "l2"),
}


def before(query: Tensor, candidates: Tensor, norm: Norm) -> Tensor:
    """As the models computed it until version 2."""
    if norm == "complex-l1":
        query = query.unsqueeze(1)
        size = max(1, 2**22 // max(query.numel(), 1)) if candidates.dim() == 2 else candidates.size(1)
        differences = (query - block for block in candidates.split(size, dim=-2))
        halves = (torch.stack(each.chunk(2, dim=-1)) for each in differences)
        return torch.cat([torch.linalg.vector_norm(each, dim=0).sum(-1) for each in halves], dim=1)
    if candidates.dim() == 2:
        return torch.cdist(query, candidates, p=1.0 if norm == "l1" else 2.0)
    return reference(query, candidates, norm)


ARMS: dict[str, Callable[[Tensor, Tensor, Norm], Tensor]] = {
    "before": before,
    "torch in blocks": in_blocks,
    "graphlab": distances,
}


def problem(num_queries: int, *shape: int) -> tuple[Tensor, Tensor]:
    random = SeedStream(0, ("distance", str(shape))).torch()
    return torch.randn(num_queries, DIM, generator=random), torch.randn(*shape, DIM, generator=random)


def forward(arm: str, norm: Norm, *shape: int, num_queries: int = QUERIES) -> Callable[[], object]:
    query, candidates = problem(num_queries, *shape)
    return lambda: ARMS[arm](query, candidates, norm)


def both(arm: str, norm: Norm, *shape: int, num_queries: int = QUERIES) -> Callable[[], object]:
    query, candidates = (each.requires_grad_() for each in problem(num_queries, *shape))
    grad = torch.ones(num_queries, shape[-1])
    return lambda: torch.autograd.grad(ARMS[arm](query, candidates, norm), (query, candidates), grad)


def compare(make: Callable[..., Callable[[], object]], norm: Norm, *shape: int, **settings: int) -> dict[str, Any]:
    names = [name for name in ARMS if make is forward or name != "torch in blocks"]
    seconds = interleaved({name: make(name, norm, *shape, **settings) for name in names}, REPEATS)
    return {
        "norm": norm,
        "pass": make.__name__,
        "candidates": list(shape),
        "milliseconds": {
            clock: {name: round(median(times) * 1e3, 2) for name, times in each.items()}
            for clock, each in seconds.items()
        },
        "times faster": {
            clock: {name: round(median_ratio(each[name], each["graphlab"]), 1) for name in names[:-1]}
            for clock, each in seconds.items()
        },
        "MiB": {name: _in_a_child(make.__name__, name, norm, *shape) for name in names} if len(shape) == 1 else None,
    }


def errors(norm: Norm) -> dict[str, float]:
    """Largest errors of float32 against float64, relative to the largest value."""
    grad = torch.randn(QUERIES, 1_000, generator=SeedStream(1).torch())
    results = []
    for function, dtype in ((distances, torch.float32), (reference, torch.float64)):
        query, candidates = (each.to(dtype).requires_grad_() for each in problem(QUERIES, 1_000))
        distance = function(query, candidates, norm)
        results.append([distance, *torch.autograd.grad(distance, (query, candidates), grad.to(dtype))])
    names = ("distance", "gradient of queries", "gradient of the table")
    return {
        name: float(f"{((value - other).abs().max() / other.abs().max()).item():.1e}")
        for name, value, other in zip(names, *results, strict=True)
    }


def ranking(title: str, dataset: Dataset) -> dict[str, Any]:
    model, settings, norm = MODELS[title]
    plan = make_plan(model, dataset, settings | {"task.tie": "mean"})
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0).eval()
    whole, some = task.split, dataset.split().test[:RANKED]
    task.split = Split(whole.train, whole.validation, some)
    arms: dict[str, Callable[[], float]] = {"graphlab": lambda: task.evaluate(learner, "test")["mrr"]}
    if importlib.util.find_spec("pykeen") is not None:
        arms["pykeen"] = theirs(title, learner, dataset, some)
    mrr = {name: arm() for name, arm in arms.items()}
    seconds = interleaved(arms, RANKING_REPEATS)
    task.split = whole
    started = time.process_time(), time.perf_counter()
    task.evaluate(learner, "test")
    ended = time.process_time(), time.perf_counter()
    return {
        "model": title,
        "triples": RANKED,
        "mrr": mrr,
        "seconds": {
            clock: {name: round(median(times), 3) for name, times in each.items()} for clock, each in seconds.items()
        },
        "times faster": {
            clock: round(median_ratio(each["pykeen"], each["graphlab"]), 1) if "pykeen" in each else None
            for clock, each in seconds.items()
        },
        "whole test set, seconds": {
            "processor": round(ended[0] - started[0], 2),
            "wall": round(ended[1] - started[1], 2),
        },
        "largest error of a score": score_error(task, learner, norm, some),
    }


def theirs(title: str, learner: Learner, dataset: Dataset, triples: Tensor) -> Callable[[], float]:
    from pykeen.evaluation import RankBasedEvaluator  # pyright: ignore[reportMissingImports]
    from pykeen.models import RotatE, TransE  # pyright: ignore[reportMissingImports]
    from pykeen.triples import CoreTriplesFactory  # pyright: ignore[reportMissingImports]

    logging.getLogger("pykeen").setLevel(logging.ERROR)
    split, spec = dataset.split(), dataset.spec
    factory = CoreTriplesFactory(split.train, num_entities=spec.num_entities, num_relations=spec.num_relations)
    if title == "RotatE":
        model = RotatE(triples_factory=factory, embedding_dim=DIM // 2)
    else:
        norm = 1 if title.endswith("L1") else 2
        model = TransE(triples_factory=factory, embedding_dim=DIM, scoring_fct_norm=norm, entity_constrainer=None)
        ours: Any = learner.model
        model.entity_representations[0]._embeddings.weight.data.copy_(ours.entity.weight)
        model.relation_representations[0]._embeddings.weight.data.copy_(ours.relation.weight)
    model = model.eval()
    evaluator = RankBasedEvaluator(filtered=True)
    known = [split.train, split.validation, split.test]

    def rank() -> float:
        metrics = evaluator.evaluate(model, triples, additional_filter_triples=known, batch_size=16, use_tqdm=False)
        return metrics.get_metric("both.realistic.inverse_harmonic_mean_rank")

    return rank


@torch.no_grad()
def score_error(task: Task[Any], learner: Learner, norm: Norm, triples: Tensor) -> float:
    """Of the queries for tails, against float64."""
    head, relation, _ = triples[:QUERIES].unbind(1)
    model: Any = learner.model
    scores = model.score(task.dataset.graph, head, relation)
    vectors, inverse = model.relations(relation)
    query = model.query(model.entity(head), vectors, inverse).double()
    exact = model.margin - in_blocks(query, model.entity.weight.double(), norm)
    return float(f"{(scores - exact).abs().max().item():.1e}")


def extra_memory(make: str, arm: str, norm: Any, rows: int) -> float:
    """MiB that a pass adds to the largest resident set of one on ten rows."""
    makes = {"forward": forward, "both": both}
    makes[make](arm, norm, 10)()
    step = makes[make](arm, norm, rows)
    start = peak_mib()
    step()
    return round(peak_mib() - start, 1)


def _in_a_child(*given: object) -> float:
    words = [sys.executable, __file__, *map(str, given)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    dataset = load("kg/wn18rr")
    result = {
        "pykeen": None,
        "ranking": [ranking(title, dataset) for title in MODELS],
        "errors": {norm: errors(norm) for _, _, norm in MODELS.values()},
        "comparisons": [
            compare(make, norm, *shape, **more)
            for _, _, norm in MODELS.values()
            for make, shapes, more in (
                (forward, [(rows,) for rows in SCORED], {}),
                (both, [(rows,) for rows in TRAINED], {}),
                (both, [(128, 65)], {"num_queries": 128}),
            )
            for shape in shapes
        ],
    }
    if importlib.util.find_spec("pykeen") is not None:
        import pykeen.version  # pyright: ignore[reportMissingImports]

        result["pykeen"] = pykeen.version.VERSION
    write_result("distance", result)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        print(extra_memory(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
    else:
        main()
