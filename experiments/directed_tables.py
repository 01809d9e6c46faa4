"""Directed networks and their baselines on directed data sets, over ten splits; and whether the advice on direction
names the better way to model.

    python experiments/directed_tables.py --store runs/directed
    python experiments/directed_tables.py --datasets texas wisconsin --trials 2 --seeds 2 --out /tmp/directed.json

For each model and data set a random search tries `--trials` settings (half as many of ADPA) on the first split, or on
the first three where these are small, and takes those with the best validation; no test label has a part in that.
Networks with these settings are then trained on the ten splits. `gcn` sees each edge both ways. What is stored is
written after each cell, and cells that are there are not done again.

The better way to model a data set is that of the model with the highest mean validation over the ten splits: with
direction (dir-gnn, magnet, digcn, digcn-ib, adpa) or without (gcn, mlp). The advice sees training labels of the first
split alone.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from torch_geometric.transforms import ToUndirected

import graphlab as gl
from graphlab.analysis.probes.directedness import Directedness
from graphlab.core.files import write_json
from graphlab.data.dataset import Dataset

DATASETS = {
    "texas": "webkb/texas",
    "wisconsin": "webkb/wisconsin",
    "chameleon": "wiki/chameleon",
    "citeseer": "citation-directed/citeseer-directed",
    "chameleon-filtered": "wiki/chameleon-filtered",
    "cornell": "webkb/cornell",
    "squirrel": "wiki/squirrel",
}
SMALL = ("texas", "wisconsin", "cornell")

TRAINING = {"training.lr": [0.003, 0.01, 0.03], "training.weight_decay": [0.0, 5e-4, 5e-3]}
WIDTHS, DROPOUTS = [32, 64, 128], [0.2, 0.5, 0.8]
MODELS: dict[str, dict[str, list[Any]]] = {
    "mlp": {"hidden_dim": WIDTHS, "dropout": DROPOUTS},
    "gcn": {"hidden_dim": WIDTHS, "dropout": DROPOUTS},
    "dir-gnn": {
        "hidden_dim": WIDTHS,
        "num_layers": [2, 3, 4, 5],
        "alpha": [0.0, 0.5, 1.0],
        "jumping_knowledge": ["none", "cat", "max"],
        "normalize": [False, True],
        "dropout": [0.0, 0.5],
    },
    "magnet": {"hidden_dim": [16, 32, 64], "q": [0.05, 0.15, 0.25], "order": [1, 2], "dropout": [0.0, 0.5]},
    "digcn": {"hidden_dim": WIDTHS, "dropout": DROPOUTS},
    "adpa": {"hops": [1, 2, 3], "hidden_dim": [32, 64], "exponent": [0.0, 0.5, 1.0], "dropout": DROPOUTS},
    "digcn-ib": {"hidden_dim": [32, 64], "dropout": DROPOUTS},
}
WITHOUT = ("mlp", "gcn")
LENGTH: dict[str, Any] = {"training.epochs": 300, "training.patience": 50}


def data_of(dataset: str, model: str) -> str | Dataset:
    """What a model is shown: `gcn` each edge both ways."""
    return gl.load(DATASETS[dataset], transform=ToUndirected()) if model == "gcn" else DATASETS[dataset]


def cell(dataset: str, model: str, options: argparse.Namespace) -> dict[str, Any]:
    """One model on one data set: the settings that the search chose, and what the ten splits gave."""
    data, trials = data_of(dataset, model), max(1, options.trials // 2) if model == "adpa" else options.trials
    search = gl.search(
        "random",
        data,
        space={"model": model, **MODELS[model], **TRAINING},
        trials=trials,
        seeds=3 if dataset in SMALL else 1,
        on="validation",
        store=options.store,
        **LENGTH,
    )
    settings = {**search.best.values, **LENGTH}
    runs = gl.run(model, data, seeds=options.seeds, store=options.store, **settings)
    results = [record.result for record in runs.records]
    return {
        "dataset": dataset,
        "model": model,
        "trials": len(search.outcomes),
        "settings": settings,
        "validation": [result.validation[runs.metric] for result in results],
        "test": [result.test[runs.metric] for result in results],
        "published": judged(DATASETS[dataset], model, options.store),
    }


def judged(dataset: str, model: str, store: Path | None) -> dict[str, Any] | None:
    """The published number of a model, beside the runs of the store, with its verdict."""
    for row in json.loads(gl.export(dataset, "json", store))["rows"]:
        if row["model"] == model and row["published"] and row["ours"]:
            return {name: row[name] for name in ("published", "verdict", "why", "difference")}
    return None


def advice(dataset: str) -> dict[str, Any]:
    found = gl.analyze("directedness", DATASETS[dataset])
    assert isinstance(found, Directedness)
    return {"dataset": dataset, "score": found.advice.score, "keeps_direction": found.advice.keeps_direction}


def table(stored: dict[str, Any]) -> list[str]:
    """The cells as lines of Markdown: test accuracy in percent, mean and sample standard deviation."""
    names = [name for name in DATASETS if any(each["dataset"] == name for each in stored["cells"])]
    lines = [f"| model | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for model in MODELS:
        values = {each["dataset"]: each["test"] for each in stored["cells"] if each["model"] == model}
        cells = [_accuracy(values[name]) if name in values else "" for name in names]
        lines.append(f"| `{model}` | {' | '.join(cells)} |")
    return lines


def verdicts(stored: dict[str, Any]) -> list[str]:
    """The cells that have a published number, as lines of Markdown."""
    lines = ["| data set | model | ours | published | verdict |", "| --- | --- | --- | --- | --- |"]
    for each in stored["cells"]:
        if each["published"]:
            number = each["published"]["published"]
            spread = f" ± {100 * number['std']:.1f}" if number["std"] else ""
            cells = [
                each["dataset"],
                f"`{each['model']}`",
                f"{_accuracy(each['test'])} ({len(each['test'])})",
                f"{100 * number['mean']:.1f}{spread}",
                each["published"]["verdict"],
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def advised(stored: dict[str, Any]) -> list[str]:
    """The advice beside what validation says, as lines of Markdown."""
    lines = [
        "| data set | score | advice | best with | best without | right |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in stored["advice"]:
        best = {is_without: _best(stored, each["dataset"], is_without) for is_without in (False, True)}
        if not all(name for name, _ in best.values()):
            continue
        (with_direction, first), (without, second) = best[False], best[True]
        is_right = each["keeps_direction"] == (first > second)
        cells = [
            each["dataset"],
            f"{each['score']:.2f}",
            "with" if each["keeps_direction"] else "without",
            f"`{with_direction}` {100 * first:.1f}",
            f"`{without}` {100 * second:.1f}",
            "yes" if is_right else "no",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _best(stored: dict[str, Any], dataset: str, is_without: bool) -> tuple[str, float]:
    """Of the models with or without direction, that with the highest mean validation, and it."""
    means = {
        each["model"]: sum(each["validation"]) / len(each["validation"])
        for each in stored["cells"]
        if each["dataset"] == dataset and (each["model"] in WITHOUT) == is_without
    }
    return max(means.items(), key=lambda item: item[1], default=("", 0.0))


def _accuracy(values: list[float]) -> str:
    return f"{100 * mean(values):.1f} ± {100 * stdev(values):.1f}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--store", type=Path, help="a folder for the runs")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "directed.json")
    return parser.parse_args()


def main() -> None:
    options = parse()
    stored = json.loads(options.out.read_text()) if options.out.exists() else {"cells": [], "advice": []}
    for dataset in options.datasets:
        for model in options.models:
            if any((each["dataset"], each["model"]) == (dataset, model) for each in stored["cells"]):
                continue
            row = cell(dataset, model, options)
            stored["cells"].append(row)
            stored["advice"] = [each for each in stored["advice"] if each["dataset"] != dataset] + [advice(dataset)]
            write_json(options.out, stored)
            print(f"{dataset:19} {model:9} {mean(row['test']):.3f} ({len(row['test'])})  {row['settings']}", flush=True)
    print("\n".join([*table(stored), "", *verdicts(stored), "", *advised(stored)]))


if __name__ == "__main__":
    main()
