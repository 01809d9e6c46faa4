"""Local search: all neighbours of the best, until none is better. White et al., UAI 2021."""

from __future__ import annotations

import numpy as np

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveInt
from graphlab.nas.driver.ledger import Outcome
from graphlab.nas.space import Architecture
from graphlab.nas.strategy import Controller, Proposal, StrategyConfig


class Config(StrategyConfig):
    """startup  evaluations drawn at random, the best of which is the first centre"""

    startup: PositiveInt = 10


class LocalSearch(Controller):
    """Moves to the first better neighbour. Where there is none it starts again, at random."""

    Config = Config
    citation = Citation(
        key="white2021",
        title="Exploring the Loss Landscape in Neural Architecture Search",
        authors="White, Nolen and Savani",
        venue="UAI",
        year=2021,
        url="https://arxiv.org/abs/2005.02960",
    )

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # pyright: ignore[reportArgumentType]
        self._centre: Outcome | None = None
        self._wanted = self.config.startup

    def tell(self, outcome: Outcome) -> None:
        super().tell(outcome)
        self._wanted -= self._wanted > 0
        better = self._centre is None or (outcome.score or -np.inf) > (self._centre.score or -np.inf)
        if outcome.score is not None and better:
            self._centre = outcome

    def ask(self, random: np.random.Generator) -> Proposal:
        if self._wanted or self._centre is None:
            return Proposal(self.space.sample(random))
        fresh = self._fresh_neighbours(self._centre)
        if not fresh:
            self._centre = None
            return Proposal(self.space.sample(random))
        return Proposal(fresh[random.integers(len(fresh))])

    def _fresh_neighbours(self, centre: Outcome) -> list[Architecture]:
        return [one for one in self.space.neighbours(centre.values) if self.space.key(one) not in self.seen]
