"""Auto-GNN on citation networks, with and without shared weights, beside chance: what sharing saves and what it costs.

    python experiments/agnn_planetoid.py --store runs/agnn
    python experiments/agnn_planetoid.py --datasets cora --trials 16 --epochs 20 --warm-up 2 --retrain 2

Searches of `gnn-micro`: AGNN with sharing, AGNN that trains every architecture whole, and random search, once of as
many evaluations and once of as many seconds as AGNN with sharing took. Seconds are those of the evaluations alone;
epochs are counted beside them, for a machine that does other things as well. Searches see the official validation
labels, as in the paper (Zhou et al., Frontiers in Big Data 2022). The best of each is then trained anew on the official
split, whole and from a start of its own, with every seed. A store makes all of it resumable; a data set that is asked
for replaces what the study had of it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import graphlab as gl
from graphlab.nas.driver.ledger import Outcome
from graphlab.nas.results.result import Search

DATASETS = ("cora", "citeseer")

PUBLISHED = {"cora": {"agnn": 83.6, "agnn, sharing": 82.7}, "citeseer": {"agnn": 73.8, "agnn, sharing": 72.7}}
"""Test accuracy of Auto-GNN, in percent. From memory of the paper's table of results: check before citing."""


class Study:
    """The searches of one data set, all of one seed."""

    def __init__(self, dataset: str, options: argparse.Namespace) -> None:
        self.dataset, self.options = dataset, options
        self.settings = {"training.epochs": options.epochs}

    def search(self, strategy: str, trials: int, sharing: int | None = None) -> Search:
        return gl.search(
            strategy,
            self.dataset,
            space="gnn-micro",
            trials=trials,
            seed=self.options.seed,
            on="validation",
            sharing=sharing,
            store=self.options.store,
            device=self.options.device,
            **self.settings,
        )

    def arms(self) -> Iterator[tuple[str, Search, Sequence[Outcome]]]:
        """Each arm's name, its search, and the evaluations that count for it."""
        trials = self.options.trials
        sharing = self.search("agnn", trials, self.options.warm_up)
        outcomes = sharing.outcomes[:trials]
        yield "agnn, sharing", sharing, outcomes
        alone = self.search("agnn", trials)
        yield "agnn", alone, alone.outcomes[:trials]
        yield "random, equal time", *self.within(seconds_of(outcomes))
        random = self.search("random", trials)
        yield "random", random, random.outcomes[:trials]

    def within(self, seconds: float) -> tuple[Search, Sequence[Outcome]]:
        """Random search until it has taken so long; the evaluation in hand then still counts."""
        count = 1
        while seconds_of((found := self.search("random", count)).outcomes[:count]) < seconds:
            count += 1
        return found, found.outcomes[:count]

    def row(self, arm: str, found: Search, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """What a search took, and what its best comes to when it is trained anew."""
        best = max((one for one in outcomes if one.score is not None), key=lambda one: one.score or 0.0)
        model, settings = found.plan.space.settings(best.values)
        row = {
            "dataset": self.dataset,
            "arm": arm,
            "evaluations": len(outcomes),
            "seconds": round(seconds_of(outcomes), 1),
            "epochs": sum(one.metrics.get("epochs", self.options.epochs) for one in outcomes),
            "inherited": [round(one.metrics["inherited"], 4) for one in outcomes if "inherited" in one.metrics],
            "validation": best.metrics["validation"],
            "architecture": best.values,
        }
        if not self.options.retrain:
            return row
        options = self.options
        runs = gl.run(
            model,
            self.dataset,
            seeds=options.retrain,
            store=options.store,
            device=options.device,
            **(self.settings | settings),
        )
        return row | {"test": runs.summary().to_json()}


def seconds_of(outcomes: Sequence[Outcome]) -> float:
    return sum(one.seconds for one in outcomes)


def print_row(row: dict[str, Any]) -> None:
    published = PUBLISHED.get(row["dataset"], {}).get(row["arm"])
    test = (
        f"test {100 * row['test']['mean']:.1f} over {row['test']['n']} seeds" if "test" in row else "not trained anew"
    )
    print(
        f"{row['dataset']:9} {row['arm']:19} {row['evaluations']:4} evaluations {row['seconds']:8.1f} s "
        f"{row['epochs']:7.0f} epochs  validation {100 * row['validation']:.1f}  {test}"
        + (f" (published {published})" if published else ""),
        flush=True,
    )


def ratios(rows: list[dict[str, Any]]) -> dict[str, float]:
    """With sharing against without, at equal evaluations."""
    by_arm = {row["arm"]: row for row in rows}
    return {unit: by_arm["agnn, sharing"][unit] / by_arm["agnn"][unit] for unit in ("seconds", "epochs")}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS))
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=300, help="of a whole training")
    parser.add_argument("--warm-up", type=int, default=20, help="epochs of what inherits weights")
    parser.add_argument("--retrain", type=int, default=10, help="seeds of the best; 0 leaves it out")
    parser.add_argument("--seed", type=int, default=0, help="of the searches")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--store", default=None)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "agnn_planetoid.json"
    )
    options = parser.parse_args()
    setup = {name: getattr(options, name) for name in ("trials", "epochs", "warm_up", "retrain", "seed")}
    study = {entry["dataset"]: entry for entry in json.loads(options.out.read_text())} if options.out.exists() else {}
    for dataset in options.datasets:
        of_dataset = Study(dataset, options)
        rows: list[dict[str, Any]] = []
        for arm, found, outcomes in of_dataset.arms():
            rows.append(of_dataset.row(arm, found, outcomes))
            print_row(rows[-1])
        study[dataset] = {"dataset": dataset, "setup": setup, "ratios": ratios(rows), "arms": rows}
        print(f"{dataset}: with sharing / without, {study[dataset]['ratios']}")
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(list(study.values()), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
