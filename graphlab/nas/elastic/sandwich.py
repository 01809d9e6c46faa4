"""Which networks of an elastic space learn in a step, from whom, and which options are open in an epoch.

sandwich    the largest, the smallest and a few random ones. Yu and Huang, ICCV 2019; Yu et al. (BigNAS), ECCV 2020
in place    the largest learns the labels, the others the classes that the largest gives:
            KL(softmax of the largest || softmax of the other), with no gradient for the largest
shrinking   the largest alone at first, then one kind of decision after the other opens, its options from the
            largest down. Cai et al. (Once-for-All), ICLR 2020
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphlab.nas.core.space import Architecture
from graphlab.nas.elastic.space import DEPTH, HEADS, WIDTH, ElasticSpace

Part = Literal["width", "heads", "depth"]

KINDS: Mapping[Part, str] = {"width": WIDTH, "heads": HEADS, "depth": DEPTH}
"""Kinds of decisions, by what shrinks."""

Teaching = Literal["none", "soft", "both"]

RowsAndLoss = Callable[[Architecture], tuple[Tensor, Tensor]]
"""From a network to its loss of the labels, and its logits `[rows, classes]`."""


@dataclass(frozen=True)
class Shrinking:
    """Which options are open, epoch by epoch.

    Attributes:
        order: What opens after the first phase, one after the other; what is not listed is open from the start.
        epochs: Of all phases together, each of which has as many.
    """

    space: ElasticSpace
    order: Sequence[Part]
    epochs: int

    def num_open(self, kind: str, epoch: int) -> int:
        """How many of the largest options of a kind are open in an epoch, from 1."""
        count = len(self.space.kinds[kind][0].options)
        phases = [KINDS[part] for part in self.order if KINDS[part] in self.space.kinds]
        if kind not in phases:
            return count
        progress = epoch * (1 + len(phases)) / self.epochs - 1 - phases.index(kind)
        return 1 + math.ceil((count - 1) * min(1.0, max(0.0, progress)))

    def smallest(self, epoch: int) -> Architecture:
        """The smallest network of the open options."""
        floor = {kind: self._options(kind, epoch)[0] for kind in self.space.kinds}
        hidden = (floor.get(HEADS, self.space.head_counts[0]), floor[WIDTH])
        return self.space.of_hidden([hidden] * (floor[DEPTH] - 1))

    def sample(self, epoch: int, random: np.random.Generator) -> Architecture:
        """A network of open options: each decision is drawn evenly."""
        values: Architecture = {}
        for decision in self.space.decisions:
            if decision.is_made(values):
                options = self._options(decision.kind, epoch)
                values[decision.name] = options[random.integers(len(options))]
        return values

    def _options(self, kind: str, epoch: int) -> tuple[Any, ...]:
        """The open ones, the smallest first."""
        options = self.space.kinds[kind][0].options
        return options[len(options) - self.num_open(kind, epoch) :]


def different(space: ElasticSpace, networks: Sequence[Architecture]) -> list[Architecture]:
    """Each network once, in order."""
    return list({space.key(values): values for values in networks}.values())


def step_loss(
    networks: Sequence[Architecture], largest: Architecture, forward: RowsAndLoss, teaching: Teaching
) -> Tensor:
    """The loss of a step: the sum over its networks.

    Args:
        networks: Those that learn.
        teaching: none: all learn the labels. soft: the largest learns them, the others from the largest. both: the
            others learn both.
    """
    if teaching == "none":
        return torch.stack([forward(values)[0] for values in networks]).sum()
    others = [values for values in networks if values != largest]
    if largest in networks:
        loss, rows = forward(largest)
        losses = [loss]
    else:
        with torch.no_grad():
            rows = forward(largest)[1]
        losses = []
    for values in others:
        label_loss, own = forward(values)
        taught = divergence(rows.detach(), own)
        losses.append(taught + label_loss if teaching == "both" else taught)
    return torch.stack(losses).sum()


def divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """KL(softmax(teacher) || softmax(student)), the mean over rows; logits `[rows, classes]`."""
    return F.kl_div(student.log_softmax(1), teacher.log_softmax(1), reduction="batchmean", log_target=True)


@contextmanager
def outputs_of(module: nn.Module) -> Iterator[list[Tensor]]:
    """What a module gives while the context is entered, call by call."""
    rows: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        rows.append(output)

    handle = module.register_forward_hook(keep)
    try:
        yield rows
    finally:
        handle.remove()
