"""The public functions; `graphlab/__init__.py` loads them on first use, and each loads the module it is made in."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphlab.core.errors import ConfigError, GraphLabError

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.analysis.answers import Answers, answers
    from graphlab.analysis.expressiveness.trained import Discrimination, discriminate
    from graphlab.analysis.expressiveness.untrained import UntrainedDiscrimination, discriminate_untrained
    from graphlab.analysis.probe import Finding, analyze
    from graphlab.analysis.run_report import report
    from graphlab.catalogue.describe import Description, describe
    from graphlab.catalogue.register import register
    from graphlab.catalogue.tables import (
        datasets,
        models,
        pre_transforms,
        probes,
        proxies,
        spaces,
        strategies,
        tasks,
        transforms,
        weight_formats,
    )
    from graphlab.data.convert import dataset
    from graphlab.data.dataset import Dataset
    from graphlab.data.load import load
    from graphlab.data.spec import DataSpec
    from graphlab.experiment.imported import evaluate
    from graphlab.experiment.migrate import Migration, migrate
    from graphlab.experiment.pairwise import Pairwise, compare
    from graphlab.experiment.quantized import chosen_scheme, frozen, load_frozen, quantized_bits
    from graphlab.experiment.reproduce import Comparison, reproduce
    from graphlab.experiment.restore import predictions, restore
    from graphlab.experiment.run import run
    from graphlab.experiment.runs import Runs
    from graphlab.experiment.submission import submission
    from graphlab.experiment.table import ResultTable, table
    from graphlab.experiment.weights import import_weights
    from graphlab.model.base import Model
    from graphlab.nas.results.result import Search
    from graphlab.nas.search import search

__all__ = [
    "Answers",
    "Comparison",
    "Dataset",
    "Description",
    "Discrimination",
    "Finding",
    "GraphLabError",
    "Migration",
    "Pairwise",
    "ResultTable",
    "Runs",
    "Search",
    "UntrainedDiscrimination",
    "analyze",
    "answers",
    "build",
    "chosen_scheme",
    "compare",
    "dataset",
    "datasets",
    "describe",
    "discriminate",
    "discriminate_untrained",
    "evaluate",
    "export",
    "frozen",
    "import_weights",
    "leaderboard",
    "load",
    "load_frozen",
    "migrate",
    "models",
    "pre_transforms",
    "predictions",
    "probes",
    "proxies",
    "quantized_bits",
    "register",
    "report",
    "reproduce",
    "restore",
    "run",
    "runs",
    "search",
    "spaces",
    "strategies",
    "submission",
    "table",
    "tasks",
    "transforms",
    "weight_formats",
]

_MADE_IN = {
    **dict.fromkeys(
        (
            "datasets",
            "models",
            "probes",
            "proxies",
            "spaces",
            "strategies",
            "tasks",
            "pre_transforms",
            "transforms",
            "weight_formats",
        ),
        "catalogue.tables",
    ),
    "Description": "catalogue.describe",
    "describe": "catalogue.describe",
    "register": "catalogue.register",
    "Answers": "analysis.answers",
    "answers": "analysis.answers",
    "Discrimination": "analysis.expressiveness.trained",
    "discriminate": "analysis.expressiveness.trained",
    "UntrainedDiscrimination": "analysis.expressiveness.untrained",
    "discriminate_untrained": "analysis.expressiveness.untrained",
    "Finding": "analysis.probe",
    "analyze": "analysis.probe",
    "report": "analysis.run_report",
    "Dataset": "data.dataset",
    "dataset": "data.convert",
    "load": "data.load",
    "Migration": "experiment.migrate",
    "migrate": "experiment.migrate",
    "Pairwise": "experiment.pairwise",
    "compare": "experiment.pairwise",
    **dict.fromkeys(("chosen_scheme", "frozen", "load_frozen", "quantized_bits"), "experiment.quantized"),
    "Comparison": "experiment.reproduce",
    "reproduce": "experiment.reproduce",
    "predictions": "experiment.restore",
    "restore": "experiment.restore",
    "run": "experiment.run",
    "Runs": "experiment.runs",
    "evaluate": "experiment.imported",
    "import_weights": "experiment.weights",
    "submission": "experiment.submission",
    "ResultTable": "experiment.table",
    "table": "experiment.table",
    "Search": "nas.results.result",
    "search": "nas.search",
}
"""Not imported above: who runs a model need not wait for the code of searches and analyses, a third of the start."""


def __getattr__(name: str) -> Any:
    if name not in _MADE_IN:
        raise AttributeError(f"module 'graphlab.api' has no attribute {name!r}")
    return getattr(import_module(f"graphlab.{_MADE_IN[name]}"), name)


def build(model: str, spec: DataSpec, **settings: Any) -> Model:
    """A model of the zoo for data of this spec: a plain `torch.nn.Module`, weights drawn from torch's generator.

    Raises UnknownNameError, ConfigError or IncompatibleError.
    """
    from graphlab.data.spec import DataSpec
    from graphlab.model.registry import build_model

    if not isinstance(spec, DataSpec):
        raise ConfigError(f"a model is built for a DataSpec, not {type(spec).__name__}", hint="pass dataset.spec")
    return build_model(model, spec, settings)


def runs(store: str | os.PathLike[str] | None = None, *, trials: bool = False) -> pd.DataFrame:
    """Every run of a store, finished or not, one row each; `settings` are those in which it departs from the store's
    other runs of its model on its data set. With `trials` also the trainings that searches made, which are no results.

    A run that cannot be read is named in a warning."""
    from graphlab.comparison.configurations import departures
    from graphlab.comparison.rows import said
    from graphlab.records.frames import records_frame
    from graphlab.records.store import Store

    records = Store(store).records(trials=trials)
    frame, differing = records_frame(records), departures(records)
    frame.insert(list(frame.columns).index("seed"), "settings", [said(differing[record.id]) for record in records])
    return frame


def leaderboard(dataset: str, store: str | os.PathLike[str] | None = None, *, trials: bool = False) -> pd.DataFrame:
    """Published numbers on a data set beside the store's runs, with test and verdict; `trials` as in `runs`."""
    from graphlab.comparison import leaderboard as board
    from graphlab.comparison import stored_runs

    return board(*stored_runs(dataset, store, trials=trials))


def export(
    dataset: str,
    format: str = "markdown",  # noqa: A002
    store: str | os.PathLike[str] | None = None,
    *,
    trials: bool = False,
) -> str:
    """The leaderboard of a data set as text: csv, markdown, latex, json, or bibtex for what it cites. `trials` as in
    `runs`.

    Raises UnknownNameError for a data set or a format that is not there.
    """
    from graphlab.comparison import export_leaderboard, stored_runs

    return export_leaderboard(*stored_runs(dataset, store, trials=trials), format)
