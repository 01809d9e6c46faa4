"""The loss of each type of probe, as in CLRS-30.

    value                  squared error
    mask                   binary cross entropy of a logit
    mask-one               cross entropy over nodes, one for each instance
    class                  cross entropy over classes
    pointer                cross entropy over nodes
    permutation            cross entropy over nodes of the rows of a doubly stochastic matrix, and of the first node

Entries that are `MASKED` in the truth and entries of padding are left out.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from graphlab.algorithms.algorithm import MASKED, Probe
from graphlab.model.algorithmic.decoders import Order
from graphlab.model.algorithmic.instances import valid


def entries(probe: Probe, predicted: Tensor | Order, truth: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of each entry of a probe, and whether the entry counts.

    Args:
        probe: Whose values they are.
        predicted: As `Decoder` gives it.
        truth: As `Instances` has it.
        there: Whether a place has a node, bool `[B, n]`.

    Shapes:
        both: `[B]` for mask-one, else `[B, n]`, `[B, n, n]` or `[B]`, by location
    """
    kept = valid(probe, there)
    if isinstance(predicted, Order):
        return _order(predicted, truth, kept)
    match probe.type:
        case "value":
            return (predicted - truth) ** 2, kept
        case "mask":
            target = truth.clamp(min=0).to(predicted.dtype)
            loss = F.binary_cross_entropy_with_logits(predicted, target, reduction="none")
            return loss, kept & (truth != MASKED)
        case "mask-one":
            positive = (truth == 1) & kept
            return -predicted.log_softmax(-1).masked_fill(~positive, 0).sum(-1), positive.any(-1)
        case _:
            return _cross_entropy(predicted, truth), kept & (truth != MASKED)


def _cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
    return -logits.log_softmax(-1).gather(-1, truth.clamp(min=0).unsqueeze(-1)).squeeze(-1)


def _order(predicted: Order, truth: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Predecessors are a permutation once the first node points at the last, see `metrics.cyclic`.

    The loss of the first node is spread over the nodes of its instance, so that the mean over instances of one size is
    the sum of both means.
    """
    nodes = torch.arange(truth.shape[-1], device=truth.device)
    first = (truth == nodes) & kept
    pointed = F.one_hot(truth, truth.shape[-1]).masked_fill((first | ~kept).unsqueeze(-1), 0).any(-2)
    last = (kept & ~pointed).int().argmax(-1, keepdim=True)
    loss = -predicted.log_matrix.gather(-1, torch.where(first, last, truth).unsqueeze(-1)).squeeze(-1)
    of_first = -predicted.first.log_softmax(-1).masked_fill(~first, 0).sum(-1, keepdim=True)
    return loss + of_first, kept


def mean(loss: Tensor, kept: Tensor) -> Tensor:
    """Over the entries that count; 0 if there are none."""
    return torch.where(kept, loss, 0).sum() / kept.sum().clamp(min=1)
