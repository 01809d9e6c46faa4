"""Pivotal attention with all scores laid out, for tuples of any length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from string import ascii_lowercase

import torch
import torch.nn.functional as F
from torch import Tensor

MASKED = -1e9
"""The score of a pivot that is masked, as in the published package: a row of nothing else is a plain mean."""


def reference(
    query: Tensor,
    keys: Sequence[Tensor],
    values: Sequence[Tensor],
    mask: Tensor | None = None,
    cap: float | None = None,
    scale: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """As `pivotal_attention`, in memory of all scores."""
    scale = default_scale(query, keys) if scale is None else scale
    return attend(query, keys, values, mask, cap, scale, lambda weights: F.dropout(weights, dropout))


def attend(
    query: Tensor,
    keys: Sequence[Tensor],
    values: Sequence[Tensor],
    mask: Tensor | None,
    cap: float | None,
    scale: float,
    drop: Callable[[Tensor], Tensor],
) -> Tensor:
    """The same with a dropout of weights that is given by a function."""
    query = query * scale
    scores = _sum(
        torch.einsum(f"{tuples}d,{pivot}d->{tuples}p", query, key)
        for (tuples, pivot), key in zip(_axes(len(keys)), keys, strict=True)
    )
    weights = drop(probabilities(scores, mask, cap))
    return _sum(
        torch.einsum(f"{tuples}p,{pivot}d->{tuples}d", weights, value)
        for (tuples, pivot), value in zip(_axes(len(keys)), values, strict=True)
    )


def default_scale(query: Tensor, keys: Sequence[Tensor]) -> float:
    """1 / sqrt(k d)."""
    return (len(keys) * query.size(-1)) ** -0.5


def masked_score(dtype: torch.dtype) -> float:
    """MASKED, or the least number of a dtype that does not reach so far."""
    return max(MASKED, torch.finfo(dtype).min)


def probabilities(scores: Tensor, mask: Tensor | None, cap: float | None) -> Tensor:
    """The softmax over the last axis of scores that are capped first, then masked."""
    if cap is not None:
        scores = cap * torch.tanh(scores / cap)
    if mask is not None:
        scores = scores.masked_fill(mask, masked_score(scores.dtype)) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1)


@cache
def _axes(k: int) -> tuple[tuple[str, str], ...]:
    """The axes of tuples, and of those in which the pivot p has a place, the first place first."""
    names = [name for name in ascii_lowercase if name not in "dp"][: 2 + k]
    return tuple(("".join(names), "".join([*names[:m], "p", *names[m + 1 :]])) for m in range(2, 2 + k))


def _sum(terms: Iterator[Tensor]) -> Tensor:
    """The sum of products, from the last to the first: that of the last place has its numbers in order, and a softmax
    would copy others. Not in place, which is slower: a sum in new memory takes the order of its first term."""
    *rest, total = terms
    for term in reversed(rest):
        total = total + term
    return total
