"""FloydNet's denoiser: symmetries, independence of a batch, and that it learns."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import ConfigError, InputError
from graphlab.model.floyd_denoiser import (
    FREQUENCIES,
    DenoiserConfig,
    FloydDenoiser,
    relative,
    time_features,
)
from graphlab.model.initialisation import draw_zeros
from graphlab.tours.diffusion import add_noise, draw_times

SMALL = DenoiserConfig(hidden_dim=8, heads=2, num_layers=2)


def drawn(seed: int = 0) -> FloydDenoiser:
    torch.manual_seed(seed)
    network = FloydDenoiser(SMALL)
    draw_zeros(network)
    return network.double()


def problem(batch: int, nodes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    costs = torch.rand(batch, nodes, nodes, generator=generator, dtype=torch.float64) * 200
    costs = (costs + costs.transpose(1, 2)) * (1 - torch.eye(nodes))
    noisy = torch.randn(batch, nodes, nodes, generator=generator, dtype=torch.float64)
    return costs, noisy, torch.rand(batch, generator=generator, dtype=torch.float64)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(1, 7), st.integers(0, 1000), st.floats(1e-3, 1e3))
def test_renumbering_other_graphs_and_the_unit_of_costs(batch, nodes, seed, unit):
    network, (costs, noisy, t) = drawn(), problem(batch, nodes, seed)
    out = network(costs, noisy, t)
    assert out.shape == costs.shape
    torch.testing.assert_close(out, out.transpose(1, 2), rtol=0, atol=0)
    place = torch.randperm(nodes, generator=torch.Generator().manual_seed(seed))
    moved = network(costs[:, place][:, :, place], noisy[:, place][:, :, place], t)
    torch.testing.assert_close(moved, out[:, place][:, :, place], rtol=0, atol=1e-10)
    alone = network(costs[-1:], noisy[-1:], t[-1:])
    torch.testing.assert_close(alone[0], out[-1], rtol=0, atol=1e-10)
    torch.testing.assert_close(network(unit * costs, noisy, t), out, rtol=0, atol=1e-10)


def test_costs_noise_and_time_are_all_seen():
    network, (costs, noisy, t) = drawn(), problem(2, 5)
    inputs = [each.requires_grad_() for each in (costs, noisy, t)]
    network(*inputs)[0, 1, 2].backward()
    for each in inputs:
        assert each.grad is not None and each.grad[0].abs().sum() > 0 and not each.grad[1].any()


def test_costs_are_relative_to_the_mean_of_edges():
    costs = torch.tensor([[[0.0, 2.0], [4.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(relative(costs)[0], costs[0] / 3)
    assert not relative(costs)[1].any() and not relative(torch.zeros(1, 1, 1)).any()


def test_times_differ_in_their_features():
    features = time_features(torch.linspace(0, 1, 51))
    assert features.shape == (51, 2 * FREQUENCIES) and features.abs().max() <= 1
    assert torch.pdist(features).min() > 0.01


def test_it_learns_an_instance():
    torch.manual_seed(0)
    network = FloydDenoiser(DenoiserConfig(hidden_dim=16, heads=2, num_layers=2))
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    costs = problem(1, 5)[0].float().expand(16, 5, 5)
    truth = torch.roll(torch.eye(5), 1, 0)
    truth = (truth + truth.T).expand(16, 5, 5)
    losses = []
    for step in range(250):
        generator = torch.Generator().manual_seed(step)
        t = draw_times(16, generator)
        loss = (network(costs, add_noise(truth, t, torch.randn(truth.shape, generator=generator)), t) - truth).square()
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
        losses.append(loss.mean().item())
    assert sum(losses[-10:]) < 0.1 * sum(losses[:10])


def test_bad_input():
    network = FloydDenoiser(SMALL)
    costs, noisy, t = (each.float() for each in problem(2, 4))
    for wrong in ((costs[:, :3], noisy[:, :3], t), (costs, noisy[:1], t), (costs, noisy, t[:1])):
        with pytest.raises(InputError, match="a denoiser has costs"):
            network(*wrong)
    with pytest.raises(InputError, match="heads do not divide"):
        FloydDenoiser(DenoiserConfig(hidden_dim=10, heads=4))
    with pytest.raises(ConfigError):
        DenoiserConfig.parse({"hidden_dim": 0}, where="denoiser")
