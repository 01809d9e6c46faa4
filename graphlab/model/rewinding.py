"""What a learner was early in training, kept beside it, so that a later training can go back to it.

References:
    Frankle and Carbin, The Lottery Ticket Hypothesis: Finding Sparse, Trainable Neural Networks, ICLR 2019.
    Frankle, Dziugaite, Roy and Carbin, Linear Mode Connectivity and the Lottery Ticket Hypothesis, ICML 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Rewinding(nn.Module):
    """Numbers of an early epoch, which are a part of checkpoints, and those that this learner was built with.

    Args:
        tensors: Gives the parameters and buffers of a learner. They stay parts of it.
    """

    is_kept: Tensor

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        super().__init__()
        self._tensors = tuple(tensors)
        self.register_buffer("is_kept", torch.zeros((), dtype=torch.bool))
        for number, tensor in enumerate(self._tensors):
            self.register_buffer(f"early_{number}", tensor.detach().clone())
            self.register_buffer(f"drawn_{number}", tensor.detach().clone(), persistent=False)

    @torch.no_grad()
    def keep(self) -> None:
        """Keep the learner as it is now."""
        for early, tensor in zip(self._copies("early"), self._tensors, strict=True):
            early.copy_(tensor)
        self.is_kept.fill_(True)

    @torch.no_grad()
    def rewind(self) -> None:
        """Have the learner be what was kept."""
        for early, tensor in zip(self._copies("early"), self._tensors, strict=True):
            tensor.copy_(early)

    @torch.no_grad()
    def redraw(self) -> None:
        """Have the learner be what it was built with, before any weights were loaded."""
        for drawn, tensor in zip(self._copies("drawn"), self._tensors, strict=True):
            tensor.copy_(drawn)

    def _copies(self, name: str) -> list[Any]:
        return [getattr(self, f"{name}_{number}") for number in range(len(self._tensors))]
