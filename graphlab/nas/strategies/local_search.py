"""Local search: all neighbours of the best, until none is better. White et al., UAI 2021."""

from __future__ import annotations

import numpy as np

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveInt
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.strategy import Proposal, Strategy, StrategyConfig


class Config(StrategyConfig):
    """startup  evaluations drawn at random, the best of which is the first centre"""

    startup: PositiveInt = 10


class LocalSearch(Strategy):
    """Moves to the first better neighbour. Where there is none it starts again, at random."""

    Config = Config
    citation = Citation(
        key="white2021",
        title="Exploring the Loss Landscape in Neural Architecture Search",
        authors="White, Colin and Nolen, Sam and Savani, Yash",
        venue="UAI",
        year=2021,
        url="https://arxiv.org/abs/2005.02960",
    )

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # pyright: ignore[reportArgumentType]
        self._centre: Outcome | None = None

    def tell(self, outcome: Outcome) -> None:
        begins = self._centre is None or self._is_over(self._centre)
        super().tell(outcome)
        if outcome.rank is None:
            return
        if begins or self._centre is None or self._centre.rank is None or outcome.rank > self._centre.rank:
            self._centre = outcome

    def ask(self, random: np.random.Generator) -> Proposal:
        if len(self.outcomes) < self.config.startup or self._centre is None:
            return Proposal(self.space.sample(random))
        fresh = [values for values in self.space.neighbours(self._centre.values) if self.is_new(values)]
        return Proposal(fresh[random.integers(len(fresh))] if fresh else self.space.sample(random))

    def _is_over(self, centre: Outcome) -> bool:
        """Whether nothing around the centre is left to be asked for, so that what comes next begins anew."""
        begun = len(self.outcomes) >= self.config.startup
        return begun and all(self.space.key(values) in self.seen for values in self.space.neighbours(centre.values))
