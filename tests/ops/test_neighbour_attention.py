"""Attention over neighbours against messages that are laid out, and against PyG's GATConv."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.compiled import MAX_WIDTH
from graphlab.ops.neighbour_attention import neighbour_attention, reference
from graphlab.ops.neighbour_sum import Neighbours


def problem(seed: int, num_targets: int, num_sources: int, num_edges: int, heads: int, dim: int, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    target = torch.randint(num_targets, (num_edges,), generator=random)
    source = torch.randint(num_sources, (num_edges,), generator=random)
    neighbours = Neighbours(torch.stack([source, target]), num_targets, num_sources)
    shapes = (num_sources, heads, dim), (num_sources, heads), (num_targets, heads), (num_edges, heads)
    return neighbours, [torch.randn(shape, generator=random, dtype=dtype).requires_grad_() for shape in shapes]


def assert_alike(neighbours, inputs, **options):
    out, expected = neighbour_attention(neighbours, *inputs, **options), reference(neighbours, *inputs, **options)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)
    direction = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
    gradients, slow = (torch.autograd.grad((each * direction).sum(), inputs) for each in (out, expected))
    for mine, other in zip(gradients, slow, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-11)


@given(
    seed=st.integers(0, 999),
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 60)),
    heads=st.sampled_from([1, 3]),
    dim=st.sampled_from([1, 5, 8]),
    with_edges=st.booleans(),
)
@settings(max_examples=60)
def test_it_is_the_definition_with_its_gradients(seed, sizes, heads, dim, with_edges):
    """Targets without edges, edges listed twice, loops, sides of other sizes."""
    neighbours, inputs = problem(seed, *sizes, heads, dim)
    assert_alike(neighbours, inputs if with_edges else inputs[:3])


@pytest.mark.parametrize("dim", [3, 16])
def test_gradcheck(dim):
    neighbours, inputs = problem(0, 4, 5, 12, 2, dim)
    assert torch.autograd.gradcheck(lambda *values: neighbour_attention(neighbours, *values), inputs, fast_mode=True)


def test_coefficients_are_shares_and_large_logits_do_no_harm():
    neighbours, (x, source, target, _) = problem(1, 6, 6, 40, 2, 1)
    out = neighbour_attention(neighbours, torch.ones_like(x), source * 1e4, target * 1e4)
    received = torch.bincount(neighbours.target, minlength=6) > 0
    torch.testing.assert_close(out[received], torch.ones_like(out[received]))
    assert not out[~received].any()


def test_dropout_keeps_the_mean_and_drops_forward_what_it_drops_backward():
    """By the linearity in x: the gradient of x is that of the coefficients that were kept."""
    neighbours, (x, source, target, _) = problem(2, 5, 5, 30, 2, 8)
    torch.manual_seed(0)
    outs = []
    for _ in range(400):
        out = neighbour_attention(neighbours, x, source, target, dropout=0.5)
        direction = torch.randn(out.shape, dtype=out.dtype)
        (to_x,) = torch.autograd.grad((out * direction).sum(), x)
        torch.testing.assert_close((to_x * x).sum(), (out * direction).sum())
        outs.append(out.detach())
    mean = reference(neighbours, x, source, target)
    assert (torch.stack(outs).mean(0) - mean).abs().max() < 0.2
    assert not torch.equal(outs[0], outs[1])


def test_all_coefficients_may_be_dropped():
    neighbours, inputs = problem(2, 5, 5, 30, 2, 4)
    out = neighbour_attention(neighbours, *inputs, dropout=1.0)
    assert not out.any() and not any(each.any() for each in torch.autograd.grad(out.sum(), inputs))


@pytest.mark.parametrize("dim", [8, 5])
def test_threads_change_nothing(dim):
    neighbours, inputs = problem(3, 300, 300, 2000, 4, dim, torch.float32)
    before, results = torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        try:
            out = neighbour_attention(neighbours, *inputs)
            results.append([out, *torch.autograd.grad(out.square().sum(), inputs)])
        finally:
            torch.set_num_threads(before)
    assert all(torch.equal(alone, together) for alone, together in zip(*results, strict=True))


def test_heads_too_wide_for_the_compiled_loops():
    neighbours, inputs = problem(4, 3, 3, 6, 1, MAX_WIDTH + 1)
    assert_alike(neighbours, inputs)


def test_shapes_that_do_not_fit():
    neighbours, (x, source, target, edge) = problem(0, 4, 6, 20, 2, 3)
    for wrong in (
        (x[:5], source, target),
        (x[:, 0], source, target),
        (x, source[:, :1], target),
        (x, source, target[:3]),
        (x, source, target, edge[:9]),
    ):
        with pytest.raises(InputError, match="from 6 to 4 nodes over 20 edges"):
            neighbour_attention(neighbours, *wrong)
