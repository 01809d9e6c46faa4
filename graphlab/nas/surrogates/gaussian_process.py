"""Gaussian process regression that grows by single observations. Rasmussen and Williams 2006, algorithm 2.1.

The prior covariance of two points is s^2 (exp(-d^2 / 2 l^2) + p.q), where d is the distance of all features but the
last few and p.q the product of those; an observation adds noise of variance s^2 r. s^2 has its most likely value in
closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

LENGTHS = (0.5, 0.7, 1.0, 1.4, 2.0)
NOISES = (0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Prior:
    """length  l, in the units of the features
    noise   r, the variance of an observation beside that of the function
    linear  how many of the features, the last, have a linear effect
    """

    length: float = 1.0
    noise: float = 0.1
    linear: int = 0

    def covariance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """`[len(a), len(b)]`, over s^2."""
        split = a.shape[1] - self.linear
        x, y = a[:, :split], b[:, :split]
        squared = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * (x @ y.T)
        covariance = np.exp(np.maximum(squared, 0.0) / np.float32(-2 * self.length**2)).astype(np.float64)
        return covariance + a[:, split:] @ b[:, split:].T if self.linear else covariance

    def variance(self, points: np.ndarray) -> np.ndarray:
        """`[len(points)]`, over s^2."""
        return 1.0 + (points[:, points.shape[1] - self.linear :] ** 2).sum(1)


class GaussianProcess:
    """Observations `[n, d]`, and what they say about `watched` points `[m, d]`.

    An observation costs n^2 + n m; a posterior n^2 + n m too.
    """

    def __init__(self, prior: Prior, observed: np.ndarray, watched: np.ndarray) -> None:
        self.prior, self.watched = prior, watched
        self.observed = observed
        covariance = prior.covariance(observed, observed)
        covariance[np.diag_indices_from(covariance)] += prior.noise
        self._size = len(observed)
        self._factor = np.zeros((2 * self._size, 2 * self._size))
        self._factor[: self._size, : self._size] = np.linalg.cholesky(covariance)
        self._halves = np.zeros((2 * self._size, len(watched)))
        self._halves[: self._size] = self._solve(prior.covariance(observed, watched))
        self._left = prior.variance(watched) - (self._halves**2).sum(0)

    def observe(self, point: np.ndarray) -> None:
        """One more observation, `[d]`."""
        if self._size == len(self._factor):
            grow = self._size
            self._factor = np.pad(self._factor, (0, grow))
            self._halves = np.pad(self._halves, ((0, grow), (0, 0)))
        size, row = self._size, point[None]
        above = self._solve(self.prior.covariance(self.observed, row))[:, 0]
        corner = np.sqrt(self.prior.variance(row)[0] + self.prior.noise - above @ above)
        self._factor[size, :size], self._factor[size, size] = above, corner
        half = (self.prior.covariance(row, self.watched)[0] - above @ self._halves[:size]) / corner
        self._halves[size] = half
        self._left -= half**2
        self.observed = np.concatenate([self.observed, row])
        self._size += 1

    def posterior(self, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation at the watched points, `[m]`; targets `[n]` around 0."""
        whitened = self._solve(targets)
        scale = self._scale(whitened)
        return whitened @ self._halves[: self._size], scale * _root(self._left)

    def posterior_at(self, targets: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same at other points `[k, d]`."""
        whitened = self._solve(targets)
        halves = self._solve(self.prior.covariance(self.observed, points))
        left = self.prior.variance(points) - (halves**2).sum(0)
        return whitened @ halves, self._scale(whitened) * _root(left)

    def _solve(self, right: np.ndarray) -> np.ndarray:
        return solve_triangular(self._factor[: self._size, : self._size], right, lower=True, check_finite=False)

    @staticmethod
    def _scale(whitened: np.ndarray) -> float:
        return float(np.sqrt(whitened @ whitened / len(whitened)))


def _root(variance: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(variance, 1e-12))


def most_likely(observed: np.ndarray, targets: np.ndarray, linear: int = 0) -> Prior:
    """The prior of a grid of length scales and noises with the highest marginal likelihood, s^2 at its best; the
    default for targets that are all 0, which every prior explains alike."""
    if not targets.any():
        return Prior(linear=linear)
    best, found = -np.inf, Prior(linear=linear)
    for length in LENGTHS:
        values, vectors = np.linalg.eigh(Prior(length, linear=linear).covariance(observed, observed))
        rotated = (vectors.T @ targets) ** 2
        for noise in NOISES:
            spread = np.maximum(values, 0.0) + noise
            likelihood = -len(targets) * np.log((rotated / spread).mean()) - np.log(spread).sum()
            if likelihood > best:
                best, found = likelihood, Prior(length, noise, linear)
    return found
