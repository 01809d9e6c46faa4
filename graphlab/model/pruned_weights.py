"""Weights behind masks: the parametrisations that pruning puts on a learner, and how their masks are set.

A mask is a buffer beside the weight that it belongs to, and so a part of checkpoints. What is pruned once stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from graphlab.model.transform import parametrise
from graphlab.pruning.masks import keep_largest

PRUNED = -1.0
"""The score of a number that is pruned already, below that of all others."""


class PrunedWeight(nn.Module):
    """Maps a weight to itself times its mask.

    Args:
        weight: For its shape. The mask keeps all of it at first.
    """

    mask: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", torch.ones_like(weight, dtype=torch.bool))

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.mask

    @property
    def kept(self) -> int:
        """Numbers that are not pruned."""
        return int(self.mask.sum())


class LearnedMask(PrunedWeight):
    """A mask of numbers in [0, 1] that is trained with the weight, until it is fixed at zeros and ones.

    Attributes:
        score: Parameter of the shape of the weight, clamped to [0, 1]; its gradient passes the clamp unchanged, so that
            a number can leave an end. It is trained without weight decay.
        is_fixed: Whether the mask is that of zeros and ones alone.
    """

    is_fixed: Tensor

    def __init__(self, weight: Tensor, lr_factor: float = 1.0) -> None:
        super().__init__(weight)
        self.lr_factor = lr_factor
        self.score = nn.Parameter(torch.ones_like(weight))
        self.register_buffer("is_fixed", torch.zeros((), dtype=torch.bool))

    @property
    def soft(self) -> Tensor:
        """The mask as it is trained, zero where the weight is pruned."""
        clamped = self.score.detach().clamp(0, 1)
        return (self.score + (clamped - self.score.detach())) * self.mask

    def forward(self, weight: Tensor) -> Tensor:
        return super().forward(weight) if self.is_fixed else weight * self.soft

    @torch.no_grad()
    def fix(self, parameter: Tensor) -> None:
        """Multiply a parameter by the trained mask, once, and let zeros and ones alone be its mask from now on."""
        if not self.is_fixed:
            parameter.mul_(self.soft)
            self.is_fixed.fill_(True)


class FreeMask(LearnedMask):
    """A mask whose numbers are not clamped, ranked by their magnitudes. It multiplies no parameter when it is fixed."""

    @property
    def soft(self) -> Tensor:
        return self.score * self.mask

    def open(self, is_fixed: bool) -> None:
        """Start anew: all that is kept counts as one, and is learned unless the mask is fixed."""
        with torch.no_grad():
            self.score.fill_(1)
        self.is_fixed.fill_(is_fixed)


class MaskedWeight:
    """A parameter and the mask on it. chain: of parametrisations; its `original` is the parameter."""

    def __init__(self, chain: ParametrizationList, mask: PrunedWeight) -> None:
        self.chain, self.mask = chain, mask

    @property
    def parameter(self) -> Tensor:
        original: Any = self.chain.original
        return original


def mask_weights(
    chosen: Sequence[tuple[nn.Module, str, Tensor]], make: Callable[[Tensor], PrunedWeight] = PrunedWeight
) -> tuple[MaskedWeight, ...]:
    """Put a mask on weights, after what else parametrises them. A weight that modules share has one mask.

    Args:
        chosen: The module that a weight belongs to, its name there, the parameter; as `weights` gives them.
        make: From a weight to its mask.

    Returns:
        Each parameter once, with its mask.
    """
    masked: dict[int, MaskedWeight] = {}
    for module, name, parameter in chosen:
        mask = masked[id(parameter)].mask if id(parameter) in masked else make(parameter.detach())
        parametrise(module, name, mask)
        chain: Any = module.get_submodule(f"parametrizations.{name}")
        masked.setdefault(id(parameter), MaskedWeight(chain, mask))
    return tuple(masked.values())


def keep(masked: Sequence[MaskedWeight], score: Callable[[MaskedWeight], Tensor], kept: int) -> None:
    """Prune all but the numbers of the largest scores, of those that are not pruned.

    Args:
        masked: The weights.
        score: Of each number of a weight, not negative, of the weight's shape.
        kept: Numbers that stay. Where no more than these are left, nothing is pruned.
    """
    if kept >= sum(each.mask.kept for each in masked):
        return
    scores = [score(each).where(each.mask.mask, PRUNED) for each in masked]
    for each, mask in zip(masked, keep_largest(scores, kept), strict=True):
        each.mask.mask.copy_(mask)


def pruned_by(chain: nn.Module | None) -> list[PrunedWeight]:
    """The masks among the parametrisations of a weight."""
    return [] if chain is None else [each for each in chain.children() if isinstance(each, PrunedWeight)]


def pruned_weights(learner: nn.Module) -> Iterator[tuple[str, PrunedWeight]]:
    """The masks on weights of a learner, with the path of the weight that each is on, as `model.convs.0.lin.weight`."""
    for path, module in learner.named_modules(remove_duplicate=False):
        parts = path.split(".")
        if isinstance(module, PrunedWeight) and "parametrizations" in parts:
            yield ".".join([*parts[: parts.index("parametrizations")], parts[-2]]), module
