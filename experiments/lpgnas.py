"""LPGNAS: fronts of accuracy and bits, beside number formats set by hand and a random search of equal seconds.

    python experiments/lpgnas.py --store runs/lpgnas
    python experiments/lpgnas.py --datasets planetoid/cora --searches 1 --betas 0.01,1 --names 1 --retrain 1

For each data set, searches of `gnn-micro-quantized` by LPGNAS, each with a supernet for every beta, and random searches
that may take as many seconds for their trainings as LPGNAS took with its supernets. Both begin with the hand-set
networks of the space, in floats, w8a8 and w4a8 of its own formats, and choose on the official validation labels, but
for a fifth. The networks of each front are trained anew on the official split, and so are those of the front of what
LPGNAS named itself, and the hand-set networks with w8a8, w4a8, w4a4 by learned ranges and in floats. No test label has
a part in any choice.

Bits are those of the weights and of what is computed for one batch. Hypervolumes are of the mean test accuracy over the
seeds of each network, and of its bits as a share of those of the reference network in floats; the reference point is
the accuracy of the largest class at a share of 1. Formats are counted over the networks of the fronts of what LPGNAS
named.

What is done is kept in the store, so that the study goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import graphlab as gl
from graphlab.core.files import write_json
from graphlab.core.seeds import parse_seeds
from graphlab.data.paths import store_root
from graphlab.experiment.runs import Runs
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Architecture
from graphlab.nas.registry import find_space
from graphlab.nas.results.hypervolume import hypervolume
from graphlab.nas.results.result import Search, retrain
from graphlab.nas.results.selection import front_of
from graphlab.nas.spaces.gnn_micro import LAYERS
from graphlab.nas.spaces.gnn_micro_quantized import FORMATS
from graphlab.quantization.formats import parse

SPACE = "gnn-micro-quantized"
DATASETS = ("planetoid/cora", "planetoid/citeseer")
BETAS = "0.01,0.1,1,3,10,30"
FLOATS = "linear=float32"
"""A scheme without any format."""

SCHEMES = {"w8a8": "w8a8", "w4a8": "w4a8", "w4a4": "w4a4", "floats": FLOATS}
"""By hand, and in full precision."""

HAND_SET = ("gcn", "gat")
"""Networks of the space that the schemes are put on."""


class Study:
    """All of one data set."""

    def __init__(self, dataset: str, options: argparse.Namespace) -> None:
        self.dataset, self.options = dataset, options
        self.seeds = parse_seeds(options.retrain)
        self.training = {"training.epochs": options.training_epochs} if options.training_epochs else {}
        self.bits_of_reference = self.bits(find_space(SPACE).hand_set()[options.reference], FLOATS)

    def entry(self) -> dict[str, Any]:
        """What the study says of the data set."""
        hand = self.by_hand()
        searches = [self.compared(seed, hand) for seed in range(self.options.searches)]
        return {
            "dataset": self.dataset,
            "betas": self.options.betas,
            "reference": {"accuracy": self.largest_class(), "bits": self.bits_of_reference},
            "by hand": hand,
            "searches": searches,
            "formats": formats_of(row["architecture"] for each in searches for row in each["lpgnas alone"]["front"]),
            "hypervolume": {
                name: spread([each["hypervolume"][name] for each in searches]) for name in searches[0]["hypervolume"]
            },
        }

    def compared(self, seed: int, hand: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """One search by LPGNAS, and a random one."""
        learned, seconds = self.learned(seed)
        drawn = self.search("random", seed, total_seconds=seconds)
        fronts = {
            "lpgnas": self.front(learned, learned.front),
            "lpgnas alone": self.front(learned, front_among(learned, named_by_lpgnas)),
            "random": self.front(drawn, drawn.front),
        }
        together = {**fronts, "by hand": hand, "by hand and random": [*hand, *fronts["random"]]}
        areas = {name: self.hypervolume(rows) for name, rows in together.items()}
        print(self.dataset, seed, {name: round(area, 4) for name, area in areas.items()}, flush=True)
        named = [outcome for outcome in learned.outcomes if named_by_lpgnas(outcome)]
        evaluated = {"lpgnas": len(learned.outcomes), "lpgnas alone": len(named), "random": len(drawn.outcomes)}
        return {
            "seed": seed,
            "seconds": seconds,
            **{name: {"evaluated": evaluated[name], "front": rows} for name, rows in fronts.items()},
            "hypervolume": areas,
        }

    def learned(self, seed: int) -> tuple[Search, float]:
        """The search by LPGNAS, and the seconds that it took with its supernets, over all interruptions."""
        betas, options = self.options.betas, self.options
        parts = (self.dataset, seed, betas, options.names, options.epochs, options.training_epochs)
        name = "-".join(map(str, parts)).replace("/", "-")
        clock = store_root(self.options.store) / "lpgnas" / f"{name}.json"
        before, started = json.loads(clock.read_text()) if clock.exists() else None, time.monotonic()
        try:
            search = self.search(
                "lpgnas",
                seed,
                trials=len(find_space(SPACE).hand_set()) + self.options.names * len(betas.split(",")),
                **{"strategy.betas": betas, "strategy.epochs": self.options.epochs},
            )
        finally:
            seconds = (before or {"seconds": 0.0})["seconds"] + time.monotonic() - started
            if not (before and before["is_done"]):
                clock.parent.mkdir(parents=True, exist_ok=True)
                write_json(clock, {"seconds": seconds, "is_done": False})
        if before and before["is_done"]:
            return search, before["seconds"]
        write_json(clock, {"seconds": seconds, "is_done": True})
        return search, seconds

    def search(self, strategy: str, seed: int, **budget: Any) -> Search:
        return gl.search(
            strategy,
            self.dataset,
            space=SPACE,
            objectives=("validation", "memory"),
            seed=seed,
            on="validation",
            store=self.options.store,
            device="cpu",
            **{**self.training, **budget},
        )

    def front(self, search: Search, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
        """Networks that a search evaluated, trained anew."""
        runs = retrain(search.plan, outcomes, self.seeds, workers=1) if outcomes else {}
        return [
            {
                "architecture": outcome.values,
                "beta": outcome.notes.get("beta"),
                "validation": outcome.metrics["validation"],
                "bits": outcome.metrics["memory"],
                "test": tested(runs[outcome.key]),
            }
            for outcome in outcomes
        ]

    def by_hand(self) -> list[dict[str, Any]]:
        """Hand-set networks with schemes set by hand."""
        rows = []
        for name in HAND_SET:
            values = find_space(SPACE).hand_set()[name]
            model, settings = find_space(SPACE).settings(values)
            for label, scheme in SCHEMES.items():
                rounded = {} if scheme == FLOATS else {"transform": "quantize", "transform.scheme": scheme}
                runs = gl.run(
                    model,
                    self.dataset,
                    seeds=self.seeds,
                    store=self.options.store,
                    device="cpu",
                    **{**settings, **self.training, **rounded},
                )
                rows.append({"network": f"{name} {label}", "bits": self.bits(values, scheme), "test": tested(runs)})
        return rows

    def bits(self, values: Architecture, scheme: str) -> float:
        """Of the weights and of what is computed, by a scheme."""
        model, settings = find_space(SPACE).settings(values)
        total = gl.quantized_bits(model, self.dataset, scheme, store=self.options.store, **settings).loc["total"]
        return float(total.weight_bits + total.buffer_bits)

    def largest_class(self) -> float:
        """The test accuracy of whoever names the class that is largest there."""
        data = gl.load(self.dataset)
        (split,) = data.splits.fixed[:1] or (data.splits.at(0),)
        labels = data.graph["y"][split.test]
        return float(torch.bincount(labels).max()) / len(labels)

    def hypervolume(self, rows: Iterable[Mapping[str, Any]]) -> float:
        points = [(row["test"]["mean"], row["bits"] / self.bits_of_reference) for row in rows if row["test"]["by_seed"]]
        return hypervolume(points, (self.largest_class(), 1.0))


def named_by_lpgnas(outcome: Outcome) -> bool:
    """Not set by hand."""
    return "beta" in outcome.notes


def front_among(search: Search, chosen: Callable[[Outcome], bool]) -> list[Outcome]:
    """The evaluations of a search that no other of those chosen beats in both objectives."""
    outcomes = [outcome for outcome in search.finished if chosen(outcome)]
    points = [(outcome.metrics["validation"], -outcome.metrics["memory"]) for outcome in outcomes]
    return [outcomes[i] for i in front_of(points)]


def tested(runs: Runs) -> dict[str, Any]:
    """The test metric by seed; seeds that failed are missing."""
    values = {str(record.seed): record.test_value for record in runs.records if record.test_value is not None}
    return {"mean": statistics.fmean(values.values()) if values else None, "by_seed": values}


def formats_of(architectures: Iterable[Architecture]) -> dict[str, dict[str, Any]]:
    """By component: how often each format was chosen over networks and layers, and the mean bits, floats as 32."""
    networks, found = list(architectures), {}
    for component, names in FORMATS.items():
        chosen = [values[f"{component}_format_{k}"] for values in networks for k in range(1, LAYERS + 1)]
        counts, widths = Counter(chosen), [getattr(parse(name), "bits", 32) for name in chosen]
        found[component] = {
            "counts": {name: counts[name] for name in names},
            "mean bits": statistics.fmean(widths) if widths else None,
        }
    return found


def spread(values: Sequence[float]) -> dict[str, float | None]:
    return {"mean": statistics.fmean(values), "std": statistics.stdev(values) if len(values) > 1 else None}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS))
    parser.add_argument("--betas", default=BETAS, help="with commas between them")
    parser.add_argument("--names", type=int, default=4, help="networks that are evaluated of each beta")
    parser.add_argument("--searches", type=int, default=3, help="by LPGNAS, and as many random ones")
    parser.add_argument("--epochs", type=int, default=400, help="of a supernet")
    parser.add_argument("--training-epochs", type=int, default=0, help="of a network; 0 for those of the recipe")
    parser.add_argument("--retrain", default="3", help="seeds of what is trained on the official split")
    parser.add_argument("--reference", choices=HAND_SET, default="gat", help="whose bits in floats are a share of 1")
    parser.add_argument("--store", default=None)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "lpgnas.json")
    options = parser.parse_args()
    for dataset in options.datasets:
        entry = Study(dataset, options).entry()
        stored = json.loads(options.out.read_text()) if options.out.exists() else []
        kept = [other for other in stored if other["dataset"] != dataset]
        write_json(options.out, sorted([*kept, entry], key=lambda each: each["dataset"]))


if __name__ == "__main__":
    main()
