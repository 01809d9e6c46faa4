"""Gaussian process with expected improvement, by Optuna. Jones et al., Journal of Global Optimization 1998."""

from __future__ import annotations

from optuna.samplers import BaseSampler, GPSampler

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveInt
from graphlab.nas.strategy import Reseeded, Strategy, StrategyConfig


class Config(StrategyConfig):
    """startup  trials drawn at random before the process is asked"""

    startup: PositiveInt = 10


class GP(Strategy):
    """A Gaussian process over the decisions; seconds a trial, worth it where a trial takes minutes."""

    Config = Config
    citation = Citation(
        key="jones1998",
        kind="article",
        title="Efficient Global Optimization of Expensive Black-Box Functions",
        authors="Jones, Donald R. and Schonlau, Matthias and Welch, William J.",
        venue="Journal of Global Optimization",
        year=1998,
        url="https://doi.org/10.1023/A:1008306431147",
    )

    def sampler(self) -> BaseSampler:
        return Reseeded(
            lambda seed: GPSampler(n_startup_trials=self.config.startup, seed=seed), self.space, self.stream
        )
