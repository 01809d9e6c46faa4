"""One-shot strategies: a supernet is trained once, and architectures are named by what it then says of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from graphlab.core.config import PositiveInt
from graphlab.core.seeds import SeedStream
from graphlab.nas.objectives.objective import Objective
from graphlab.nas.one_shot.training import SupernetTraining
from graphlab.nas.registry import find_supernet
from graphlab.nas.space import Space
from graphlab.nas.strategy import Controller, Proposal, StrategyConfig

MOST_DRAWN = 200
"""Neighbours of the first candidate that are tried before one is drawn from the whole space."""


class OneShotConfig(StrategyConfig):
    """epochs  of the supernet's training
    shrink  widths of the supernet are those of the space's networks divided by this
    """

    epochs: PositiveInt = 200
    shrink: Annotated[int, Field(ge=1)] = 4


class OneShot(Controller):
    """Trains a supernet before the first proposal, on the data that is searched on, and proposes the architectures that
    `candidates` gives, in this order, each to be trained on its own as of any other strategy. Outcomes change nothing.

    A neighbour of the first candidate is proposed where there are no more of them, or too many in vain.

    most_named  candidates that are known already, for one evaluation, after which that is so
    """

    Config = OneShotConfig
    most_named: ClassVar[int] = 1000

    def __init__(self, config: Any, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        find_supernet(space)
        objective.plan(space.sample(stream.child("sample").numpy()))
        self._named: list[Proposal] = []
        self._names: Iterator[Proposal] | None = None

    @property
    def partial(self) -> int:
        """Of so many channels one is mixed."""
        return 1

    @abstractmethod
    def candidates(self, training: SupernetTraining) -> Iterator[Proposal]:
        """Trains the supernet; then the architectures that it favours, the best first."""

    def ask(self, random: np.random.Generator) -> Proposal:
        if self._names is None:
            config = self.config
            training = SupernetTraining(
                self.space, self.objective, self.stream.child("supernet"), config.epochs, config.shrink, self.partial
            )
            self._names = self.candidates(training)
        for proposal in self._proposals(self._names):
            if self.is_new(proposal.values):
                return proposal
        return self._neighbour(random)

    def _proposals(self, names: Iterator[Proposal]) -> Iterator[Proposal]:
        """Those that were named before, and some more."""
        yield from self._named
        for _, proposal in zip(range(self.most_named), names, strict=False):
            self._named.append(proposal)
            yield proposal

    def _neighbour(self, random: np.random.Generator) -> Proposal:
        for _ in range(MOST_DRAWN):
            near = self.space.mutate(self._named[0].values, random)
            if self.is_new(near):
                return Proposal(near)
        return Proposal(self.space.sample(random))
