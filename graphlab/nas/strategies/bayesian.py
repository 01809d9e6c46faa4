"""Bayesian optimisation over the structure of architectures. Ru et al., ICLR 2021; Srinivas et al., ICML 2010.

A Gaussian process on `Space.encode`, which for trees counts operators, pairs and walks, as Weisfeiler-Lehman features
do; its prior is the most likely of a grid. What has the highest mean + beta standard deviations is evaluated next: the
best of a fixed pool, and from there uphill through the neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeFloat, NonNegativeInt, PositiveInt
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Architecture
from graphlab.nas.core.strategy import Proposal, Strategy, StrategyConfig
from graphlab.nas.surrogates.gaussian_process import GaussianProcess, most_likely
from graphlab.nas.surrogates.points import points_of, scores_of, targets_of

REFIT = 1.25
"""How many times more outcomes there are when the prior is chosen anew."""


class Config(StrategyConfig):
    """startup  evaluations drawn at random before the process is asked
    beta     standard deviations that uncertainty is worth
    pool     architectures drawn once, among which the search for the next begins
    steps    at most so many moves uphill from the best of the pool
    """

    startup: Annotated[int, Field(ge=2)] = 10
    beta: NonNegativeFloat = 1.0
    pool: PositiveInt = 2000
    steps: NonNegativeInt = 5


class Bayesian(Strategy):
    """The highest upper confidence bound of a Gaussian process on what architectures are made of."""

    Config = Config
    citation = Citation(
        key="ru2021",
        title="Interpretable Neural Architecture Search via Bayesian Optimisation with Weisfeiler-Lehman Kernels",
        authors="Ru, Binxin and Wan, Xingchen and Dong, Xiaowen and Osborne, Michael A.",
        venue="ICLR",
        year=2021,
        url="https://arxiv.org/abs/2006.07556",
    )

    _linear = 0
    """Features that have a linear effect, the last of the points."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # pyright: ignore[reportArgumentType]
        self._ranked: list[Outcome] = []
        self._process: GaussianProcess | None = None
        self._known = 0
        self._refit = self.config.startup

    def tell(self, outcome: Outcome) -> None:
        super().tell(outcome)
        if outcome.rank is not None:
            self._ranked.append(outcome)

    def ask(self, random: np.random.Generator) -> Proposal:
        if len(self._ranked) < self.config.startup:
            return Proposal(self.space.sample(random))
        process = self._caught_up()
        targets = self._targets(process.observed)
        bounds = self._bounds(self._watched, process.posterior(targets))
        bounds[[key in self.taken for key in self._pool]] = -np.inf
        start = int(bounds.argmax())
        if np.isinf(bounds[start]):
            return Proposal(self.space.sample(random))
        chosen, bound = list(self._pool.values())[start], bounds[start]
        for _ in range(self.config.steps):
            near = [values for values in self.space.neighbours(chosen) if self.is_new(values)]
            if not near:
                break
            points = self._points(near)
            bounds = self._bounds(points, process.posterior_at(targets, points))
            if bounds.max() <= bound:
                break
            chosen, bound = near[int(bounds.argmax())], bounds.max()
        return Proposal(chosen)

    def _caught_up(self) -> GaussianProcess:
        """The process with all outcomes, whose prior is chosen at the same numbers of them whenever it is asked."""
        while self._known < len(self._ranked):
            self._known += 1
            if self._known == self._refit:
                observed = self._points([outcome.values for outcome in self._ranked[: self._known]])
                prior = most_likely(observed, self._targets(observed), self._linear)
                self._process = GaussianProcess(prior, observed, self._watched)
                self._refit = math.ceil(self._known * REFIT)
            elif self._process:
                self._process.observe(self._points([self._ranked[self._known - 1].values])[0])
        assert self._process
        return self._process

    def _points(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return points_of(self.space)(architectures)

    def _mean(self, points: np.ndarray) -> np.ndarray:
        """What is expected of points before anything is observed, up to a constant."""
        return np.zeros(len(points))

    def _targets(self, observed: np.ndarray) -> np.ndarray:
        """What the prior's mean leaves of the first scores."""
        left = targets_of(scores_of(self._ranked[: len(observed)])) - self._mean(observed)
        return left - left.mean()

    def _bounds(self, points: np.ndarray, posterior: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        mean, deviation = posterior
        return self._mean(points) + mean + self.config.beta * deviation

    @cached_property
    def _pool(self) -> dict[str, Architecture]:
        random = self.stream.child("pool").numpy()
        drawn = (self.space.sample(random) for _ in range(self.config.pool))
        return {self.space.key(values): values for values in drawn}

    @cached_property
    def _watched(self) -> np.ndarray:
        return self._points(list(self._pool.values()))
