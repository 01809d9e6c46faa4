"""Metrics of scores that are to tell two classes apart."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.core.shapes import require_shape


def auroc(scores: Tensor, positive: Tensor) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting one half.

    By the Mann-Whitney statistic, in O(n log n). NaN where a score is, or where a class is empty.

    scores   `[n]`, higher is likelier
    positive bool `[n]`

    Raises IncompatibleError where the two do not have the same shape.
    """
    require_shape("scores", scores, tuple(positive.shape), "[pairs], as that of the labels")
    _, level, count = scores.double().unique(return_inverse=True, return_counts=True)
    rank = (count.cumsum(0) - 0.5 * (count - 1).double())[level]
    num_positive, num_negative = int(positive.sum()), int((~positive).sum())
    if scores.isnan().any() or not num_positive or not num_negative:
        return float("nan")
    above = rank[positive].sum().item() - num_positive * (num_positive + 1) / 2
    return above / (num_positive * num_negative)


def average_precision(scores: Tensor, positive: Tensor) -> float:
    """Mean over the positives of the precision at their score: sum_k (R_k - R_{k-1}) P_k over falling thresholds.

    Equal scores share one threshold, so that their order does not count. NaN where a score is, or without positives.

    Raises IncompatibleError where scores and positives do not have the same shape.
    """
    require_shape("scores", scores, tuple(positive.shape), "[pairs], as that of the labels")
    if scores.isnan().any() or not positive.any():
        return float("nan")
    _, level, count = (-scores.double()).unique(return_inverse=True, return_counts=True)
    hits = torch.zeros_like(count).index_add(0, level, positive.long())
    precision = hits.cumsum(0).double() / count.cumsum(0)
    return ((precision * hits).sum() / hits.sum()).item()
