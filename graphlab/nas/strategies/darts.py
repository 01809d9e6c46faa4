"""DARTS: options mixed by a softmax that is learned with the weights. Liu et al., ICLR 2019.

Every step moves the mixture down the validation loss and then the weights down the training loss. Candidates come by
their probability, each decision on its own; the paper takes the first.

Published: 50 epochs of some 390 batches, the mixture by Adam at 3e-4. A graph is one batch, so that its epochs are
steps, of which there are a hundred times fewer: hence the larger default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveFloat
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.space import Space
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.oneshot.strategy import OneShot, OneShotConfig, first_order, likeliest, second_order
from graphlab.nas.oneshot.supernets import Mixture
from graphlab.nas.oneshot.training import Loss, SupernetTraining

BETAS, DECAY, START = (0.5, 0.999), 1e-3, 1e-3
"""Of the mixture's optimiser, and the standard deviation of its logits at first. Section 3.1."""


class MixtureConfig(OneShotConfig):
    """lr       of the mixture's optimiser, Adam
    warm_up  share of the epochs in which the mixture rests
    """

    lr: PositiveFloat = 0.02
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Config(MixtureConfig):
    """order    whether the mixture's gradient is that at weights one training step on, or at those that there are"""

    order: Literal["first", "second"] = "first"


class DARTS(OneShot):
    """The likeliest architectures of a learned mixture.

    Attributes:
        mixed_options: By decision, the places of the options that are mixed; all unless set otherwise.
    """

    Config = Config
    citation = Citation(
        key="liu2019",
        title="DARTS: Differentiable Architecture Search",
        authors="Liu, Hanxiao and Simonyan, Karen and Yang, Yiming",
        venue="ICLR",
        year=2019,
        url="https://arxiv.org/abs/1806.09055",
    )

    def __init__(self, config: Any, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        self._sizes = {decision.name: len(decision.options) for decision in space.decisions}
        self.mixed_options: Mapping[str, Sequence[int]] = {name: range(size) for name, size in self._sizes.items()}

    def candidates(self, training: SupernetTraining) -> Iterator[Proposal]:
        return self.likeliest(self.learn(training))

    def likeliest(self, mixture: Mixture) -> Iterator[Proposal]:
        """Architectures by their probability under a mixture, each decision on its own."""
        chances = {name: weights.double().numpy() for name, weights in mixture.items()}
        for values, chance in likeliest(self.space, chances):
            yield Proposal(values, {"probability": chance})

    def learn(self, training: SupernetTraining, name: str = "supernet") -> dict[str, Tensor]:
        """Train the supernet, kept under a name, and its mixture; the mixture."""
        logits = self.start(training)
        optimizer = self.mixture_optimizer(logits)

        def epoch(number: int) -> None:
            self.epoch(training, logits, optimizer, number)

        training.run(epoch, {"logits": logits, "optimizer": optimizer, **self.further_state()}, name)
        return self.settled(logits)

    def epoch(
        self, training: SupernetTraining, logits: nn.ParameterDict, optimizer: torch.optim.Optimizer, number: int
    ) -> None:
        """One epoch of the weights and, after the warm-up, of the mixture."""
        for on_train, on_held_out in training.losses(number):
            if number > self.config.warm_up * training.epochs:
                move(logits, self._gradient(training, logits, on_train, on_held_out), optimizer)
            training.descend(self.weights_loss(training, on_train), self.settled(logits))

    def weights_loss(self, training: SupernetTraining, on_train: Loss) -> Loss:
        """What the weights go down, of the training loss of a batch."""
        return on_train

    def further_state(self) -> dict[str, Any]:
        """What a search keeps beside the supernet and the mixture, modules or optimisers by name."""
        return {}

    def mixture_optimizer(self, logits: nn.ParameterDict) -> torch.optim.Optimizer:
        return torch.optim.Adam(logits.parameters(), lr=self.config.lr, betas=BETAS, weight_decay=DECAY)

    def start(self, training: SupernetTraining) -> nn.ParameterDict:
        """Logits of nearly equal options, those of `mixed_options`."""
        random = training.stream.child("mixture").torch()
        sizes = {name: len(places) for name, places in self.mixed_options.items()}
        return nn.ParameterDict({name: START * torch.randn(size, generator=random) for name, size in sizes.items()})

    def mixture(self, logits: nn.ParameterDict) -> Mixture:
        """The softmax of the options that are mixed, 0 for the others."""
        return {name: self._spread(name, weights) for name, weights in softmax(logits).items()}

    def _spread(self, name: str, weights: Tensor) -> Tensor:
        places, size = self.mixed_options[name], self._sizes[name]
        if len(places) == size:
            return weights
        return weights.new_zeros(size).index_put((torch.tensor(places),), weights)

    def settled(self, logits: nn.ParameterDict) -> dict[str, Tensor]:
        """The mixture as numbers."""
        return {name: weights.detach() for name, weights in self.mixture(logits).items()}

    def _gradient(
        self, training: SupernetTraining, logits: nn.ParameterDict, on_train: Loss, on_held_out: Loss
    ) -> list[Tensor]:
        wanted = list(logits.values())

        def validation() -> Tensor:
            return on_held_out(self.mixture(logits))

        if self.config.order == "first":
            return first_order(wanted, validation)
        return second_order(wanted, training.weights, lambda: on_train(self.mixture(logits)), validation, training.lr)


def move(logits: nn.ParameterDict, gradients: Sequence[Tensor], optimizer: torch.optim.Optimizer) -> None:
    """A step of the mixture."""
    for each, gradient in zip(logits.values(), gradients, strict=True):
        each.grad = gradient
    optimizer.step()


def softmax(logits: nn.ParameterDict) -> Mixture:
    return {name: each.softmax(0) for name, each in logits.items()}


def settled(logits: nn.ParameterDict) -> dict[str, Tensor]:
    """The mixture as numbers."""
    return {name: each.detach().softmax(0) for name, each in logits.items()}
