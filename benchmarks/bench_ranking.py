"""ULTRA's scores on FB15k-237 v1 and NBFNet's ranking on UMLS, beside the code of an older commit.

    git worktree add ../before b321235
    BEFORE=../before python benchmarks/bench_ranking.py

Each side is a process of its own that imports its checkout and waits for the name of what to compute, so that the two
take turns on one thread. ULTRA (6 layers of 64) scores all 1,093 entities for 64 test queries, for 8, and ranks the
whole test set; NBFNet, by its preset for UMLS (3 layers of 16, sum) and as published (6 layers of 32, PNA), ranks all
661 test triples among 135 entities. Weights are untrained. Both sides must give the same numbers to the bit.

Expected: half of ULTRA's time is dense products, which oneDNN computes in half the time of MKL, and half of the rest
is writing intermediate results to memory, which blocks of rows do not; so almost two times. Triples of UMLS share their
queries, two by two, and a sum of 16 columns was not made of vectors: two times as published, three by the preset.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from graphlab.model.base import TripleModel

ROUNDS = 7
SIDES = ("before", "now")
PUBLISHED = {"model.dim": 32, "model.num_layers": 6, "model.message": "distmult", "model.aggregate": "pna"}
CASES = {
    "ultra, 64 queries": ("ultra", "grail/fb237-v1", {}, 64),
    "ultra, 8 queries": ("ultra", "grail/fb237-v1", {}, 8),
    "ultra, ranking": ("ultra", "grail/fb237-v1", {}, None),
    "nbfnet, ranking": ("nbfnet", "kg/umls", {}, None),
    "nbfnet as published, ranking": ("nbfnet", "kg/umls", PUBLISHED, None),
}
"""Model, data set, settings, and the number of queries that are scored; None where the test triples are ranked."""


def make_case(name: str) -> Callable[[], Any]:
    import torch

    from graphlab.data.load import load
    from graphlab.experiment.plan import make_plan

    model, dataset, settings, queries = CASES[name]
    plan = make_plan(model, load(dataset), settings)
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0).eval()
    if queries is None:
        return lambda: task.predict(learner, "test")
    scorer = cast("TripleModel", learner.model)
    graph, (head, relation, _) = plan.dataset.graphs[-1], task.split.test[:queries].unbind(1)

    def score() -> torch.Tensor:
        with torch.no_grad():
            return scorer.score(graph, head, relation)

    return score


def serve() -> None:
    """Compute each case whose name is read, and answer with its seconds and a digest of its numbers."""
    import graphlab  # isort: skip  # noqa: F401  before torch, whose threads it sets
    import torch

    torch.set_num_threads(1)
    cases = {name: make_case(name) for name in CASES}
    for line in sys.stdin:
        started = {"wall": time.perf_counter(), "processor": time.process_time()}
        numbers = cases[line.strip()]()
        ended = {"wall": time.perf_counter(), "processor": time.process_time()}
        seconds = {clock: ended[clock] - started[clock] for clock in started}
        digest = hashlib.sha256(numbers.contiguous().numpy().tobytes()).hexdigest()
        print(json.dumps({"seconds": seconds, "digest": digest}), flush=True)


class Side:
    """A process that has imported one checkout."""

    def __init__(self, checkout: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"},
        )

    def compute(self, name: str) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        print(name, file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        self._process.communicate()


def compare(sides: dict[str, Side], name: str) -> dict[str, Any]:
    from measure import median_ratio

    rounds = [{side: process.compute(name) for side, process in sides.items()} for _ in range(ROUNDS + 1)][1:]
    digests = {answer["digest"] for answers in rounds for answer in answers.values()}
    assert len(digests) == 1, f"{name}: the two sides give different numbers"
    figures: dict[str, Any] = {"case": name}
    for clock in ("wall", "processor"):
        seconds = {side: [answers[side]["seconds"][clock] for answers in rounds] for side in sides}
        figures |= {f"milliseconds {side}, {clock}": round(median(seconds[side]) * 1e3, 1) for side in sides}
        figures[f"times faster, {clock}"] = round(median_ratio(seconds["before"], seconds["now"]), 2)
    return figures


def main() -> None:
    from measure import write_result

    if "BEFORE" not in os.environ:
        print("BEFORE, which names the checkout of an older commit to compare with, is not set: nothing is measured")
        return
    checkouts = {"before": Path(os.environ["BEFORE"]).resolve(), "now": Path(__file__).parents[1]}
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=checkouts["before"], capture_output=True, text=True, check=True
    )
    sides = {side: Side(checkout) for side, checkout in checkouts.items()}
    cases = [compare(sides, name) for name in CASES]
    for side in sides.values():
        side.end()
    write_result("ranking", {"before": commit.stdout.strip(), "threads": 1, "rounds": ROUNDS, "cases": cases})


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        main()
