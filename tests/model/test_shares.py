"""Shares of attention that training rounds as integers do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from graphlab.model.observation import MinMaxObserver, install_observers
from graphlab.model.shares import fixed_point_shares, observed_shares
from graphlab.ops.integer.softmax import reference
from graphlab.ops.neighbour_sum import Neighbours
from graphlab.quantization.formats import Affine
from graphlab.quantization.quantisers import ActivationQuantiser


class Layer(nn.Module):
    observation_points = ("attention",)


@pytest.fixture
def scores():
    random = torch.Generator().manual_seed(0)
    edges = torch.cat([torch.randint(20, (2, 90), generator=random), torch.arange(20).expand(2, -1)], dim=1)
    return edges, torch.randint(-300, 300, (20, 6), generator=random).to(torch.int32)


def logits_of(edges, scores):
    z = (scores[edges[0], :3] + scores[edges[1], 3:]).float()
    return torch.where(z < 0, (z * 0.25 + 0.5).floor(), z) / 64


def test_they_are_those_of_the_integer_softmax(scores):
    """Of multiples of 1 / 64, which float32 holds, and a slope of 1 / 4."""
    edges, steps = scores
    expected = reference(Neighbours(edges, 20, 20), steps[:, :3], steps[:, 3:], 1 / 64, 0.25)
    shares = fixed_point_shares(logits_of(edges, steps), edges[1], 20)
    assert torch.equal((255 * shares).round().to(torch.uint8).T, expected) and len(expected.unique()) > 50


def test_only_a_quantiser_of_8_bits_or_fewer_has_them_rounded(scores):
    edges, steps = scores
    logits = logits_of(edges, steps)
    plain = observed_shares(Layer(), logits, edges[1], 20)
    watched, fine, coarse = Layer(), Layer(), Layer()
    install_observers(watched, lambda _: MinMaxObserver())
    install_observers(fine, lambda _: ActivationQuantiser(Affine(16, True, False, "tensor")))
    install_observers(coarse, lambda _: ActivationQuantiser(Affine(8, True, False, "tensor")))
    assert torch.equal(observed_shares(watched, logits, edges[1], 20), plain)
    assert (observed_shares(fine.train(), logits, edges[1], 20) - plain).abs().max() < 1e-4
    rounded = observed_shares(coarse.eval(), logits, edges[1], 20)
    torch.testing.assert_close(rounded, fixed_point_shares(logits, edges[1], 20), rtol=0, atol=1e-6)


def test_the_gradient_is_that_of_the_softmax(scores):
    edges, steps = scores
    layer, factor = Layer(), torch.randn(110, 3, generator=torch.Generator().manual_seed(1))
    gradients = []
    for observed in (False, True):
        if observed:
            install_observers(layer, lambda _: ActivationQuantiser(Affine(8, True, False, "tensor")))
        logits = logits_of(edges, steps).requires_grad_()
        (observed_shares(layer.eval(), logits, edges[1], 20) * factor).sum().backward()
        gradients.append(logits.grad)
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(*gradients)
