"""Sampling by size of gradient, with weights that leave the expected gradient as it was. Lu et al., CVPR 2023.

Of n options with sizes s, one is drawn with probability

    p = t s / sum s + (1 - t) / n        t from 0, as even draws, to 1

and what it gives counts 1 / (n p): its expectation is the even mean, whatever the sizes. The variance is least where
p is proportional to the norms of the gradients that are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab.nas.core.space import Architecture, Space

RATE = 0.1
"""Share of the newest norm in a running mean."""

MOST_REDRAWN = 1000
"""Draws that are no network, after which one is drawn evenly."""


def probabilities(sizes: Tensor, share: float) -> Tensor:
    """float64 `[n]` of sizes `[n]`, 0 or more, of which at `share` 0 nothing is seen; even where all sizes are 0."""
    sizes = sizes.double()
    even = torch.full_like(sizes, 1 / len(sizes))
    total = sizes.sum()
    return share * sizes / total + (1 - share) * even if total > 0 else even


class PathNorms:
    """Running means of the norms of the gradients of paths, by the option that they take.

    Attributes:
        means: By decision, `[options]`; not a number for an option that no path has taken.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.means = {each.name: torch.full((len(each.options),), torch.nan).double() for each in space.decisions}

    def add(self, values: Mapping[str, Any], norm: float) -> None:
        """Note the gradient's norm of a path."""
        for decision in self.space.decisions:
            means, place = self.means[decision.name], decision.nearest(values[decision.name])
            before = norm if means[place].isnan() else float(means[place])
            means[place] = (1 - RATE) * before + RATE * norm

    def chances(self, share: float) -> dict[str, Tensor]:
        """By decision, the probability of each option; one without a norm has the mean of the others."""
        return {name: probabilities(means.nan_to_num(_mean(means)), share) for name, means in self.means.items()}

    def draw(self, share: float, random: np.random.Generator) -> tuple[Architecture, float]:
        """A path and what its loss counts: the probability of even draws over its own.

        Draws that are no network are repeated, which is in both probabilities and left out of their ratio.
        """
        chances = self.chances(share)
        for _ in range(MOST_REDRAWN):
            values, weight = {}, 1.0
            for decision in self.space.decisions:
                chance = chances[decision.name].numpy()
                place = int(random.choice(len(chance), p=chance / chance.sum()))
                values[decision.name] = decision.options[place]
                weight /= len(chance) * float(chance[place])
            if self.space.is_valid(values):
                return values, weight
        return self.space.sample(random), 1.0

    def state_dict(self) -> dict[str, Tensor]:
        return self.means

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.means = {name: means.cpu() for name, means in state.items()}


def _mean(means: Tensor) -> float:
    return float(means.nanmean().nan_to_num(1.0))


def item_weights(sizes: Tensor, share: float, random: np.random.Generator) -> Tensor:
    """What each item's part of a mean loss counts if as many items are drawn as there are, by their sizes.

    Shapes:
        sizes: `[rows]`, 0 for rows that are no item, which no draw takes.
        Returns `[rows]`, of which each item has expectation 1: draws / (n p).
    """
    items = sizes.nonzero().flatten()
    weights = torch.zeros_like(sizes)
    if len(items):
        chance = probabilities(sizes[items], share)
        drawn = random.multinomial(len(items), (chance / chance.sum()).cpu().numpy())
        weights[items] = (torch.as_tensor(drawn).to(chance) / (len(items) * chance)).to(weights)
    return weights


def with_items_drawn(loss: Tensor, rows: Tensor, share: float, random: np.random.Generator) -> Tensor:
    """A loss of the same value whose gradient is that of items drawn by the norms of their gradients in their rows.

    Of a cross-entropy these norms are |softmax - onehot|, but for a factor that all share.

    Args:
        loss: A scalar, the mean over items of losses of a row each.
        rows: `[rows, outputs]`, that it was computed from.
    """
    (back,) = torch.autograd.grad(loss, [rows], retain_graph=True)
    weights = item_weights(back.flatten(1).norm(dim=1), share, random)
    along = (rows * (back * weights.view(-1, *[1] * (back.dim() - 1))).detach()).sum()
    return loss.detach() + along - along.detach()
