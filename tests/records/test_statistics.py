"""Statistics over seeds, against closed forms and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graphlab.records.statistics import bootstrap_interval, summarise, summarise_values
from tests.comparison.records_made import records

values = st.lists(st.floats(-1e3, 1e3, width=32), min_size=2, max_size=20)


@given(values)
@settings(max_examples=30, deadline=None)
def test_mean_and_sample_standard_deviation(sample):
    summary = summarise_values(sample)
    assert summary.mean == pytest.approx(sum(sample) / len(sample), abs=1e-9)
    assert summary.std == pytest.approx(float(stats.tstd(sample)), abs=1e-6)


@given(values)
@settings(max_examples=30, deadline=None)
def test_the_interval_lies_in_the_range_and_is_repeatable(sample):
    low, high = bootstrap_interval(sample)
    assert min(sample) - 1e-9 <= low <= high <= max(sample) + 1e-9
    assert bootstrap_interval(sample) == (low, high)


def test_the_interval_of_two_values_is_their_range():
    """Resampled means are a, (a + b) / 2 and b with probabilities 1/4, 1/2, 1/4, so 2.5 % and 97.5 % are a and b."""
    assert bootstrap_interval([0.0, 1.0]) == (0.0, 1.0)


def test_the_interval_is_close_to_scipys():
    sample = np.random.default_rng(3).normal(0.8, 0.01, 30)
    theirs = stats.bootstrap((sample,), np.mean, method="percentile", rng=np.random.default_rng(5)).confidence_interval
    assert bootstrap_interval(list(sample)) == pytest.approx((theirs.low, theirs.high), abs=4e-4)


def test_the_interval_of_many_values_is_close_to_the_normal_one():
    sample = np.random.default_rng(1).normal(0.0, 1.0, 400)
    half = 1.96 * sample.std(ddof=1) / 20
    assert bootstrap_interval(list(sample)) == pytest.approx((sample.mean() - half, sample.mean() + half), abs=0.01)


def test_equal_values_have_no_spread_at_all():
    summary = summarise_values([21 / 22] * 5)
    assert (summary.mean, summary.std, summary.ci95) == (21 / 22, 0.0, (21 / 22, 21 / 22))


def test_equal_values_have_an_interval_of_no_width():
    assert bootstrap_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)


def test_one_run_has_no_spread_and_none_has_no_mean():
    one, none = summarise(records(0.8)), summarise([])
    assert (one.n, one.mean, one.std, one.ci95) == (1, 0.8, None, None)
    assert (none.n, none.mean) == (0, None)


def test_failed_runs_are_counted_and_not_averaged():
    summary = summarise(records(0.7, None, 0.9))
    assert (summary.n, summary.failed, summary.mean) == (2, 1, pytest.approx(0.8))
