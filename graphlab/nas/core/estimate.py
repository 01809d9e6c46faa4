"""Estimates of means from few noisy values each, and which of two is better."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from scipy.special import stdtr

LEAST_SHARE = 0.05
"""Of the variance between seeds, the least that is taken to lie between architectures, so that an order is left."""


def squares(values: Sequence[float]) -> float:
    """The sum of squared distances from the mean."""
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values)


def seed_variance(scores: Sequence[Sequence[float]]) -> float | None:
    """The variance between seeds of one architecture, pooled over all of them; None where no one has two."""
    freedom = sum(len(own) - 1 for own in scores if own)
    if not freedom:
        return None
    return math.fsum(squares(own) for own in scores if len(own) > 1) / freedom


def shrunk_means(scores: Sequence[Sequence[float]]) -> list[float]:
    """Means of the scores of each architecture, drawn towards the mean of all: the more, the fewer scores there are.

    A mean of n scores keeps the share t / (t + s / n) of its distance, with s the variance between seeds and t that
    between architectures, as far as it is not explained by s. Where no architecture has two scores nothing is known
    of s, and the means are as they are.

    Args:
        scores: Those of each architecture, one at least, more is better.

    Returns:
        An estimate for each.

    References:
        Morris, "Parametric empirical Bayes inference", JASA 1983, equation 1.
    """
    means = [statistics.fmean(own) for own in scores]
    within = seed_variance(scores)
    if not within or len(means) < 2:
        return means
    centre = statistics.fmean(means)
    noise = within * statistics.fmean(1 / len(own) for own in scores)
    between = max(squares(means) / (len(means) - 1) - noise, LEAST_SHARE * within)
    return [
        centre + (mean - centre) * between / (between + within / len(own))
        for mean, own in zip(means, scores, strict=True)
    ]


def is_worse(scores: Mapping[int, float], leading: Mapping[int, float], *, fewest: int, level: float) -> bool:
    """Whether scores are worse than the leading ones by a one-sided paired t test over the seeds that both have.

    Args:
        scores: By seed, more is better.
        leading: Those that they are compared with.
        fewest: Seeds in common below which nothing is said.
        level: Of the test.

    References:
        Birattari et al., "F-Race and iterated F-Race", 2010, with the t test of its t-race.
    """
    common = sorted(scores.keys() & leading.keys())
    if len(common) < fewest or len(common) < 2:
        return False
    gains = [leading[seed] - scores[seed] for seed in common]
    gain, spread = statistics.fmean(gains), math.sqrt(squares(gains) / (len(gains) - 1))
    if gain <= 0:
        return False
    return not spread or float(stdtr(len(gains) - 1, -gain * math.sqrt(len(gains)) / spread)) < level
