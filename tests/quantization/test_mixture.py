"""Mixtures of bit widths: weights, penalty, gradients, and the published implementation."""

from __future__ import annotations

import pytest
import torch

from graphlab.core.errors import InputError
from graphlab.quantization.formats import Affine
from graphlab.quantization.mixture import Mixture
from graphlab.quantization.quantisers import ActivationQuantiser, WeightQuantiser


def _mixture(*bits: int) -> Mixture:
    return Mixture([WeightQuantiser(Affine(each)) for each in bits])


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.real_data
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("sign", ["signed", "unsigned"])
@pytest.mark.parametrize("where", ["tensor", "column"])
def test_single_widths_of_the_pack(truth, bits, sign, where):
    """Values, scales and gradients of x. The published zero points are not clamped, which none of these ranges needs.

    The published gradient is zero where value / scale + zero point lies beyond the integers before it is rounded, ours
    where it does afterwards, as torch has it.
    """
    pack = {key: torch.from_numpy(array) for key, array in truth("quant_mixq").items()}
    key = f"mixq_int{bits}_{sign}_{where}/"
    number_format = Affine(bits, sign == "signed", granularity="tensor" if where == "tensor" else "channel")
    quantiser = WeightQuantiser(number_format, channel=1)
    value = pack["x" if sign == "signed" else "x_nonnegative"].clone().requires_grad_()
    output = Mixture([quantiser])(value)
    (output * pack["upstream_grad"]).sum().backward()
    torch.testing.assert_close(output, pack[key + "y"], rtol=0, atol=1e-6)
    scale, zero_point = quantiser.parameters_of()
    exact = value.detach() / scale + zero_point
    is_beyond = (exact < number_format.lowest - 1e-4) | (exact > number_format.highest + 1e-4)
    torch.testing.assert_close(value.grad[~is_beyond], pack[key + "grad_x"][~is_beyond], rtol=0, atol=1e-6)
    assert (pack[key + "grad_x"][is_beyond] == 0).all()
    is_clamped = (exact.round() < number_format.lowest) | (exact.round() > number_format.highest)
    assert torch.equal(value.grad, pack["upstream_grad"] * ~is_clamped)
    scale, zero_point = scale.flatten(), zero_point.flatten()
    torch.testing.assert_close(scale, pack[key + "scale"].flatten(), rtol=0, atol=1e-6)
    assert torch.equal(zero_point.float(), pack[key + "zero_point"].flatten() + 0)


@pytest.mark.real_data
def test_one_bit_has_two_values_where_the_pack_has_three(truth):
    pack = truth("quant_mixq")
    assert len(set(pack["mixq_int1_signed_tensor/y"].round(4).flatten().tolist())) == 3
    with pytest.raises(InputError, match="2 to 8"):
        Affine(1)


@pytest.mark.real_data
def test_first_weights_favour_the_widest_as_published_up_to_noise(truth):
    pack = truth("quant_mixq")
    for bits, name in (((2, 4, 8), "2_4_8"), ((4, 8), "4_8")):
        expected = torch.from_numpy(pack[f"mixq_initial_coefficients_{name}"])
        torch.testing.assert_close(_mixture(*bits).weights.detach(), expected, rtol=0, atol=0.01)


def test_the_mixture_and_its_gradients_by_hand():
    mixture, value = _mixture(2, 4, 8).double(), _random(6, 5).double()
    with torch.no_grad():
        mixture.logits.copy_(torch.tensor([0.3, -0.2, 0.5]))
    parts = torch.stack([WeightQuantiser(Affine(bits))(value) for bits in (2, 4, 8)])
    weights = torch.tensor([0.3, -0.2, 0.5]).double().softmax(0)
    leaf, upstream = value.clone().requires_grad_(), _random(6, 5, seed=1).double()
    output = mixture(leaf)
    torch.testing.assert_close(output, torch.einsum("b,bij->ij", weights, parts))
    (output * upstream).sum().backward()
    scores = (parts * upstream).sum((1, 2))
    torch.testing.assert_close(mixture.logits.grad, weights * (scores - weights @ scores))
    torch.testing.assert_close(leaf.grad, upstream)


def test_the_penalty_is_the_expected_size_and_its_gradient_narrows():
    mixture = _mixture(2, 4, 8)
    with pytest.raises(InputError, match="numel"):
        mixture.penalty()
    mixture(_random(64, 128))
    weights = mixture.weights.detach()
    expected = float(weights @ torch.tensor([2.0, 4.0, 8.0]))
    assert mixture.penalty().item() == pytest.approx(expected)
    assert mixture.penalty(4096).item() == pytest.approx(expected / 2)
    mixture.penalty().backward()
    torch.testing.assert_close(mixture.logits.grad, weights * (torch.tensor([2.0, 4.0, 8.0]) - expected))
    optimiser = torch.optim.SGD([mixture.logits], lr=1.0)
    assert mixture.chosen == Affine(8)
    for _ in range(30):
        optimiser.zero_grad()
        mixture.penalty().backward()
        optimiser.step()
    assert mixture.chosen == Affine(2)


def test_the_error_alone_chooses_the_widest():
    mixture, value = _mixture(2, 4, 8), _random(30, 4)
    with torch.no_grad():
        mixture.logits.copy_(torch.tensor([1.0, 0.0, 0.0]))
    optimiser = torch.optim.Adam(mixture.parameters(), lr=0.05)
    for _ in range(200):
        optimiser.zero_grad()
        (mixture(value) - value).square().mean().backward()
        optimiser.step()
    assert mixture.chosen.bits > 2


def test_ties_choose_the_fewest_bits():
    mixture = _mixture(8, 2, 4)
    with torch.no_grad():
        mixture.logits.zero_()
    assert mixture.chosen == Affine(2)


def test_an_empty_mixture_is_refused():
    with pytest.raises(InputError, match="at least one"):
        Mixture([])


def test_activations_in_other_types_saved_and_loaded():
    def build() -> Mixture:
        return Mixture([ActivationQuantiser(Affine(bits)) for bits in (4, 8)])

    value = _random(5, 4)
    mixture, copy = build(), build()
    mixture(value)
    copy.load_state_dict(mixture.state_dict())
    assert torch.equal(copy.eval()(value), mixture.eval()(value))
    assert mixture.double()(value.double()).dtype == torch.float64
    assert mixture(torch.zeros(0, 4)).shape == (0, 4)
