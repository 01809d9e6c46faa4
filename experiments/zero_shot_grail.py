"""Published weights of ULTRA on graphs that they have never seen, beside the numbers of its authors' code.

    python experiments/zero_shot_grail.py ultra_3g.pth

The protocol is that of ULTRA's authors, the split `inference`: validation and test triples of the inference graph
together, over its facts, filtered by all triples of that graph, ties pessimistic (`reference` holds what their code
gives, measured with the same weights). Beside it stand two other readings of the same weights: `inverse marks` marks
r^-1 in the graph of relations for a query for heads, which is this library's own way, and `along` passes messages along
the edges, which is what the names and shapes of the weights suggest and not what they were trained with.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import graphlab as gl
from graphlab.core.files import write_json
from graphlab.data.dataset import Dataset
from graphlab.experiment.restore import Trained, restore

REFERENCE = {
    "wn18rr-v1": 0.592906,
    "wn18rr-v2": 0.620467,
    "wn18rr-v3": 0.371238,
    "wn18rr-v4": 0.483916,
    "fb237-v1": 0.486260,
    "fb237-v2": 0.500462,
    "fb237-v3": 0.482141,
    "fb237-v4": 0.476957,
}
"""MRR of the authors' code with the checkpoint of three graphs, with their compiled kernel."""

READINGS: Mapping[str, Mapping[str, str]] = {
    "published": {},
    "inverse marks": {"head_queries": "inverse"},
    "along": {"edges": "along"},
}
TOLERANCE = 2e-4
QUERIES = 15
"""Single queries whose time is measured."""

OUT = Path(__file__).parent / "results" / "studies" / "zero_shot_grail.json"


def scores(trained: Trained, data: Dataset) -> dict[str, float]:
    task = type(trained.task)(trained.plan.task_config, data, data.split())
    with torch.no_grad():
        return task.score(task.predict(trained.learner, "test"), "test")


def seconds_a_query(trained: Trained, data: Dataset) -> float:
    """The median over single queries for tails of test triples."""
    answers, triples = gl.Answers(trained.learner.model, data), data.split().test[:QUERIES].tolist()  # pyright: ignore[reportArgumentType]
    times = []
    for head, relation, _ in triples:
        started = time.perf_counter()
        answers.predict(head, relation)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure(weights: Path, variant: str, store: Path) -> dict[str, Any]:
    name, row = f"grail/{variant}@inference", {"dataset": variant, "reference_mrr": REFERENCE[variant]}
    data = gl.load(name)
    row["num_triples"] = len(data.split().test)
    for reading, settings in READINGS.items():
        runs = gl.import_weights("ultra", weights, name, store=store, evaluate=False, check=False, **settings)
        trained = restore(runs)
        row[reading] = scores(trained, data)
        if not settings:
            row["sha256"] = runs[0].spec.settings["weights"]["sha256"]
            row["seconds_a_query"] = round(seconds_a_query(trained, data), 3)
    row["difference"] = row["published"]["mrr"] - row["reference_mrr"]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("--variants", default=",".join(REFERENCE))
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    chosen = options.variants.split(",")
    before = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    rows = [row for row in before if row["dataset"] not in chosen]
    with tempfile.TemporaryDirectory() as store:
        for variant in chosen:
            row = measure(options.weights, variant, Path(store))
            rows = sorted([*rows, row], key=lambda each: list(REFERENCE).index(each["dataset"]))
            shown = "  ".join(f"{reading} {row[reading]['mrr']:.4f}" for reading in READINGS)
            print(f"{variant}  reference {row['reference_mrr']:.4f}  {shown}  {row['seconds_a_query']:.2f} s a query")
            write_json(options.out, {"weights": "ultra 3g", "threads": torch.get_num_threads(), "rows": rows})
    if any(abs(row["difference"]) > TOLERANCE for row in rows):
        raise SystemExit(f"an MRR is further than {TOLERANCE:g} from the reference")


if __name__ == "__main__":
    main()
