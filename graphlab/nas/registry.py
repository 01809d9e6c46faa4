"""The spaces, strategies, proxies, supernets and tables that are there, by name."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isabstract
from pathlib import Path
from types import ModuleType
from typing import Any

from graphlab.core.errors import DataError, IncompatibleError, UnknownNameError
from graphlab.core.registry import Registry
from graphlab.data.fetch import Files
from graphlab.model.registry import MODELS
from graphlab.nas.proxy import Proxy
from graphlab.nas.settings_space import ListedSpace, SettingsSpace
from graphlab.nas.space import Space
from graphlab.nas.strategy import Strategy
from graphlab.nas.supernet import Supernet
from graphlab.nas.table import Table

SPACES = Registry("search space", "graphlab.nas.spaces", "graphlab.spaces", lambda module: ())
STRATEGIES = Registry("strategy", "graphlab.nas.strategies", "graphlab.strategies", lambda module: ())
PROXIES = Registry("proxy", "graphlab.nas.proxies", "graphlab.proxies", lambda module: ())
SUPERNETS = Registry("supernet", "graphlab.nas.supernets", "graphlab.supernets", lambda module: ())
TABLES = Registry("table", "graphlab.nas.tables", "graphlab.tables", lambda module: module.CARD.variants)


TABLE_FILE = ".bench"


def find_space(name: str | Mapping[str, Any]) -> Space:
    """A named space, that of a model's settings, or one of settings that a user lists.

    Raises UnknownNameError with the nearest names, ConfigError for settings that cannot be searched.
    """
    if isinstance(name, Mapping):
        return ListedSpace(name)
    family = name.lower().replace("_", "-")
    if family in SPACES.families:
        return _class(SPACES.resolve(family).module, Space)()
    try:
        return SettingsSpace(name)
    except UnknownNameError:
        raise UnknownNameError("search space or model", name, [*SPACES.names(), *MODELS.names()]) from None


def is_table(name: str) -> bool:
    """Whether a name is that of a table, or of a file with one."""
    return name.endswith(TABLE_FILE) or name.lower().replace("_", "-").partition("/")[0] in TABLES.families


def find_table(name: str) -> Table:
    """A published table by name, as nas-bench-graph/cora, or by the path of a file in the same form.

    Raises UnknownNameError for a name, DataError for a file that is missing, damaged or something else.
    """
    if name.endswith(TABLE_FILE):
        path = Path(name)
        if not path.is_file():
            raise DataError(f"there is no table {path}", hint="name a file, or a table as nas-bench-graph/cora")
        return TABLES.module("nas-bench-graph").read_table(path, path.stem)
    found = TABLES.resolve(name)
    (source,) = found.module.CARD.sources[found.variant]
    return found.module.read_table(Files([source]).path(source.path), found.name)


def find_strategy(name: str) -> type[Strategy]:
    """Raises UnknownNameError with the nearest names."""
    return _class(STRATEGIES.resolve(name).module, Strategy)


def find_supernet(space: Space) -> type[Supernet]:
    """The supernet of a space. Raises IncompatibleError for a space that has none."""
    if space.name not in SUPERNETS.families:
        raise IncompatibleError(
            f"the space {space.name} has no supernet, which one-shot strategies train",
            hint=f"search {' or '.join(SUPERNETS.families)}, or choose another strategy",
        )
    return _class(SUPERNETS.module(space.name), Supernet)


def find_proxy(name: str) -> Proxy:
    """Raises UnknownNameError with the nearest names."""
    return _class(PROXIES.resolve(name).module, Proxy)()


def _class(module: ModuleType, base: type[Any]) -> Any:
    """The class of this kind that a file defines, its last."""
    defined = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
    ]
    return next(value for value in reversed(defined) if not isabstract(value))
