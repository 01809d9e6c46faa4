"""Which pairs of BREC trained models tell apart, under the published rule and under one that is calibrated.

    python experiments/brec.py --store runs/brec --workers 2
    python experiments/brec.py --models gin --pairs Basic

Every pair is a training of its own (Wang and Zhang, ICML 2024, section 4), so that each model takes 400 runs; a store
makes them resumable. GIN is the control: no pair of BREC differs under 1-WL, which bounds it, and all that it were
credited with would be rounding. The study can be trained in portions: other pairs of a model with the same settings are
added to those that it has; else what is asked for replaces them. What it has of other models stays.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

import graphlab as gl
from graphlab.analysis.expressiveness.pairs import parse_pairs
from graphlab.core.files import write_json
from graphlab.data.adapters.brec import SCHEMA

MODELS: dict[str, dict[str, Any]] = {
    "gin": {"dropout": 0.0},
    "subgraph/sswl-plus": {"hidden_dim": 32, "num_layers": 9},
    "ppgn-normalised": {"hidden_dim": 16, "num_layers": 8},
}
"""What differs from the defaults; all else is the protocol's. A layer is a round of the test: SSWL needs up to twelve
of them for a CFI pair, FWL(2) up to five, and more let a difference grow that is near rounding at first."""

GROUPS = {
    "Basic": ("Basic",),
    "Regular": ("Regular", "StronglyRegular", "4Vertex", "DistanceRegular"),
    "Extension": ("Extension",),
    "CFI": ("CFI",),
}
"""Categories as published tables join them."""

PUBLISHED = {
    "3-WL": (60, 50, 100, 60),
    "SPD-WL": (16, 14, 41, 12),
    "PPGN": (60, 50, 100, 23),
    "GSN": (60, 99, 95, 0),
    "I2-GNN": (60, 100, 100, 21),
    "KP-GNN": (60, 106, 98, 11),
    "SUN": (60, 50, 100, 13),
    "NGNN": (59, 48, 59, 0),
    "d-k-LGNN": (60, 50, 100, 6),
    "Graphormer": (16, 12, 41, 10),
}
"""Pairs told apart by group, under the official rule. Wang and Zhang, ICML 2024."""


def print_published() -> None:
    print(f"{'published':12}", *(f"{name:>10}" for name in (*GROUPS, "total")))
    for name, counts in PUBLISHED.items():
        print(f"{name:12}", *(f"{count:10}" for count in (*counts, sum(counts))))


def summary(found: gl.Discrimination, pairs: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The table, and the pairs on which a rule and the class of the model disagree."""
    against = {
        rule: [row.pair for row in found.rows if getattr(row, rule) and row.separable is False]
        for rule in ("official", "calibrated")
    }
    return {
        "model": found.model,
        "test": found.test,
        "pairs": pairs,
        "settings": settings,
        "table": found.to_json()["table"],
        "beyond": against,
        "missed": [row.pair for row in found.rows if row.separable and not row.calibrated],
    }


CATEGORIES = tuple(name for name, (first, end) in SCHEMA.items() for _ in range(first, end))


def joined(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Both summaries in one where they are of the same settings and no pair is in both, else the new one."""
    had, came = (set(parse_pairs(part["pairs"], CATEGORIES)) for part in (old, new))
    if old["settings"] != new["settings"] or had & came:
        return new
    return new | {
        "pairs": "all" if len(had | came) == len(CATEGORIES) else f"{old['pairs']},{new['pairs']}",
        "table": _added(old["table"], new["table"]),
        "beyond": {rule: sorted([*old["beyond"][rule], *told]) for rule, told in new["beyond"].items()},
        "missed": sorted([*old["missed"], *new["missed"]]),
    }


def _added(*tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of tables of different pairs, those of a seed and category added up."""
    lines = pd.DataFrame([line for table in tables for line in table])
    lines["category"] = pd.Categorical(lines["category"], [*SCHEMA, "total"])
    groups: Any = lines.groupby(["seed", "category"], observed=True)
    sums = groups.sum().reset_index()
    sums["counts"] = sums["failed"] + sums["official_unreliable"] == 0
    return sums.astype({"category": str})[lines.columns].to_dict("records")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--pairs", default="all")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--store", default=None)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--plot", type=Path, default=None, help="folder of one figure a model")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "brec.json")
    options = parser.parse_args()
    study = {entry["model"]: entry for entry in json.loads(options.out.read_text())} if options.out.exists() else {}
    for model in options.models:
        found = gl.discriminate(
            model,
            "brec",
            pairs=options.pairs,
            seeds=options.seeds,
            store=options.store,
            workers=options.workers,
            **MODELS[model],
        )
        print(found)
        entry = summary(found, options.pairs, MODELS[model])
        study[model] = joined(study[model], entry) if model in study else entry
        if options.plot:
            options.plot.mkdir(parents=True, exist_ok=True)
            found.plot().save(options.plot / f"{model.replace('/', '-')}.svg")
        write_json(options.out, list(study.values()))
    print_published()


if __name__ == "__main__":
    main()
