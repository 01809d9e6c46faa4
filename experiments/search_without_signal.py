"""Searches on labels that were shuffled: does what a search reports of its answer cover what a test then shows?

    python experiments/search_without_signal.py --store runs/without_signal
    python experiments/search_without_signal.py --searches 4 --store runs/without_signal

The labels of a block model are permuted over its nodes, with another permutation for each search, so that nothing can
be learned and every choice is luck. A small search of the settings of `gcn` races; its answer is trained on the
official split, and the mean test accuracy over seeds is compared with the interval of the search's report, and with
that which the validation of the answer alone would give.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

from rich.progress import track
from torch_geometric.data import Data

import graphlab as gl
from graphlab.core.files import write_json
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.nas.results.report import report_interval

DATASET = "sbm/undirected-h0.9"
PARTS = ("train", "validation")
SETTINGS = {"training.epochs": 18, "race.share": 0.4}
TRIALS, SEEDS = 24, 3


def shuffled(number: int) -> Dataset:
    """The block model with its labels in another order, its split as it is."""
    found = gl.load(DATASET)
    graph, split = found.graph, found.split()
    order = SeedStream(number).child("shuffled labels").numpy().permutation(int(graph.num_nodes or 0))
    data = Data(x=graph["x"], edge_index=graph["edge_index"], y=graph["y"][order])
    for part in ("train", "val", "test"):
        nodes = getattr(split, "validation" if part == "val" else part)
        mask = data["y"].new_zeros(len(order), dtype=bool)
        mask[nodes] = True
        data[f"{part}_mask"] = mask
    return gl.dataset(data, name=f"shuffled-{number}")


def search(number: int, part: Any, store: Path) -> dict[str, Any]:
    """One search on shuffled labels, and what a test says of its answer."""
    data = shuffled(number)
    found = gl.search(
        "random", data, space="gcn", trials=TRIALS, racing="asha", on=part, seed=number, store=store, device="cpu",
        progress=False, **SETTINGS,
    )  # fmt: skip
    worth = found.report().rows[0]
    test = found.retrain(SEEDS)[found.best.key].summary().mean
    assert worth.report is not None and worth.report_interval and test is not None
    items = len(found.plan.objective.dataset.split().validation)  # pyright: ignore[reportAttributeAccessIssue]
    flattered = report_interval([worth.validation], items, found.plan.report_items[1], "accuracy")
    assert flattered
    return {
        "validation": worth.validation,
        "report": worth.report,
        "interval": worth.report_interval,
        "test": test,
        "is_covered": worth.report_interval[0] <= test <= worth.report_interval[1],
        "is_covered_by_validation": flattered[0] <= test <= flattered[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--store", type=Path, required=True)
    results = Path(__file__).parent / "results" / "studies"
    parser.add_argument("--out", type=Path, default=results / "search_without_signal.json")
    options = parser.parse_args()
    study = {}
    for part in PARTS:
        rows = [search(number, part, options.store) for number in track(range(options.searches), f"on {part}")]
        study[part] = {
            "searches": len(rows),
            "covered": sum(row["is_covered"] for row in rows),
            "covered_by_validation": sum(row["is_covered_by_validation"] for row in rows),
            **{name: statistics.fmean(row[name] for row in rows) for name in ("validation", "report", "test")},
            "rows": rows,
        }
        print(part, {name: value for name, value in study[part].items() if name != "rows"}, flush=True)
    write_json(options.out, study)


if __name__ == "__main__":
    main()
