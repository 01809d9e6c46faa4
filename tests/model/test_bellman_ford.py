"""PNA's update: the two ways to its linear map against the paper's, and which of them is taken."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlab.model import bellman_ford
from graphlab.model.bellman_ford import (
    BellmanFordConfig,
    BellmanFordUpdate,
    Scales,
    degree_scale,
    map_by_scale,
    map_by_scaler,
)
from graphlab.ops.relational_spmm import RelationalGraph

DIM = 6


def update() -> BellmanFordUpdate:
    torch.manual_seed(0)
    return BellmanFordUpdate(BellmanFordConfig(dim=DIM)).double()


def problem(*shape: int, num_scales: int = 4) -> tuple[Tensor, Tensor, Scales]:
    """States, moments and scales, the first of which is 0, below the floor."""
    g = torch.Generator().manual_seed(1)
    states, moments = (torch.randn(*shape, width, generator=g, dtype=torch.float64) for width in (DIM, 4 * DIM))
    values = torch.linspace(0, 2, num_scales, dtype=torch.float64)
    return states, moments.requires_grad_(), Scales(values, torch.randint(num_scales, shape, generator=g))


@pytest.mark.parametrize("way", [map_by_scaler, map_by_scale])
@pytest.mark.parametrize("shape", [(50,), (7, 5)], ids=str)
def test_update_is_the_map_of_all_scaled_moments_with_its_gradients(way, shape, monkeypatch):
    monkeypatch.setattr(bellman_ford, "_scales_repeat", lambda *_: way is map_by_scale)
    layer, (states, moments, scales) = update(), problem(*shape)
    scale = scales.values[scales.which].unsqueeze(-1)
    scaled = [moments, moments * scale, moments / scale.clamp(min=0.01)]
    expected = layer.norm(layer.update(torch.cat([states, *scaled], dim=-1))).relu()
    found = layer.advance(states, moments, scales)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)

    learnt = [moments, *layer.parameters()]
    direction = torch.linspace(-1, 1, found.numel(), dtype=torch.float64).view_as(found)
    for mine, other in zip(
        torch.autograd.grad((found * direction).sum(), learnt),
        torch.autograd.grad((expected * direction).sum(), learnt),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-10)


def test_scales_of_nodes_expand_over_queries(monkeypatch):
    layer, (states, moments, _) = update(), problem(40, 3)
    scales = problem(40)[-1].of(torch.arange(40).unsqueeze(1))
    found = []
    for way in (True, False):
        monkeypatch.setattr(bellman_ford, "_scales_repeat", lambda *_, way=way: way)
        found.append(layer.advance(states, moments, scales))
    by_query = torch.stack([layer.advance(states[:, b], moments[:, b], problem(40)[-1]) for b in range(3)], dim=1)
    for mine in found:
        torch.testing.assert_close(mine, by_query, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("rows", "repeat"), [(bellman_ford.ROWS_OF_A_SCALE * 4 - 1, False), (128, True)])
def test_rows_of_a_scale_share_a_map_where_there_are_enough(rows, repeat, monkeypatch):
    taken = []

    def spy(aggregate, weight, scales):
        taken.append(len(aggregate))
        return map_by_scale(aggregate, weight, scales)

    monkeypatch.setattr(bellman_ford, "map_by_scale", spy)
    update().advance(*problem(rows))
    assert taken == ([rows] if repeat else [])


def test_half_precision_by_autocast_is_one_dense_product():
    layer, (states, moments, scales) = update().float(), problem(200)
    single = states.float(), moments.float(), Scales(scales.values.float(), scales.which)
    exact = layer.advance(*single)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer.advance(*single)
    torch.testing.assert_close(found.float(), exact, rtol=0.1, atol=0.1)


def test_degree_scale_is_the_papers():
    edges = RelationalGraph(
        torch.tensor([[0, 1, 2, 0, 1], [1, 2, 1, 3, 1]]), torch.zeros(5, dtype=torch.int64), num_nodes=5
    )
    mask = torch.tensor([True, True, True, True, False])
    scales = degree_scale(edges, mask, torch.float64)
    logarithm = torch.tensor([0, 2, 1, 1, 0], dtype=torch.float64).add(1).log()
    torch.testing.assert_close(scales.laid_out().squeeze(1), logarithm / logarithm.mean())
    assert scales.alike().tolist() == [0, 1, 2, 2, 0]
    torch.testing.assert_close(scales.of(torch.tensor([[3], [0]])).laid_out(), scales.laid_out()[[3, 0]].unsqueeze(1))


@pytest.mark.parametrize("settings", [{}, {"residual": False}, {"layer_norm": False}], ids=str)
@pytest.mark.parametrize("aggregate", ["sum", "pna"])
def test_blocks_without_gradients_are_the_rows_with_them(aggregate, settings):
    torch.manual_seed(0)
    config = BellmanFordConfig(dim=32, aggregate=aggregate, **settings)
    layer, random = BellmanFordUpdate(config), torch.Generator().manual_seed(1)
    states, messages = (
        torch.randn(700, 3, width, generator=random) for width in (32, 128 if aggregate == "pna" else 32)
    )
    scales = Scales(torch.linspace(0, 2, 4), torch.randint(4, (700, 1), generator=random))
    before = states.clone(), messages.clone()
    expected = layer.advance(states, messages, scales, residual=config.residual)
    with torch.no_grad():
        actual = layer.advance(states, messages, scales, residual=config.residual)
    torch.testing.assert_close(actual, expected)
    assert torch.equal(states, before[0]) and torch.equal(messages, before[1])
