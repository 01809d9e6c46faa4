"""Regularised evolution: tournaments among the young. Real et al., AAAI 2019."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from graphlab.core.citation import Citation
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.strategy import Proposal, Strategy, StrategyConfig

MOST_TRIED = 100
"""Mutations of one parent after which another one is chosen."""


class Config(StrategyConfig):
    """population  the latest evaluations, among which parents are chosen; as many come first, at random
    tournament  of how many drawn from the population the best is the parent
    """

    population: Annotated[int, Field(ge=2)] = 20
    tournament: Annotated[int, Field(ge=1)] = 5


class Evolution(Strategy):
    """The best of a few drawn from the latest evaluations is mutated; the oldest dies, however good it is.

    What breaks a limit is a parent while nothing else is alive.
    """

    Config = Config
    citation = Citation(
        key="real2019",
        title="Regularized Evolution for Image Classifier Architecture Search",
        authors="Real, Esteban and Aggarwal, Alok and Huang, Yanping and Le, Quoc V.",
        venue="AAAI",
        year=2019,
        url="https://arxiv.org/abs/1802.01548",
    )

    def ask(self, random: np.random.Generator) -> Proposal:
        alive = self.alive()
        if len(self.outcomes) < self.config.population or not alive:
            return Proposal(self.space.sample(random))
        for _ in range(MOST_TRIED):
            child = self.space.mutate(self.tournament(alive, random).values, random)
            if self.is_new(child):
                return Proposal(child)
        return Proposal(self.space.sample(random))

    def alive(self) -> list[Outcome]:
        """The latest evaluations, of which one can be a parent."""
        ranked = [outcome for outcome in self.outcomes[-self.config.population :] if outcome.rank is not None]
        return [outcome for outcome in ranked if outcome.feasible] or ranked

    def tournament(self, alive: Sequence[Outcome], random: np.random.Generator) -> Outcome:
        """The best of a few that are drawn."""
        drawn = random.choice(len(alive), min(self.config.tournament, len(alive)), replace=False)
        return max((alive[i] for i in drawn), key=lambda outcome: outcome.rank or ())
