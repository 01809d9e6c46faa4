"""Searches that race, beside the networks that people take: what the answer is worth, and what it cost.

    python experiments/search_study.py --store runs/search_study
    python experiments/search_study.py --datasets cora --searches 1 --epochs 2000 --retrain 3

For each data set, searches of `gnn-micro-tuned` by AGNN and by chance, which begin with the space's hand-set networks
and may take as many epochs each. Searches on citation networks and block models see the official validation labels, as
in the papers, but for a fifth; those on MUTAG a part of each training fold. The answer of each search is then trained
with every seed on the official split under the task's protocol, and so are the hand-set networks of the space, gcn and
gat with their own recipes, and, of Cora and CiteSeer, the answer of searches of `gnn-micro` before there were races.
Differences are paired over the seeds. No test label has a part in any choice.

What is done is kept in the store, so that the study goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import graphlab as gl
from graphlab.core.files import write_json
from graphlab.core.seeds import parse_seeds
from graphlab.experiment.runs import Runs
from graphlab.nas.registry import find_space
from graphlab.nas.results.result import Search
from graphlab.records.statistics import mean_interval, sample_std, t_p_value

SPACE = "gnn-micro-tuned"
STRATEGIES = ("agnn", "random")

CITATION = ("planetoid/cora", "planetoid/citeseer")
OTHERS = (
    *(f"sbm/undirected-h0.{h}" for h in (1, 3, 5, 7, 9)),
    "webkb/wisconsin",
    "tu/mutag",
)

ON_TRAIN = ("tu/mutag",)
"""Of its folds validation and test are the same graphs in turn."""

RECIPES = ("gcn", "gat")
"""Models that stand beside the searches with their own recipes, where the items are nodes."""

PUBLISHED = {"planetoid/cora": 83.6, "planetoid/citeseer": 73.8}
"""Test accuracy of Auto-GNN without shared weights, in percent. From memory of the paper: check before citing."""

BEFORE = {
    "planetoid/cora": {
        "attention": ("linear", "cos"),
        "aggregation": ("sum", "sum"),
        "activation": ("elu", "linear"),
        "heads": (2, 6),
        "hidden_dims": (8, 8),
        "combine": ("average", "add"),
    },
    "planetoid/citeseer": {
        "attention": ("gat-sym", "gat"),
        "aggregation": ("sum", "sum"),
        "activation": ("tanh", "sigmoid"),
        "heads": (2, 6),
        "hidden_dims": (128, 128),
        "combine": ("average", "add"),
    },
}
"""The answers of AGNN in `gnn-micro` by the highest of 100 single validations, each trained whole."""


class Study:
    """All of one data set."""

    def __init__(self, dataset: str, options: argparse.Namespace) -> None:
        self.dataset, self.options = dataset, options
        self.seeds = parse_seeds(options.retrain)

    def search(self, strategy: str, seed: int) -> Search:
        """One search."""
        return gl.search(
            strategy,
            self.dataset,
            space=SPACE,
            total_epochs=self.options.epochs,
            racing="asha",
            seed=seed,
            on="train" if self.dataset in ON_TRAIN else "validation",
            store=self.options.store,
            device="cpu",
        )

    def rows(self) -> list[dict[str, Any]]:
        """Hand-set networks first, then the answer of each search."""
        rows = []
        for name, values in find_space(SPACE).hand_set().items():
            model, settings = find_space(SPACE).settings(values)
            rows.append(self.row(f"hand-set {name}", self.train(model, settings)))
        if self.dataset not in ON_TRAIN:
            rows += [self.row(f"{name}, its recipe", self.train(name, {})) for name in RECIPES]
        if self.dataset in BEFORE:
            rows.append(
                self.row("AGNN without a race", self.train("gnn-micro", {"epochs": 300, **BEFORE[self.dataset]}))
            )
        for strategy in self.options.strategies:
            for seed in range(self.options.searches):
                rows.append(self.answer(strategy, seed))
        return rows

    def answer(self, strategy: str, seed: int) -> dict[str, Any]:
        """What a search came to, and its answer trained anew."""
        found = self.search(strategy, seed)
        best = found.best
        runs = found.retrain(self.seeds)[best.key]
        cost = {
            "epochs": sum(outcome.epochs for outcome in found.outcomes),
            "architectures": sum(outcome.is_new for outcome in found.outcomes),
        }
        worth = asdict(found.report().rows[0])
        kept = ("seeds", "validation", "report", "report_interval", "drop")
        about = {"start": best.start, "architecture": best.values, **{name: worth[name] for name in kept}}
        return self.row(f"{strategy}, search {seed}", runs, {"cost": cost, "answer": about})

    def train(self, model: str, settings: Mapping[str, Any]) -> Runs:
        """A network over the seeds, on the official split."""
        return gl.run(model, self.dataset, seeds=self.seeds, store=self.options.store, device="cpu", **settings)

    def row(self, name: str, runs: Runs, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One line of the table."""
        values = {record.seed: record.test_value for record in runs.records if record.test_value is not None}
        row = {"dataset": self.dataset, "network": name, "test": runs.summary().to_json(), "by_seed": values}
        summary = row["test"]
        spread = f" ± {100 * summary['std']:.1f}" if summary["std"] is not None else ""
        print(f"{self.dataset:22} {name:24} {100 * summary['mean']:.1f}{spread} over {summary['n']}", flush=True)
        return {**row, **(about or {})}


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> dict[str, Any]:
    """The mean difference over the seeds that both have, with its interval and the two-sided p value."""
    differences = [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]
    std = sample_std(differences)
    mean = statistics.fmean(differences)
    error = std / math.sqrt(len(differences)) if std else 0.0
    return {
        "mean": mean,
        "ci95": mean_interval(differences),
        "p": t_p_value(mean, error, len(differences) - 1) if error else None,
    }


def compared(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each search's answer less the best of the networks that people take, by mean test, which is a comparison and no
    choice; and less the answer of before."""
    answers = [row for row in rows if "answer" in row]
    hand = [row for row in rows if "answer" not in row]
    best = max((row for row in hand if row["network"] != "AGNN without a race"), key=lambda row: row["test"]["mean"])
    others = [best, *(row for row in hand if row["network"] == "AGNN without a race")]
    return [
        {"network": row["network"], "less": other["network"], **paired(row["by_seed"], other["by_seed"])}
        for row in answers
        for other in others
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=[*CITATION, *OTHERS])
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES))
    parser.add_argument("--searches", type=int, default=3, help="of each strategy")
    parser.add_argument("--epochs", type=float, default=10_000, help="of one search")
    parser.add_argument("--retrain", default="10", help="seeds of what is trained on the official split")
    parser.add_argument("--store", default=None)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "search_study.json")
    options = parser.parse_args()
    for dataset in options.datasets:
        rows = Study(dataset, options).rows()
        entry = {"dataset": dataset, "epochs": options.epochs, "rows": rows, "compared": compared(rows)}
        for line in entry["compared"]:
            print(f"{dataset:22} {line['network']:24} less {line['less']}: {100 * line['mean']:+.2f}", flush=True)
        stored = json.loads(options.out.read_text()) if options.out.exists() else []
        kept = [other for other in stored if other["dataset"] != dataset]
        write_json(options.out, sorted([*kept, entry], key=lambda each: each["dataset"]))


if __name__ == "__main__":
    main()
