"""Sparse features through linear maps against dense ones, and what is remembered of them."""

from __future__ import annotations

import pytest
import torch

from graphlab.model.sparse_features import FeatureInput, FeatureLinear, Remembered, by_input, linear


def bag_of_words(share: float) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    words = torch.rand(40, 30, generator=random, dtype=torch.float64)
    return words * (torch.rand(40, 30, generator=random) < share)


def test_sparse_and_dense_features_are_mapped_alike():
    weight = torch.randn(3, 30, dtype=torch.float64, requires_grad=True)
    for share in (0.1, 0.9):
        x = bag_of_words(share)
        found = linear(FeatureInput(0.5).eval()(x), weight)
        torch.testing.assert_close(found, x @ weight.T, rtol=1e-12, atol=1e-12)
        (grad,) = torch.autograd.grad(found.square().sum(), weight)
        (expected,) = torch.autograd.grad((x @ weight.T).square().sum(), weight)
        torch.testing.assert_close(grad, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_weights_by_input_are_the_same_and_are_read_and_learned_in_place(share):
    weight = torch.nn.Parameter(torch.randn(3, 30, dtype=torch.float64))
    same = by_input(weight)
    assert torch.equal(same, weight)
    assert same.T.is_contiguous()
    linear(FeatureInput(0.0)(bag_of_words(share)), same).square().sum().backward()
    assert same.grad is not None
    assert same.grad.stride() == same.stride()


def test_binary_features_are_those_that_are_there():
    weight = torch.randn(3, 30, dtype=torch.float64)
    for share in (0.1, 0.9):
        x = bag_of_words(share) - 0.5 * (bag_of_words(share) > 0.5)
        found = linear(FeatureInput(0.0, binary=True)(x), weight)
        torch.testing.assert_close(found, x.ne(0).double() @ weight.T, rtol=1e-12, atol=1e-12)


def test_dropout_keeps_the_mean_and_drops_the_share_asked_for():
    x = (bag_of_words(0.1) > 0).double()
    features = FeatureInput(0.4)
    torch.manual_seed(0)
    draws = torch.stack([linear(features(x), torch.eye(30, dtype=torch.float64)) for _ in range(400)])
    assert set(draws.unique().tolist()) == {0.0, 1 / 0.6}
    torch.testing.assert_close(draws.mean(0), x, rtol=0, atol=0.2)
    assert abs((draws[:, x > 0] == 0).double().mean().item() - 0.4) < 0.01


def test_features_that_changed_are_read_again():
    features, weight = FeatureInput(0.0), torch.eye(30, dtype=torch.float64)
    x = bag_of_words(0.1)
    features(x)
    x[0, 0] = 7.0
    assert linear(features(x), weight)[0, 0] == 7.0
    assert linear(features(2 * x), weight)[0, 0] == 14.0


@pytest.mark.parametrize("binary", [False, True])
def test_features_that_have_gradients_get_them(binary):
    x = bag_of_words(0.1).requires_grad_()
    read = linear(FeatureInput(0.0, binary)(x), torch.ones(1, 30, dtype=torch.float64))
    assert read.sum().item() == pytest.approx((x != 0).sum().item() if binary else x.sum().item())
    read.sum().backward()
    assert x.grad is not None
    assert x.grad.eq(1).all()


def test_the_last_result_is_kept_and_no_other():
    calls: list[int] = []
    times = Remembered(lambda x, factor: calls.append(len(x)) or factor * x)
    first, second = torch.ones(1), torch.ones(2)
    for x in (first, first, second, first):
        assert times(x, 2).eq(2).all()
    assert calls == [1, 2, 1]
    assert times(first, 3).eq(3).all()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.9])
def test_the_first_map_is_a_linear_map(share, bias):
    x, ours = bag_of_words(share), FeatureLinear(30, 7, bias).double()
    theirs = torch.nn.Linear(30, 7, bias).double()
    theirs.load_state_dict(ours.state_dict())
    rows, expected = ours(FeatureInput(0.0)(x)), theirs(x)
    torch.testing.assert_close(rows, expected, rtol=0, atol=1e-12)
    direction = torch.linspace(-1, 1, rows.numel(), dtype=rows.dtype).view_as(rows)
    for first, second in zip(
        torch.autograd.grad((rows * direction).sum(), list(ours.parameters())),
        torch.autograd.grad((expected * direction).sum(), list(theirs.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(first, second, rtol=0, atol=1e-12)
