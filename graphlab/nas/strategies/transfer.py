"""Bayesian optimisation that has seen other tables. The prior mean of multi-task processes; Swersky et al., NIPS 2013.

Beside its structure an architecture has what it scored on validation elsewhere: see `graphlab.nas.surrogates.sources`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveInt
from graphlab.nas.core.space import Architecture
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.strategies import bayesian
from graphlab.nas.surrogates.sources import sources_for


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
        authors="Swersky, Kevin and Snoek, Jasper and Adams, Ryan P.",
        venue="NIPS",
        year=2013,
        url="https://papers.nips.cc/paper/5086-multi-task-bayesian-optimization",
    )

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self._sources = sources_for(self.space, self.objective, self.config.sources)
        self._linear = len(self._sources.tables)

    def ask(self, random: np.random.Generator) -> Proposal:
        if len(self._ranked) >= self.config.startup:
            return super().ask(random)
        fresh = (self._pool[key] for key in self._by_promise if key not in self.taken)
        return Proposal(next(fresh, None) or self.space.sample(random))

    def _points(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return self._sources.points_of(architectures)

    def _mean(self, points: np.ndarray) -> np.ndarray:
        return self._sources.mean(points[:, -self._linear :])

    @cached_property
    def _pool(self) -> dict[str, Architecture]:
        return super()._pool | self._sources.best(self.config.promising)

    @cached_property
    def _by_promise(self) -> list[str]:
        order = np.argsort(-self._mean(self._watched), kind="stable")
        keys = list(self._pool)
        return [keys[i] for i in order]
