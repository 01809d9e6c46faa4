"""Ranks and the metrics made of them."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

Tie = Literal["pessimistic", "optimistic", "mean"]
TIES: tuple[Tie, ...] = get_args(Tie)


def ranks(scores: Tensor, positive: Tensor, excluded: Tensor, tie: Tie) -> tuple[Tensor, Tensor]:
    """Rank of each positive among the candidates that are left, and how many others those are.

    pessimistic  1 + #(score >= positive)
    optimistic   1 + #(score > positive)
    mean         the mean of the two, which is the expectation over random orders of the tied

    Args:
        scores: `[B, N]`, higher is better.
        positive: int64 `[B]`, the column that holds the truth; never its own competitor.
        excluded: bool `[B, N]`, columns that do not compete.

    Returns:
        Ranks, float64 `[B]`, NaN where a score is, and numbers of competitors, int64 `[B]`.
    """
    column = positive.unsqueeze(1)
    competes = (~excluded).scatter(1, column, False)
    truth = scores.gather(1, column)
    above = ((scores > truth) & competes).sum(1)
    tied = ((scores == truth) & competes).sum(1)
    share = {"pessimistic": 1.0, "optimistic": 0.0, "mean": 0.5}[tie]
    rank = 1.0 + above.double() + share * tied.double()
    # NaN compares false with everything, which would count as a perfect rank.
    return rank.masked_fill(scores.isnan().any(1), torch.nan), competes.sum(1)


def hits_of_sampled(rank: Tensor, competitors: Tensor, *, k: int, sampled: int) -> Tensor:
    """Probability that fewer than k of `sampled` competitors, drawn with replacement, rank above the truth.

    sum_{i<k} C(n, i) p^i (1 - p)^(n - i) with n = `sampled` and p = (rank - 1) / competitors: the analytic
    hits@k of GraIL's inductive protocol (Teru et al., ICML 2020) as NBFNet reports it.
    """
    p = (rank - 1) / competitors.clamp(min=1)
    terms = [math.comb(sampled, i) * p**i * (1 - p) ** (sampled - i) for i in range(k)]
    return torch.stack(terms).sum(0)


def ranking_metrics(rank: Tensor, competitors: Tensor) -> dict[str, float]:
    """Means over queries: reciprocal rank, rank, hits@1, 3, 10, and hits@10 of 50 and of 49 sampled competitors."""
    values = {
        "mrr": 1 / rank,
        "mr": rank,
        **{f"hits@{k}": (rank <= k).double() for k in (1, 3, 10)},
        **{f"hits@10_{n}": hits_of_sampled(rank, competitors, k=10, sampled=n) for n in (50, 49)},
    }
    return {name: value.mean().item() for name, value in values.items()}
