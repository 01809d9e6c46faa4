"""A search that ends with a shortlist of what tests elsewhere speak for. Prior as in Swersky et al., NIPS 2013.

Among many architectures the highest validation is often a lucky one. Here another strategy searches first; then a
Gaussian process, whose prior mean is from the *tests* of other data sets' tables, says what its evaluations and those
let expect of every architecture, and the rest of the search evaluates what it expects most of. The answer is the
highest validation of the shortlist alone, `found.select("shortlist")`: few are compared, and none is there for its own
validation.

The shortlist and the rule are our own.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.outcome import SHORTLISTED, Outcome
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal, Strategy, StrategyConfig
from graphlab.nas.registry import make_base
from graphlab.nas.strategies.transfer import Transfer
from graphlab.nas.surrogates.gaussian_process import GaussianProcess, most_likely
from graphlab.nas.surrogates.points import scores_of, targets_of
from graphlab.nas.surrogates.sources import sources_for

AT_A_TIME = 4096
"""Architectures whose expectation is computed at a time."""


class Config(StrategyConfig):
    """base      the strategy that searches first: random, or one of our own, as evolution, local-search, graphnas, agnn
    after     evaluations before the shortlist is drawn up
    sources   tables by name or file; every other table of the space if none is named
    settings  the base's own
    """

    base: str = "evolution"
    after: Annotated[int, Field(ge=2)] = 150
    sources: Annotated[tuple[str, ...], Field(strict=False)] = ()
    settings: dict[str, Any] = {}


class Shortlist(Strategy):
    """Another strategy, then what it and the tests of other data sets' tables let expect most of."""

    Config = Config
    citation = Transfer.citation

    def __init__(self, config: Config, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        self.base = make_base(config.base, config.settings, space, objective, stream.child("base"))
        self._sources = sources_for(space, objective, config.sources, "test")
        self._ranked: list[Outcome] = []

    def tell(self, outcome: Outcome) -> None:
        super().tell(outcome)
        self.base.tell(outcome)
        if outcome.rank is not None:
            self._ranked.append(outcome)

    def ask(self, random: np.random.Generator) -> Proposal:
        if len(self._ranked) < self.config.after:
            self.base.under_way, self.base.leader = self.under_way, self.leader
            return self.base.ask(random)
        taken = self.taken
        for values in self._by_expectation:
            if self.space.key(values) not in taken:
                return Proposal(values, {SHORTLISTED: True})
        return Proposal(self.space.sample(random))

    @cached_property
    def _by_expectation(self) -> list[Architecture]:
        """Every architecture of the tables, that of which most is expected first."""
        expected = self._expected(self._ranked[: self.config.after])
        return [self._sources.tables[0].architectures[row] for row in np.argsort(-expected, kind="stable")]

    def _expected(self, outcomes: list[Outcome]) -> np.ndarray:
        sources, points = self._sources, self._sources.points
        linear = len(sources.tables)
        observed = sources.points_of([outcome.values for outcome in outcomes])
        left = targets_of(scores_of(outcomes)) - sources.mean(observed[:, -linear:])
        left -= left.mean()
        process = GaussianProcess(most_likely(observed, left, linear), observed, observed[:0])
        starts = range(0, len(points), AT_A_TIME)
        means = [process.posterior_at(left, points[start : start + AT_A_TIME])[0] for start in starts]
        return np.concatenate(means) + sources.mean(points[:, -linear:])
