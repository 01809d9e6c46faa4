"""Tree-structured Parzen estimator, by Optuna. Bergstra et al., NeurIPS 2011."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveInt
from graphlab.nas.core.strategy import StrategyConfig
from graphlab.nas.optuna.samplers import SamplerStrategy


class Config(StrategyConfig):
    """startup       trials drawn at random before the estimator is asked
    multivariate  a density of all decisions that are made together, rather than one a decision: cheaper by their number
    """

    startup: PositiveInt = 10
    multivariate: bool = True


class TPE(SamplerStrategy):
    """Chooses what is likelier among the good trials than among the others; for several objectives by Pareto rank."""

    Config = Config
    sampler_name = "TPESampler"
    citation = Citation(
        key="bergstra2011",
        title="Algorithms for Hyper-Parameter Optimization",
        authors="Bergstra, James and Bardenet, Rémi and Bengio, Yoshua and Kégl, Balázs",
        venue="NeurIPS",
        year=2011,
        url="https://papers.nips.cc/paper/4443-algorithms-for-hyper-parameter-optimization",
    )

    def options(self) -> Mapping[str, Any]:
        startup, multivariate = self.config.startup, self.config.multivariate
        return {"n_startup_trials": startup, "multivariate": multivariate, "group": multivariate}
