"""Fixed-point requantisation against exact rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.integer.rescale import Multiplier, Output, requantise, rescale

INT32 = st.integers(-(2**31), 2**31 - 1)


@given(total=INT32, real=st.floats(2.0**-31, 2.0**29))
@settings(max_examples=200)
def test_it_is_the_product_rounded_once_with_halves_up(total, real):
    multiplier = Multiplier.of(real)
    exact = Fraction(int(multiplier.mantissa[0])) * Fraction(2) ** (int(multiplier.shift[0]) - 31)
    assert rescale(np.array([total]), multiplier)[0] == math.floor(total * exact + Fraction(1, 2))
    assert multiplier.real[0] == float(exact)
    assert 2**30 <= multiplier.mantissa[0] < 2**31
    assert abs(exact / Fraction(real) - 1) <= Fraction(1, 2**31)


def test_roundings_by_hand():
    """Halves: 1, 3, -1, -3 times 1/2 go up."""
    sums, half = np.array([1, 3, -1, -3]), Multiplier.of(0.5)
    assert (half.mantissa.tolist(), half.shift.tolist()) == ([2**30], [0])
    assert rescale(sums, half).tolist() == [1, 2, 0, -1]
    quarter = Multiplier.of(0.25)
    assert rescale(np.array([2, -2, 6, -6]), quarter).tolist() == [1, 0, 2, -1]


def test_a_mantissa_that_rounds_up_to_two_to_the_31_carries():
    multiplier = Multiplier.of(np.nextafter(1.0, 0.0))
    assert (multiplier.mantissa.tolist(), multiplier.shift.tolist()) == ([2**30], [1])


def test_zero_and_numbers_too_small_to_matter_are_zero():
    multiplier = Multiplier.of([0.0, 2.0**-40])
    assert multiplier.mantissa.tolist() == [0, 0]
    assert rescale(np.array([2**31 - 1, -(2**31)]), multiplier).tolist() == [0, 0]


def test_requantised_sums_are_clamped_around_the_zero_point():
    output = Output.of(0.5, 3, low=-4, high=9)
    assert requantise(np.array([-100, -2, 0, 2, 100]), output).tolist() == [-4, 2, 3, 4, 9]
    relu = Output.of(0.5, 3, signed=False, relu=True)
    assert requantise(np.array([-100, 2]), relu).tolist() == [3, 4]
    assert requantise(np.array([2]), relu).dtype == np.uint8


@pytest.mark.parametrize("real", [-0.1, math.nan, math.inf, 2.0**30])
def test_other_multipliers_are_refused(real):
    with pytest.raises(InputError, match="fixed point"):
        Multiplier.of(real)


@pytest.mark.parametrize("options", [{"zero_point": 200}, {"low": 5}, {"high": 300}, {"low": -1, "signed": False}])
def test_ranges_that_the_type_does_not_have_are_refused(options):
    with pytest.raises(InputError, match="does not fit"):
        Output.of(1.0, **options)
