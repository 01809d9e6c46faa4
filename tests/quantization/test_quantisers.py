"""Quantisers: what they store, their gradients, torch's own quantisation, and values that are no numbers."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor
from torch.ao.quantization.observer import MinMaxObserver, PerChannelMinMaxObserver

from graphlab.core.errors import InputError
from graphlab.quantization.formats import Affine, Format, parse
from graphlab.quantization.observers import MinMax, Percentile, SquaredError
from graphlab.quantization.quantisers import ActivationQuantiser, LearnedStep, Quantiser, WeightQuantiser
from graphlab.quantization.rounding import fake_quantise, learned_fake_quantise

NAMES = ["int8", "uint8", "int4", "int2", "int16", "int8-symmetric", "uint4-symmetric", "q3.4", "ternary", "binary"]
VALUES = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 4)),
    elements=st.floats(-100, 100, width=32, allow_subnormal=False),
).map(torch.from_numpy)


def of(name: str) -> Format:
    number_format = parse(name)
    assert number_format is not None
    return number_format


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=60)
@given(VALUES, st.sampled_from(NAMES), st.sampled_from(["", "-channel", "-node"]))
def test_what_is_stored(value: Tensor, name: str, suffix: str):
    number_format = of(name if name == "q3.4" else name + suffix)
    quantiser = WeightQuantiser(number_format, channel=1)
    integers = quantiser.integers(value)
    scale, zero_point = quantiser.parameters_of()
    assert integers.dtype == torch.int32 and integers.shape == value.shape
    assert integers.min() >= number_format.lowest and integers.max() <= number_format.highest
    output = quantiser(value)
    assert torch.equal(output, (integers - zero_point) * scale)

    again = fake_quantise(output, scale, zero_point, number_format)
    torch.testing.assert_close(again, output, rtol=1e-6, atol=0)
    nearest = output - value
    is_inside = (output > (number_format.lowest - zero_point) * scale) & (
        output < (number_format.highest - zero_point) * scale
    )
    slack = scale * 0.5 + value.abs() * 1e-6
    assert (nearest.abs() <= slack)[is_inside].all()


@settings(max_examples=60)
@given(VALUES, st.sampled_from(NAMES))
def test_larger_values_are_stored_as_larger_integers(value: Tensor, name: str):
    integers = WeightQuantiser(of(name)).integers(value).flatten()
    assert (integers[value.flatten().argsort()].diff() >= 0).all()


@given(VALUES, st.sampled_from([name for name in NAMES if name != "binary"]))
def test_zero_stays_zero(value: Tensor, name: str):
    value[0, 0] = 0
    quantiser = WeightQuantiser(of(name))
    assert quantiser(value)[0, 0] == 0
    assert quantiser.integers(value)[0, 0] == quantiser.parameters_of()[1]


def test_halves_go_to_even_numbers():
    value = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, 3.0])
    output = fake_quantise(value, torch.tensor(1.0), torch.tensor(0), Affine(8))
    assert output.tolist() == [0, 2, 2, 0, -2, 3]
    shifted = fake_quantise(value, torch.tensor(1.0), torch.tensor(1), Affine(8))
    assert shifted.tolist() == output.tolist()


@pytest.mark.parametrize("name", ["int8", "int4", "int2", "uint8", "uint4"])
@pytest.mark.parametrize("channel", [None, 0, 1])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_affine_integers_are_those_of_torch(name, channel, seed):
    """Scale, zero point, rounded values and gradients of torch.ao's observers and torch's fake quantisation."""
    value = random(30, 12, seed=seed) * random(1, 12, seed=seed + 10).exp() + 0.3
    number_format = of(name + ("" if channel is None else "-channel"))
    bounds = {"quant_min": number_format.lowest, "quant_max": number_format.highest}
    kind = torch.qint8 if name.startswith("int") else torch.quint8
    if channel is None:
        observer = MinMaxObserver(dtype=kind, qscheme=torch.per_tensor_affine, **bounds)
    else:
        scheme = torch.per_channel_affine
        observer = PerChannelMinMaxObserver(ch_axis=channel, dtype=kind, qscheme=scheme, **bounds)
    observer(value)
    scale, zero_point = observer.calculate_qparams()
    theirs, ours = (value.clone().requires_grad_() for _ in range(2))
    if channel is None:
        expected = torch.fake_quantize_per_tensor_affine(theirs, scale, zero_point.int(), *bounds.values())
    else:
        expected = torch.fake_quantize_per_channel_affine(theirs, scale, zero_point.int(), channel, *bounds.values())
    quantiser = WeightQuantiser(number_format, channel or 0)
    output = quantiser(ours)
    torch.testing.assert_close(quantiser.parameters_of()[0].flatten(), scale.flatten(), rtol=1e-6, atol=0)
    assert torch.equal(quantiser.parameters_of()[1].flatten(), zero_point.flatten())
    torch.testing.assert_close(output, expected, rtol=1e-6, atol=1e-6)
    shape = [1, 1]
    if channel is not None:
        shape[channel] = -1
    stored = (expected / scale.view(shape)).round() + zero_point.view(shape)
    assert torch.equal(quantiser.integers(value), stored.int())
    upstream = random(30, 12, seed=9)
    (output * upstream).sum().backward()
    (expected * upstream).sum().backward()
    assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.real_data
def test_affine_values_of_the_pack(truth):
    pack = {key: torch.from_numpy(np.asarray(array)) for key, array in truth("quant_torch_ao").items()}
    names = [f"{sign}int{bits}_affine" for sign in ("", "u") for bits in (2, 4, 8)] + ["int8_narrow_symmetric"]
    compared = 0
    for name in names:
        for where in ("tensor", "channel0", "channel1"):
            key = f"ao_{name}_{where}/"
            if key + "y" not in pack:
                continue
            short = name.replace("_affine", "").replace("_narrow_symmetric", "-symmetric")
            quantiser = WeightQuantiser(
                of(short if where == "tensor" else short + "-channel"), int(where == "channel1")
            )
            value = pack["x_nonnegative" if name.startswith("u") else "x"].clone().requires_grad_()
            output = quantiser(value)
            (output * pack["upstream_grad"]).sum().backward()
            scale, zero_point = (part.flatten() for part in quantiser.parameters_of())
            torch.testing.assert_close(output, pack[key + "y"], rtol=0, atol=1e-6)
            torch.testing.assert_close(value.grad, pack[key + "grad_x"], rtol=0, atol=1e-6)
            torch.testing.assert_close(scale, pack[key + "scale"], rtol=0, atol=1e-6)
            assert torch.equal(zero_point, pack[key + "zero_point"])
            compared += 1
    assert compared == 18


@pytest.mark.real_data
def test_symmetric_formats_leave_out_the_lowest_integer_that_torch_keeps(truth):
    """torch.ao divides the largest magnitude by 7.5 for four bits, ours by 7, so that it is stored exactly."""
    pack = truth("quant_torch_ao")
    quantiser = WeightQuantiser(of("int4-symmetric"))
    value = torch.from_numpy(pack["x"])
    output = quantiser(value)
    scale = float(quantiser.parameters_of()[0])
    assert scale == pytest.approx(float(pack["ao_int4_symmetric_tensor/scale"][0]) * 7.5 / 7)
    assert float(output.max()) == pytest.approx(float(value.max()))
    assert float(pack["ao_int4_symmetric_tensor/y"].max()) < float(value.max())


@pytest.mark.real_data
@pytest.mark.parametrize(("bounds", "number_format"), [("-8_7", Affine(4)), ("-128_127", Affine(8))])
def test_saturated_values_and_learned_steps_of_the_pack(truth, bounds, number_format):
    pack = {key: torch.from_numpy(np.asarray(array)) for key, array in truth("quant_torch_ao").items()}
    key = f"ao_clipping_{bounds}/"
    value = pack["x"].clone().requires_grad_()
    output = fake_quantise(value, pack[key + "scale"], pack[key + "zero_point"], number_format)
    (output * pack["upstream_grad"]).sum().backward()
    torch.testing.assert_close(output, pack[key + "y"], rtol=0, atol=1e-6, check_dtype=False)
    torch.testing.assert_close(value.grad, pack[key + "grad_x"], rtol=0, atol=1e-6)
    assert (value.grad == 0).any()

    key = f"ao_learnable_{bounds}/"
    value, scale = pack["x"].clone().requires_grad_(), pack[key + "scale"].clone().requires_grad_()
    factor = float(pack[key + "grad_factor"])
    output = learned_fake_quantise(value, scale, pack[key + "zero_point"].int(), number_format, factor)
    (output * pack["upstream_grad"]).sum().backward()
    torch.testing.assert_close(output, pack[key + "y"], rtol=0, atol=1e-6)
    torch.testing.assert_close(value.grad, pack[key + "grad_x"], rtol=0, atol=1e-6)
    torch.testing.assert_close(scale.grad, pack[key + "grad_scale"], rtol=1e-6, atol=1e-6)


@pytest.mark.real_data
def test_moving_ranges_of_the_pack(truth):
    pack = truth("quant_torch_ao")
    quantiser = ActivationQuantiser(of("int8"), MinMax(momentum=0.01))
    for value, expected, numbers in zip(
        pack["sequence"], pack["ao_moving_average_int8/y"], pack["ao_moving_average_int8/scale_zp_min_max"], strict=True
    ):
        output = quantiser(torch.from_numpy(value))
        scale, zero_point = quantiser.parameters_of()
        np.testing.assert_allclose(output, expected, rtol=0, atol=1e-6)
        state = [float(scale), float(zero_point), float(quantiser.observer.low), float(quantiser.observer.high)]
        np.testing.assert_allclose(state, numbers, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["int4", "uint4", "int4-symmetric", "q1.2", "binary", "ternary"])
def test_gradients_pass_where_no_clamp_was_needed(name):
    number_format = of(name)
    scale = torch.tensor(0.25)
    zero_point = torch.tensor(3 if name in ("int4", "uint4") else 0, dtype=torch.int32)
    value = torch.linspace(-4, 4, 401).requires_grad_()
    upstream = random(401)
    (fake_quantise(value, scale, zero_point, number_format) * upstream).sum().backward()
    half_step = scale if name == "binary" else scale / 2
    low = (number_format.lowest - zero_point) * scale - half_step
    high = (number_format.highest - zero_point) * scale + half_step
    is_inside = (value > low) & (value < high)
    is_tie = ((value - low).abs() < 1e-5) | ((value - high).abs() < 1e-5)
    assert torch.equal(value.grad[~is_tie], (upstream * is_inside)[~is_tie])
    assert 0 < int(is_inside.sum()) < 401


def test_the_gradient_of_a_learned_step_is_that_of_rounding_held_constant():
    """Finite differences of clamp(value / step + (rounded - value / step) as it stands) * step."""
    number_format = Affine(3, symmetric=True)
    value, step = random(50).double() * 2, torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
    zero_point = torch.tensor(0, dtype=torch.int32)
    upstream = random(50, seed=1).double()
    (learned_fake_quantise(value, step, zero_point, number_format, 1.0) * upstream).sum().backward()
    exact = value / step.detach()
    offset = exact.round() - exact
    is_inside = exact.round().abs() <= 3

    def smoothed(scale: float) -> Tensor:
        inside = (value / scale + offset) * scale
        return (torch.where(is_inside, inside, 3 * value.sign() * scale) * upstream).sum()

    h = 1e-6
    assert float(step.grad) == pytest.approx(float(smoothed(0.6 + h) - smoothed(0.6 - h)) / (2 * h), abs=1e-6)
    assert 0 < int((~is_inside).sum()) < 50


@pytest.mark.parametrize(("name", "shape"), [("int4-symmetric", ()), ("int4-node", (7, 1)), ("uint4-channel", (1, 5))])
def test_learned_steps_by_their_formula(name, shape):
    value, upstream = random(7, 5).double(), random(7, 5, seed=2).double()
    quantiser = LearnedStep(of(name), shape).double()
    number_format = quantiser.format
    dims = [dim for dim in range(2) if not shape or shape[dim] == 1]
    output = quantiser(value)
    step = 2 * value.abs().mean(dims, keepdim=True) / number_format.highest**0.5
    torch.testing.assert_close(quantiser.step.detach().expand(step.shape), step)
    torch.testing.assert_close(output, (value / step).round().clamp(number_format.lowest, number_format.highest) * step)
    (output * upstream).sum().backward()
    exact = value / step
    rounded = exact.round().clamp(number_format.lowest, number_format.highest)
    slope = torch.where(rounded == exact.round(), rounded - exact, rounded)
    count = 35 if not shape else 35 // max(shape)
    expected = (upstream * slope).sum(dims, keepdim=True) / (count * number_format.highest) ** 0.5
    torch.testing.assert_close(quantiser.step.grad.expand(step.shape), expected)


def test_learned_steps_start_at_the_first_batch_of_training():
    quantiser, value = LearnedStep(of("int4-symmetric")).eval(), random(20)
    assert quantiser(value) is value
    with pytest.raises(InputError, match="training mode"):
        quantiser.integers(value)
    quantiser.train()(value)
    step = quantiser.step.detach().clone()
    assert float(step) == pytest.approx(2 * float(value.abs().mean()) / 7**0.5)
    quantiser(9 * value)
    assert quantiser.step == step


def test_learned_steps_keep_their_sign_out_of_the_scale():
    quantiser = LearnedStep(of("int4-symmetric"))
    value = random(20)
    expected = quantiser(value)
    with torch.no_grad():
        quantiser.step.neg_()
    assert torch.equal(quantiser(value), expected)
    with torch.no_grad():
        quantiser.step.zero_()
    assert quantiser(value).isfinite().all()


@pytest.mark.parametrize(("name", "shape"), [("q3.4", ()), ("int4-node", ()), ("int4", (5, 1)), ("int4-channel", ())])
def test_learned_steps_that_do_not_fit_are_refused(name, shape):
    with pytest.raises(InputError, match="step"):
        LearnedStep(of(name), shape)


@pytest.mark.parametrize("observer", [MinMax, lambda: Percentile(0.1), SquaredError])
@pytest.mark.parametrize("suffix", ["", "-channel", "-node"])
def test_activations_are_recorded_while_training_only(observer, suffix):
    quantiser = ActivationQuantiser(of("int4" + suffix), observer()).eval()
    value = random(6, 8)
    assert quantiser(value) is value
    with pytest.raises(InputError, match="training mode"):
        quantiser.parameters_of()
    with pytest.raises(InputError, match="training mode"):
        quantiser.integers(value)
    quantiser.train()(value)
    state = copy.deepcopy(quantiser.state_dict())
    quantiser.integers(100 * value)
    quantiser.eval()(100 * value)
    assert all(torch.equal(quantiser.state_dict()[key], state[key]) for key in state)
    assert not torch.equal(quantiser(value), value)
    before = quantiser.parameters_of()[0]
    quantiser.train()(100 * value)
    assert (quantiser.parameters_of()[0] > 10 * before).all()


def test_fixed_point_needs_no_batch():
    quantiser = ActivationQuantiser(of("q2.1")).eval()
    assert quantiser(torch.tensor([0.3, -9.0, 9.0])).tolist() == [0.5, -4.0, 3.5]


def _quantisers(suffix: str = "") -> list[Quantiser]:
    shape = {"": (), "-channel": (1, 8), "-node": (6, 1)}[suffix]
    return [
        WeightQuantiser(of("int4" + suffix), 1),
        ActivationQuantiser(of("int4" + suffix), Percentile(0.1)),
        LearnedStep(of("int4-symmetric" + suffix), shape),
    ]


@pytest.mark.parametrize("suffix", ["", "-channel", "-node"])
def test_quantisers_are_saved_and_loaded(suffix):
    value = random(6, 8)
    for before, after in zip(_quantisers(suffix), _quantisers(suffix), strict=True):
        before(value)
        after.load_state_dict(before.state_dict())
        assert torch.equal(after.eval()(value), before.eval()(value))
        assert torch.equal(after.integers(value), before.integers(value))
        assert torch.equal(copy.deepcopy(before)(value), before(value))


@pytest.mark.parametrize("suffix", ["", "-channel", "-node"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_quantisers_of_other_types(suffix, dtype):
    value = random(6, 8).to(dtype)
    for quantiser in _quantisers(suffix):
        output = quantiser.to(dtype)(value)
        assert output.dtype == dtype and output.isfinite().all()
        assert quantiser.integers(value).dtype == torch.int32
        assert quantiser.parameters_of()[0].isfinite().all()


def test_a_model_in_float64_after_training_stays_near():
    value = random(6, 8)
    for quantiser in _quantisers("-node"):
        before = quantiser(value)
        torch.testing.assert_close(quantiser.double().eval()(value.double()), before.double(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [torch.zeros(3, 2), torch.full((3, 2), 2.5), torch.full((3, 2), -1e-30)])
def test_constant_values_have_a_scale(name, value):
    for quantiser in (WeightQuantiser(of(name)), ActivationQuantiser(of(name), SquaredError())):
        output = quantiser(value)
        scale, _ = quantiser.parameters_of()
        assert scale > 0 and scale.isfinite()
        assert output.isfinite().all()
        if name not in ("q3.4", "uint4-symmetric", "binary", "ternary"):
            torch.testing.assert_close(output, value, rtol=1e-4, atol=1e-18)


@pytest.mark.parametrize("name", [*NAMES, "int8-node", "int8-channel"])
@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_empty_values_stay_empty(name, shape):
    for quantiser in (WeightQuantiser(of(name), 1), ActivationQuantiser(of(name))):
        assert quantiser(torch.zeros(shape)).shape == shape
    assert WeightQuantiser(of(name), 1).integers(torch.zeros(shape)).shape == shape


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_no_numbers_set_no_scale(bad):
    value = random(6, 8)
    value[2, 3] = bad
    for name in ("int8", "binary", "ternary-channel"):
        with pytest.raises(InputError, match="NaN or infinite"):
            WeightQuantiser(of(name))(value)
        with pytest.raises(InputError, match="NaN or infinite"):
            ActivationQuantiser(of(name))(value)
    with pytest.raises(InputError, match="NaN or infinite"):
        LearnedStep(of("int8"))(value)


def test_values_that_are_no_numbers_in_evaluation():
    quantiser = ActivationQuantiser(of("int8"))
    quantiser(random(6, 8))
    quantiser.eval()
    value = torch.tensor([float("nan"), float("inf"), -float("inf")])
    output = quantiser(value)
    assert output[0].isnan() and output[1:].isfinite().all()
    assert quantiser.integers(value[1:]).tolist() == [127, -128]
    with pytest.raises(InputError, match="NaN"):
        quantiser.integers(value)


def test_integers_and_other_shapes_are_refused():
    with pytest.raises(InputError, match="floating-point"):
        WeightQuantiser(of("int8"))(torch.ones(3, dtype=torch.int64))
    quantiser = ActivationQuantiser(of("int8-node"))
    quantiser(random(6, 8))
    with pytest.raises(InputError, match="same nodes"):
        quantiser.eval()(random(5, 8))


def test_a_scale_a_number_in_one_dimension():
    value = torch.tensor([1.0, -200.0, 0.3])
    torch.testing.assert_close(WeightQuantiser(of("int8-channel"))(value), value)


def test_the_mean_error_falls_with_bits():
    value = random(200)
    errors = [float((WeightQuantiser(of(name))(value) - value).square().mean()) for name in ("int2", "int4", "int8")]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
