"""Sums over neighbours against the definition, with gradients, for edges of any kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import graphlab.ops.neighbour_sum as neighbour_sum_module
from graphlab.core.errors import InputError
from graphlab.ops.compiled import MAX_WIDTH
from graphlab.ops.neighbour_attention import neighbour_attention
from graphlab.ops.neighbour_sum import BLOCK, MANY, Neighbours, locality_order, neighbour_sum, reference

WIDTHS = [0, 1, 5, BLOCK, 2 * BLOCK, BLOCK + 3]


def problem(seed: int, num_targets: int, num_sources: int, num_edges: int, width: int, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    target = torch.randint(num_targets, (num_edges,), generator=random)
    source = torch.randint(num_sources, (num_edges,), generator=random)
    neighbours = Neighbours(torch.stack([source, target]), num_targets, num_sources)
    x = torch.randn(num_sources, width, generator=random, dtype=dtype)
    return neighbours, x, torch.randn(num_edges, generator=random, dtype=dtype)


@given(
    seed=st.integers(0, 999),
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 60)),
    width=st.sampled_from(WIDTHS),
    weighted=st.booleans(),
    counts_itself=st.booleans(),
)
@settings(max_examples=60)
def test_it_is_the_definition_with_its_gradients(seed, sizes, width, weighted, counts_itself):
    """Nodes without edges, edges listed twice, loops, sides of other sizes."""
    neighbours, x, weight = problem(seed, *sizes, width)
    inputs = [x.requires_grad_()]
    arguments = {}
    if weighted:
        arguments["weight"] = weight.requires_grad_()
    if counts_itself and sizes[0] <= sizes[1]:
        arguments["own"] = torch.tensor(1.25, dtype=torch.float64, requires_grad=True)
    inputs += arguments.values()
    out, expected = neighbour_sum(neighbours, x, **arguments), reference(neighbours, x, **arguments)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)
    direction = torch.randn(out.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    gradients, slow = (torch.autograd.grad((each * direction).sum(), inputs) for each in (out, expected))
    for mine, other in zip(gradients, slow, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-12)


def test_the_definition_by_hand():
    """0 -> 2 twice, 1 -> 2, 2 -> 0."""
    neighbours = Neighbours(torch.tensor([[0, 1, 0, 2], [2, 2, 2, 0]]), 3, 3)
    x, weight = torch.tensor([[1.0], [10.0], [100.0]]), torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert neighbour_sum(neighbours, x).flatten().tolist() == [100, 0, 12]
    assert neighbour_sum(neighbours, x, weight).flatten().tolist() == [400, 0, 24]
    assert reference(neighbours, x, weight).flatten().tolist() == [400, 0, 24]


def test_gradcheck():
    neighbours, x, weight = problem(0, 5, 4, 12, 3)
    assert torch.autograd.gradcheck(
        lambda x, w: neighbour_sum(neighbours, x, w), (x.requires_grad_(), weight.requires_grad_())
    )


@pytest.mark.parametrize("width", [3, BLOCK])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_that_are_kept_in_float64_are_rounded_once(weighted, width):
    """So the order of the edges and their number do not show: 1 + 2^-20 in turn with 1, 4,000 times."""
    target, source = torch.zeros(4000, dtype=torch.int64), torch.arange(4000) % 2
    weight = torch.full((4000,), 3.0) if weighted else None
    x = torch.tensor([[1.0], [1 + 2.0**-20]]).expand(2, width).contiguous()
    own = torch.tensor(0.5)
    expected = torch.tensor((2000 * (2 + 2.0**-20)) * (3 if weighted else 1) + 0.5).expand(1, width)
    for order in (torch.arange(4000), torch.arange(4000).flip(0), source.argsort()):
        neighbours = Neighbours(torch.stack([source, target])[:, order], 1, 2)
        for function in (neighbour_sum, reference):
            assert torch.equal(function(neighbours, x, weight, own, torch.float64), expected)
    assert not torch.equal(neighbour_sum(neighbours, x, weight, own), expected)


@pytest.mark.parametrize("num_edges", [MANY - 1, MANY])
@pytest.mark.parametrize("width", [BLOCK, MAX_WIDTH + 1, MAX_WIDTH + BLOCK])
def test_any_width_and_any_number_of_threads(width, num_edges):
    neighbours, x, weight = problem(1, 300, 300, num_edges, width, torch.float32)
    before = torch.get_num_threads()
    results = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        try:
            rows, weights = x.clone().requires_grad_(), weight.clone().requires_grad_()
            out = neighbour_sum(neighbours, rows, weights)
            results.append([out, *torch.autograd.grad(out.square().sum(), (rows, weights))])
        finally:
            torch.set_num_threads(before)
    assert all(torch.equal(alone, together) for alone, together in zip(*results, strict=True))
    torch.testing.assert_close(results[0][0], reference(neighbours, x, weight), rtol=1e-4, atol=1e-3)


def test_the_loops_of_many_edges_give_the_numbers_of_those_of_few(monkeypatch):
    for dtype in (None, torch.float64):
        results = []
        for many in (0, 10**6):
            monkeypatch.setattr(neighbour_sum_module, "MANY", many)
            neighbours, x, weight = problem(4, 50, 50, 900, 2 * BLOCK, torch.float32)
            results.append(neighbour_sum(neighbours, x, weight, torch.tensor(1.3), dtype))
        assert torch.equal(*results)


def test_other_weights_and_changed_weights_are_not_those_that_are_kept():
    neighbours, x, weight = problem(2, 6, 6, 20, 4)
    x.requires_grad_()
    for values in (weight, weight.clone().mul_(2), weight.mul_(3), weight):
        out = neighbour_sum(neighbours, x, values)
        torch.testing.assert_close(out, reference(neighbours, x, values))
        (slow,) = torch.autograd.grad(reference(neighbours, x, values).square().sum(), x)
        torch.testing.assert_close(torch.autograd.grad(out.square().sum(), x)[0], slow)


def test_half_precision_is_summed_in_float32():
    neighbours, x, _ = problem(3, 6, 6, 20, 4, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        out = neighbour_sum(neighbours, x.bfloat16())
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, reference(neighbours, x.bfloat16().float()))


@pytest.mark.parametrize("shapes", [((6,), None), ((5, 2), None), ((6, 2), (19,)), ((6, 2), (20, 1))])
def test_shapes_that_do_not_fit(shapes):
    neighbours = problem(0, 4, 6, 20, 2)[0]
    x, weight = (None if shape is None else torch.zeros(shape) for shape in shapes)
    with pytest.raises(InputError, match="20 edges of 6 nodes"):
        neighbour_sum(neighbours, x, weight)


def test_own_rows_are_of_targets_that_are_sources_and_count_alike():
    for num_targets, own in ((6, torch.ones(())), (4, torch.ones(4))):
        neighbours = problem(0, num_targets, 4, 20, 2)[0]
        with pytest.raises(InputError, match="own rows"):
            neighbour_sum(neighbours, torch.zeros(4, 2), None, own)


def shuffled_grid(side: int) -> torch.Tensor:
    """The edges of a square grid, both ways, whose nodes have numbers by chance."""
    number = torch.randperm(side * side, generator=torch.Generator().manual_seed(0)).view(side, side)
    pairs = [(number[1:], number[:-1]), (number[:, 1:], number[:, :-1])]
    half = torch.cat([torch.stack([a.flatten(), b.flatten()]) for a, b in pairs], dim=1)
    return torch.cat([half, half.flip(0)], dim=1)


def test_a_grid_has_an_order_of_locality_and_a_random_graph_and_a_path_have_none():
    edges = shuffled_grid(120).numpy()
    order = locality_order(*edges, 120 * 120)
    assert order is not None
    assert sorted(order) == list(range(120 * 120))
    rank = np.argsort(order)
    assert np.abs(rank[edges[0]] - rank[edges[1]]).max() < 500
    assert locality_order(*np.random.default_rng(0).integers(20_000, size=(2, 100_000)), 20_000) is None
    path = np.arange(20_000)
    assert locality_order(path[:-1], path[1:], 20_000) is None


@pytest.mark.parametrize("threads", [1, 2])
def test_an_order_of_locality_changes_no_number(threads, monkeypatch):
    edges, random = shuffled_grid(120), torch.Generator().manual_seed(1)
    edges = edges[:, torch.randperm(edges.size(1), generator=random)]
    inputs = [torch.randn(120 * 120, 9, generator=random), torch.rand(edges.size(1), generator=random), torch.ones(())]
    attended = [torch.randn(120 * 120, 2, width, generator=random) for width in (8, 1, 1)]
    results = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for large in (120 * 120, 120 * 120 + 1):
            monkeypatch.setattr(neighbour_sum_module, "LARGE", large)
            neighbours = Neighbours(edges, 120 * 120, 120 * 120)
            assert np.array_equal(neighbours.by_target.row, np.arange(120 * 120)) == (large > 120 * 120)
            leaves = [each.clone().requires_grad_() for each in inputs]
            x, source, target = [each.clone().requires_grad_() for each in attended]
            sums = neighbour_sum(neighbours, *leaves)
            heads = neighbour_attention(neighbours, x, source.squeeze(2), target.squeeze(2))
            total = sums.square().sum() + heads.square().sum()
            results.append([sums, heads, *torch.autograd.grad(total, [*leaves, x, source, target])])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(first, second) for first, second in zip(*results, strict=True))


@pytest.mark.parametrize(("num_targets", "num_sources"), [(0, 3), (3, 0), (0, 0)])
def test_no_targets_and_no_sources(num_targets, num_sources):
    neighbours = Neighbours(torch.zeros(2, 0, dtype=torch.int64), num_targets, num_sources)
    x = torch.randn(num_sources, 4, requires_grad=True)
    weight = torch.ones(0, requires_grad=True)
    out = neighbour_sum(neighbours, x, weight)
    assert torch.equal(out, torch.zeros(num_targets, 4))
    out.sum().backward()
    assert torch.equal(x.grad, torch.zeros(num_sources, 4)) and weight.grad.shape == (0,)


def test_edges_the_other_way_round_share_their_order(monkeypatch):
    monkeypatch.setattr(neighbour_sum_module, "LARGE", 10)
    monkeypatch.setattr(neighbour_sum_module, "NEAR", 4)
    random = torch.Generator().manual_seed(0)
    name = torch.randperm(60, generator=random)
    edge_index = torch.stack([name[:-1], name[1:]])
    forward = Neighbours(edge_index, 60, 60)
    backward = forward.transposed()
    assert forward._locality is not None and backward._locality is forward._locality
    x = torch.randn(60, 3, generator=random, dtype=torch.float64)
    for neighbours, (source, target) in ((forward, edge_index), (backward, edge_index.flip(0))):
        expected = torch.zeros_like(x).index_add(0, target, x[source])
        torch.testing.assert_close(neighbour_sum(neighbours, x), expected, rtol=0, atol=1e-14)
