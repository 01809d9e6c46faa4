"""SD-DARTS: a supernet that its own past teaches. Zhu, Li, Liu and Wang, Neural Networks 2023.

The weights go down

    L_train + lambda KL(vote || p)        vote = mean over k of softmax(rows of teacher k), p = softmax(rows)

where the teachers are the last K snapshots of the supernet, each with its mixture of then. The supernet's loss is less
sharp so, and discretising the mixture costs less. The mixture goes down the validation loss, as in DARTS.

The abstract is read, the formula is recalled. Ours are lambda, K, how often a snapshot is taken, that the divergence is
the mean over all rows that the network gives, labelled or not, and that teachers are without dropout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeFloat, PositiveInt
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.space import Space
from graphlab.nas.objectives import networks_of
from graphlab.nas.oneshot.supernets import Mixture
from graphlab.nas.oneshot.training import Loss, SupernetTraining
from graphlab.nas.strategies.darts import DARTS
from graphlab.nas.strategies.darts import Config as DARTSConfig


class Config(DARTSConfig):
    """weight    lambda, of the divergence from the vote
    teachers  K, the latest snapshots
    every     epochs from one snapshot to the next
    """

    weight: NonNegativeFloat = 1.0
    teachers: PositiveInt = 3
    every: PositiveInt = 5


class SDDARTS(DARTS):
    """The likeliest architectures of a mixture whose supernet is taught by its earlier states."""

    Config = Config
    citation = Citation(
        key="zhu2023sd",
        kind="article",
        title="Improving Differentiable Architecture Search via Self-Distillation",
        authors="Zhu, Xunyu and Li, Jian and Liu, Yong and Wang, Weiping",
        venue="Neural Networks",
        year=2023,
        url="https://arxiv.org/abs/2302.05629",
    )

    def __init__(self, config: Config, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        output = networks_of(objective).plan(space.sample(stream.child("sample").numpy())).spec_seen.output
        if output.type != "class":
            raise IncompatibleError(
                f"sd-darts distils probabilities of classes, and {output.name} is a {output.type}",
                hint="use darts, or search on data with classes",
            )

    def learn(self, training: SupernetTraining, name: str = "supernet") -> dict[str, Tensor]:
        self._voters = Voters(self.config.teachers)
        return super().learn(training, name)

    def epoch(
        self, training: SupernetTraining, logits: nn.ParameterDict, optimizer: torch.optim.Optimizer, number: int
    ) -> None:
        super().epoch(training, logits, optimizer, number)
        if number % self.config.every == 0:
            self._voters.add(training.weights, self.settled(logits))

    def further_state(self) -> dict[str, Any]:
        return {"teachers": self._voters}

    def weights_loss(self, training: SupernetTraining, on_train: Loss) -> Loss:
        if not self._voters.snapshots:
            return on_train

        def taught(mixture: Mixture) -> Tensor:
            vote = self._voters.vote(training, on_train)
            loss, rows = training.with_predictions(on_train, mixture)
            return loss + self.config.weight * divergence(vote, rows)

        return taught


class Voters:
    """The latest snapshots of a supernet, `most` of them, which vote on the class of each row.

    Attributes:
        snapshots: Weights and mixtures, the latest last.
    """

    def __init__(self, most: int) -> None:
        self.snapshots: list[tuple[list[Tensor], dict[str, Tensor]]] = []
        self.most = most

    def add(self, weights: Sequence[Tensor], mixture: Mixture) -> None:
        self.snapshots.append(([weight.detach().clone() for weight in weights], dict(mixture)))
        del self.snapshots[: -self.most]

    def vote(self, training: SupernetTraining, loss: Loss) -> Tensor:
        """The mean of the snapshots' probabilities, `[rows, classes]`, on the batch of a loss."""
        votes = []
        for weights, mixture in self.snapshots:
            with torch.no_grad(), training.at(weights):
                votes.append(training.with_predictions(loss, mixture)[1].softmax(1))
        return torch.stack(votes).mean(0)

    def state_dict(self) -> dict[str, Any]:
        return {"snapshots": [[weights, mixture] for weights, mixture in self.snapshots]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.snapshots = [(weights, mixture) for weights, mixture in state["snapshots"]]


def divergence(vote: Tensor, rows: Tensor) -> Tensor:
    """The mean over rows of KL(vote || softmax(rows)), both `[rows, classes]`; 0 where they agree."""
    return F.kl_div(rows.log_softmax(1), vote, reduction="batchmean")
