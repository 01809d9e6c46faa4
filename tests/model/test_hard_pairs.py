"""The laboratory agrees on which test tells which of the pairs apart that models are tried on."""

from __future__ import annotations

import pytest

from graphlab.analysis.expressiveness import separates
from tests.model.hard_pairs import ALIKE, APART, pair


@pytest.mark.parametrize("test", ALIKE)
def test_pairs_that_a_test_cannot_tell_apart(test):
    for base in ALIKE[test]:
        assert not separates(test, *pair(base)), base


@pytest.mark.parametrize("test", APART)
def test_pairs_that_a_test_tells_apart(test):
    assert separates(test, *pair(APART[test]))
    assert not separates("1-WL", *pair(APART[test]))
