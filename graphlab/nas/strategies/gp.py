"""Gaussian process with expected improvement, by Optuna. Jones et al., Journal of Global Optimization 1998."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveInt
from graphlab.nas.core.strategy import StrategyConfig
from graphlab.nas.optuna.samplers import SamplerStrategy


class Config(StrategyConfig):
    """startup  trials drawn at random before the process is asked"""

    startup: PositiveInt = 10


class GP(SamplerStrategy):
    """A Gaussian process over the decisions; seconds a trial, worth it where a trial takes minutes."""

    Config = Config
    sampler_name = "GPSampler"
    citation = Citation(
        key="jones1998",
        kind="article",
        title="Efficient Global Optimization of Expensive Black-Box Functions",
        authors="Jones, Donald R. and Schonlau, Matthias and Welch, William J.",
        venue="Journal of Global Optimization",
        year=1998,
        url="https://doi.org/10.1023/A:1008306431147",
    )

    def options(self) -> Mapping[str, Any]:
        return {"n_startup_trials": self.config.startup}
