"""Weights that networks begin with."""

from __future__ import annotations

from torch import nn


def draw_zeros(module: nn.Module) -> None:
    """Draws the maps of a network that start at zero, behind which nothing is seen of what comes before them, from
    Xavier's uniform distribution (Glorot and Bengio, AISTATS 2010) and torch's global generator."""
    for weight in module.parameters():
        if weight.dim() > 1 and not weight.any():
            nn.init.xavier_uniform_(weight)
