"""What changes the scores and weights of pivotal attention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Options:
    """
    Attributes:
        scale: Of scores.
        mask: Of the scores' shape, `[B, H, n1, ..., nk, p]`, expanded perhaps; None for none.
        cap: Of scores, before the mask; None for none.
        dropout: Of weights.
        seed: Of the draws, which are a function of it and of the place of a block, so that the gradient draws the same.
    """

    scale: float
    mask: Tensor | None
    cap: float | None
    dropout: float
    seed: int

    def drop(self, weights: Tensor, *place: int) -> Tensor:
        """The weights of the block at a place, each as it is, 0 or scaled."""
        return weights * self.draws(weights, *place) if self.dropout else weights

    def draws(self, weights: Tensor, *place: int) -> Tensor:
        """1 / (1 - dropout) for a weight that stays, else 0."""
        seed = np.random.SeedSequence((self.seed, *place)).generate_state(1, np.uint64)
        random = torch.Generator(weights.device).manual_seed(int(seed[0]) >> 1)
        drawn = torch.rand(weights.shape, generator=random, dtype=weights.dtype, device=weights.device)
        stays = (drawn >= self.dropout).to(weights.dtype)
        return stays.div_(1 - self.dropout) if self.dropout < 1 else stays
