"""How many random networks of `gnn-micro` learn, and what of `gnn-micro-tuned` makes them.

    python experiments/search_spaces.py --store runs/search_spaces
    python experiments/search_spaces.py --networks 3 --epochs 5 --store runs/search_spaces

Random networks of `gnn-micro` on Cora's public split, one seed each, with a recipe for all; then the same networks with
one setting after the other as `gnn-micro-tuned` has it; then random networks of that space, trained as it chooses. A
network has not learned whose best validation accuracy is below 35 %: the largest class has 31.6 %. Heads have at most
128 channels together, to keep it short. Validation alone is looked at.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.progress import track

import graphlab as gl
from graphlab.core.files import write_json
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.space import Architecture
from graphlab.nas.registry import find_space

LEARNED = 0.35
CHANNELS = 128
RECIPE = {"training.lr": 0.005, "training.weight_decay": 5e-4, "model.dropout": 0.6}

CHANGES: dict[str, Mapping[str, Any]] = {
    "as published": {},
    "no activation of the outputs": {"output": "linear"},
    "centred activations": {"model.centred": True},
    "He's start of mlp": {"model.he_init": True},
    "decay of the first layer alone": {"model.decayed": "first"},
    "rows of unit length": {"model.unit_rows": True},
    "batch norm of the hidden layer": {"model.norm": "batch"},
}
"""One after the other, each with those before it."""


def narrow(space: str, number: int) -> Architecture:
    """A random architecture that is not too wide."""
    found, random = find_space(space), SeedStream(number).child("random", space).numpy()
    while True:
        values = found.sample(random)
        if values["heads_1"] * values["hidden_dims_1"] <= CHANNELS:
            return values


def validation(space: str, values: Architecture, changes: Mapping[str, Any], store: Path) -> float:
    """The best validation of one training."""
    model, settings = find_space(space).settings(values)
    changes = dict(changes)
    if output := changes.pop("output", None):
        settings["activation"] = (settings["activation"][0], output)
    settings = {name if "." in name else f"model.{name}": value for name, value in settings.items()}
    runs = gl.run(
        model, "planetoid/cora", seeds=1, store=store, device="cpu", progress=False, **{**settings, **changes}
    )
    (record,) = runs.records
    return record.result.validation["accuracy"] if record.result.validation else 0.0


def summary(values: list[float]) -> dict[str, Any]:
    return {
        "networks": len(values),
        "not learned": sum(value < LEARNED for value in values),
        "median": statistics.median(values),
        "lowest": min(values),
        "best": max(values),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=100, help="of each network of gnn-micro")
    parser.add_argument("--store", type=Path, required=True)
    results = Path(__file__).parent / "results" / "studies"
    parser.add_argument("--out", type=Path, default=results / "search_spaces.json")
    options = parser.parse_args()
    numbers = range(options.networks)
    study, changes = {}, {**RECIPE, "training.epochs": options.epochs}
    for name, change in CHANGES.items():
        changes |= change
        values = [
            validation("gnn-micro", narrow("gnn-micro", number), changes, options.store)
            for number in track(numbers, name)
        ]
        study[name] = summary(values)
        print(name, study[name], flush=True)
    values = [
        validation("gnn-micro-tuned", narrow("gnn-micro-tuned", number), {}, options.store)
        for number in track(numbers, "gnn-micro-tuned")
    ]
    study["gnn-micro-tuned"] = summary(values)
    print("gnn-micro-tuned", study["gnn-micro-tuned"])
    write_json(options.out, {"epochs": options.epochs, "recipe": RECIPE, "networks": study})


if __name__ == "__main__":
    main()
