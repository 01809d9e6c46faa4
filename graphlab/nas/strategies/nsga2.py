"""Non-dominated sorting genetic algorithm, by Optuna. Deb et al., IEEE Trans. Evolutionary Computation 2002."""

from __future__ import annotations

from typing import Annotated

from optuna.samplers import BaseSampler, NSGAIISampler
from pydantic import Field

from graphlab.core.citation import Citation
from graphlab.nas.strategy import Reseeded, Strategy, StrategyConfig


class Config(StrategyConfig):
    """population  architectures of a generation"""

    population: Annotated[int, Field(ge=2)] = 20


class NSGA2(Strategy):
    """Generations by crossover and mutation; survivors by Pareto rank, then by how lonely they are on the front."""

    Config = Config
    citation = Citation(
        key="deb2002",
        kind="article",
        title="A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II",
        authors="Deb, Kalyanmoy and Pratap, Amrit and Agarwal, Sameer and Meyarivan, T.",
        venue="IEEE Transactions on Evolutionary Computation",
        year=2002,
        url="https://doi.org/10.1109/4235.996017",
    )

    def sampler(self) -> BaseSampler:
        return Reseeded(
            lambda seed: NSGAIISampler(population_size=self.config.population, seed=seed), self.space, self.stream
        )
