"""What is to be expected of architectures that were evaluated a few times each: means drawn towards their neighbours'.

The scores y_i of an architecture, with mean ybar_i over n_i seeds, are taken for

    y = m + f(x_i) + e_i + noise,   f a Gaussian process of variance a and length l on `Space.encode`,
                                    e_i of variance b the architecture's own, noise of variance s between seeds.

s is pooled over the architectures that have several scores; a, b and l are the most likely of a grid. The estimate is
the posterior mean of m + f + e: the fewer seeds, the more it follows the neighbours. Rasmussen and Williams 2006,
section 2.2, with noise that is known for each observation.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from graphlab.nas.core.estimate import LEAST_SHARE, seed_variance, shrunk_means
from graphlab.nas.core.space import Space
from graphlab.nas.surrogates.gaussian_process import LENGTHS, Prior
from graphlab.nas.surrogates.points import points_of

OWN_SHARES = (0.1, 0.3, 0.6, 1.0)
"""Of the variance between architectures, what is their own."""

SIZES = (0.5, 1.0, 2.0)
"""Times the variance between architectures that the scores show."""

FEWEST = 8
"""Architectures below which neighbours say nothing; then the mean of all takes their place."""


def shrunk_to_neighbours(
    space: Space, architectures: Sequence[Mapping[str, Any]], scores: Sequence[Sequence[float]]
) -> list[float]:
    """An estimate of the mean score of each architecture over all seeds.

    Args:
        space: Of the architectures.
        architectures: Different ones.
        scores: Those of each, one at least, more is better.

    Returns:
        An estimate for each; the means as they are where no architecture has two scores, so that noise is not known.
    """
    within = seed_variance(scores)
    if not within or len(scores) < FEWEST:
        return shrunk_means(scores)
    means = np.array([statistics.fmean(own) for own in scores])
    noise = within / np.array([len(own) for own in scores], np.float64)
    between = max(float(means.var(ddof=1) - noise.mean()), LEAST_SHARE * within)
    points = points_of(space)(architectures)
    best, estimate = -np.inf, means
    for length in LENGTHS:
        smooth = Prior(length).covariance(points, points)
        for own, size in itertools.product(OWN_SHARES, SIZES):
            signal = size * between * ((1 - own) * smooth + own * np.eye(len(means)))
            likelihood, posterior = _fit(signal, noise, means)
            if likelihood > best:
                best, estimate = likelihood, posterior
    return estimate.tolist()


def _fit(signal: np.ndarray, noise: np.ndarray, means: np.ndarray) -> tuple[float, np.ndarray]:
    """The log likelihood of the means, but for a constant, and the posterior mean; m at its most likely."""
    factor = cho_factor(signal + np.diag(noise), lower=True)
    ones = np.ones(len(means))
    weights = cho_solve(factor, ones)
    centre = float(weights @ means) / float(weights @ ones)
    solved = cho_solve(factor, means - centre)
    log_determinant = 2 * float(np.log(np.diag(factor[0])).sum())
    return -0.5 * (float((means - centre) @ solved) + log_determinant), centre + signal @ solved
