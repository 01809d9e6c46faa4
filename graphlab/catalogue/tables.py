"""Everything of one kind that is registered, a row each. Each function loads what it lists and no more."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from types import ModuleType
from typing import TYPE_CHECKING, Any

from graphlab.core import index
from graphlab.core.registry import ClassRegistry, Registry

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.core.config import Config


def datasets(store: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Every registered data set, and those of one's own that the store of runs keeps: title, task, counts, splits (the
    default first), licence, citation. `store` is by default `$GRAPHLAB_STORE`, else `./runs`."""
    from graphlab.data.load import table

    return table(store)


def models() -> pd.DataFrame:
    """Every registered model: tasks, settings with their defaults, data sets it has recipes for, citation."""
    from graphlab.model.registry import MODELS, find_model

    def row(name: str) -> Mapping[str, str]:
        entry = find_model(name)
        return {
            "tasks": ", ".join(sorted(entry.cls.tasks)),
            "settings": _defaults(entry.config),
            "recipes": ", ".join(entry.presets),
            "citation": str(entry.cls.citation),
        }

    return _frame(MODELS, row)


def tasks() -> pd.DataFrame:
    """Every task: what it predicts, what it is, and its settings with their defaults."""
    from graphlab.task.registry import TASKS, find_task

    def row(name: str) -> Mapping[str, str]:
        task = find_task(name)
        return {"outputs": task.outputs(), "settings": _defaults(task.Config), "about": _first_line(task)}

    return _frame(TASKS, row)


def pre_transforms() -> pd.DataFrame:
    """Every pre-transform, which makes features of nodes: what it is, and its settings with their defaults."""
    from graphlab.data.registry import PRE_TRANSFORMS

    return _named_parts(PRE_TRANSFORMS)


def transforms() -> pd.DataFrame:
    """Every transform of learners: what it is, and its settings with their defaults."""
    from graphlab.model.registry import TRANSFORMS

    return _named_parts(TRANSFORMS)


def weight_formats() -> pd.DataFrame:
    """Every format of weights that others trained: what it is, and its settings with their defaults."""
    from graphlab.model.registry import WEIGHT_FORMATS

    return _named_parts(WEIGHT_FORMATS)


def strategies() -> pd.DataFrame:
    """Every search strategy: what it is, its settings with their defaults, and citation."""
    from graphlab.nas.registry import STRATEGIES, find_strategy

    def row(name: str) -> Mapping[str, str]:
        strategy = find_strategy(name)
        settings, citation = _defaults(strategy.Config), str(strategy.citation)
        return {"about": _first_line(strategy), "settings": settings, "citation": citation}

    return _frame(STRATEGIES, row)


def spaces() -> pd.DataFrame:
    """Every named search space: what it is and what it decides. Each model's name is one too, of its own settings."""
    from graphlab.nas.registry import SPACES, find_space

    def row(name: str) -> Mapping[str, str]:
        space = find_space(name)
        return {
            "about": _first_paragraph(SPACES.resolve(name).module),
            "decisions": ", ".join(decision.name for decision in space.decisions),
        }

    return _frame(SPACES, row)


def proxies() -> pd.DataFrame:
    """Every proxy of untrained networks, an objective and a limit of searches that train: what it is, the tasks that it
    reads, and citation."""
    from graphlab.nas.registry import PROXIES, find_proxy

    def row(name: str) -> Mapping[str, str]:
        proxy = find_proxy(name)
        tasks = getattr(proxy.tasks, "name", "all")
        return {"about": _first_line(proxy), "tasks": tasks, "citation": str(proxy.citation)}

    return _frame(PROXIES, row)


def probes() -> pd.DataFrame:
    """Every probe of `gl.analyze`: what it says, whether of data sets or of models too, and its options."""
    from graphlab.analysis.registry import PROBES

    def row(name: str) -> Mapping[str, str]:
        module = PROBES.resolve(name).module
        subjects = {"probe": "data sets", "probe_model": "models", "probe_run": "runs"}
        functions = [getattr(module, part) for part in subjects if hasattr(module, part)]
        return {
            "about": _first_paragraph(module),
            "of": ", ".join(name for part, name in subjects.items() if hasattr(module, part)),
            "options": ", ".join(
                dict.fromkeys(option for function in functions for option in options(function) if option != "store")
            ),
        }

    return _frame(PROBES, row)


def options(function: Callable[..., Any]) -> list[str]:
    """The keyword-only parameters."""
    return [name for name, one in signature(function).parameters.items() if one.kind is Parameter.KEYWORD_ONLY]


def _named_parts(registry: ClassRegistry[Any]) -> pd.DataFrame:
    def row(name: str) -> Mapping[str, str]:
        part = registry.find(name)
        return {"about": _first_line(part), "settings": _defaults(part.Config)}

    return _frame(registry, row)


def _frame(registry: Registry, row: Callable[[str], Mapping[str, str]]) -> pd.DataFrame:
    import pandas as pd

    section = f"table-{registry.section}"
    rows = [{"name": name, **index.entry(section, name, row, registry.names)} for name in registry.names()]
    return pd.DataFrame(rows)


def _defaults(config: type[Config]) -> str:
    return ", ".join(f"{key}={field.default}" for key, field in config.model_fields.items())


def _first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


def _first_paragraph(module: ModuleType) -> str:
    return " ".join((module.__doc__ or "").partition("\n\n")[0].split())
