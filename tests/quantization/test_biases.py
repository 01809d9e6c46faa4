"""Biases rounded to whole steps of sums: the formula, the gradient, and which biases of a network are rounded."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.quantization.biases import BiasQuantiser
from graphlab.quantization.formats import parse
from graphlab.quantization.quantisers import ActivationQuantiser, WeightQuantiser
from graphlab.testing.transforms import transformed


def quantisers(highest=1.0):
    rows, weight = ActivationQuantiser(parse("uint8")), WeightQuantiser(parse("int4-symmetric-channel"))
    return rows, weight, torch.tensor([[0.0, highest]]), torch.tensor([[0.7, -0.1], [3.5, 2.0]])


@given(st.lists(st.floats(-4, 4), min_size=2, max_size=2), st.floats(0.5, 10), st.sampled_from([1, 3, 16]))
def test_a_bias_is_whole_steps(numbers, highest, divisor):
    """Steps are highest / 255 of the rows times 0.7 / 7 and 3.5 / 7 of the weight."""
    rows, weight, x, w = quantisers(highest)
    quantiser, bias = BiasQuantiser((rows, weight), divisor), torch.tensor(numbers)
    assert quantiser.step is None and torch.equal(quantiser(bias), bias)
    rows(x), weight(w)
    for number, size, rounded in zip(bias.tolist(), (0.1, 0.5), quantiser(bias).tolist(), strict=True):
        step = float(torch.tensor(highest)) / 255 * size / divisor
        assert abs(rounded - number) <= step / 2 + 2e-6
        assert rounded == pytest.approx(round(rounded / step) * step, abs=2e-6)


def test_rounding_counts_as_the_identity_for_the_gradient():
    rows, weight, x, w = quantisers()
    rows(x), weight(w)
    bias = torch.randn(2, requires_grad=True)
    (BiasQuantiser((rows, weight))(bias) * torch.tensor([2.0, -3.0])).sum().backward()
    assert bias.grad is not None and bias.grad.tolist() == [2.0, -3.0]


ROUNDED = {
    ("gcn", "w8a8"): ["model.convs.0.bias", "model.convs.1.bias"],
    ("gcn", "w8a8,adjacency=float32"): [],
    ("gat", "w4a4"): ["model.convs.0.bias", "model.convs.1.bias"],
    ("sage", "w8a8"): [],  # two sums of other steps and the bias are added up before they are rounded
    ("gin", "w8a8,model.*=float32"): ["head.mlp.0.bias"],
    ("gin", "w8a8,weight=float32"): [],
    ("gin", "w8a8,input=int8-node"): [],
}


@pytest.mark.parametrize("case", sorted(ROUNDED), ids=" ".join)
def test_biases_of_sums_of_rounded_numbers_are_rounded(case):
    model, scheme = case
    _, _, learner = transformed("quantize", {"scheme": scheme}, model, "node-classification")
    paths = {path: each for path, each in learner.named_modules() if isinstance(each, BiasQuantiser)}
    assert sorted(path.replace("parametrizations.", "").removesuffix(".0") for path in paths) == ROUNDED[case]


@pytest.mark.parametrize("model", ["gat", "gcn"])
def test_weights_of_edges_of_four_bits_have_sixteen_steps_for_one(model):
    _, _, learner = transformed("quantize", {"scheme": "w4a4"}, model, "node-classification")
    assert [each.divisor for each in learner.modules() if isinstance(each, BiasQuantiser)] == [16, 16]
