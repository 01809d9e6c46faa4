"""Lottery tickets: a network is trained, its smallest weights are pruned, and the rest goes back to an early epoch.

A round is a run. The first has a `sparsity` of 0; each later one names the run before it as `training.start` and has a
higher sparsity. It prunes the weights that the run before has selected, by their magnitudes over all layers, and then
trains what is left from where the first round was after `rewind_epoch` epochs. `restart=random` keeps the mask alone,
and trains the weights that the run's own seed draws, which is the control.

References:
    Frankle and Carbin, The Lottery Ticket Hypothesis: Finding Sparse, Trainable Neural Networks, ICLR 2019.
    Frankle, Dziugaite, Roy and Carbin, Linear Mode Connectivity and the Lottery Ticket Hypothesis, ICML 2020, for the
    early epoch. That selected weights are pruned, and not those of the last epoch, is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from graphlab.core.config import FloatRange, NonNegativeInt, Probability
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.data.spec import DataSpec
from graphlab.model.pruned_weights import MaskedWeight, keep, mask_weights
from graphlab.model.rewinding import Rewinding
from graphlab.model.transform import LearnerTransform, Scheduled, TransformConfig, weights
from graphlab.pruning.masks import kept_numbers
from graphlab.pruning.scores import magnitude_scores


class Config(TransformConfig):
    """sparsity      share of the weights that are zero in this round; 0 in the first
    rewind_epoch  epochs of the first round after which its weights are those that later rounds start from
    restart       later rounds start from those weights (rewind) or from weights of their own seed (random)
    """

    sparsity: Annotated[Probability, FloatRange(0.0, 0.98)] = 0.0
    rewind_epoch: NonNegativeInt = 0
    restart: Literal["rewind", "random"] = "rewind"


class DrawTicket(LearnerTransform):
    """Puts a mask on each weight, and keeps what the learner was early in the first round."""

    Config = Config

    def apply(self, learner: nn.Module, spec: DataSpec) -> None:
        chosen = list(weights(learner))
        if not chosen:
            raise IncompatibleError("a ticket has weights, and this model none", hint="choose a model with parameters")
        tensors = [*learner.parameters(), *learner.buffers()]
        learner.add_module("ticket", Ticket(mask_weights(chosen), Rewinding(tensors), self.config))


class Ticket(Scheduled):
    """Prunes and goes back at the beginning of a round.

    Args:
        masked: The weights. They stay parts of the modules that they are in.
        rewinding: Of the learner.
        config: Of the transform.

    Attributes:
        rounds: How many have begun.
    """

    rounds: Tensor
    config: Config

    def __init__(self, masked: Sequence[MaskedWeight], rewinding: Rewinding, config: Config) -> None:
        super().__init__()
        self.config = config
        self._masked, self.rewinding = tuple(masked), rewinding
        self.register_buffer("rounds", torch.zeros((), dtype=torch.int64))

    @property
    def is_settled(self) -> bool:
        return bool(self.rewinding.is_kept)

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        if epoch <= 1:
            self._begin_round(epochs)
        if not self.rewinding.is_kept and epoch > self.config.rewind_epoch:
            self.rewinding.keep()

    def _begin_round(self, epochs: int) -> None:
        if self.rounds:
            self.prune()
            self._restart()
        elif self.config.sparsity:
            raise InputError(
                f"a sparsity of {self.config.sparsity} is reached from a trained run, and this is the first round",
                hint="run it with transform.sparsity=0, and name that run as training.start",
            )
        elif epochs <= self.config.rewind_epoch:
            raise InputError(
                f"a training of {epochs} epochs has no epoch {self.config.rewind_epoch + 1}, from which rounds start",
                hint="set transform.rewind_epoch below training.epochs",
            )
        self.rounds += 1

    def prune(self) -> None:
        """Prune the smallest weights, to the sparsity of the round."""
        numbers = sum(each.parameter.numel() for each in self._masked)
        keep(self._masked, lambda each: magnitude_scores(each.parameter), kept_numbers(numbers, self.config.sparsity))

    def _restart(self) -> None:
        if self.config.restart == "rewind":
            self.rewinding.rewind()
        else:
            self.rewinding.redraw()
