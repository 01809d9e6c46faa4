"""Directed networks and their baselines on directed data sets, over ten splits; and whether the advice on direction
names the better way to model.

    python experiments/directed_tables.py --store runs/directed
    python experiments/directed_tables.py --datasets texas wisconsin --trials 2 --seeds 2 --out /tmp/directed.json
    python experiments/directed_tables.py --write-experiments

For each model and data set a random search tries `--trials` settings (half as many of ADPA) on the first split, or on
the first three where these are small, and takes those with the best validation; no test label has a part in that.
Networks with these settings are then trained on the ten splits. `gcn`, `dir-gnn-undirected` and `magnet-undirected` see
each edge both ways. What is stored is written after each cell, and cells that are there are not done again.

The better way to model a data set is that of the model with the highest mean validation over the ten splits: with
direction (dir-gnn, magnet, digcn, digcn-ib, adpa) or without (gcn, mlp, and dir-gnn and magnet on each edge both ways).
The advice sees training labels of the first split alone. The data sets of `ADVISED` are there for this question, and
have no table of their own; all seeds of a block model have one split.

`--write-experiments` trains nothing: it writes a file for `graphlab reproduce` for each data set that has cells.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from torch_geometric.transforms import ToUndirected

import graphlab as gl
from graphlab.analysis.probes.directedness import Directedness
from graphlab.core.files import write_json
from graphlab.data.adapters import directed_sbm
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
"""What has a table, by the name that it has there."""

BLOCK_MODELS = {variant: f"directed-sbm/{variant}" for variant in directed_sbm.VARIANTS}

ADVISED = {
    "film": "film",
    "cora": "citation-directed/cora-directed",
    "telegram": "telegram",
    "polblogs": "polblogs",
    **BLOCK_MODELS,
}
"""What the advice is held against beside."""

ALL = {**DATASETS, **ADVISED}

SMALL = ("texas", "wisconsin", "cornell", "telegram", *BLOCK_MODELS)

FEATURELESS = ("telegram", "polblogs")
"""Their nodes have a column each, which says nothing of direction, as degrees would."""

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
UNDIRECTED = "-undirected"
MODELS |= {
    f"dir-gnn{UNDIRECTED}": MODELS["dir-gnn"],
    f"magnet{UNDIRECTED}": {name: values for name, values in MODELS["magnet"].items() if name != "q"},
}
"""Settings that a search tries. Where edges go both ways no entry of MagNet's Laplacian has a phase, and q means
nothing."""

WITHOUT = ("mlp", "gcn", f"dir-gnn{UNDIRECTED}", f"magnet{UNDIRECTED}")
BOTH_WAYS = WITHOUT[1:]
"""What models without direction, and what of it sees each edge both ways."""

ADVISED_MODELS = ("mlp", "gcn", "dir-gnn", "magnet", *WITHOUT[2:])

LENGTH: dict[str, Any] = {"training.epochs": 300, "training.patience": 50}


def models_of(dataset: str) -> tuple[str, ...]:
    """The models that are measured on a data set, in the order of the table."""
    return tuple(MODELS) if dataset in DATASETS else ADVISED_MODELS


def fixed_of(dataset: str) -> dict[str, Any]:
    """The settings that no search changes."""
    return {**LENGTH, "pre_transform": "identity"} if dataset in FEATURELESS else LENGTH


def data_of(dataset: str, model: str) -> str | Dataset:
    """What a model is shown."""
    return gl.load(ALL[dataset], transform=ToUndirected()) if model in BOTH_WAYS else ALL[dataset]


def cell(dataset: str, model: str, options: argparse.Namespace) -> dict[str, Any]:
    """One model on one data set: the settings that the search chose, and what the ten splits gave."""
    data, trials = data_of(dataset, model), max(1, options.trials // 2) if model == "adpa" else options.trials
    network, fixed = model.removesuffix(UNDIRECTED), fixed_of(dataset)
    search = gl.search(
        "random",
        data,
        space={"model": network, **MODELS[model], **TRAINING},
        trials=trials,
        seeds=3 if dataset in SMALL else 1,
        on="validation",
        start=False,
        store=options.store,
        **fixed,
    )
    settings = {**search.best.values, **fixed}
    runs = gl.run(network, data, seeds=options.seeds, store=options.store, **settings)
    results = [record.result for record in runs.records]
    return {
        "dataset": dataset,
        "model": model,
        "trials": len(search.outcomes),
        "settings": settings,
        "validation": [result.validation[runs.metric] for result in results],
        "test": [result.test[runs.metric] for result in results],
        "published": judged(ALL[dataset], model, options.store),
    }


def judged(dataset: str, model: str, store: Path | None) -> dict[str, Any] | None:
    """The published number of a model, beside the runs of the store, with its verdict."""
    for row in json.loads(gl.export(dataset, "json", store))["rows"]:
        if row["model"] == model and row["published"] and row["ours"]:
            return {name: row[name] for name in ("published", "verdict", "why", "difference")}
    return None


def advice(dataset: str) -> dict[str, Any]:
    found = gl.analyze("directedness", ALL[dataset])
    assert isinstance(found, Directedness)
    return {"dataset": dataset, "score": found.advice.score, "keeps_direction": found.advice.keeps_direction}


def table(stored: dict[str, Any]) -> list[str]:
    """The cells as lines of Markdown: test accuracy in percent, mean and sample standard deviation. What has no cell is
    left out."""
    shown = [each for each in stored["cells"] if each["dataset"] in DATASETS]
    names = [name for name in DATASETS if any(each["dataset"] == name for each in shown)]
    lines = [f"| model | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for model in MODELS:
        values = {each["dataset"]: each["test"] for each in shown if each["model"] == model}
        if not values:
            continue
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


@dataclass(frozen=True)
class Verdict:
    """The advice on a data set, beside the model with the highest mean validation with direction and without: its name
    and its validation on each split."""

    dataset: str
    score: float
    keeps_direction: bool
    best_with: tuple[str, list[float]]
    best_without: tuple[str, list[float]]

    @property
    def differences(self) -> list[float]:
        """How much better the one with direction is on each split."""
        return [a - b for a, b in zip(self.best_with[1], self.best_without[1], strict=True)]

    @property
    def direction_is_better(self) -> bool:
        return mean(self.differences) > 0

    @property
    def is_clear(self) -> bool:
        """Whether the mean difference is more than two standard errors from zero."""
        return abs(mean(self.differences)) > 2 * stdev(self.differences) / len(self.differences) ** 0.5

    @property
    def is_right(self) -> bool:
        return self.keeps_direction == self.direction_is_better


def advice_verdicts(stored: dict[str, Any]) -> list[Verdict]:
    """Of the data sets that have cells of models with direction and without."""
    found = []
    for each in stored["advice"]:
        best = [_best(stored, each["dataset"], is_without) for is_without in (False, True)]
        if all(name for name, _ in best):
            found.append(Verdict(each["dataset"], each["score"], each["keeps_direction"], *best))
    return found


def advised(stored: dict[str, Any]) -> list[str]:
    """The advice beside what validation says, as lines of Markdown."""
    lines = [
        "| data set | score | advice | best with | best without | right |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in advice_verdicts(stored):
        cells = [
            each.dataset,
            f"{each.score:.2f}",
            "with" if each.keeps_direction else "without",
            *(f"`{model}` {100 * mean(values):.1f}" for model, values in (each.best_with, each.best_without)),
            "yes" if each.is_right else "no",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def hit_rate(stored: dict[str, Any]) -> str:
    """How often the advice is right, and how often it would be if it were always the same."""
    found = advice_verdicts(stored)
    clear = [each for each in found if each.is_clear]
    return (
        f"The advice is right on {_hits(found)}. Where both differ by more than two standard errors over the splits, "
        f"it is right on {_hits(clear)}."
    )


def _hits(found: list[Verdict]) -> str:
    right, better = sum(each.is_right for each in found), sum(each.direction_is_better for each in found)
    return f"{right} of {len(found)} data sets (always with: {better}, always without: {len(found) - better})"


def _best(stored: dict[str, Any], dataset: str, is_without: bool) -> tuple[str, list[float]]:
    """Of the models with or without direction, that with the highest mean validation, and its validation."""
    values = {
        each["model"]: each["validation"]
        for each in stored["cells"]
        if each["dataset"] == dataset and (each["model"] in WITHOUT) == is_without
    }
    return max(values.items(), key=lambda item: mean(item[1]), default=("", []))


TWINS = {name: f"{DATASETS[name]}{UNDIRECTED}" for name in ("chameleon", "chameleon-filtered", "squirrel")}
"""Variants with each edge both ways and no self-loops, by data set. `gcn` gives every node a loop, so that it cannot
tell them from the graphs that it sees here."""


def experiments(stored: dict[str, Any]) -> dict[str, str]:
    """A file for `graphlab reproduce` for each data set that has cells, by name: each model with the settings that the
    search chose. Models whose graph is no registered data set are left out, and named."""
    files: dict[str, str] = {}
    for dataset in ALL:
        cells = {each["model"]: each for each in stored["cells"] if each["dataset"] == dataset}
        models = [model for model in models_of(dataset) if model in cells and _name_of(dataset, model)]
        if models:
            text = textwrap.fill(
                _description(dataset), 118, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
            )
            lines = [f"title: Directed networks and baselines on {dataset}", "description: >", text]
            lines += [f"seeds: {len(cells[models[0]]['test'])}", "runs:"]
            lines += [line for model in models for line in _entry(dataset, model, cells[model]["settings"])]
            files[f"directed_{dataset}.yaml"] = "\n".join(lines) + "\n"
    return files


def _name_of(dataset: str, model: str) -> str:
    """The registered data set with the graph that a model sees; empty where there is none."""
    if model not in BOTH_WAYS:
        return ALL[dataset]
    return TWINS.get(dataset, "") if model == "gcn" else ""


def _description(dataset: str) -> str:
    unnamed = [model for model in models_of(dataset) if not _name_of(dataset, model)]
    gcn = "gcn sees each edge both ways. " if dataset in TWINS else ""
    return (
        "Written by experiments/directed_tables.py, with the settings that its search chose by validation. "
        f"{gcn}Left out, since no registered data set has their graph, each edge both ways: {', '.join(unnamed)}."
    )


def _entry(dataset: str, model: str, settings: dict[str, Any]) -> Iterator[str]:
    """A run, as lines of YAML."""
    yield f"  - model: {model}"
    yield f"    dataset: {_name_of(dataset, model)}"
    yield "    settings:"
    for name, value in settings.items():
        full = f"model.{name}" if name in MODELS[model] else name
        yield f"      {full}: {value if isinstance(value, str) else json.dumps(value)}"


def _accuracy(values: list[float]) -> str:
    return f"{100 * mean(values):.1f} ± {100 * stdev(values):.1f}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--datasets", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--store", type=Path, help="a folder for the runs")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "directed.json")
    parser.add_argument("--write-experiments", action="store_true", help="write experiments/directed_*.yaml and end")
    return parser.parse_args()


def main() -> None:
    options = parse()
    stored = json.loads(options.out.read_text()) if options.out.exists() else {"cells": [], "advice": []}
    if options.write_experiments:
        for name, text in experiments(stored).items():
            Path(__file__).with_name(name).write_text(text, encoding="utf-8")
        return
    done = {(each["dataset"], each["model"]) for each in stored["cells"]}
    for dataset in options.datasets:
        for model in models_of(dataset):
            if model not in options.models or (dataset, model) in done:
                continue
            row = cell(dataset, model, options)
            stored["cells"].append(row)
            stored["advice"] = [each for each in stored["advice"] if each["dataset"] != dataset] + [advice(dataset)]
            write_json(options.out, stored)
            accuracy = f"{mean(row['test']):.3f} ({len(row['test'])})"
            print(f"{dataset:19} {model:18} {accuracy}  {row['settings']}", flush=True)
    print("\n".join([*table(stored), "", *verdicts(stored), "", *advised(stored), "", hit_rate(stored)]))


if __name__ == "__main__":
    main()
