"""The spaces, strategies, proxies, supernets and tables that are there, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlab.core.errors import ConfigError, DataError, IncompatibleError, UnknownNameError
from graphlab.core.registry import ClassRegistry, Registry, folded
from graphlab.core.seeds import SeedStream
from graphlab.data.fetch import Files
from graphlab.model.registry import MODELS

if TYPE_CHECKING:
    from graphlab.nas.core.objective import Objective
    from graphlab.nas.core.space import Space
    from graphlab.nas.core.strategy import Strategy
    from graphlab.nas.oneshot.supernets import Supernet
    from graphlab.nas.proxies import Proxy
    from graphlab.nas.tables import Table

SPACES: ClassRegistry[Space] = ClassRegistry(
    "search space", "graphlab.nas.spaces", "graphlab.spaces", "graphlab.nas.core.space:Space"
)
STRATEGIES: ClassRegistry[Strategy] = ClassRegistry(
    "strategy", "graphlab.nas.strategies", "graphlab.strategies", "graphlab.nas.core.strategy:Strategy"
)
PROXIES: ClassRegistry[Proxy] = ClassRegistry(
    "proxy", "graphlab.nas.proxies", "graphlab.proxies", "graphlab.nas.proxies:Proxy"
)
SUPERNETS: ClassRegistry[Supernet] = ClassRegistry(
    "supernet",
    "graphlab.nas.oneshot.supernets",
    "graphlab.supernets",
    "graphlab.nas.oneshot.supernets:Supernet",
)
TABLES = Registry("table", "graphlab.nas.tables", "graphlab.tables", lambda module: module.CARD.variants)

TABLE_FILE = ".bench"


def find_space(name: str | Mapping[str, Any]) -> Space:
    """A named space, that of a model's settings, or one of settings that a user lists.

    Raises UnknownNameError with the nearest names, ConfigError for settings that cannot be searched.
    """
    from graphlab.nas.settings_space import ListedSpace, SettingsSpace

    if isinstance(name, Mapping):
        return ListedSpace(name)
    if folded(name) in SPACES.families:
        return SPACES.find(name)()
    try:
        return SettingsSpace(name)
    except UnknownNameError:
        raise UnknownNameError("search space or model", name, [*SPACES.names(), *MODELS.names()]) from None


def is_table(name: str) -> bool:
    """Whether a name is that of a table, or of a file with one."""
    return name.endswith(TABLE_FILE) or folded(name).partition("/")[0] in TABLES.families


def find_table(name: str) -> Table:
    """A published table by name, as nas-bench-graph/cora, or by the path of a file in the same form.

    Raises UnknownNameError for a name, DataError for a file that is missing, damaged or something else.
    """
    if name.endswith(TABLE_FILE):
        path = Path(name)
        if not path.is_file():
            raise DataError(f"there is no table {path}", hint="name a file, or a table as nas-bench-graph/cora")
        return TABLES.module("nas-bench-graph").read_table(path, path.stem)
    entry = TABLES.resolve(name)
    (source,) = entry.module.CARD.sources[entry.variant]
    return entry.module.read_table(Files([source]).path(source.path), entry.name)


def find_strategy(name: str) -> type[Strategy]:
    """Raises UnknownNameError with the nearest names."""
    return STRATEGIES.find(name)


def make_strategy(name: str, settings: Mapping[str, Any], space: Space, objective: Objective, *, seed: int) -> Strategy:
    """A strategy by its name, as a search with this seed has it.

    Raises UnknownNameError, ConfigError for settings that it does not take, IncompatibleError for a space or an
    objective that it cannot search.
    """
    name = STRATEGIES.resolve(name).name
    return _build(name, settings, space, objective, SeedStream(seed).child("search", name))


def make_base(
    name: str, settings: Mapping[str, Any], space: Space, objective: Objective, stream: SeedStream
) -> Strategy:
    """The strategy that another one asks, several times for one evaluation, and tells of any outcome.

    Raises UnknownNameError, ConfigError for Optuna's samplers and for settings that the strategy does not take.
    """
    if not find_strategy(name).nestable:
        raise ConfigError(
            f"{name} makes one proposal at a time and cannot be asked by another strategy",
            hint="set strategy.base to random, evolution, local-search, graphnas or agnn",
        )
    return _build(name, settings, space, objective, stream)


def _build(name: str, settings: Mapping[str, Any], space: Space, objective: Objective, stream: SeedStream) -> Strategy:
    kind = find_strategy(name)
    return kind(kind.Config.parse(settings, where=f"strategy {name}"), space, objective, stream)


def find_supernet(space: Space) -> type[Supernet]:
    """The supernet of a space. Raises IncompatibleError for a space that has none."""
    if space.name not in SUPERNETS.families:
        raise IncompatibleError(
            f"the space {space.name} has no supernet, which one-shot strategies train",
            hint=f"search {' or '.join(SUPERNETS.families)}, or choose another strategy",
        )
    return SUPERNETS.find(space.name)


def find_proxy(name: str) -> Proxy:
    """Raises UnknownNameError with the nearest names."""
    return PROXIES.find(name)()
