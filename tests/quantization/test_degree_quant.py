"""Degree-Quant: whom it protects, what it records, and the published implementation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.quantization.degree_quant import DegreeQuantiser, draw_protected, protection_probabilities
from graphlab.quantization.formats import Affine, parse
from graphlab.quantization.observers import MinMax, Percentile
from graphlab.quantization.quantisers import ActivationQuantiser
from graphlab.quantization.rounding import fake_quantise

INT4 = Affine(4)


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.real_data
@pytest.mark.parametrize("graph", ["karate", "tortoise_fi"])
@pytest.mark.parametrize(("low", "high"), [(0.0, 0.1), (0.1, 0.2), (0.0, 1.0)])
def test_probabilities_of_the_pack(truth, graph, low, high):
    pack = truth("quant_degree_quant")
    probability = protection_probabilities(torch.from_numpy(pack[f"protection_{graph}/in_degree"]), low, high)
    expected = torch.from_numpy(pack[f"protection_{graph}/prob_low{low}_high{high}"])
    torch.testing.assert_close(probability, expected, rtol=0, atol=1e-6)


@given(st.lists(st.integers(0, 6), max_size=12), st.floats(0, 0.5), st.floats(0.5, 1))
def test_probabilities_by_counting(degrees, low, high):
    probability = protection_probabilities(torch.tensor(degrees, dtype=torch.int64), low, high)
    for degree, value in zip(degrees, probability.tolist(), strict=True):
        share = sum(other <= degree for other in degrees) / len(degrees)
        assert value == pytest.approx(low + (high - low) * share, abs=1e-6)


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.1), (-0.1, 0.1), (0.0, 1.1), (float("nan"), 0.1)])
def test_probabilities_out_of_order_are_refused(low, high):
    with pytest.raises(InputError, match="0 <= low <= high <= 1"):
        protection_probabilities(torch.tensor([1, 2]), low, high)


@pytest.mark.real_data
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("sign", ["signed", "unsigned"])
@pytest.mark.parametrize("momentum", [None, 0.01])
@pytest.mark.parametrize("share", [None, 0.01])
def test_affine_ranges_and_values_of_the_pack(truth, bits, sign, momentum, share):
    """Rounded values where x / scale is no tie: the published code rounds after it has added the zero point."""
    pack = truth("quant_degree_quant")
    key = f"dq_int{bits}_{sign}_affine_{'minmax' if momentum is None else 'momentum'}_p{share}/"
    observer = MinMax(momentum) if share is None else Percentile(share, momentum)
    quantiser = DegreeQuantiser(Affine(bits, sign == "signed"), observer)
    sequence = torch.from_numpy(pack["sequence" if sign == "signed" else "sequence_nonnegative"])
    upstream = torch.from_numpy(pack["upstream_grad"])
    num_end_bins = 0
    for index, batch in enumerate(sequence):
        value = batch.clone().requires_grad_()
        output = quantiser(value)
        (output * upstream).sum().backward()
        recorded = [float(quantiser.observer.low), float(quantiser.observer.high)]
        np.testing.assert_allclose(recorded, pack[key + "running_min_max"][index], rtol=0, atol=1e-6)
        scale, zero_point = quantiser.parameters_of()
        is_tie = ((batch / scale).frac().abs() - 0.5).abs() < 1e-4
        expected = torch.from_numpy(pack[key + "y"][index])
        torch.testing.assert_close(output[~is_tie], expected[~is_tie], rtol=0, atol=2e-6)
        assert is_tie.float().mean() < 0.02
        # As published, the gradient is zero on the lowest and highest integer too; only clamped values lose it here.
        integers = quantiser.integers(batch)
        is_end = (integers == quantiser.format.lowest) | (integers == quantiser.format.highest)
        theirs = torch.from_numpy(pack[key + "grad_x"][index])
        torch.testing.assert_close(value.grad[~is_end], theirs[~is_end], rtol=0, atol=1e-6)
        assert (theirs[is_end] == 0).all()
        unclamped = (batch / scale).round() + zero_point
        is_kept = is_end & (unclamped == integers)
        assert torch.equal(value.grad[is_kept], upstream[is_kept])
        num_end_bins += int(is_kept.sum())
    assert num_end_bins > 0
    evaluated = quantiser.eval()(sequence[0])
    is_tie = ((sequence[0] / quantiser.parameters_of()[0]).frac().abs() - 0.5).abs() < 1e-4
    expected = torch.from_numpy(pack[key + "y_eval_first"])
    torch.testing.assert_close(evaluated[~is_tie], expected[~is_tie], rtol=0, atol=2e-6)


@pytest.mark.real_data
def test_symmetric_values_of_the_pack_and_where_ours_differ(truth):
    """The published symmetric range keeps the lowest integer; its unsigned one has zero point 128 at every width, so
    that four bits give a constant. Ours have zero point 0."""
    pack = truth("quant_degree_quant")
    value = torch.from_numpy(pack["sequence"][0])
    scale = value.abs().max() / 127.5
    expected = torch.from_numpy(pack["dq_int8_signed_sym_minmax_pNone/y"][0])
    zero = torch.tensor(0, dtype=torch.int32)
    torch.testing.assert_close(fake_quantise(value, scale, zero, Affine(8)), expected, rtol=0, atol=1e-6)
    assert not torch.allclose(ActivationQuantiser(Affine(8, symmetric=True))(value), expected, atol=1e-3)

    value = torch.from_numpy(pack["sequence_nonnegative"][0])
    assert len(np.unique(pack["dq_int4_unsigned_sym_minmax_pNone/y"][0])) == 1
    output = ActivationQuantiser(Affine(4, signed=False, symmetric=True))(value)
    assert len(output.unique()) > 8
    assert (output - value).abs().max() <= 0.51 * value.max() / 15


def test_protected_rows_pass_and_the_others_make_the_range():
    value = _random(6, 5)
    value[2] *= 100
    is_protected = torch.tensor([False, True, True, False, False, False])
    quantiser = DegreeQuantiser(INT4, MinMax())
    leaf = value.clone().requires_grad_()
    output = quantiser(leaf, is_protected=is_protected)
    assert torch.equal(output[is_protected], value[is_protected])
    alone = ActivationQuantiser(INT4, MinMax())
    assert torch.equal(output[~is_protected], alone(value[~is_protected]))
    assert quantiser.observer.high == value[~is_protected].max()
    output.sum().backward()
    assert (leaf.grad[is_protected] == 1).all()
    state = torch.get_rng_state()
    assert torch.equal(quantiser.eval()(value, is_protected=is_protected), alone.eval()(value))
    assert torch.equal(torch.get_rng_state(), state)


def test_protection_with_a_scale_a_node():
    value, is_protected = _random(4, 5), torch.tensor([True, False, False, True])
    number_format = parse("int4-node")
    assert number_format is not None
    quantiser = DegreeQuantiser(number_format, MinMax())
    output = quantiser(value, is_protected=is_protected)
    assert torch.equal(output[[0, 3]], value[[0, 3]]) and not torch.equal(output[1:3], value[1:3])
    assert torch.equal(output[1:3], ActivationQuantiser(number_format, MinMax())(value)[1:3])


def test_all_rows_protected_record_nothing():
    quantiser = DegreeQuantiser(INT4)
    value = _random(3, 2)
    assert torch.equal(quantiser(value, torch.ones(3)), value)
    assert not quantiser.observer.has_range
    assert quantiser(torch.zeros(0, 2), torch.ones(0)).shape == (0, 2)


def test_draws_come_from_the_generator_while_training_only():
    value, probability = _random(200, 3), torch.linspace(0, 1, 200)

    def protected(seed: int) -> torch.Tensor:
        quantiser = DegreeQuantiser(Affine(2), MinMax(), generator=torch.Generator().manual_seed(seed))
        return (quantiser(value, probability) == value).all(1)

    state = torch.get_rng_state()
    assert torch.equal(protected(1), protected(1)) and not torch.equal(protected(1), protected(2))
    assert torch.equal(torch.get_rng_state(), state)
    mask = draw_protected(probability, torch.Generator().manual_seed(1))
    assert torch.equal(protected(1), mask)
    assert mask[100:].sum() > mask[:100].sum() and not mask[0]

    torch.manual_seed(4)
    quantiser = DegreeQuantiser(INT4, MinMax())
    quantiser(value, probability)
    after = torch.get_rng_state()
    torch.manual_seed(4)
    assert not torch.equal(torch.get_rng_state(), after)
    quantiser.eval()(value, probability)
    torch.rand(200)
    assert torch.equal(torch.get_rng_state(), after)


def test_how_often_nodes_are_protected():
    generator = torch.Generator().manual_seed(0)
    probability = torch.tensor([0.0, 0.1, 0.5, 1.0])
    share = torch.stack([draw_protected(probability, generator) for _ in range(4000)]).float().mean(0)
    assert share[0] == 0 and share[3] == 1
    torch.testing.assert_close(share[1:3], probability[1:3], rtol=0, atol=0.03)


@pytest.mark.parametrize("mask", [torch.ones(4, dtype=torch.bool), torch.ones(3, 2, dtype=torch.bool)])
def test_masks_of_other_graphs_are_refused(mask):
    with pytest.raises(InputError, match="a number a row"):
        DegreeQuantiser(INT4)(_random(3, 2), is_protected=mask)


def test_saved_and_loaded():
    quantiser, value = DegreeQuantiser(INT4).double(), _random(9, 4).double()
    quantiser(value, torch.full((9,), 0.3))
    copy = DegreeQuantiser(INT4)
    copy.load_state_dict(quantiser.state_dict())
    torch.testing.assert_close(copy.eval()(value.float()).double(), quantiser.eval()(value), rtol=1e-5, atol=1e-6)
