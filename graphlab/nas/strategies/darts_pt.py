"""DARTS-PT: the options of a trained supernet chosen by what it loses without them. Wang et al., ICLR 2021, section 4.

Decision after decision, in random order, the option whose absence costs the most validation accuracy is kept alone, and
the supernet tuned before the next, at the learning rate that its training began with. Where an option is absent the
others have its weight, in proportion. No mixture needs to be learned: `mixture` "fixed" leaves it even.

The paper chooses once. Here every further candidate is chosen anew, in another order, from the same supernet.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, product
from typing import Literal

import torch
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeInt
from graphlab.nas.core.space import Decision
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.oneshot.training import SupernetTraining
from graphlab.nas.strategies.darts import DARTS, settled
from graphlab.nas.strategies.darts import Config as DARTSConfig


class Config(DARTSConfig):
    """mixture      learned with the supernet, or fixed at even weights
    tune_epochs  after each decision
    """

    mixture: Literal["learned", "fixed"] = "learned"
    tune_epochs: NonNegativeInt = 5


class DARTSPT(DARTS):
    """The architectures of which a trained supernet misses every option most."""

    Config = Config
    citation = Citation(
        key="wang2021",
        title="Rethinking Architecture Selection in Differentiable NAS",
        authors="Wang, Ruochen and Cheng, Minhao and Chen, Xiangning and Tang, Xiaocheng and Hsieh, Cho-Jui",
        venue="ICLR",
        year=2021,
        url="https://arxiv.org/abs/2108.04392",
    )

    def candidates(self, training: SupernetTraining) -> Iterator[Proposal]:
        mixture = self.learn(training) if self.config.mixture == "learned" else self._train(training)
        trained = copy.deepcopy((training.learner.state_dict(), training.engine.state_dict()))
        for number in count():
            training.learner.load_state_dict(trained[0])
            training.engine.load_state_dict(copy.deepcopy(trained[1]))
            training.lr = training.training.lr  # a schedule may have ended at 0
            values = self._select(training, dict(mixture), number)
            yield Proposal(self.space.canonical(values), {"order": number})

    def _train(self, training: SupernetTraining) -> dict[str, Tensor]:
        """Only the weights, with even options."""
        mixture = settled(self.start(training))
        even = {name: torch.full_like(weights, 1 / len(weights)) for name, weights in mixture.items()}

        def epoch(number: int) -> None:
            for on_train, _ in training.losses(number):
                training.descend(on_train, even)

        training.run(epoch, {})
        return even

    def _select(self, training: SupernetTraining, mixture: dict[str, Tensor], number: int) -> dict[str, object]:
        random = training.stream.child("order", number).numpy()
        epoch, values = training.epochs, {}
        for place in random.permutation(len(self.space.decisions)):
            decision = self.space.decisions[place]
            kept = self._missed_most(training, mixture, decision.name, self._possible(decision, values))
            values[decision.name] = decision.options[kept]
            mixture[decision.name] = _alone(kept, mixture[decision.name])
            for _ in range(self.config.tune_epochs):
                epoch += 1
                for on_train, _ in training.losses(epoch):
                    training.descend(on_train, mixture)
        return {decision.name: values[decision.name] for decision in self.space.decisions}

    def _possible(self, decision: Decision, values: Mapping[str, object]) -> list[int]:
        """The options with which the choices so far can still become a network."""
        others = [other for other in self.space.decisions if other.name not in values and other.name != decision.name]

        def can_become_one(option: object) -> bool:
            rests = product(*(other.options for other in others))
            chosen = {**values, decision.name: option}
            names = [other.name for other in others]
            return any(self.space.is_valid(chosen | dict(zip(names, rest, strict=True))) for rest in rests)

        return [i for i, option in enumerate(decision.options) if can_become_one(option)]

    @staticmethod
    def _missed_most(training: SupernetTraining, mixture: dict[str, Tensor], name: str, options: Sequence[int]) -> int:
        """Of these options of a decision the one without which the score is lowest; a single one is not scored."""
        weights = mixture[name]

        def without(option: int) -> float:
            rest = weights.clone()
            rest[option] = 0.0
            return training.score({**mixture, name: rest / rest.sum()})

        return min(options, key=without) if len(options) > 1 else options[0]


def _alone(option: int, weights: Tensor) -> Tensor:
    alone = torch.zeros_like(weights)
    alone[option] = 1.0
    return alone
