"""Number formats: names, ranges of integers, and scales of a range."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.quantization.formats import SMALLEST_SCALE, Affine, Binary, FixedPoint, Format, Ternary, parse

GRANULARITIES = st.sampled_from(["tensor", "channel", "node"])
FORMATS = st.one_of(
    st.builds(Affine, st.sampled_from([2, 3, 4, 5, 6, 7, 8, 16]), st.booleans(), st.booleans(), GRANULARITIES),
    st.builds(FixedPoint, st.integers(0, 7), st.integers(1, 8)),
    st.builds(Binary, GRANULARITIES),
    st.builds(Ternary, GRANULARITIES),
)


@given(FORMATS)
def test_a_name_reads_back_as_its_format(number_format: Format):
    assert parse(number_format.name) == number_format


@pytest.mark.parametrize(
    ("name", "expected", "lowest", "highest", "bits"),
    [
        ("int8", Affine(8, True, False), -128, 127, 8),
        ("uint8-channel", Affine(8, False, False, "channel"), 0, 255, 8),
        ("int4-symmetric", Affine(4, True, True), -7, 7, 4),
        ("uint4-symmetric-node", Affine(4, False, True, "node"), 0, 15, 4),
        ("int16", Affine(16), -32768, 32767, 16),
        ("int2-symmetric", Affine(2, symmetric=True), -1, 1, 2),
        ("q3.4", FixedPoint(3, 4), -128, 127, 8),
        ("binary", Binary(), -1, 1, 1),
        ("ternary-channel", Ternary("channel"), -1, 1, 2),
    ],
)
def test_names_and_integers(name, expected, lowest, highest, bits):
    number_format = parse(name)
    assert number_format == expected
    assert number_format is not None
    assert (number_format.lowest, number_format.highest, number_format.bits) == (lowest, highest, bits)


def test_float32_is_no_quantisation():
    assert parse("float32") is None


@pytest.mark.parametrize(
    "name",
    ["int9", "int1", "int08", "uint", "int8-node-symmetric", "int8-rows", "q0.0", "q9.9", "q03.4", "", "INT8"],
)
def test_unknown_names_list_the_alternatives(name):
    with pytest.raises(InputError, match=r"int2\.\.int8, int16.*q3\.4; binary or ternary.*float32"):
        parse(name)


@pytest.mark.parametrize(
    "build", [lambda: Affine(9), lambda: Affine(1), lambda: FixedPoint(-1, 4), lambda: FixedPoint(8, 8)]
)
def test_impossible_formats_are_refused(build):
    with pytest.raises(InputError, match="bits"):
        build()


def test_an_unknown_granularity_is_refused():
    with pytest.raises(InputError, match="tensor, channel, node"):
        Binary("row")  # pyright: ignore[reportArgumentType] the wrong name is what is tested


@given(FORMATS, st.floats(-1e4, 0, width=32), st.floats(0, 1e4, width=32))
def test_zero_is_stored_exactly_and_the_zero_point_is_a_stored_integer(number_format, low, high):
    scale, zero_point = number_format.range_parameters(torch.tensor(low), torch.tensor(high))
    assert scale >= SMALLEST_SCALE and scale.isfinite()
    assert zero_point.dtype == torch.int32
    assert number_format.lowest <= zero_point <= number_format.highest
    if not isinstance(number_format, Affine) or number_format.symmetric:
        assert zero_point == 0


@settings(max_examples=50)
@given(st.sampled_from(range(2, 9)), st.booleans(), st.floats(-100, 0, width=32), st.floats(0, 100, width=32))
def test_an_affine_range_reaches_its_ends_to_half_a_step(bits, signed, low, high):
    number_format = Affine(bits, signed)
    scale, zero_point = number_format.range_parameters(torch.tensor(low), torch.tensor(high))
    smallest, largest = ((number_format.lowest - zero_point) * scale, (number_format.highest - zero_point) * scale)
    slack = 0.5001 * float(scale)
    assert smallest - slack <= low and high <= largest + slack


def test_scales_by_hand():
    low, high = torch.tensor([-3.0, -1.0]), torch.tensor([1.5, 4.0])
    assert Affine(4, symmetric=True).range_parameters(low, high)[0].tolist() == pytest.approx([3 / 7, 4 / 7])
    assert Affine(4, False, True).range_parameters(low, high)[0].tolist() == pytest.approx([0.1, 4 / 15])
    scale, zero_point = Affine(4).range_parameters(low, high)
    assert scale.tolist() == pytest.approx([0.3, 1 / 3])
    assert zero_point.tolist() == [2, -5]
    assert FixedPoint(2, 3).range_parameters(low, high)[0].tolist() == [0.125, 0.125]
    assert Binary().range_parameters(low, high)[0].tolist() == [1.5, 2.0]
    assert Ternary().range_parameters(low, high)[0].tolist() == pytest.approx([2.0, 8 / 3])


def test_binary_and_ternary_scales_of_values():
    value = torch.tensor([[1.0, -2.0, 0.5, 4.5], [0.0, 0.0, 0.0, 8.0]])
    scale, _ = Binary().value_parameters(value, None)
    assert float(scale) == 2.0
    assert Binary("channel").value_parameters(value, 0)[0].tolist() == [[2.0], [2.0]]
    # 0.7 of the mean magnitude is 1.4, which 2, 4.5 and 8 exceed.
    assert float(Ternary().value_parameters(value, None)[0]) == pytest.approx(14.5 / 3)
    assert Ternary("channel").value_parameters(value, 0)[0].tolist() == [[3.25], [8.0]]
