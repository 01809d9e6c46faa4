"""Non-dominated sorting genetic algorithm, by Optuna. Deb et al., IEEE Trans. Evolutionary Computation 2002."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from graphlab.core.citation import Citation
from graphlab.nas.core.strategy import StrategyConfig
from graphlab.nas.optuna.samplers import SamplerStrategy


class Config(StrategyConfig):
    """population  architectures of a generation"""

    population: Annotated[int, Field(ge=2)] = 20


class NSGA2(SamplerStrategy):
    """Generations by crossover and mutation; survivors by Pareto rank, then by how lonely they are on the front."""

    Config = Config
    sampler_name = "NSGAIISampler"
    citation = Citation(
        key="deb2002",
        kind="article",
        title="A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II",
        authors="Deb, Kalyanmoy and Pratap, Amrit and Agarwal, Sameer and Meyarivan, T.",
        venue="IEEE Transactions on Evolutionary Computation",
        year=2002,
        url="https://doi.org/10.1109/4235.996017",
    )

    def options(self) -> Mapping[str, Any]:
        return {"population_size": self.config.population}
