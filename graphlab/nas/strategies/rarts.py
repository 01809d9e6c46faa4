"""RARTS: a relaxed problem in place of the bilevel one, of first derivatives alone. Xue, Qi and Xin, 2020.

Two copies of the weights, w and y, and the mixture a go down

    L(w, y, a) = L_val(y, a) + lambda L_train(w, a) + beta / 2 |y - w|^2

one after the other, each with the others as they have become (Gauss-Seidel):

    w    lambda d_w L_train(w, a) - beta (y - w)
    y    d_y L_val(y, a) + beta (y - w)
    a    d_a L_val(y, a) + lambda d_a L_train(w, a)

No product of derivatives in weights and mixture is needed, and none is approximated. With w and y where L is smallest,
the gradient of a less lambda times that of the smallest training loss tends to the gradient of the bilevel problem as
lambda and beta grow; where the training loss can be 0 for every mixture, the gradient of a itself does.

The formulas are recalled from the paper. Ours are lambda, beta, the two learning rates, which are the recipe's, the
decay of the recipe on both copies, and that candidates come by their probability, as of DARTS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeFloat, PositiveFloat
from graphlab.nas.oneshot.strategy import BatchLoss
from graphlab.nas.oneshot.supernets import Mixture
from graphlab.nas.oneshot.training import Loss, SupernetTraining
from graphlab.nas.strategies.darts import DARTS, MixtureConfig, move


class Config(MixtureConfig):
    """weight  lambda, of the training loss
    pull    beta, of the distance between the two copies of the weights
    """

    weight: PositiveFloat = 1.0
    pull: Annotated[NonNegativeFloat, Field(le=1e6)] = 1.0


class RARTS(DARTS):
    """The likeliest architectures of a mixture that was learned with two copies of the weights."""

    Config = Config
    citation = Citation(
        key="xue2020",
        kind="article",
        title="RARTS: An Efficient First-Order Relaxed Architecture Search Method",
        authors="Xue, Fanghui and Qi, Yingyong and Xin, Jack",
        venue="arXiv",
        year=2020,
        url="https://arxiv.org/abs/2008.03901",
    )

    def learn(self, training: SupernetTraining, name: str = "supernet") -> dict[str, Tensor]:
        twin = training.untrained()
        logits = self.start(training)
        optimizer = self.mixture_optimizer(logits)
        resting = self.config.warm_up * training.epochs

        def epoch(number: int) -> None:
            for (on_train, _), (_, on_held_out) in zip(training.losses(number), twin.losses(number), strict=True):
                mixture = self.settled(logits)
                training.descend(self._pulled(on_train, self.config.weight, training.weights, twin.weights), mixture)
                twin.descend(self._pulled(on_held_out, 1.0, twin.weights, training.weights), mixture)
                if number > resting:
                    gradients = mixture_gradient(
                        list(logits.values()),
                        lambda loss=on_train: loss(self.mixture(logits)),
                        lambda loss=on_held_out: loss(self.mixture(logits)),
                        self.config.weight,
                    )
                    move(logits, gradients, optimizer)
            twin.end_epoch()

        states = {"logits": logits, "optimizer": optimizer, "twin": twin.learner, "twin engine": twin.engine}
        training.run(epoch, states, name)
        return self.settled(logits)

    def _pulled(self, loss: Loss, weight: float, moved: Sequence[Tensor], other: Sequence[Tensor]) -> Loss:
        """A loss of weights that are pulled to the other copy."""

        def pulled(mixture: Mixture) -> Tensor:
            return weight * loss(mixture) + distance(moved, other, self.config.pull)

        return pulled


def distance(moved: Sequence[Tensor], other: Sequence[Tensor], pull: float) -> Tensor:
    """beta / 2 |y - w|^2, with a gradient for the first of the two alone."""
    squares = [(weight - fixed.detach()).square().sum() for weight, fixed in zip(moved, other, strict=True)]
    return pull / 2 * torch.stack(squares).sum()


def mixture_gradient(
    logits: Sequence[Tensor], training: BatchLoss, validation: BatchLoss, weight: float
) -> list[Tensor]:
    """d_a L_val(y, a) + lambda d_a L_train(w, a), the losses being at y and at w."""
    return list(torch.autograd.grad(validation() + weight * training(), logits, materialize_grads=True))
