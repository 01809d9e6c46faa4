"""The public functions; `graphlab/__init__.py` loads them on first use, and each loads the module it is made in."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphlab.core.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.analysis.answers import Answers, answers
    from graphlab.analysis.expressiveness.trained import Discrimination, discriminate
    from graphlab.analysis.probe import Finding, analyze
    from graphlab.data.dataset import Dataset
    from graphlab.data.load import load
    from graphlab.data.spec import DataSpec
    from graphlab.experiment.reproduce import Comparison, reproduce
    from graphlab.experiment.restore import predictions, restore
    from graphlab.experiment.run import run
    from graphlab.experiment.runs import Runs
    from graphlab.model.base import Model
    from graphlab.nas.results.result import Search
    from graphlab.nas.search import search

__all__ = [
    "Answers",
    "Comparison",
    "Dataset",
    "Discrimination",
    "Finding",
    "Runs",
    "Search",
    "analyze",
    "answers",
    "build",
    "datasets",
    "discriminate",
    "leaderboard",
    "load",
    "models",
    "predictions",
    "proxies",
    "reproduce",
    "restore",
    "run",
    "runs",
    "search",
    "strategies",
    "tasks",
]

_MADE_IN = {
    "Answers": "analysis.answers",
    "answers": "analysis.answers",
    "Discrimination": "analysis.expressiveness.trained",
    "discriminate": "analysis.expressiveness.trained",
    "Finding": "analysis.probe",
    "analyze": "analysis.probe",
    "Dataset": "data.dataset",
    "load": "data.load",
    "Comparison": "experiment.reproduce",
    "reproduce": "experiment.reproduce",
    "predictions": "experiment.restore",
    "restore": "experiment.restore",
    "run": "experiment.run",
    "Runs": "experiment.runs",
    "Search": "nas.results.result",
    "search": "nas.search",
}
"""Not imported above: who runs a model need not wait for the code of searches and analyses, a third of the start."""


def __getattr__(name: str) -> Any:
    if name not in _MADE_IN:
        raise AttributeError(f"module 'graphlab.api' has no attribute {name!r}")
    return getattr(import_module(f"graphlab.{_MADE_IN[name]}"), name)


def datasets() -> pd.DataFrame:
    """Every registered data set: task, counts, splits, licence, citation."""
    from graphlab.data.load import table

    return table()


def models() -> pd.DataFrame:
    """Every registered model: tasks, settings with their defaults, data sets it has recipes for, citation."""
    import pandas as pd

    from graphlab.model.registry import MODELS, find_model

    rows = []
    for name in MODELS.names():
        entry = find_model(name)
        fields = entry.config.model_fields
        rows.append(
            {
                "name": name,
                "tasks": ", ".join(sorted(entry.cls.tasks)),
                "settings": ", ".join(f"{key}={field.default}" for key, field in fields.items()),
                "recipes": ", ".join(entry.presets),
                "citation": str(entry.cls.citation),
            }
        )
    return pd.DataFrame(rows)


def tasks() -> pd.DataFrame:
    """Every task: what it is, and its settings with their defaults."""
    import pandas as pd

    from graphlab.task.registry import TASKS, find_task

    rows = []
    for name in TASKS.names():
        task = find_task(name)
        fields = task.Config.model_fields
        rows.append(
            {
                "name": name,
                "settings": ", ".join(f"{key}={field.default}" for key, field in fields.items()),
                "about": (task.__doc__ or "").strip().splitlines()[0],
            }
        )
    return pd.DataFrame(rows)


def strategies() -> pd.DataFrame:
    """Every search strategy: what it is, its settings with their defaults, and citation."""
    import pandas as pd

    from graphlab.nas.registry import STRATEGIES, find_strategy

    rows = []
    for name in STRATEGIES.names():
        strategy = find_strategy(name)
        fields = strategy.Config.model_fields
        rows.append(
            {
                "name": name,
                "about": (strategy.__doc__ or "").strip().splitlines()[0],
                "settings": ", ".join(f"{key}={field.default}" for key, field in fields.items()),
                "citation": str(strategy.citation),
            }
        )
    return pd.DataFrame(rows)


def proxies() -> pd.DataFrame:
    """Every proxy of untrained networks, an objective and a limit of searches that train: what it is, the tasks that it
    reads, and citation."""
    import pandas as pd

    from graphlab.nas.registry import PROXIES, find_proxy

    rows = []
    for name in PROXIES.names():
        proxy = find_proxy(name)
        rows.append(
            {
                "name": name,
                "about": (proxy.__doc__ or "").strip().splitlines()[0],
                "tasks": getattr(proxy.tasks, "name", "all"),
                "citation": str(proxy.citation),
            }
        )
    return pd.DataFrame(rows)


def build(model: str, spec: DataSpec, **settings: Any) -> Model:
    """A model of the zoo for data of this spec: a plain `torch.nn.Module`, weights drawn from torch's generator.

    Raises UnknownNameError, ConfigError or IncompatibleError.
    """
    from graphlab.data.spec import DataSpec
    from graphlab.model.registry import build_model

    if not isinstance(spec, DataSpec):
        raise ConfigError(f"a model is built for a DataSpec, not {type(spec).__name__}", hint="pass dataset.spec")
    return build_model(model, spec, settings)


def runs(store: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Every run of a store, finished or not, one row each."""
    from graphlab.records.frames import records_frame
    from graphlab.records.store import Store

    return records_frame(Store(store).records())


def leaderboard(dataset: str, store: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Published numbers on a data set beside those of the store's runs, with test and verdict."""
    from graphlab.comparison import leaderboard as compare
    from graphlab.records.store import Store

    return compare(dataset, Store(store).records())
