"""Scores of many pairs of nodes, a block of pairs at a time, where there is no cheaper form than pair by pair."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

MAX_NUMBERS = 2**22
"""Numbers in the rows of the pairs of a block; 16 MiB in float32."""


def scores_in_blocks(
    score: Callable[[Tensor], Tensor], sources: Tensor, candidates: Tensor | None, num_nodes: int, width: int
) -> Tensor:
    """Scores of candidates for each source, by a function that scores pairs.

    Args:
        score: Of pairs int64 `[P, 2]` to `[P]`.
        sources: int64 `[B]`.
        candidates: int64 `[B, K]`; None for all nodes.
        num_nodes: Number of nodes.
        width: Numbers that a pair takes, which decide how many are scored at once.

    Returns:
        `[B, K]`, or `[B, num_nodes]` for all nodes.
    """
    if candidates is None:
        candidates = torch.arange(num_nodes, device=sources.device).expand(len(sources), -1)
    pairs = torch.stack([sources.unsqueeze(1).expand_as(candidates), candidates], dim=-1).flatten(0, 1)
    return torch.cat([score(few) for few in pairs.split(max(1, MAX_NUMBERS // width))]).view(candidates.shape)
