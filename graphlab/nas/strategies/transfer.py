"""Bayesian optimisation that has seen other tables. The prior mean of multi-task processes; Swersky et al., NIPS 2013.

What an architecture scored on each source, as a normal score of its rank, has a linear effect beside the structure's:
f(x) = sum over sources of w_s p_s(x) + g(x), w_s ~ N(omega, tau^2). omega and tau are the mean and the deviation of the
coefficients with which each source is explained by the others; the table that is searched has no part in them, nor has
one of the data set that is searched by training, whose official validation labels it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.stats import norm, rankdata

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveInt
from graphlab.core.errors import IncompatibleError
from graphlab.nas.registry import TABLES, find_table
from graphlab.nas.space import Architecture, Space
from graphlab.nas.strategies import bayesian
from graphlab.nas.strategy import Proposal
from graphlab.nas.table import Table

ALONE = (0.5, 0.3)
"""omega and tau of one source, which no other can explain."""


class Config(bayesian.Config):
    """sources    tables by name or file; every other table of the space if none is named
    promising  how many of those that the sources think best are in the pool; the first `startup` are evaluated first
    """

    sources: Annotated[tuple[str, ...], Field(strict=False)] = ()
    promising: PositiveInt = 500


class Transfer(bayesian.Bayesian):
    """The strategy `bayesian`, with a prior mean from tables of data sets other than the one that is searched."""

    Config = Config
    citation = Citation(
        key="swersky2013",
        title="Multi-Task Bayesian Optimization",
        authors="Swersky, Snoek and Adams",
        venue="NIPS",
        year=2013,
        url="https://papers.nips.cc/paper/5086-multi-task-bayesian-optimization",
    )

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self._sources = sources_of(tuple(self._other_tables()))
        self._linear = len(self._sources.tables)

    def ask(self, random: np.random.Generator) -> Proposal:
        if len(self._ranked) >= self.config.startup:
            return super().ask(random)
        fresh = (self._pool[key] for key in self._by_promise if key not in self.known)
        return Proposal(next(fresh, None) or self.space.sample(random))

    def _points(self, architectures: Sequence[Architecture]) -> np.ndarray:
        effects = self._sources.tau * self._sources.scores(architectures)
        return np.concatenate([super()._points(architectures), effects], 1)

    def _mean(self, points: np.ndarray) -> np.ndarray:
        return self._sources.omega / self._sources.tau * points[:, -self._linear :].sum(1)

    @cached_property
    def _pool(self) -> dict[str, Architecture]:
        return super()._pool | self._sources.best(self.config.promising)

    @cached_property
    def _by_promise(self) -> list[str]:
        order = np.argsort(-self._mean(self._watched), kind="stable")
        keys = list(self._pool)
        return [keys[i] for i in order]

    def _other_tables(self) -> list[Table]:
        if not self.config.sources:
            found = [table for table in map(read_once, published(self.space)) if not self._is_searched(table)]
            if not found:
                raise IncompatibleError(
                    f"no table of {self.space.name} is published to learn from", hint="choose bayesian"
                )
            return found
        named = [read_once(name) for name in self.config.sources]
        for table in named:
            if self._is_searched(table):
                raise IncompatibleError(
                    f"{table.name} is the table that is searched, or of the same data", hint="learn from others alone"
                )
            if table.space.name != self.space.name:
                raise IncompatibleError(
                    f"{table.name} is a table of {table.space.name}, not of {self.space.name}",
                    hint="name tables of the space that is searched",
                )
        return named

    def _is_searched(self, table: Table) -> bool:
        same_data = bool(table.dataset) and table.dataset == self.objective.data
        return same_data or table.digest == self.objective.identity.get("sha256")


class Sources:
    """What tables say about an architecture, and how much one table says about another.

    omega, tau  mean and deviation of the coefficients in regressions of each on the others
    """

    def __init__(self, tables: tuple[Table, ...]) -> None:
        self.tables = tables
        self._scores = [norm.ppf((rankdata(table.validation) - 0.5) / len(table)) for table in tables]
        self.omega, self.tau = self._coefficients() if len(tables) > 1 else ALONE

    def scores(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Normal scores `[len(architectures), len(tables)]`; 0 where a table does not have the architecture."""
        keys = [self.tables[0].space.key(one) for one in architectures]
        columns = [
            [scores[table.rows[key]] if key in table.rows else 0.0 for key in keys]
            for table, scores in zip(self.tables, self._scores, strict=True)
        ]
        return np.array(columns, np.float32).T

    def best(self, count: int) -> dict[str, Architecture]:
        """The architectures of the first table with the highest mean score, by key."""
        first = self.tables[0]
        top = np.argsort(-self.scores(first.architectures).mean(1), kind="stable")[:count]
        return {first.space.key(first.architectures[row]): first.architectures[row] for row in top}

    def _coefficients(self) -> tuple[float, float]:
        scores = self.scores(self.tables[0].architectures)
        found = [np.linalg.lstsq(np.delete(scores, i, 1), scores[:, i], rcond=None)[0] for i in range(len(self.tables))]
        together = np.concatenate(found)
        return float(together.mean()), max(float(together.std()), 0.05)


@lru_cache(maxsize=8)
def sources_of(tables: tuple[Table, ...]) -> Sources:
    return Sources(tables)


@lru_cache(maxsize=16)
def read_once(name: str) -> Table:
    return find_table(name)


def published(space: Space) -> list[str]:
    """The names of the tables of a space, whose family has the space's name."""
    variants = TABLES.variants(space.name) if space.name in TABLES.families else ()
    return [f"{space.name}/{variant}" for variant in variants]
