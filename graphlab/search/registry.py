"""The spaces, strategies and tables that are there, by name."""

from __future__ import annotations

import os
from inspect import isabstract
from pathlib import Path
from types import ModuleType
from typing import Any

from graphlab.core.errors import InputError
from graphlab.core.registry import Registry
from graphlab.data.fetch import Files
from graphlab.search.space import Space
from graphlab.search.strategy import Strategy
from graphlab.search.table import Table

SPACES = Registry("search space", "graphlab.search.spaces", "graphlab.spaces", lambda module: ())
STRATEGIES = Registry("strategy", "graphlab.search.strategies", "graphlab.strategies", lambda module: ())
TABLES = Registry("table", "graphlab.search.tables", "graphlab.tables", lambda module: module.CARD.variants)


def find_space(name: str) -> Space:
    """Raises UnknownNameError with the nearest names."""
    return _class(SPACES.resolve(name).module, Space)()


def find_strategy(name: str) -> type[Strategy]:
    """Raises UnknownNameError with the nearest names."""
    return _class(STRATEGIES.resolve(name).module, Strategy)


def find_table(name: str | os.PathLike[str]) -> Table:
    """A table by its name, or one of a file whose ending tells its kind; named by the file's stem then.

    Raises UnknownNameError with the nearest names, InputError for a file that is not there or of no known kind,
    DataError for one that is damaged.
    """
    path = Path(name)
    if not path.suffix:
        found = TABLES.resolve(str(name))
        (source,) = found.module.CARD.sources[found.variant]
        return found.module.read_table(Files([source]).path(source.path), found.name)
    kinds = {TABLES.module(family).SUFFIX: TABLES.module(family) for family in TABLES.families}
    if path.suffix not in kinds:
        raise InputError(f"{path} is of no known kind of table", hint=f"its name must end in {' or '.join(kinds)}")
    if not path.is_file():
        raise InputError(f"there is no table {path}", hint=f"name a file, or one of {', '.join(TABLES.names())}")
    return kinds[path.suffix].read_table(path, path.stem)


def _class(module: ModuleType, base: type[Any]) -> Any:
    """The class of this kind that a file defines, its last."""
    defined = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
    ]
    return next(value for value in reversed(defined) if not isabstract(value))
