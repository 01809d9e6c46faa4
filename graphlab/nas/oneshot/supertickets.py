"""SuperTickets: an architecture and the mask of its weights, found together while a supernet is trained.

At the beginning of each epoch the options of the smallest mixture weights leave every decision, and the smallest
weights leave those that the remaining options read, as the schedules say. In the end one option of each decision is
left, and its weights have the sparsity: a ticket, straight from the supernet, which is trained on until the last epoch.

References:
    You et al., SuperTickets: Drawing Task-Agnostic Lottery Tickets from Supernets via Jointly Architecture Searching
    and Parameter Pruning, ECCV 2022. They search by the scales of batch norms, which the supernets here do not have; a
    mixture learned as DARTS does, and both schedules, are ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphlab.core.errors import IncompatibleError
from graphlab.model.pruned_weights import MaskedWeight, PrunedWeight, keep, mask_weights, pruned_weights
from graphlab.model.transform import weights
from graphlab.nas.core.space import Architecture
from graphlab.nas.oneshot.strategy import first_order
from graphlab.nas.oneshot.supernets import Mixture, path
from graphlab.nas.oneshot.training import Loss, SupernetTraining
from graphlab.pruning.masks import kept_numbers
from graphlab.pruning.schedule import cubic_sparsity, progress_between
from graphlab.pruning.scores import magnitude_scores

BEGIN, END = 0.1, 0.7
"""Of both schedules, as shares of the epochs."""

ABSENT = -1e9
"""The logit of an option that has left: its weight is zero exactly."""

SPACES = ("nas-bench-graph",)
"""Those whose supernets read each weight as a whole, so that a mask fits it."""


@dataclass(frozen=True)
class SuperTicket:
    """A network within a supernet.

    Attributes:
        choices: What each decision has come to, as the supernet places its operators.
        architecture: The same in the space's own spelling.
        masks: Of the weights that the network reads, bool, by their paths in the learner of the supernet.
        validation: The metric of the task on validation, with the weights of the supernet.
    """

    choices: Architecture
    architecture: Architecture
    masks: Mapping[str, Tensor]
    validation: float

    @property
    def sparsity(self) -> float:
        """The share of the network's weights that are pruned."""
        numbers = sum(mask.numel() for mask in self.masks.values())
        return 1 - sum(int(mask.sum()) for mask in self.masks.values()) / max(1, numbers)


def draw_super_ticket(training: SupernetTraining, sparsity: float, lr: float = 0.02) -> SuperTicket:
    """Train a supernet, and draw the network and the mask that it comes to.

    Goes on where an earlier process stopped, as `SupernetTraining.run` does.

    Args:
        training: Of an untrained supernet, which has no masks yet; it is left with them, at the network's path.
        sparsity: Share of the network's weights that are zero at the least: layers that lost more of them while other
            options were there do not get them back.
        lr: Of the mixture, by Adam.

    Raises:
        IncompatibleError: The supernet reads weights in parts.
        InputError: The sparsity is not in [0, 1].
        DivergenceError: A loss is not finite.
    """
    if training.space.name not in SPACES:
        raise IncompatibleError(
            f"the supernet of {training.space.name} reads weights in parts, which masks of whole weights do not fit",
            hint=f"search {' or '.join(SPACES)}",
        )
    masked = mask_weights(list(weights(training.learner)))
    logits = nn.ParameterDict(
        {decision.name: torch.zeros(len(decision.options)) for decision in training.space.decisions}
    )
    optimizer = torch.optim.Adam(logits.parameters(), lr=lr, betas=(0.5, 0.999))

    def epoch(number: int) -> None:
        progress = progress_between(number, training.epochs, BEGIN, END)
        remove_options(logits, progress)
        for step, (on_train, on_held_out) in enumerate(training.losses(number)):
            if step == 0:
                _prune(masked, on_train, mixture_of(logits), cubic_sparsity(progress, sparsity))
            _step(logits, optimizer, on_held_out)
            training.descend(on_train, mixture_of(logits))

    training.run(epoch, {"logits": logits, "optimizer": optimizer}, "superticket")
    return _drawn(training, masked, logits)


def remove_options(logits: nn.ParameterDict, progress: float) -> None:
    """Leave each decision its options of the largest logits: k (1 - progress) of k, rounded up, and one at least."""
    for each in logits.values():
        left = max(1, math.ceil(len(each) * (1 - progress) - 1e-9))
        order = each.detach().argsort(descending=True, stable=True)
        each.data[order[left:]] = ABSENT


def mixture_of(logits: nn.ParameterDict) -> dict[str, Tensor]:
    """The mixture as numbers; that of an option that has left is zero."""
    return {name: each.detach().softmax(0) for name, each in logits.items()}


def weights_read(masked: Sequence[MaskedWeight], loss: Loss, mixture: Mixture) -> list[MaskedWeight]:
    """The weights that a loss depends on under a mixture."""
    gradients = torch.autograd.grad(loss(mixture), [each.parameter for each in masked], allow_unused=True)
    return [each for each, gradient in zip(masked, gradients, strict=True) if gradient is not None]


def _prune(masked: Sequence[MaskedWeight], loss: Loss, mixture: Mixture, sparsity: float) -> None:
    read = weights_read(masked, loss, mixture)
    numbers = sum(each.parameter.numel() for each in read)
    keep(read, lambda each: magnitude_scores(each.parameter), kept_numbers(numbers, sparsity))


def _step(logits: nn.ParameterDict, optimizer: torch.optim.Optimizer, held_out: Loss) -> None:
    """A step of the mixture down the held-out loss; options that have left stay away."""
    there = list(logits.values())
    gradients = first_order(there, lambda: held_out({name: each.softmax(0) for name, each in logits.items()}))
    for each, gradient in zip(there, gradients, strict=True):
        each.grad = gradient
    absent = [each.detach() <= ABSENT / 2 for each in there]
    optimizer.step()
    for each, mask in zip(there, absent, strict=True):
        each.data[mask] = ABSENT


def _drawn(training: SupernetTraining, masked: Sequence[MaskedWeight], logits: nn.ParameterDict) -> SuperTicket:
    decisions = training.space.decisions
    choices = {each.name: each.options[int(logits[each.name].argmax())] for each in decisions}
    mixture = path(training.space, choices)
    on_train, _ = next(iter(training.losses(training.epochs)))
    read: set[PrunedWeight] = {each.mask for each in weights_read(masked, on_train, mixture)}
    masks = {name: mask.mask.clone() for name, mask in pruned_weights(training.learner) if mask in read}
    score = training.sign * training.score(mixture)
    return SuperTicket(choices, training.space.canonical(choices), masks, score)
