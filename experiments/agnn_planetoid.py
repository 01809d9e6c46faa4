"""Auto-GNN on citation networks, with and without shared weights, beside chance: what sharing saves and what it finds.

    python experiments/agnn_planetoid.py --store runs/agnn
    python experiments/agnn_planetoid.py --datasets cora --trials 16 --alone 8 --epochs 20 --warm-up 2 --retrain 2

Searches of `gnn-micro`: AGNN with sharing; random search for as many seconds; and AGNN that trains every architecture
whole, which tells what sharing saves at equal numbers of evaluations. Seconds are those of the evaluations alone;
epochs are counted beside them, for a machine that does other things as well. Searches see the official validation
labels, as in the paper (Zhou et al., Frontiers in Big Data 2022). The best few of each are then trained anew on the
official split, whole and from starts of their own, with every seed: the search's answer is the highest validation that
it saw, and beside it stands that of the few whose mean validation over the seeds is highest. A store makes all of it
resumable; a data set that is asked for replaces what the study had of it, so that several can be asked for at once.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import graphlab as gl
from graphlab.core.files import write_text
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.results.result import Search, mean_validation

DATASETS = ("cora", "citeseer")

PUBLISHED = {"cora": {"agnn": 83.6, "agnn, sharing": 82.7}, "citeseer": {"agnn": 73.8, "agnn, sharing": 72.7}}
"""Test accuracy of Auto-GNN, in percent. From memory of the paper's table of results: check before citing."""


class Study:
    """The searches of one data set, all of one seed."""

    def __init__(self, dataset: str, options: argparse.Namespace) -> None:
        self.dataset, self.options = dataset, options
        self.settings = {"training.epochs": options.epochs}

    def search(self, strategy: str, trials: int, sharing: int | None = None) -> Search:
        """So many evaluations, also where the store has more."""
        found = gl.search(
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
        return replace(found, outcomes=found.outcomes[:trials])

    def found(self) -> dict[str, Any]:
        """Every arm, and what sharing saves."""
        sharing = self.search("agnn", self.options.trials, self.options.warm_up)
        alone = self.search("agnn", self.options.alone)
        arms = [
            self.row("agnn, sharing", sharing),
            self.row("random, equal time", self.within(seconds_of(sharing.outcomes))),
            self.row("agnn", alone),
        ]
        first, whole = sharing.outcomes[: len(alone.outcomes)], alone.outcomes
        saved = {"evaluations": len(first), "seconds": seconds_of(first) / seconds_of(whole)}
        saved["epochs"] = self.epochs_of(first) / self.epochs_of(whole)
        return {"dataset": self.dataset, "sharing / alone": saved, "arms": arms}

    def within(self, seconds: float) -> Search:
        """Random search until it has taken so long; the evaluation in hand then still counts."""
        count = 1
        while seconds_of((found := self.search("random", count)).outcomes) < seconds:
            count += 1
        return found

    def row(self, arm: str, found: Search) -> dict[str, Any]:
        """What a search took, and what its best come to when they are trained anew."""
        best, outcomes = found.best, found.outcomes
        row = {
            "dataset": self.dataset,
            "arm": arm,
            "evaluations": len(outcomes),
            "seconds": round(seconds_of(outcomes), 1),
            "epochs": self.epochs_of(outcomes),
            "inherited": [round(one.metrics["inherited"], 4) for one in outcomes if "inherited" in one.metrics],
            "validation": best.metrics["validation"],
            "architecture": best.values,
        }
        if self.options.retrain:
            runs = found.retrain_top(self.options.top, self.options.retrain)
            key, chosen = next(iter(runs.items()))
            row["test"] = runs[best.key].summary().to_json()
            row["of the top"] = {
                "architecture": next(one.values for one in outcomes if one.key == key),
                "validation": mean_validation(chosen),
                "test": chosen.summary().to_json(),
            }
        print_row(row)
        return row

    def epochs_of(self, outcomes: Sequence[Outcome]) -> float:
        return sum(one.metrics.get("epochs", self.options.epochs) for one in outcomes)


def seconds_of(outcomes: Sequence[Outcome]) -> float:
    return sum(one.seconds for one in outcomes)


def print_row(row: dict[str, Any]) -> None:
    published = PUBLISHED.get(row["dataset"], {}).get(row["arm"])
    test = "not trained anew"
    if "test" in row:
        top = row["of the top"]
        test = (
            f"test {100 * row['test']['mean']:.1f} over {row['test']['n']} seeds, "
            f"of the top {100 * top['test']['mean']:.1f}"
        )
    print(
        f"{row['dataset']:9} {row['arm']:19} {row['evaluations']:4} evaluations {row['seconds']:8.1f} s "
        f"{row['epochs']:7.0f} epochs  validation {100 * row['validation']:.1f}  {test}"
        + (f" (published {published})" if published else ""),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS))
    parser.add_argument("--trials", type=int, default=100, help="evaluations with sharing")
    parser.add_argument("--alone", type=int, default=100, help="evaluations without, no more than with")
    parser.add_argument("--epochs", type=int, default=300, help="of a whole training")
    parser.add_argument("--warm-up", type=int, default=20, help="epochs of what inherits weights")
    parser.add_argument("--retrain", type=int, default=10, help="seeds that the best are trained with; 0 leaves it out")
    parser.add_argument("--top", type=int, default=3, help="how many of the best")
    parser.add_argument("--seed", type=int, default=0, help="of the searches")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--store", default=None)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "agnn_planetoid.json"
    )
    options = parser.parse_args()
    setup = {
        name: getattr(options, name) for name in ("trials", "alone", "epochs", "warm_up", "retrain", "top", "seed")
    }
    for dataset in options.datasets:
        found = Study(dataset, options).found() | {"setup": setup}
        print(f"{dataset}: with sharing / without, {found['sharing / alone']}")
        study = json.loads(options.out.read_text()) if options.out.exists() else []
        kept = [entry for entry in study if entry["dataset"] != dataset]
        text = json.dumps(sorted([*kept, found], key=itemgetter("dataset")), indent=1, ensure_ascii=False)
        write_text(options.out, text + "\n")


if __name__ == "__main__":
    main()
