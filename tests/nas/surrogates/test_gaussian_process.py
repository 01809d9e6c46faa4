"""The process that grows by single observations, against the textbook's inverse in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.nas.surrogates.gaussian_process import LENGTHS, NOISES, GaussianProcess, Prior, most_likely


def problem(seed: int, observed: int, watched: int = 9, width: int = 6):
    random = np.random.default_rng(seed)
    points = random.standard_normal((observed + watched, width)).astype(np.float32)
    return points[:observed], points[observed:], random.standard_normal(observed)


def reference(prior: Prior, x: np.ndarray, z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rasmussen and Williams, equations 2.25 and 2.26, with s^2 = y' K^-1 y / n."""

    def covariance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        cut = a.shape[1] - prior.linear
        result = np.empty((len(a), len(b)))
        for i, one in enumerate(a.astype(np.float64)):
            for j, other in enumerate(b.astype(np.float64)):
                squared = ((one[:cut] - other[:cut]) ** 2).sum()
                result[i, j] = np.exp(-squared / (2 * prior.length**2)) + one[cut:] @ other[cut:]
        return result

    inverse = np.linalg.inv(covariance(x, x) + prior.noise * np.eye(len(x)))
    across = covariance(x, z)
    variance = np.diag(covariance(z, z) - across.T @ inverse @ across)
    return across.T @ inverse @ y, np.sqrt(y @ inverse @ y / len(y) * variance)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    first=st.integers(2, 8),
    more=st.integers(0, 12),
    length=st.sampled_from(LENGTHS),
    noise=st.sampled_from(NOISES),
    linear=st.integers(0, 3),
)
def test_the_posterior_is_the_textbooks_however_it_grew(seed, first, more, length, noise, linear):
    x, z, y = problem(seed, first + more)
    prior = Prior(length, noise, linear)
    process = GaussianProcess(prior, x[:first], z)
    for point in x[first:]:
        process.observe(point)
    expected = reference(prior, x, z, y)
    np.testing.assert_allclose(process.posterior(y), expected, atol=2e-4)
    np.testing.assert_allclose(process.posterior_at(y, z), expected, atol=2e-4)


def test_the_prior_has_the_highest_marginal_likelihood_of_the_grid():
    x, _, _ = problem(3, 40)
    random = np.random.default_rng(1)
    truth = Prior(1.4, 0.1)
    y = np.linalg.cholesky(truth.covariance(x, x) + 0.1 * np.eye(40)) @ random.standard_normal(40)

    def likelihood(prior: Prior) -> float:
        covariance = prior.covariance(x, x) + prior.noise * np.eye(40)
        scale = y @ np.linalg.solve(covariance, y) / 40
        _, logdet = np.linalg.slogdet(2 * np.pi * scale * covariance)
        return -0.5 * (40 + logdet)

    grid = [Prior(length, noise) for length in LENGTHS for noise in NOISES]
    assert most_likely(x, y) == max(grid, key=likelihood)


def test_what_is_observed_without_much_noise_is_known():
    x, _, y = problem(0, 12)
    mean, deviation = GaussianProcess(Prior(1.0, 1e-6), x, x).posterior(y)
    assert mean == pytest.approx(y, abs=1e-2)
    assert deviation.max() < 1e-2


@pytest.mark.filterwarnings("error")
def test_targets_that_are_all_the_same_say_nothing_of_the_prior():
    x, _, y = problem(0, 12, width=8)
    assert most_likely(x, 0 * y, linear=2) == Prior(linear=2)
