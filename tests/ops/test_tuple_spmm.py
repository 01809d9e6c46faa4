"""tuple_spmm against loops over messages, against dense matrices, and against itself on other threads."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.ops.tuple_spmm import Messages, View, reference, tuple_spmm

KINDS = 3


def random_messages(seed: int, num_targets: int, num_sources: int, count: int) -> Messages:
    rng = SeedStream(seed).torch()
    target = torch.randint(num_targets, (count,), generator=rng)
    source = torch.randint(num_sources, (count,), generator=rng)
    kind = torch.randint(KINDS, (count,), generator=rng)
    return Messages.of_pairs(target, source, num_targets, num_sources, kind)


def values(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=SeedStream(seed).child("values").torch(), dtype=torch.float64).to(dtype)


def all_pairs(adjacency: torch.Tensor) -> Messages:
    """Messages (u, w) -> (u, v) along the edges w -> v of one graph, tuple (u, v) in row u n + v."""
    n = len(adjacency)
    node = torch.arange(n, dtype=torch.int32)
    view = View(node.repeat(n), n * node.repeat_interleave(n), torch.ones(n * n, dtype=torch.int32))
    source, target = adjacency.nonzero().T
    return Messages.of_views(target, source, n, view, kind=torch.zeros_like(source))


def test_a_loop_over_messages_gives_the_reference():
    messages = random_messages(0, 5, 5, 12)
    x, table = values(1, 5, 2), values(2, KINDS, 2)
    expected = 1.5 * x
    for target, source, kind in zip(*(part.tolist() for part in messages.pairs()), strict=True):
        expected[target] += (x[source] + table[kind]).clamp(min=0)
    torch.testing.assert_close(reference(messages, x, table, torch.tensor(1.5, dtype=torch.float64)), expected)


@given(
    seed=st.integers(0, 1000),
    sizes=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    count=st.integers(0, 60),
    dim=st.sampled_from([1, 5, 16, 37]),
    with_table=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_equals_the_reference_with_gradients(seed, sizes, count, dim, with_table):
    messages = random_messages(seed, *sizes, count)
    inputs = [values(seed, sizes[1], dim).requires_grad_()]
    if with_table:
        inputs.append(values(seed + 1, KINDS, dim).requires_grad_())
    grad = values(seed + 2, sizes[0], dim)
    outs = [product(messages, *inputs) for product in (tuple_spmm, reference)]
    torch.testing.assert_close(outs[0], outs[1], rtol=1e-12, atol=1e-12)
    found, expected = (torch.autograd.grad(out, inputs, grad) for out in outs)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("with_table", [False, True])
def test_gradcheck(with_table):
    messages = random_messages(3, 7, 7, 20)
    x = values(4, 7, 3).requires_grad_()
    table = values(5, KINDS, 3).requires_grad_() if with_table else None
    weight = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *a: tuple_spmm(messages, *a), (x, table, weight))


@given(seed=st.integers(0, 1000), n=st.integers(1, 9))
@settings(deadline=None, max_examples=25)
def test_all_pairs_of_a_graph_are_a_product_of_matrices(seed, n):
    """The sum over w of h[u, w] A[w, v] is H A; of the transposed messages H A^T."""
    adjacency = (values(seed, n, n) > 0.3).double()
    messages, h = all_pairs(adjacency), values(seed + 1, n * n, 1)
    for given_messages, matrix in ((messages, adjacency), (messages.transposed, adjacency.T)):
        found = tuple_spmm(given_messages, h)
        torch.testing.assert_close(found.view(n, n), h.view(n, n) @ matrix)


def test_a_directed_edge_speaks_one_way():
    adjacency = torch.tensor([[0, 1], [0, 0]])
    h = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    assert tuple_spmm(all_pairs(adjacency), h).flatten().tolist() == [0, 1, 0, 3]


@given(seed=st.integers(0, 1000), dim=st.sampled_from([5, 16]), with_table=st.booleans())
@settings(deadline=None, max_examples=30)
def test_float32_is_the_same_to_the_bit_in_any_order_of_messages(seed, dim, with_table):
    rng = SeedStream(seed).child("order").torch()
    target = torch.randint(4, (60,), generator=rng)
    source, kind = torch.randint(30, (60,), generator=rng), torch.randint(KINDS, (60,), generator=rng)
    x = values(seed, 30, dim, dtype=torch.float32)
    table = values(seed + 1, KINDS, dim, dtype=torch.float32) if with_table else None
    expected = tuple_spmm(Messages.of_pairs(target, source, 4, 30, kind), x, table)
    order, place = torch.randperm(60, generator=rng), torch.randperm(30, generator=rng)
    renumbered = torch.empty_like(x)
    renumbered[place] = x
    messages = Messages.of_pairs(target[order], place[source[order]], 4, 30, kind[order])
    assert torch.equal(tuple_spmm(messages, renumbered, table), expected)


@pytest.mark.parametrize("with_table", [False, True])
def test_the_same_bits_for_any_number_of_threads(with_table):
    messages = random_messages(6, 500, 500, 4000)
    x = values(7, 500, 24, dtype=torch.float32).requires_grad_()
    table = values(8, KINDS, 24, dtype=torch.float32).requires_grad_() if with_table else None
    before, seen = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            out = tuple_spmm(messages, x, table)
            inputs = [x] if table is None else [x, table]
            seen.append([out, *torch.autograd.grad(out.square().sum(), inputs)])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*seen, strict=True))


def test_a_row_without_messages_is_its_own_sum():
    messages = Messages.of_pairs(torch.tensor([], dtype=torch.long), torch.tensor([], dtype=torch.long), 2, 2)
    x = torch.tensor([[1.0], [2.0]])
    assert tuple_spmm(messages, x).flatten().tolist() == [0, 0]
    assert tuple_spmm(messages, x, self_weight=torch.tensor(2.0)).flatten().tolist() == [2, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": torch.zeros(4, 2)}, "x has shape"),
        ({"x": torch.zeros(5, 2), "table": torch.zeros(3, 1)}, "table is"),
        ({"x": torch.zeros(5, 2), "table": torch.zeros(2, 2)}, "table has 2 rows"),
        ({"x": torch.zeros(5, 2), "self_weight": torch.tensor(1.0)}, "as many targets as sources"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    messages = Messages.of_pairs(torch.tensor([0, 3]), torch.tensor([4, 1]), 4, 5, torch.tensor([0, 2]))
    with pytest.raises(InputError, match=message):
        tuple_spmm(messages, **arguments)


def test_a_pair_that_names_nothing_is_refused():
    with pytest.raises(InputError, match="target 4"):
        Messages.of_pairs(torch.tensor([4]), torch.tensor([0]), 4, 4)
