"""Ranks and the metrics made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor

from graphlab.core.shapes import require_shape

Tie = Literal["pessimistic", "optimistic", "mean"]
TIES: tuple[Tie, ...] = get_args(Tie)


def ranks(scores: Tensor, positive: Tensor, excluded: tuple[Tensor, Tensor], tie: Tie) -> tuple[Tensor, Tensor]:
    """Rank of each positive among the candidates that are left, and how many others those are.

    pessimistic  1 + #(score >= positive)
    optimistic   1 + #(score > positive)
    mean         the mean of the two, which is the expectation over random orders of the tied

    Args:
        scores: `[B, N]`, higher is better.
        positive: int64 `[B]`, the column that holds the truth; never its own competitor.
        excluded: (row, column), both int64 `[P]`: what does not compete. A pair is listed once.

    Returns:
        Ranks, float64 `[B]`, NaN where a score is, and numbers of competitors, int64 `[B]`.
    """
    require_shape("positives", positive, (len(scores),), "[queries], one for each row of scores")
    truth = scores.gather(1, positive.unsqueeze(1))
    row, column = excluded
    others = column != positive[row]
    row, known = row[others], scores[row[others], column[others]]

    def less_excluded(count: Tensor, among_excluded: Tensor) -> Tensor:
        return count.index_add(0, row, among_excluded.long(), alpha=-1)

    above = less_excluded(_count(torch.gt, scores, truth), known > truth[row, 0])
    tied = less_excluded(_count(torch.eq, scores, truth) - 1, known == truth[row, 0])
    competitors = less_excluded(torch.full_like(above, scores.size(1) - 1), torch.ones_like(row))
    share = {"pessimistic": 1.0, "optimistic": 0.0, "mean": 0.5}[tie]
    rank = 1.0 + above.double() + share * tied.double()
    # NaN compares false with everything, which would count as a perfect rank.
    return rank.masked_fill(scores.amax(1).isnan(), torch.nan), competitors


def _count(compare: Callable[..., Tensor], scores: Tensor, truth: Tensor) -> Tensor:
    """How many scores of each row compare so, int64 `[B]`: counted in floats, exact to 2^24, as sums of bools take
    twenty times as long."""
    found = compare(scores, truth, out=torch.empty_like(scores, dtype=torch.float32))
    return found.sum(1).long()


def hits_of_sampled(rank: Tensor, competitors: Tensor, *, k: int, sampled: int) -> Tensor:
    """Probability that fewer than k of `sampled` competitors, drawn with replacement, rank above the truth.

    sum_{i<k} C(n, i) p^i (1 - p)^(n - i) with n = `sampled` and p = (rank - 1) / competitors: the analytic
    hits@k of GraIL's inductive protocol (Teru et al., ICML 2020).

    Two values of n go by the name hits@10_50 in other programs. TorchDrug, with which NBFNet's published numbers were
    made, draws n = 50: `hits@10_50` here. NBFNet-PyG and ULTRA count the truth among the 50, and draw n = 49:
    `hits@10_49` here.
    """
    p = (rank - 1) / competitors.clamp(min=1)
    terms = [math.comb(sampled, i) * p**i * (1 - p) ** (sampled - i) for i in range(k)]
    return torch.stack(terms).sum(0)


def ranked_metric(name: str, rank: Tensor) -> float:
    """The mean over ranks of "mrr", the reciprocal, or of "hits@k", whether it is k at most; NaN where a rank is."""
    if name == "mrr":
        return (1 / rank).mean().item()
    is_hit = (rank <= int(name.removeprefix("hits@"))).double()
    return is_hit.masked_fill(rank.isnan(), math.nan).mean().item()


def shared_hits(positive: Tensor, negative: Tensor, k: int) -> float:
    """The share of positives whose score is above the k-th largest of negatives that all share, as in the Open Graph
    Benchmark (Hu et al., NeurIPS 2020); 1 where there are fewer negatives than k, NaN where a score is."""
    if positive.isnan().any() or negative.isnan().any():
        return math.nan
    if len(negative) < k:
        return 1.0 if len(positive) else math.nan
    return (positive > negative.topk(k).values[-1]).double().mean().item()


RANKING_METRICS = ("mrr", "mr", "hits@1", "hits@3", "hits@10", "hits@10_50", "hits@10_49")


def ranking_metrics(rank: Tensor, competitors: Tensor) -> dict[str, float]:
    """Means over queries: reciprocal rank, rank, hits@1, 3, 10, and hits@10 of 50 and of 49 sampled competitors; see
    `hits_of_sampled` for which program reports which."""
    values = {
        "mrr": 1 / rank,
        "mr": rank,
        **{f"hits@{k}": (rank <= k).double() for k in (1, 3, 10)},
        **{f"hits@10_{n}": hits_of_sampled(rank, competitors, k=10, sampled=n) for n in (50, 49)},
    }
    return {name: value.mean().item() for name, value in values.items()}
