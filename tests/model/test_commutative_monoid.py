"""Learnable commutative monoids: a recursive reference, PyG's arrays, and what is independent of what."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.model.commutative_monoid import CommutativeMonoid, LCMAggregation, from_pyg, tree_depth

TRUTH = [f"size{size}_in6_out{width}" for size in (1, 2, 3, 4, 5, 7, 8) for width in (6, 10)]


def random_aggregation(in_dim: int = 5, dim: int = 4, *, project: bool = True, seed: int = 0) -> LCMAggregation:
    """In float64, with an identity that is not zero."""
    torch.manual_seed(seed)
    aggregation = LCMAggregation(in_dim, dim, project=project).double()
    for parameter in aggregation.parameters():
        parameter.data = torch.randn_like(parameter)
    return aggregation


def random_rows(rows: int, dim: int, seed: int = 1) -> Tensor:
    return torch.randn(rows, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gru(cell: torch.nn.GRUCell, x: Tensor, h: Tensor) -> Tensor:
    """Cho et al., 2014, one vector at a time."""
    of_x = (cell.weight_ih @ x + cell.bias_ih).chunk(3)
    of_h = (cell.weight_hh @ h + cell.bias_hh).chunk(3)
    reset, update = torch.sigmoid(of_x[0] + of_h[0]), torch.sigmoid(of_x[1] + of_h[1])
    return (1 - update) * torch.tanh(of_x[2] + reset * of_h[2]) + update * h


def reference(monoid: CommutativeMonoid, elements: list[Tensor]) -> Tensor:
    """The largest power of two below the number of elements goes to the left subtree, the rest to the right."""
    if not elements:
        return monoid.identity
    if len(elements) == 1:
        return elements[0]
    split = 2 ** (tree_depth(len(elements)) - 1)
    left, right = reference(monoid, elements[:split]), reference(monoid, elements[split:])
    return (gru(monoid.cell, left, right) + gru(monoid.cell, right, left)) / 2


def sets_of(sizes: list[int]) -> Tensor:
    return torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes, dtype=torch.int64))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 19), max_size=7), st.integers(0, 2), st.randoms(use_true_random=False))
def test_sets_are_those_of_a_recursive_tree_whatever_the_order_of_sets(sizes, trailing, random):
    aggregation = random_aggregation()
    index = sets_of(sizes)
    values = random_rows(len(index), 5)
    assert aggregation.lin is not None
    encoded = aggregation.lin(values).relu()
    expected = [reference(aggregation.monoid, list(encoded[index == k])) for k in range(len(sizes) + trailing)]
    # Elements of a set keep their order, sets do not.
    rank = random.sample(range(len(sizes)), len(sizes))
    order = sorted(range(len(index)), key=lambda row: rank[int(index[row])])
    out = aggregation(values[order], index[order], len(sizes) + trailing)
    assert out.shape == (len(expected), 4)
    if expected:
        torch.testing.assert_close(out, torch.stack(expected), rtol=0, atol=1e-12)


@pytest.mark.real_data
@pytest.mark.parametrize("name", TRUTH)
def test_sets_of_equal_size_are_those_of_pyg(truth, name):
    """`truth/lcm_aggregation`. PyG moves an odd node up too, so that all sizes agree and not powers of two alone."""
    arrays = {key: torch.from_numpy(value) for key, value in truth("lcm_aggregation").items()}
    aggregation = LCMAggregation(arrays[f"{name}/x"].size(1), arrays[f"{name}/y"].size(1)).double()
    aggregation.load_state_dict(published(arrays, name))
    out = aggregation(arrays[f"{name}/x"], arrays[f"{name}/index"].long())
    torch.testing.assert_close(out, arrays[f"{name}/y"], rtol=0, atol=1e-10)


@pytest.mark.real_data
def test_of_unequal_sets_pyg_changes_the_smaller_and_this_does_not(truth):
    arrays = {key: torch.from_numpy(value) for key, value in truth("lcm_aggregation").items()}
    aggregation = LCMAggregation(4, 4, project=False).double()
    aggregation.load_state_dict(published(arrays, "unequal"))
    small, large = aggregation(arrays["unequal/x"], arrays["unequal/index"].long())
    torch.testing.assert_close(large, arrays["unequal/y"][1], rtol=0, atol=1e-10)
    torch.testing.assert_close(small, arrays["unequal/y_node0_alone"][0], rtol=0, atol=1e-10)
    assert (small - arrays["unequal/y"][0]).abs().max() > 0.5


def published(arrays: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}/param/"
    return from_pyg({key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)})


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 17), st.lists(st.integers(0, 40), max_size=5))
def test_a_set_does_not_depend_on_its_batch(size, others):
    aggregation = random_aggregation()
    values = random_rows(size + sum(others), 5)
    alone = aggregation(values[:size], torch.zeros(size, dtype=torch.int64))
    batched = aggregation(values, sets_of([size, *others]))
    torch.testing.assert_close(batched[:1], alone, rtol=0, atol=1e-12)


def test_a_set_has_no_gradient_in_the_elements_of_others():
    aggregation = random_aggregation()
    values = random_rows(12, 5).requires_grad_()
    (grad,) = torch.autograd.grad(aggregation(values, sets_of([2, 7, 3]))[0].sum(), [values])
    assert grad[:2].abs().max() > 0
    assert not grad[2:].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pairs_commute_to_the_bit(dtype):
    monoid = random_aggregation(dim=37).monoid.to(dtype)
    left, right = random_rows(101, 37, 2).to(dtype), random_rows(101, 37, 3).to(dtype)
    assert torch.equal(monoid(left, right), monoid(right, left))
    assert monoid(left.view(101, 1, 37), right.view(101, 1, 37)).shape == (101, 1, 37)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 4), st.data())
def test_subtrees_may_be_exchanged(depth, data):
    """The two halves of every node of a full tree."""
    aggregation = random_aggregation()
    values = random_rows(2**depth, 5)
    order = list(range(2**depth))
    for level in range(depth):
        width = 2**level
        for start in range(0, 2**depth, 2 * width):
            if data.draw(st.booleans()):
                middle, end = start + width, start + 2 * width
                order[start:end] = order[middle:end] + order[start:middle]
    index = torch.zeros(len(values), dtype=torch.int64)
    torch.testing.assert_close(aggregation(values[order], index), aggregation(values, index), rtol=0, atol=1e-12)


def test_without_associativity_the_order_of_three_elements_matters():
    aggregation = random_aggregation()
    values, index = random_rows(3, 5), torch.zeros(3, dtype=torch.int64)
    assert (aggregation(values, index) - aggregation(values[[0, 2, 1]], index)).abs().max() > 1e-3


def test_empty_sets_are_the_identity_and_teach_it():
    aggregation = random_aggregation()
    out = aggregation(random_rows(3, 5), torch.tensor([1, 3, 1]), 5)
    identity = aggregation.monoid.identity
    assert torch.equal(out[[0, 2, 4]], identity.expand(3, 4))
    (grad,) = torch.autograd.grad(out.sum(), [identity])
    assert torch.equal(grad, torch.full((4,), 3.0, dtype=torch.float64))
    nothing = torch.zeros(0, dtype=torch.int64)
    assert torch.equal(aggregation(random_rows(0, 5), nothing, 2), identity.expand(2, 4))
    assert aggregation(random_rows(0, 5), nothing).shape == (0, 4)


def test_a_single_element_is_kept():
    aggregation = random_aggregation(5, 5, project=False)
    values = random_rows(3, 5)
    assert torch.equal(aggregation(values, torch.tensor([2, 0, 1])), values[[1, 2, 0]])


@pytest.mark.parametrize(("size", "depth"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4), (64, 6)])
def test_trees_are_balanced(size, depth):
    assert tree_depth(size) == depth
    levels = random_aggregation().levels(random_rows(size, 5), torch.zeros(size, dtype=torch.int64), 1)
    assert len(levels) == depth + 2
    assert all(len(above) == (len(below) + 1) // 2 for below, above in pairwise(levels[:-1]))


@pytest.mark.parametrize("project", [True, False])
def test_gradients(project):
    aggregation = random_aggregation(3, 3, project=project)
    index = torch.tensor([0, 2, 0, 2, 2, 0, 2, 2, 4])
    names = [name for name, _ in aggregation.named_parameters()]

    def call(values: Tensor, *parameters: Tensor) -> Tensor:
        return torch.func.functional_call(
            aggregation, dict(zip(names, parameters, strict=True)), (values, index), {"num_sets": 6}
        )

    inputs = [random_rows(9, 3).requires_grad_(), *aggregation.parameters()]
    assert torch.autograd.gradcheck(call, inputs)


def test_the_associativity_loss_is_its_formula_and_reaches_the_cell():
    monoid = random_aggregation().monoid
    values = random_rows(6, 4)
    drawn = torch.randint(6, (3, 10), generator=torch.Generator().manual_seed(5))
    expected = torch.stack(
        [
            (
                reference(monoid, [values[a], reference(monoid, [values[b], values[c]])])
                - reference(monoid, [reference(monoid, [values[a], values[b]]), values[c]])
            ).square()
            for a, b, c in drawn.T
        ]
    ).mean()
    loss = monoid.associativity_loss(values, 10, torch.Generator().manual_seed(5))
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-12)
    gradients = torch.autograd.grad(loss, list(monoid.cell.parameters()))
    assert all(grad.abs().max() > 0 for grad in gradients)
    torch.manual_seed(5)
    torch.testing.assert_close(monoid.associativity_loss(values, 10), loss, rtol=0, atol=0)


def test_training_by_the_loss_makes_the_operator_more_associative_and_larger_sets_less_dependent_on_order():
    aggregation = random_aggregation(4, 4, project=False)
    values, index = random_rows(64, 4), sets_of([16] * 4)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))

    def gap(of: LCMAggregation) -> float:
        return float((of(values, index) - of(values[order], index[order])).detach().abs().max())

    trained = copy.deepcopy(aggregation)
    optimizer = torch.optim.Adam(trained.parameters(), lr=0.02)
    generator = torch.Generator().manual_seed(0)
    for _ in range(150):
        loss = trained.monoid.associativity_loss(torch.cat(trained.levels(values, index)), 64, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert gap(trained) < gap(aggregation) / 3


@pytest.mark.parametrize("project", [True, False])
def test_mixed_precision(project):
    aggregation = random_aggregation(5, 5, project=project).float()
    values, index = random_rows(9, 5).float(), sets_of([2, 0, 6, 1])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = aggregation(values, index)
    torch.testing.assert_close(out.float(), aggregation(values, index), rtol=0.1, atol=0.1)
    out.float().sum().backward()
    assert aggregation.monoid.cell.weight_hh.grad is not None


def test_new_weights_come_with_a_reset():
    aggregation = random_aggregation()
    before = copy.deepcopy(aggregation.state_dict())
    aggregation.reset_parameters()
    assert all(not torch.equal(before[name], weight) for name, weight in aggregation.state_dict().items())
    assert not aggregation.monoid.identity.any()


@pytest.mark.parametrize(
    ("values", "index", "num_sets", "message"),
    [
        (torch.zeros(3, 4), torch.zeros(3, dtype=torch.int64), None, r"elements are torch.float32 \[3, 4\]"),
        (torch.zeros(3), torch.zeros(3, dtype=torch.int64), None, "elements are"),
        (torch.zeros(3, 5, dtype=torch.int64), torch.zeros(3, dtype=torch.int64), None, "elements are torch.int64"),
        (torch.zeros(3, 5), torch.zeros(2, dtype=torch.int64), None, r"index of sets is torch.int64 \[2\]"),
        (torch.zeros(3, 5), torch.zeros(3), None, "index of sets is torch.float32"),
        (torch.zeros(3, 5), torch.tensor([0, -1, 2]), None, "sets -1 to 2, but there are 3"),
        (torch.zeros(3, 5), torch.tensor([0, 1, 2]), 2, "sets 0 to 2, but there are 2"),
        (torch.zeros(0, 5), torch.zeros(0, dtype=torch.int64), -1, "not negative: -1"),
    ],
)
def test_bad_input(values, index, num_sets, message):
    with pytest.raises(InputError, match=message):
        LCMAggregation(5, 4)(values, index, num_sets)


def test_bad_widths_and_bad_draws():
    with pytest.raises(InputError, match="width 5 do not fit a tree of width 4"):
        LCMAggregation(5, 4, project=False)
    with pytest.raises(InputError, match="width of 0"):
        CommutativeMonoid(0)
    monoid = CommutativeMonoid(4)
    with pytest.raises(InputError, match="from 0 rows"):
        monoid.associativity_loss(torch.zeros(0, 4))
    with pytest.raises(InputError, match="0 triples"):
        monoid.associativity_loss(torch.zeros(2, 4), 0)
    with pytest.raises(InputError, match="elements are"):
        monoid.associativity_loss(torch.zeros(2, 3))
