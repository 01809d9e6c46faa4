"""Masks that keep the numbers of the largest scores: exactly as many as a sparsity leaves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from graphlab.core.errors import InputError


def kept_numbers(numbers: int, sparsity: float) -> int:
    """How many of so many numbers a sparsity leaves: (1 - sparsity) of them, rounded to the nearest, ties to even.

    Raises:
        InputError: The sparsity is not in [0, 1].
    """
    if not 0 <= sparsity <= 1:
        raise InputError(f"a sparsity of {sparsity} is no share of zeros", hint="choose one from 0 to 1")
    return round((1 - sparsity) * numbers)


def keep_largest(scores: Sequence[Tensor], kept: int) -> list[Tensor]:
    """Masks of the largest scores over several tensors at once. Of equal scores the first are kept.

    Args:
        scores: Of any shapes.
        kept: How many numbers stay, of all tensors together.

    Returns:
        Masks, bool, of the shapes of the scores.

    Raises:
        InputError: There are fewer numbers than should be kept.
    """
    numbers = sum(each.numel() for each in scores)
    if not 0 <= kept <= numbers:
        raise InputError(f"{kept:,} of {numbers:,} numbers cannot be kept", hint="keep as many as there are at most")
    if not numbers:
        return [torch.zeros_like(each, dtype=torch.bool) for each in scores]
    flat = torch.cat([each.detach().flatten() for each in scores])
    mask = torch.zeros(numbers, dtype=torch.bool, device=flat.device)
    mask[flat.argsort(descending=True, stable=True)[:kept]] = True
    parts = mask.split([each.numel() for each in scores])
    return [part.view(each.shape) for part, each in zip(parts, scores, strict=True)]
