from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.tours import diffusion
from graphlab.tours.decoding import best_of, greedy_decode
from graphlab.tours.instances import draw_points
from graphlab.tours.tour import adjacency_tour, tour_adjacency, tour_length

GRID = torch.linspace(0, 1, 1001, dtype=torch.float64)


def tour_tensor(size: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(tour_adjacency(np.random.default_rng(seed).permutation(size))).float()


def test_the_signal_falls_from_all_to_nothing_symmetrically() -> None:
    share = diffusion.signal_share(GRID)
    assert share[0] == 1 and share[-1] == 0 and (share.diff() < 0).all()
    torch.testing.assert_close(share + share.flip(0), torch.ones_like(share))  # as -4 and 4 are opposite
    low, high = torch.sigmoid(torch.tensor([-4.0, 4.0], dtype=torch.float64))
    expected = (high - torch.sigmoid(torch.tensor(-2.0, dtype=torch.float64))) / (high - low)
    torch.testing.assert_close(diffusion.signal_share(torch.tensor([0.25], dtype=torch.float64))[0], expected)


def test_float32_times_lose_nothing_of_the_schedule() -> None:
    single = diffusion.signal_share(GRID.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), diffusion.signal_share(GRID), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.7, 1.0])
def test_noise_has_the_mean_and_variance_of_the_schedule(t: float) -> None:
    x0 = tour_tensor(6).expand(20_000, 6, 6)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    noisy = diffusion.add_noise(x0, torch.full((len(x0),), t), noise)
    share = float(diffusion.signal_share(torch.tensor(t, dtype=torch.float64)))
    torch.testing.assert_close(noisy.mean(0), share**0.5 * x0[0], atol=0.03, rtol=0)
    torch.testing.assert_close(noisy.var(0), torch.full((6, 6), 1 - share), atol=0.05, rtol=0)


def test_each_row_of_a_batch_has_its_own_time() -> None:
    x0, noise = torch.ones(3, 4, 4), torch.zeros(3, 4, 4)
    t = torch.tensor([0.0, 0.5, 1.0])
    rows = diffusion.add_noise(x0, t, noise)[:, 0, 0]
    torch.testing.assert_close(rows, torch.tensor([1.0, 0.5**0.5, 0.0]))


def test_the_density_of_times_integrates_to_one() -> None:
    assert torch.trapezoid(diffusion.time_density(GRID), GRID) == pytest.approx(1, abs=1e-4)
    ratio = diffusion.time_density(GRID) / diffusion.time_density(torch.zeros(1))
    torch.testing.assert_close(ratio, 1 + 8 * GRID**8)


def test_drawn_times_have_the_density() -> None:
    times = diffusion.draw_times(200_000, torch.Generator().manual_seed(0)).double()
    assert times.min() >= 0 and times.max() <= 1
    for end in (0.2, 0.5, 0.8, 0.9, 0.97):
        assert (times < end).double().mean() == pytest.approx((9 * end + 8 * end**9) / 17, abs=0.005)


def test_the_published_stride_is_fifty_evaluations() -> None:
    times = diffusion.sampling_times()
    assert times[:2] == [1.0, 0.98] and times[-2:] == [0.02, 0.0] and len(times) == 51
    assert diffusion.sampling_times(3, 10) == [1.0, 0.7, 0.4, 0.1, 0.0]
    for stride in (0, 11):
        with pytest.raises(InputError, match="stride"):
            diffusion.sampling_times(stride, 10)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999), st.floats(0, 1))
def test_a_step_leaves_the_noise_of_the_earlier_time(first: float, second: float, eta: float) -> None:
    """With x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e, x_s has mean sqrt(a_s) x_0 and variance 1 - a_s."""
    share, later = (torch.tensor(v, dtype=torch.float64) for v in sorted([first, second]))
    of_x0, of_noisy, of_noise = diffusion.step_coefficients(share, later, eta)
    torch.testing.assert_close(of_x0 + of_noisy * share.sqrt(), later.sqrt(), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(of_noisy**2 * (1 - share) + of_noise**2, 1 - later, rtol=1e-9, atol=1e-9)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_eta_one_is_the_posterior_and_eta_zero_has_no_noise(first: float, second: float) -> None:
    share, later = (torch.tensor(v, dtype=torch.float64) for v in sorted([first, second]))
    alpha = share / later
    of_x0, of_noisy, of_noise = diffusion.step_coefficients(share, later, 1.0)
    close = {"rtol": 1e-6, "atol": 1e-9}
    torch.testing.assert_close(of_x0, later.sqrt() * (1 - alpha) / (1 - share), **close)
    torch.testing.assert_close(of_noisy, alpha.sqrt() * (1 - later) / (1 - share), **close)
    torch.testing.assert_close(of_noise**2, (1 - alpha) * (1 - later) / (1 - share), **close)
    assert diffusion.step_coefficients(share, later, 0.0)[2] == 0


@given(st.integers(1, 50), st.sampled_from([0.0, 0.5, 1.0]), st.integers(3, 9))
@settings(max_examples=60)
def test_a_perfect_predictor_gives_the_tour_at_every_stride(stride: int, eta: float, size: int) -> None:
    truth = tour_tensor(size, seed=stride)
    calls = []

    def predict(x: Tensor, t: Tensor) -> Tensor:
        calls.append((float(t[0]), x))
        return truth.expand(x.shape)

    generator = torch.Generator().manual_seed(stride)
    scores = diffusion.sample(predict, (2, size, size), generator, stride=stride, num_steps=50, eta=eta)
    assert scores.shape == (2, size, size) and all(torch.equal(row, truth) for row in scores)
    assert [t for t, _ in calls] == pytest.approx(diffusion.sampling_times(stride, 50)[:-1])
    for edges in diffusion.adjacency(scores):
        tour = adjacency_tour(edges.numpy())
        assert tour is not None and (tour_adjacency(tour) == truth.bool().numpy()).all()


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_samples_on_the_way_have_the_noise_of_their_time(eta: float) -> None:
    truth = tour_tensor(5)
    visited = []

    def predict(x: Tensor, t: Tensor) -> Tensor:
        visited.append((t[0].double(), x))
        return truth.expand(x.shape)

    diffusion.sample(predict, (20_000, 5, 5), torch.Generator().manual_seed(0), stride=10, num_steps=50, eta=eta)
    for t, x in visited:
        share = float(diffusion.signal_share(t))
        torch.testing.assert_close(x.mean(0), share**0.5 * truth, atol=0.03, rtol=0)
        torch.testing.assert_close(x.var(0), torch.full((5, 5), 1 - share), atol=0.05, rtol=0)


def test_the_best_of_several_samples_is_repaired_and_no_longer_than_the_first() -> None:
    instance = draw_points(12, np.random.default_rng(0))

    def predict(x: Tensor, t: Tensor) -> Tensor:
        return torch.sigmoid(x + x.transpose(1, 2))

    scores = diffusion.sample(predict, (10, 12, 12), torch.Generator().manual_seed(0))
    assert all(adjacency_tour(edges.numpy()) is None for edges in diffusion.adjacency(scores))
    lengths = [tour_length(greedy_decode(row, instance), instance.costs) for row in scores.numpy()]
    for count in (1, 5, 10):
        best = best_of(scores[:count].numpy(), instance)
        assert tour_length(best, instance.costs) == min(lengths[:count])


def test_a_generator_gives_the_same_sample_again() -> None:
    def predict(x: Tensor, t: Tensor) -> Tensor:
        return x * (1 - t[:, None, None])

    first, second = (diffusion.sample(predict, (1, 4, 4), torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, second)
    with pytest.raises(InputError, match="eta"):
        diffusion.sample(predict, (1, 4, 4), eta=1.5)


def test_thresholds_are_of_the_mean_of_both_entries() -> None:
    scores = torch.tensor([[9.0, 0.9, 0.4], [0.2, 9.0, 0.4], [0.7, 0.6, 9.0]])
    assert diffusion.adjacency(scores).tolist() == [[False, True, True], [True, False, False], [True, False, False]]
