"""The spaces, strategies and tables that are there, by name."""

from __future__ import annotations

from inspect import isabstract
from types import ModuleType
from typing import Any

from graphlab.core.registry import Registry
from graphlab.search.space import Space
from graphlab.search.strategy import Strategy

SPACES = Registry("search space", "graphlab.search.spaces", "graphlab.spaces", lambda module: ())
STRATEGIES = Registry("strategy", "graphlab.search.strategies", "graphlab.strategies", lambda module: ())
TABLES = Registry("table", "graphlab.search.tables", "graphlab.tables", lambda module: module.CARD.variants)


def find_space(name: str) -> Space:
    """Raises UnknownNameError with the nearest names."""
    return _class(SPACES.resolve(name).module, Space)()


def find_strategy(name: str) -> type[Strategy]:
    """Raises UnknownNameError with the nearest names."""
    return _class(STRATEGIES.resolve(name).module, Strategy)


def _class(module: ModuleType, base: type[Any]) -> Any:
    """The class of this kind that a file defines, its last."""
    defined = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
    ]
    return next(value for value in reversed(defined) if not isabstract(value))
