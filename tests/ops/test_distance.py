"""Distances of a batch to a table against their definition, finite differences and differences that are laid out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.ops import distance as ops
from graphlab.ops.distance import PART, QUERIES, TILE, distances, reference

EACH_NORM = pytest.mark.parametrize(
    "norm", ["complex-l1", *(pytest.param(each, marks=pytest.mark.slow) for each in ("l1", "l2"))]
)
"""One kind of loop is compiled in the quick tests."""
EACH_FORM = pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])


def definition(query: Tensor, candidates: Tensor, norm: str) -> np.ndarray:
    """By numpy in float64."""
    a, b = (each.detach().double().numpy() for each in (query, candidates))
    difference = a[:, None] - b
    if norm == "l2":
        return np.sqrt((difference**2).sum(-1))
    if norm == "complex-l1":
        half = a.shape[1] // 2
        difference = difference[..., :half] + 1j * difference[..., half:]
    return np.abs(difference).sum(-1)


def drawn(num_queries: int, num_rows: int, width: int, own: bool = False, dtype=torch.float64, seed: int = 0):
    random = SeedStream(seed, ("distances",)).torch()
    shapes = (num_queries, width), (*([num_queries] if own else []), num_rows, width)
    return [torch.randn(shape, generator=random, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]


def weights(num_queries: int, num_rows: int, dtype=torch.float64) -> Tensor:
    return torch.randn(num_queries, num_rows, generator=SeedStream(1).torch(), dtype=torch.float64).to(dtype)


def blockwise(query: Tensor, candidates: Tensor, norm: str) -> Tensor:
    """The path of other devices."""
    return ops._Distances.apply(query, candidates, norm, False)


EACH_PATH = pytest.mark.parametrize("path", [distances, blockwise, reference])


def with_gradients(path, query: Tensor, candidates: Tensor, norm: str, weight: Tensor):
    distance = path(query, candidates, norm)
    return distance, *torch.autograd.grad(distance, (query, candidates), weight)


@EACH_NORM
@settings(max_examples=40)
@given(st.integers(0, 9), st.integers(0, 2 * TILE + 3), st.integers(0, 40), st.booleans())
def test_is_the_definition_for_any_shape(norm, num_queries, num_rows, half, own):
    query, candidates = drawn(num_queries, num_rows, 2 * half, own)
    distance = distances(query, candidates, norm)
    assert distance.shape == (num_queries, num_rows)
    np.testing.assert_allclose(distance.detach().numpy(), definition(query, candidates, norm), rtol=1e-12, atol=1e-12)


@EACH_NORM
@EACH_FORM
@pytest.mark.parametrize(("num_queries", "num_rows", "width"), [(1, 1, 2), (QUERIES + 6, TILE + 5, 2 * TILE + 6)])
def test_gradients_are_those_of_differences_that_are_laid_out(norm, own, num_queries, num_rows, width):
    query, candidates = drawn(num_queries, num_rows, width, own)
    weight = weights(num_queries, num_rows)
    ours, theirs = (with_gradients(path, query, candidates, norm, weight) for path in (distances, reference))
    for distance, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(distance, expected, rtol=1e-11, atol=1e-11)


@EACH_NORM
def test_gradients_of_a_query_are_summed_over_the_parts_of_a_table(norm):
    query, candidates = drawn(3, 2 * PART + 5, 6)
    weight = weights(3, 2 * PART + 5)
    ours, theirs = (with_gradients(path, query, candidates, norm, weight) for path in (distances, reference))
    for distance, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(distance, expected, rtol=1e-10, atol=1e-10)


@EACH_NORM
@EACH_FORM
def test_gradients_are_those_of_finite_differences(norm, own):
    query, candidates = drawn(3, 4, 6, own)
    assert torch.autograd.gradcheck(lambda *both: distances(*both, norm), (query, candidates))


@EACH_NORM
def test_gradients_without_queries_or_rows_are_zero(norm):
    for num_queries, num_rows in ((0, 3), (3, 0)):
        query, candidates = drawn(num_queries, num_rows, 4)
        _, *gradients = with_gradients(distances, query, candidates, norm, weights(num_queries, num_rows))
        assert [each.shape for each in gradients] == [query.shape, candidates.shape]
        assert not any(each.any() for each in gradients)


@EACH_NORM
@EACH_PATH
def test_where_a_distance_is_zero_so_is_its_gradient(norm, path):
    query = torch.tensor([[1.5, -2.0, 0.25, 3.0]], dtype=torch.float64, requires_grad=True)
    candidates = query.detach().clone().requires_grad_()
    distance, *gradients = with_gradients(path, query, candidates, norm, torch.ones(1, 1, dtype=torch.float64))
    assert distance.item() == 0.0
    assert not any(each.any() for each in gradients)


def test_where_one_modulus_is_zero_its_gradient_is_zero_and_the_others_are_not():
    query = torch.tensor([[1.0, 5.0, 2.0, 6.0]], dtype=torch.float64, requires_grad=True)
    candidates = torch.tensor([[1.0, 2.0, 2.0, 2.0]], dtype=torch.float64, requires_grad=True)
    distance, to_query, to_candidates = with_gradients(
        distances, query, candidates, "complex-l1", torch.ones(1, 1, dtype=torch.float64)
    )
    assert distance.item() == 5.0
    torch.testing.assert_close(to_query, torch.tensor([[0.0, 0.6, 0.0, 0.8]], dtype=torch.float64))
    assert torch.equal(to_candidates, -to_query)


@EACH_PATH
@pytest.mark.parametrize("norm", ["l2", *(pytest.param(each, marks=pytest.mark.slow) for each in ("l1", "complex-l1"))])
def test_a_small_distance_of_long_vectors_does_not_cancel(norm, path):
    query = torch.randn(1, 64, generator=SeedStream(2).torch())
    query *= 20 / query.norm()
    near = query.clone()
    near[0, 3] += 0.001
    zero, small = path(query, torch.cat([query, near]), norm)[0].tolist()
    assert zero == 0.0
    assert small == pytest.approx(0.001, rel=1e-3)


@EACH_NORM
@EACH_FORM
def test_any_number_of_threads_gives_the_same_bits(norm, own):
    query, candidates = drawn(5, 40 if own else PART + 9, 2 * TILE + 6, own)
    weight, before, results = weights(*query.shape[:1], candidates.size(-2)), torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(with_gradients(distances, query, candidates, norm, weight))
    finally:
        torch.set_num_threads(before)
    for others in results[1:]:
        for distance, expected in zip(others, results[0], strict=True):
            assert torch.equal(distance, expected)


@EACH_NORM
def test_candidates_of_its_own_give_a_query_the_bits_of_shared_ones(norm):
    query, candidates = drawn(6, TILE + 3, 2 * TILE + 6)
    own = candidates.expand(6, -1, -1)
    assert torch.equal(distances(query, candidates, norm), distances(query, own, norm))


@EACH_NORM
@EACH_FORM
def test_plain_torch_takes_a_block_at_a_time(norm, own, monkeypatch):
    monkeypatch.setattr(ops, "BLOCK", 3 * 4 * 6)
    query, candidates = drawn(4, 11, 6, own)
    weight = weights(4, 11)
    ours, theirs = (with_gradients(path, query, candidates, norm, weight) for path in (blockwise, reference))
    for distance, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(distance, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.gpu
@EACH_NORM
@EACH_FORM
def test_a_gpu_gives_the_same(norm, own):
    query, candidates = drawn(5, 70, 6, own)
    weight = weights(5, 70)
    expected = with_gradients(reference, query, candidates, norm, weight)
    there = [each.detach().cuda().requires_grad_() for each in (query, candidates)]
    for value, wanted in zip(with_gradients(distances, *there, norm, weight.cuda()), expected, strict=True):
        torch.testing.assert_close(value.cpu(), wanted, rtol=1e-11, atol=1e-11)


def test_half_precision_is_computed_in_float32():
    query, candidates = (each.detach() for each in drawn(3, 5, 8, dtype=torch.float32))
    single = distances(query, candidates, "l2")
    assert single.dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(distances(query, candidates, "l2"), single)
    rounded = [each.bfloat16() for each in (query, candidates)]
    assert torch.equal(distances(*rounded, "l2"), distances(*(each.float() for each in rounded), "l2"))
    assert distances(query.double(), candidates, "complex-l1").dtype == torch.float64


@pytest.mark.slow
@EACH_NORM
@EACH_FORM
def test_float32_is_float64_rounded(norm, own):
    query, candidates = drawn(QUERIES + 6, 200, 256, own, torch.float32)
    weight = weights(QUERIES + 6, 200, torch.float32)
    distance = with_gradients(distances, query, candidates, norm, weight)
    double = [each.detach().double().requires_grad_() for each in (query, candidates)]
    for single, expected in zip(distance, with_gradients(reference, *double, norm, weight.double()), strict=True):
        torch.testing.assert_close(single, expected.float(), rtol=2e-6, atol=2e-5)


def test_tensors_that_are_not_contiguous_are_read_as_they_are():
    query, candidates = (each.detach() for each in drawn(4, 40, 8))
    there = query.T.contiguous().T, candidates.T.contiguous().T
    assert torch.equal(distances(*there, "complex-l1"), distances(query, candidates, "complex-l1"))


def test_gradients_that_nobody_asks_for_are_not_given():
    query, candidates = drawn(3, 5, 4)
    weight = weights(3, 5)
    (distance,) = torch.autograd.grad(distances(query, candidates.detach(), "complex-l1"), query, weight)
    torch.testing.assert_close(distance, with_gradients(reference, query, candidates, "complex-l1", weight)[1])


@pytest.mark.parametrize(
    ("query", "candidates"),
    [
        ((3, 4), (5, 6)),
        ((4,), (5, 4)),
        ((3, 4), (4,)),
        ((3, 4), (2, 5, 4)),
        ((3, 4), (3, 1, 5, 4)),
        ((3, 2, 4), (5, 4)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(query, candidates):
    with pytest.raises(InputError, match="do not fit") as refused:
        distances(torch.zeros(query), torch.zeros(candidates), "l1")
    assert "[B, K, d]" in str(refused.value.hint)


def test_half_a_complex_number_and_an_unknown_norm_are_refused():
    with pytest.raises(InputError, match="odd width") as refused:
        distances(torch.zeros(3, 5), torch.zeros(2, 5), "complex-l1")
    assert "real halves" in str(refused.value.hint)
    with pytest.raises(InputError, match="no norm 'l3'") as refused:
        distances(torch.zeros(3, 4), torch.zeros(2, 4), "l3")
    assert "l1, l2, complex-l1" in str(refused.value.hint)
