"""Scores of weights, of which the smallest are pruned over all layers at once."""

from __future__ import annotations

import torch
from torch import Tensor


def magnitude_scores(weight: Tensor) -> Tensor:
    """|w|, float64, of the shape of the weight. Han et al., NeurIPS 2015."""
    return weight.detach().abs().double()


def lamp_scores(weight: Tensor) -> Tensor:
    """Layer-adaptive magnitude: w_u^2 over the sum of w_v^2 of the weights of its tensor that are not smaller.

    Of equal magnitudes the first counts as the larger, so that the largest weight of a tensor has a score of 1 and no
    tensor loses all of its weights before the others.

    Args:
        weight: Of any shape.

    Returns:
        Scores in [0, 1], float64, of the same shape; of a tensor of zeros they are zero.

    References:
        Lee, Park, Mo, Ahn and Shin, Layer-Adaptive Sparsity for the Magnitude-Based Pruning, ICLR 2021, eq. 5.
    """
    squares = weight.detach().double().flatten().square()
    order = squares.argsort(descending=True, stable=True)
    descending = squares[order]
    sums = descending.cumsum(0)
    scores = torch.empty_like(squares)
    scores[order] = torch.where(sums > 0, descending / sums.clamp(min=torch.finfo(sums.dtype).tiny), 0.0)
    return scores.view(weight.shape)
