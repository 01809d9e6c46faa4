"""One-shot strategies: a supernet is trained once, and architectures are named by what it then says of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field

from graphlab.core.config import PositiveInt
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.objectives.objective import Objective
from graphlab.nas.one_shot.training import SupernetTraining
from graphlab.nas.registry import find_supernet
from graphlab.nas.space import Space
from graphlab.nas.strategy import Controller, Proposal, StrategyConfig

MOST_DRAWN = 200
"""Neighbours of the first candidate that are tried before one is drawn from the whole space."""

MOST_REPEATS = 5
"""Candidates in a row that were named before, after which there are no more."""


class OneShotConfig(StrategyConfig):
    """epochs  of the supernet's training
    shrink  widths of the supernet are those of the space's networks divided by this
    """

    epochs: PositiveInt = 200
    shrink: Annotated[int, Field(ge=1)] = 4


class OneShot(Controller):
    """Trains a supernet before the first proposal, on the data that is searched on, and proposes the architectures that
    `candidates` gives, in this order, each to be trained on its own as of any other strategy. Outcomes change nothing.

    A neighbour of the first candidate is proposed where there are no more of them, which is also so once MOST_REPEATS
    of them in a row were candidates before.
    """

    Config = OneShotConfig

    def __init__(self, config: Any, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        build = find_supernet(space)
        plan = objective.plan(space.sample(stream.child("sample").numpy()))
        if plan.transform:
            raise IncompatibleError(
                f"a supernet is trained without a transform, and the search has {plan.transform}",
                hint="leave the transform out, or choose a strategy that trains each architecture on its own",
            )
        with torch.device("meta"):  # without its numbers: what cannot be built is refused before the search
            build(plan.model_config, plan.dataset.spec, config.shrink, self.partial)
        self._named: dict[str, Proposal] = {}
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
            self._names = self._different(self.candidates(training))
        for proposal in chain(self._named.values(), self._names):
            if self.is_new(proposal.values):
                return proposal
        return self._neighbour(random)

    def _different(self, candidates: Iterator[Proposal]) -> Iterator[Proposal]:
        """Each once, as they are asked for. Which they are hangs on no outcome, so that a search which goes on in
        another process has the same."""
        repeats = 0
        for proposal in candidates:
            key = self.space.key(proposal.values)
            repeats = repeats + 1 if key in self._named else 0
            if repeats == MOST_REPEATS:
                return
            if not repeats:
                self._named[key] = proposal
                yield proposal

    def _neighbour(self, random: np.random.Generator) -> Proposal:
        first = next(iter(self._named.values())).values
        for _ in range(MOST_DRAWN):
            near = self.space.mutate(first, random)
            if self.is_new(near):
                return Proposal(near)
        return Proposal(self.space.sample(random))
