"""Assignments of formats to places, and what they cost, counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.quantization.accounting import Count, bits
from graphlab.quantization.assignment import COMPONENTS, SCHEMES, Assignment, Place

WEIGHT, INPUT = Place("model.convs.0.lin.weight", "weight"), Place("model.convs.0.lin.input", "input")
AGGREGATE = Place("model.convs.0.aggregate", "aggregate")


def name_of(assignment: Assignment, place: Place) -> str:
    chosen = assignment.format_of(place)
    return "float32" if chosen is None else chosen.name


def test_a_scheme_has_symmetric_weights_and_leaves_sums_alone():
    scheme = Assignment.parse("w4a8")
    assert name_of(scheme, WEIGHT) == "int4-symmetric-channel" and name_of(scheme, INPUT) == "int8"
    assert name_of(scheme, AGGREGATE) == name_of(scheme, Place("model.convs.0.message", "message")) == "float32"


def test_the_last_rule_that_fits_holds():
    chosen = Assignment.parse("w4a8, model.convs.0.*=int16 ,input=uint2, model.convs.0.lin.input=float32")
    assert name_of(chosen, WEIGHT) == "int16" and name_of(chosen, INPUT) == "float32"
    assert name_of(chosen, Place("model.convs.1.lin.input", "input")) == "uint2"


@given(
    st.lists(st.tuples(st.sampled_from([*COMPONENTS, "a.*", "*.weight"]), st.sampled_from(["int8", "q3.4", "float32"])))
)
def test_what_is_written_out_is_read_again(rules):
    text = ",".join(f"{pattern}={name}" for pattern, name in [*rules, ("weight", "ternary")])
    chosen = Assignment.parse(text)
    assert str(chosen) == text and Assignment.parse(str(chosen)) == chosen


@pytest.mark.parametrize("scheme", [*SCHEMES, "w8a8", "w2a8", "w16a16"])
def test_schemes_are_written_out_as_rules(scheme):
    chosen = Assignment.parse(scheme)
    assert Assignment.parse(str(chosen)) == chosen and len(chosen.rules) == 5


@pytest.mark.parametrize("text", ["", "w1a8", "w4", "weights=int8", "weight=int9", "weight", "w4a8,,", "=int8"])
def test_what_cannot_be_read_is_one_error_with_the_alternatives(text):
    with pytest.raises(InputError) as caught:
        Assignment.parse(text)
    assert caught.value.hint


def test_points_belong_to_components():
    expected = {
        "lin.output": "linear",
        "qkv": "linear",
        "product": "aggregate",
        "states": "input",
        "message": "message",
    }
    assert {point: Place.of_point(f"model.{point}").component for point in expected} == expected


def test_rules_that_no_place_fits_are_listed():
    assert Assignment.parse("w8a8,model.x.*=int8").without_place([WEIGHT, INPUT]) == (
        "linear",
        "attention",
        "adjacency",
        "model.x.*",
    )


def test_bits_are_those_counted_by_hand():
    """Ten rows of 6 numbers times a weight [4, 6], in 8 and 4 bits, and what comes out in floats."""
    rows = [
        Count(WEIGHT, 24, {"tensor": 1, "channel": 4, "node": 4}),
        Count(INPUT, 60, {"tensor": 1, "channel": 10, "node": 10}, products=240, other=WEIGHT.path),
        Count(Place("model.convs.0.lin.output", "linear"), 40, {"tensor": 1}),
        Count(AGGREGATE, 40, {"tensor": 1}),
    ]
    by_name = {row.name: row for row in bits(Assignment.parse("w4a8,linear=float32"), rows)}
    assert by_name["weight"].weight_bits == 24 * 4 + 4 * 32 and by_name["weight"].buffer_bits == 0
    assert by_name["input"].buffer_bits == 60 * 8 + 32 and by_name["input"].operations == 240 * 8 * 4
    assert by_name["linear"].buffer_bits == 40 * 32 and "aggregate" not in by_name
    total = by_name["total"]
    assert (total.weight_bits, total.buffer_bits, total.operations) == (224, 480 + 32 + 1280, 7680)
    assert total.average == pytest.approx((4 + 8 + 32) / 3)
    assert total.average_by_numbers == pytest.approx((24 * 4 + 60 * 8 + 40 * 32) / 124)
    with_sums = bits(Assignment.parse("aggregate=int8"), rows)
    assert {row.name: row.buffer_bits for row in with_sums}["aggregate"] == 40 * 8 + 32
