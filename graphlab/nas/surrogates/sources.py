"""What tables of other data sets let expect. The prior mean of multi-task processes; Swersky et al., NIPS 2013.

What an architecture scored on each source, as a normal score of its rank, has a linear effect beside the structure's:
f(x) = sum over sources of w_s p_s(x) + g(x), w_s ~ N(omega, tau^2). omega and tau are the mean and the deviation of the
coefficients with which each source is explained by the others; the table that is searched has no part in them, nor has
one of the data set that is searched by training, whose official labels it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from scipy.stats import norm, rankdata

from graphlab.core.errors import IncompatibleError
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.objectives import NetworkObjective
from graphlab.nas.registry import TABLES, find_table
from graphlab.nas.surrogates.points import points_of
from graphlab.nas.tables import Table

Part = Literal["validation", "test"]

ALONE = (0.5, 0.3)
"""omega and tau of one source, which no other can explain."""


class Sources:
    """What tables say about an architecture, and how much one table says about another.

    part        of their data sets, whose accuracies are looked at
    omega, tau  mean and deviation of the coefficients in regressions of each on the others
    """

    def __init__(self, tables: tuple[Table, ...], part: Part = "validation") -> None:
        self.tables = tables
        accuracies = [getattr(table, part) for table in tables]
        self._scores = [norm.ppf((rankdata(values) - 0.5) / len(values)) for values in accuracies]
        self.omega, self.tau = self._coefficients() if len(tables) > 1 else ALONE

    def scores(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Normal scores `[len(architectures), len(tables)]`; 0 where a table does not have the architecture."""
        keys = [self.tables[0].space.key(values) for values in architectures]
        columns = [
            [scores[table.rows[key]] if key in table.rows else 0.0 for key in keys]
            for table, scores in zip(self.tables, self._scores, strict=True)
        ]
        return np.array(columns, np.float32).T

    def effects(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Scores in units of tau: features whose linear effect has variance 1."""
        return self.tau * self.scores(architectures)

    def mean(self, effects: np.ndarray) -> np.ndarray:
        """What the sources let expect, `[len(effects)]`."""
        return self.omega / self.tau * effects.sum(1)

    def best(self, count: int) -> dict[str, Architecture]:
        """The architectures of the first table with the highest mean score, by key."""
        first = self.tables[0]
        top = np.argsort(-self.scores(first.architectures).mean(1), kind="stable")[:count]
        return {first.space.key(first.architectures[row]): first.architectures[row] for row in top}

    @cached_property
    def points(self) -> np.ndarray:
        """Structure and effects of every architecture of the first table."""
        return self.points_of(self.tables[0].architectures)

    def points_of(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Structure, then effects."""
        return np.concatenate([points_of(self.tables[0].space)(architectures), self.effects(architectures)], 1)

    def _coefficients(self) -> tuple[float, float]:
        scores = self.scores(self.tables[0].architectures)
        found = [np.linalg.lstsq(np.delete(scores, i, 1), scores[:, i], rcond=None)[0] for i in range(len(self.tables))]
        together = np.concatenate(found)
        return float(together.mean()), max(float(together.std()), 0.05)


def sources_for(space: Space, objective: Objective, names: Sequence[str] = (), part: Part = "validation") -> Sources:
    """The tables of these names or files, or of every data set but that which is searched.

    Raises IncompatibleError where there is none, or one is of the data that is searched or of another space.
    """
    return _sources_of(tuple(_named(space, objective, names) if names else _others(space, objective)), part)


def _others(space: Space, objective: Objective) -> list[Table]:
    found = [table for table in map(read_once, published(space)) if not _is_searched(table, objective)]
    if not found:
        raise IncompatibleError(f"no table of {space.name} is published to learn from", hint="choose bayesian")
    return found


def _named(space: Space, objective: Objective, names: Sequence[str]) -> list[Table]:
    tables = [read_once(name) for name in names]
    for table in tables:
        if _is_searched(table, objective):
            raise IncompatibleError(
                f"{table.name} is the table that is searched, or of the same data", hint="learn from others alone"
            )
        if table.space.name != space.name:
            raise IncompatibleError(
                f"{table.name} is a table of {table.space.name}, not of {space.name}",
                hint="name tables of the space that is searched",
            )
    return tables


def _is_searched(table: Table, objective: Objective) -> bool:
    data = objective.data if isinstance(objective, NetworkObjective) else ""
    same_data = bool(table.dataset) and table.dataset == data
    return same_data or table.digest == objective.identity.get("sha256")


@lru_cache(maxsize=8)
def _sources_of(tables: tuple[Table, ...], part: Part) -> Sources:
    return Sources(tables, part)


@lru_cache(maxsize=16)
def read_once(name: str) -> Table:
    return find_table(name)


def published(space: Space) -> list[str]:
    """The names of the tables of a space, whose family has the space's name."""
    variants = TABLES.variants(space.name) if space.name in TABLES.families else ()
    return [f"{space.name}/{variant}" for variant in variants]
