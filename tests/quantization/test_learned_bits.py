"""Learned steps and bits a node: values, gradients by both rules, the memory loss, and the published implementation."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.quantization.learned_bits import NodeBits, memory_loss, round_rows


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "gradient"), [("feature", "error"), ("xw", "error"), ("weight", "loss")])
def test_values_and_gradients_of_the_pack(truth, name, gradient):
    pack = {key: torch.from_numpy(array) for key, array in truth("quant_a2q").items()}
    step = pack[f"a2q_{name}/step"].abs().requires_grad_()
    bits = pack[f"a2q_{name}/bits"].clone().requires_grad_()
    value, upstream = pack["x"].clone().requires_grad_(), pack["upstream_grad"]
    output = round_rows(value, step, bits, gradient)
    (output * upstream).sum().backward()
    torch.testing.assert_close(output, pack[f"a2q_{name}/y"], rtol=0, atol=1e-6)
    # The published step of one row is negative; its gradient is that of its magnitude.
    torch.testing.assert_close(step.grad, pack[f"a2q_{name}/grad_step"], rtol=1e-6, atol=3e-5)

    theirs = pack[f"a2q_{name}/grad_bits"]
    is_one_bit = bits.detach().round() == 1
    assert int(is_one_bit.sum()) == 1
    torch.testing.assert_close(bits.grad[~is_one_bit], theirs[~is_one_bit], rtol=1e-6, atol=1e-5)
    # By the loss the published gradient of a row of one bit is zero, so that it never widens.
    if gradient == "loss":
        assert theirs[is_one_bit] == 0 and bits.grad[is_one_bit] != 0
    else:
        torch.testing.assert_close(bits.grad[is_one_bit], theirs[is_one_bit], rtol=1e-6, atol=1e-6)

    # The published gradient of x is not clipped.
    is_saturated = pack["x"].abs() > step.detach() * (2 ** (bits.detach().round() - 1) - 1)
    assert torch.equal(pack[f"a2q_{name}/grad_x"], upstream)
    assert torch.equal(value.grad, upstream * ~is_saturated)
    assert 0 < int(is_saturated.sum()) < value.numel()


@given(st.floats(0.05, 2), st.floats(1, 8), st.lists(st.floats(-20, 20), min_size=1, max_size=8))
def test_values_by_their_formula(step, bits, numbers):
    value = torch.tensor([numbers], dtype=torch.float64)
    output = round_rows(value, torch.full((1, 1), step).double(), torch.full((1, 1), bits).double(), "loss")
    limit = 2 ** (round(bits) - 1) - 1
    size = float(torch.tensor(step))
    for x, y in zip(numbers, output[0].tolist(), strict=True):
        expected = math.copysign(size * min(math.floor(abs(x) / size + 0.5), limit), x)
        assert y == pytest.approx(expected, abs=1e-9)


def test_halves_go_away_from_zero():
    value = torch.tensor([[0.5, 1.5, 2.5, -0.5, -1.5]])
    assert round_rows(value, torch.ones(1, 1), torch.full((1, 1), 8.0), "loss").tolist() == [[1, 2, 3, -1, -2]]


def test_gradients_of_the_loss_are_derivatives_with_rounding_held_constant():
    """Finite differences; widths count as real numbers, and saturated values as step * (2^(bits - 1) - 1)."""
    value, upstream = 3 * _random(6, 40), _random(6, 40, seed=1)
    step = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.2, 1.0]).double().view(6, 1).requires_grad_()
    bits = torch.tensor([2.0, 3.0, 4.0, 2.0, 5.0, 1.0]).double().view(6, 1).requires_grad_()
    (round_rows(value, step, bits, "loss") * upstream).sum().backward()
    exact = value / step.detach()
    is_saturated = exact.abs() > 2 ** (bits.detach() - 1) - 1
    offset = exact.sign() * (exact.abs() + 0.5).floor() - exact

    def smoothed(step: Tensor, bits: Tensor) -> Tensor:
        beyond = value.sign() * step * (2 ** (bits - 1) - 1)
        return (torch.where(is_saturated, beyond, (value / step + offset) * step) * upstream).sum(1, keepdim=True)

    h = 1e-6
    at_step, at_bits = step.detach(), bits.detach()
    by_step = (smoothed(at_step + h, at_bits) - smoothed(at_step - h, at_bits)) / (2 * h)
    by_bits = (smoothed(at_step, at_bits + h) - smoothed(at_step, at_bits - h)) / (2 * h)
    torch.testing.assert_close(step.grad, by_step, rtol=0, atol=1e-6)
    torch.testing.assert_close(bits.grad, by_bits, rtol=0, atol=1e-6)
    assert (bits.grad != 0).all()


def test_gradients_of_the_error_lower_it_whatever_the_loss():
    value = _random(5, 30)
    quantiser = NodeBits(5, "error", initial_bits=3.0).double()
    quantiser(value)
    with torch.no_grad():
        quantiser.step.mul_(torch.tensor([0.3, 3.0, 0.5, 2.0, 0.2]).double().view(5, 1))
    gradients = []
    for upstream in (1.0, -7.0):
        quantiser.zero_grad()
        (upstream * quantiser(value)).sum().backward()
        gradients.append((quantiser.step.grad, quantiser.bits.grad))
    assert torch.equal(gradients[0][0], gradients[1][0]) and torch.equal(gradients[0][1], gradients[1][1])
    before = (quantiser(value) - value).abs().mean()
    optimiser = torch.optim.SGD([quantiser.step], lr=0.02)
    for _ in range(100):
        optimiser.zero_grad()
        quantiser(value).sum().backward()
        optimiser.step()
    assert (quantiser(value) - value).abs().mean() < 0.8 * before


def test_saturated_rows_widen_by_their_error():
    value = _random(2, 30)
    quantiser = NodeBits(2, "error", initial_bits=2.0).double()
    quantiser(value)
    with torch.no_grad():
        quantiser.step.fill_(0.05)
    quantiser(value).sum().backward()
    assert (quantiser.bits.grad < 0).all()


def test_integers_and_steps_give_the_values_of_each_row():
    value = _random(7, 9)
    quantiser = NodeBits(7, initial_bits=4.0).double()
    with torch.no_grad():
        quantiser.bits.copy_(torch.tensor([0.2, 1.4, 2.5, 3.5, 5.0, 8.0, 99.0]).view(7, 1))
    output = quantiser(value)
    integers = quantiser.integers(value)
    scale, zero_point = quantiser.parameters_of()
    assert quantiser.widths.flatten().tolist() == [1, 1, 2, 4, 5, 8, 8]
    assert quantiser.limits.flatten().tolist() == [0, 0, 1, 7, 15, 127, 127]
    assert (integers.abs() <= quantiser.limits).all() and integers.dtype == torch.int32
    torch.testing.assert_close(output, (integers - zero_point) * scale)
    torch.testing.assert_close(quantiser.eval()(output), output)


def test_the_first_batch_sets_the_steps():
    value = _random(4, 6)
    quantiser = NodeBits(4).double().eval()
    assert quantiser(value) is value
    with pytest.raises(InputError, match="training mode"):
        quantiser.parameters_of()
    quantiser.train()(value)
    expected = 2 * value.abs().mean(1, keepdim=True) / 7**0.5
    torch.testing.assert_close(quantiser.step.detach(), expected)
    quantiser(5 * value)
    torch.testing.assert_close(quantiser.step.detach(), expected)


def test_saved_and_loaded():
    value = _random(4, 6)
    quantiser, copy = NodeBits(4).double(), NodeBits(4).double().eval()
    expected = quantiser(value)
    copy.load_state_dict(quantiser.state_dict())
    assert torch.equal(copy(value), expected)


def test_the_memory_loss_by_hand_and_its_gradient():
    first, second = (torch.tensor(bits, requires_grad=True) for bits in ([[4.0], [2.5]], [[8.0]]))
    loss = memory_loss([(first, 1024), (second, 512)], target=1.0)
    size = (6.5 * 1024 + 8 * 512) / 8192
    assert loss.item() == pytest.approx((size - 1) ** 2)
    loss.backward()
    assert first.grad.flatten().tolist() == pytest.approx(2 * [2 * (size - 1) * 1024 / 8192])
    assert second.grad.item() == pytest.approx(2 * (size - 1) * 512 / 8192)


def test_wrong_settings_and_values_are_refused():
    with pytest.raises(InputError, match="error, loss"):
        NodeBits(3, "local")  # pyright: ignore[reportArgumentType] the wrong name is what is tested
    with pytest.raises(InputError, match="1 to 8"):
        NodeBits(3, initial_bits=9.0)
    with pytest.raises(InputError, match="at least one"):
        memory_loss([], 1.0)
    with pytest.raises(InputError, match="same nodes"):
        NodeBits(3)(_random(4, 2))
    with pytest.raises(InputError, match="two dimensions"):
        NodeBits(3)(_random(3))
    value = _random(3, 2)
    value[1, 1] = torch.nan
    with pytest.raises(InputError, match="NaN"):
        NodeBits(3)(value)
    quantiser = NodeBits(3)
    quantiser(_random(3, 2))
    with pytest.raises(InputError, match="NaN"):
        quantiser.integers(value)
    assert NodeBits(0)(torch.zeros(0, 2)).shape == (0, 2)
    assert NodeBits(3)(torch.zeros(3, 2)).tolist() == torch.zeros(3, 2).tolist()
