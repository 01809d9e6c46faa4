"""Outputs of models, short trainings, defaults and fingerprints, as plain values to be compared with stored ones."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlab.core.config import defaults
from graphlab.core.errors import DataError
from graphlab.core.seeds import SeedStream
from graphlab.data.fetch import locate
from graphlab.data.identity import identify
from graphlab.data.load import load
from graphlab.data.registry import DATASETS, PRE_TRANSFORMS
from graphlab.experiment.plan import plan_on
from graphlab.model.registry import MODELS, TRANSFORMS, find_model
from graphlab.task.registry import TASKS, find_task
from graphlab.testing.examples import example
from graphlab.testing.small_models import cases, small_plan
from graphlab.training.config import TrainingConfig
from graphlab.training.loop import LOOP_VERSION, fit

FOLDER = Path(__file__).parent
TOLERANCE = 1e-5
"""Of the largest value: the last bits differ between processors."""

LARGE = ("arxiv-year", "ogbl", "ogbn", "snap-patents")
"""Families whose raw files are up to gigabytes."""

MOST = 16
"""Values that are kept of an output, evenly spaced."""

EPOCHS = 3

TRAINED = {
    "node-classification": "gat",
    "graph-classification": "gin",
    "graph-regression": "gin",
    "pairs": "gin",
    "kg-transductive": "complex",
    "kg-inductive": "nbfnet",
    "kg-mixture": "ultra",
    "links": "gae",
    "links-without-features": "nbfnet",
    "directed-edges": "digae",
}
"""By example the model whose training is short and kept."""


ILL_CONDITIONED = ("statistic",)
"""Of a test of pairs whose covariance is next to singular: it magnifies the last bits."""

LOSSES_ALONE = frozenset({"kg-mixture"})
"""Examples whose ranks are not kept: the model scores entities alike that nothing tells apart, and the last bits rank
them."""

SHORT: Mapping[str, Mapping[str, Any]] = {
    "graph-classification": {"training.optimizer": "sgd"},
    "graph-regression": {"training.optimizer": "sgd", "training.epochs": 1},
    "pairs": {
        "training.epochs": 1,
        "training.optimizer": "sgd",
        "task.num_relabelings": 6,
        "task.output_dim": 4,
        "task.batch_size": 8,
    },
    "kg-mixture": {"training.optimizer": "sgd", "training.epochs": 1, "model.dim": 8, "model.num_layers": 2},
    "kg-inductive": {"model.num_layers": 2},
    "links-without-features": {"training.epochs": 1, "model.num_layers": 2},
}
"""Settings that keep a training short; sgd where Adam's first steps, which are of one length, magnify the last bits."""


class NoCheckpoints:
    """For trainings that nobody will continue."""

    def save_checkpoint(self, name: str, state: dict[str, Any]) -> None:
        pass

    def restore_checkpoint(self, name: str, device: Any, restore: Callable[[dict[str, Any]], object]) -> bool:
        return False


@cache
def model_cases() -> list[str]:
    """Each model on each example that it can be built for, as `model on example`."""
    return [f"{model} on {name}" for model, name in cases()]


def model_output(case: str) -> dict[str, Any]:
    """What an untrained model predicts of the validation part of an example, with the versions it is of."""
    model, _, name = case.partition(" on ")
    plan = small_plan(model, identify(example(name)))
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0).eval()
    SeedStream(0).child("golden").seed_torch()
    with torch.no_grad():
        rows = task.predict(learner, "validation")
    return {"versions": plan.versions, "values": summary(rows)}


def training_output(name: str) -> dict[str, Any]:
    """Curve and test metrics of a short training on an example."""
    plan = plan_on(identify(example(name)), TRAINED[name], {"training.epochs": EPOCHS, **SHORT.get(name, {})})
    task = plan.make_task(0)
    done = fit(plan.make_learner(task, 0), task, plan.training, SeedStream(0).child("sampling"), NoCheckpoints())
    assert done.error is None, done.error
    values = {f"{row['epoch']} {key}": value for row in done.curve for key, value in row.items() if key != "epoch"}
    values |= {f"test {key}": value for key, value in done.test.items() if key not in ILL_CONDITIONED}
    if name in LOSSES_ALONE:
        values = {key: value for key, value in values.items() if key.endswith(" loss")}
    return {"versions": plan.versions, "values": {key: float(value) for key, value in values.items()}}


def summary(rows: Tensor) -> dict[str, float]:
    """Some of the values by their places, the number of all, and the largest."""
    flat = rows.double().flatten()
    places = torch.linspace(0, max(len(flat) - 1, 0), min(MOST, len(flat))).long().unique().tolist()
    largest = flat.abs().max().item() if len(flat) else 0.0
    return {"size": float(len(flat)), "largest": largest, **{str(place): flat[place].item() for place in places}}


def differences(stored: Mapping[str, float], values: Mapping[str, float]) -> list[str]:
    """Where two outputs are further apart than the tolerance allows."""
    if set(stored) != set(values):
        return [f"other values: {sorted(set(stored) ^ set(values))}"]
    scale = max((abs(value) for value in stored.values() if math.isfinite(value)), default=0.0)
    scale = stored.get("largest", scale)
    return [
        f"{key}: {values[key]!r}, was {stored[key]!r}"
        for key in stored
        if not math.isclose(values[key], stored[key], rel_tol=TOLERANCE, abs_tol=TOLERANCE * max(scale, 1e-12))
    ]


def default_cases() -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Defaults by model, task, pre-transform, transform and training, each with its version."""
    for name in MODELS.names():
        entry = find_model(name)
        yield f"model {name}", entry.cls.version, defaults(entry.config)
    for name in TASKS.names():
        task = find_task(name)
        yield f"task {name}", task.version, defaults(task.Config)
    for registry in (PRE_TRANSFORMS, TRANSFORMS):
        for name in registry.names():
            component = registry.find(name)
            yield f"{registry.what} {name}", component.version, defaults(component.Config)
    yield "training", LOOP_VERSION, defaults(TrainingConfig)


def is_at_hand(name: str) -> bool:
    """Whether a data set may be loaded by a test: gigabytes are not downloaded for one."""
    found = DATASETS.resolve(name.partition("@")[0])
    sources = found.module.CARD.sources.get(found.variant, ())
    return found.family not in LARGE or all(locate(source) is not None for source in sources)


def content_of(name: str) -> str | None:
    """The fingerprint of a data set by `name@split`; None where its raw files are not at hand."""
    if not is_at_hand(name):
        return None
    try:
        return load(name).fingerprint
    except DataError:
        return None


def dataset_cases() -> list[str]:
    """Every registered data set with each of its splits."""
    found = (DATASETS.resolve(name) for name in DATASETS.names())
    return [f"{each.name}@{split}" for each in found for split in each.module.CARD.splits_of(each.variant)]


def version_of(name: str) -> int:
    """The version of a data set's adapter."""
    return getattr(DATASETS.resolve(name.partition("@")[0]).module, "VERSION", 1)


def read(name: str) -> dict[str, Any]:
    """What is stored under a name, by case."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def check(stored: Mapping[str, Any] | None, output: Mapping[str, Any], case: str) -> None:
    """Raises AssertionError where an output is not what its versions have given before."""
    assert stored is not None, f"{case} has no golden output: python -m tests.golden writes it"
    assert stored["versions"] == output["versions"], (
        f"{case} has versions {output['versions']}, stored is {stored['versions']}: python -m tests.golden writes anew"
    )
    different = differences(stored["values"], output["values"])
    assert not different, (
        f"{case} gives other results than its versions {output['versions']} did, so that old runs would be taken for "
        f"new ones: mend it, or raise the version of what has changed ({'; '.join(different[:3])})"
    )
