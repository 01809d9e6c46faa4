"""Accuracy over sparsity: GCN with pruned weights, lottery tickets and their control, and graph lottery tickets.

    python experiments/pruning.py --store runs/pruning
    python experiments/pruning.py --datasets planetoid/cora --seeds 1 --levels 0.5,0.9

For each data set and seed, by the published recipe of `gcn` on the public split:

    global, lamp, polarised  `prune` with the method of this name
    ticket                   iterative magnitude pruning, rewound to an early epoch
    redrawn                  the masks of the tickets on weights that are drawn anew: the control
    ugs                      weights and edges pruned together, of which the weights have the sparsity of the level

Tickets pass through rounds that prune at most a share of what is left, and through every level exactly; edges lose
`--edge-share` a round. The masks of a level come from the round before it and are fixed, so that no ticket is trained
longer than the others. All choices are made on validation; the table shows accuracy on test.

What is done is kept in the store, so that the study goes on where it stopped. On one core a training takes 1 to 2.5
seconds, and the study as it is, of 71 trainings a seed and data set, some 25 minutes.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import graphlab as gl
from graphlab.core.files import write_json
from graphlab.core.plot import Plot
from graphlab.core.seeds import parse_seeds
from graphlab.pruning.schedule import round_sparsities
from graphlab.records.record import RunRecord

MODEL = "gcn"
DATASETS = ("planetoid/cora", "planetoid/citeseer")
LEVELS = "0.5,0.8,0.9,0.95,0.98"
METHODS = ("global", "lamp", "polarised", "ticket", "redrawn", "ugs")
REDRAWN = 1000
"""Added to the seed of a ticket for that of its control."""


class Study:
    """All of one data set."""

    def __init__(self, dataset: str, options: argparse.Namespace) -> None:
        self.dataset, self.options = dataset, options
        self.levels = [float(each) for each in options.levels.split(",")]
        self.rounds = round_sparsities(self.levels, options.share)
        self.edges = {sparsity: 1 - (1 - options.edge_share) ** k for k, sparsity in enumerate([0.0, *self.rounds])}
        self.training = {"training.epochs": options.epochs} if options.epochs else {}
        self.seconds = 0.0

    def entry(self) -> dict[str, Any]:
        """What the study says of the data set."""
        by_seed = {seed: dict(self.of_seed(seed)) for seed in parse_seeds(self.options.seeds)}
        first = next(iter(by_seed.values()))
        rows = {name: [self.row(by_seed, name, level) for level in self.levels] for name in METHODS}
        return {
            "dataset": self.dataset,
            "model": MODEL,
            "dense": spread({seed: records["dense", 0.0] for seed, records in by_seed.items()})
            | {"weight bits": self.bits(first["dense", 0.0])},
            "rounds": self.rounds,
            "methods": rows,
            "ticket minus redrawn": [paired(*pair) for pair in zip(rows["ticket"], rows["redrawn"], strict=True)],
            "seconds": round(self.seconds),
        }

    def of_seed(self, seed: int) -> Iterator[tuple[tuple[str, float], RunRecord]]:
        """The runs of a seed, by method and level."""
        yield ("dense", 0.0), self.run(seed)
        for method in ("global", "lamp", "polarised"):
            for level in self.levels:
                own = {"transform.method": method, "transform.sparsity": level}
                yield (method, level), self.run(seed, transform="prune", **own)
        yield from self.tickets(seed)
        yield from self.graph_tickets(seed)
        print(self.dataset, seed, f"{self.seconds:.0f} s of training so far", flush=True)

    def tickets(self, seed: int) -> Iterator[tuple[tuple[str, float], RunRecord]]:
        """Of each level the ticket, and its mask on weights that are drawn anew."""
        ticket = {"transform": "ticket", "transform.rewind_epoch": self.options.rewind_epoch}
        record = self.run(seed, **ticket)
        for sparsity in self.rounds:
            own = {"transform.sparsity": sparsity}
            record = self.run(seed, **ticket, **own, **{"training.start": record.id})
            if sparsity in self.levels:
                yield ("ticket", sparsity), record
                control = {"transform.restart": "random", "training.start": record.id}
                yield ("redrawn", sparsity), self.run(seed + REDRAWN, **ticket, **own, **control)

    def graph_tickets(self, seed: int) -> Iterator[tuple[tuple[str, float], RunRecord]]:
        """Of each level the graph lottery ticket, with fixed masks."""
        ticket = {"transform": "graph-ticket", "transform.rewind_epoch": self.options.rewind_epoch}
        record = self.run(seed, **ticket)
        for sparsity in self.rounds:
            own = {"transform.sparsity": sparsity, "transform.edge_sparsity": self.edges[sparsity]}
            start = {"training.start": record.id}
            if sparsity in self.levels:
                yield ("ugs", sparsity), self.run(seed, **ticket, **own, **start, **{"transform.masks": "fixed"})
            if sparsity != self.rounds[-1]:
                record = self.run(seed, **ticket, **own, **start)

    def run(self, seed: int, **settings: Any) -> RunRecord:
        """One run, of the store where it is done."""
        runs = gl.run(
            MODEL,
            self.dataset,
            seeds=[seed],
            store=self.options.store,
            device="cpu",
            progress=False,
            **{**self.training, **settings},
        )
        self.seconds += runs[0].seconds
        return runs[0]

    def row(
        self, by_seed: Mapping[int, Mapping[tuple[str, float], RunRecord]], method: str, level: float
    ) -> dict[str, Any]:
        """A method at a level. Bits are those of the first seed."""
        records = {seed: records[method, level] for seed, records in by_seed.items()}
        edges = {"edge sparsity": self.edges[level]} if method == "ugs" else {}
        return {
            "sparsity": level,
            **edges,
            **spread(records),
            "weight bits": self.bits(next(iter(records.values()))),
        }

    def bits(self, record: RunRecord) -> int:
        return int(gl.quantized_bits(record, store=self.options.store).loc["total"].weight_bits)


def spread(records: Mapping[int, RunRecord]) -> dict[str, Any]:
    """Test accuracy over seeds; those that failed are missing."""
    values = {str(seed): record.test_value for seed, record in records.items() if record.test_value is not None}
    numbers = list(values.values())
    return {
        "mean": statistics.fmean(numbers) if numbers else None,
        "std": statistics.stdev(numbers) if len(numbers) > 1 else None,
        "by seed": values,
    }


def paired(row: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The mean and the sample standard deviation of the difference of two rows, seed by seed."""
    differences = [value - other["by seed"][seed] for seed, value in row["by seed"].items() if seed in other["by seed"]]
    return {
        "sparsity": row["sparsity"],
        "mean": statistics.fmean(differences) if differences else None,
        "std": statistics.stdev(differences) if len(differences) > 1 else None,
    }


def picture(entries: Sequence[Mapping[str, Any]]) -> Plot:
    """Accuracy over the share of weights that are kept, a panel a data set; the line is the dense network."""
    plot = Plot(width=5.0 * len(entries))
    for place, entry in enumerate(entries, 1):
        axes = plot.panel(place, len(entries))
        axes.axhline(100 * entry["dense"]["mean"], color="black", linewidth=0.8, label="dense")
        for name, rows in entry["methods"].items():
            kept = [100 * (1 - row["sparsity"]) for row in rows]
            axes.errorbar(
                kept,
                [100 * row["mean"] for row in rows],
                [100 * (row["std"] or 0.0) for row in rows],
                marker="o",
                markersize=3,
                linewidth=1,
                capsize=2,
                label=name,
            )
        axes.set_xscale("log")
        axes.invert_xaxis()
        kept = sorted({round(100 * (1 - line["sparsity"]), 6) for lines in entry["methods"].values() for line in lines})
        axes.set_xticks(kept, [f"{each:g}" for each in kept])
        axes.minorticks_off()
        axes.set_title(entry["dataset"], fontsize=10)
        axes.set_xlabel("weights that are kept, %")
        axes.set_ylabel("test accuracy, %")
    plot.axes[-1].legend(fontsize=8, frameon=False)
    return plot


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS))
    parser.add_argument("--levels", default=LEVELS, help="sparsities, ascending, with commas between them")
    parser.add_argument("--seeds", default="5")
    parser.add_argument("--share", type=float, default=0.2, help="of the weights left, pruned in a round at most")
    parser.add_argument("--edge-share", type=float, default=0.05, help="of the edges left, pruned in a round")
    parser.add_argument("--rewind-epoch", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=0, help="of a training; 0 for those of the recipe")
    parser.add_argument("--store", default=None)
    parser.add_argument("--picture", type=Path, default=None, help="an .svg, .png or .pdf file for the picture")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "pruning.json")
    options = parser.parse_args()
    for dataset in options.datasets:
        entry = Study(dataset, options).entry()
        stored = json.loads(options.out.read_text()) if options.out.exists() else []
        kept = [other for other in stored if other["dataset"] != dataset]
        write_json(options.out, sorted([*kept, entry], key=lambda each: each["dataset"]))
    if options.picture:
        picture(json.loads(options.out.read_text())).save(options.picture)


if __name__ == "__main__":
    main()
