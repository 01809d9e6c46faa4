"""Statistics over seeds, against closed forms, scipy and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graphlab.records.statistics import (
    mean_interval,
    summarise,
    summarise_values,
    t_p_value,
    t_quantile,
    welch_freedom,
)
from tests.comparison.records_made import records

values = st.lists(st.floats(-1e3, 1e3, width=32), min_size=2, max_size=20)
spread = values.filter(lambda sample: max(sample) - min(sample) > 1e-3)


@given(values)
@settings(max_examples=30, deadline=None)
def test_mean_and_sample_standard_deviation(sample):
    summary = summarise_values(sample)
    assert summary.mean == pytest.approx(sum(sample) / len(sample), abs=1e-9)
    assert summary.std == pytest.approx(float(stats.tstd(sample)), abs=1e-6)


@given(spread)
@settings(max_examples=50, deadline=None)
def test_the_interval_is_scipys(sample):
    theirs = stats.ttest_1samp(sample, 0.0).confidence_interval(0.95)
    assert mean_interval(sample) == pytest.approx((theirs.low, theirs.high), rel=1e-9, abs=1e-9)
    assert summarise_values(sample).ci95 == pytest.approx((theirs.low, theirs.high), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_covers_the_mean_as_often_as_stated(n):
    """40,000 samples of a normal distribution; every four hundredth interval is that of `mean_interval` itself."""
    random = np.random.default_rng(n)
    samples = random.normal(0.8, 0.01, (40_000, n))
    means = samples.mean(1)
    reach = t_quantile(0.975, n - 1) * samples.std(1, ddof=1) / math.sqrt(n)
    for row in range(0, len(samples), 400):
        assert mean_interval(samples[row].tolist()) == pytest.approx((means[row] - reach[row], means[row] + reach[row]))
    assert 0.93 <= float((abs(means - 0.8) <= reach).mean()) <= 0.97


def test_the_interval_of_two_values_by_hand():
    """The quantile of one degree of freedom is tan(0.475 pi) = 12.706; the standard error of 0 and 1 is 1 / 2."""
    reach = math.tan(0.475 * math.pi) / 2
    assert mean_interval([0.0, 1.0]) == pytest.approx((0.5 - reach, 0.5 + reach))


@given(st.floats(-5, 5), st.floats(0.01, 5), st.integers(1, 200))
@settings(max_examples=50, deadline=None)
def test_p_values_are_scipys(centre, error, freedom):
    assert t_p_value(centre, error, freedom) == pytest.approx(2 * stats.t.sf(abs(centre) / error, freedom), abs=1e-12)


@given(spread, spread)
@settings(max_examples=50, deadline=None)
def test_degrees_of_freedom_are_scipys(first, second):
    squares = [stats.sem(sample) ** 2 for sample in (first, second)]
    freedom = welch_freedom(squares[0], len(first), squares[1], len(second))
    assert freedom == pytest.approx(stats.ttest_ind(first, second, equal_var=False).df, rel=1e-6)


def test_equal_values_have_no_spread_at_all():
    summary = summarise_values([21 / 22] * 5)
    assert (summary.mean, summary.std, summary.ci95) == (21 / 22, 0.0, (21 / 22, 21 / 22))


def test_values_that_differ_by_rounding_are_equal():
    summary = summarise_values([0.1 + 0.2, 0.3, 0.3])
    assert (summary.std, summary.ci95) == (0.0, (summary.mean, summary.mean))


def test_one_run_has_no_spread_and_none_has_no_mean():
    one, none = summarise(records(0.8)), summarise([])
    assert (one.n, one.mean, one.std, one.ci95) == (1, 0.8, None, None)
    assert (none.n, none.mean) == (0, None)
    assert mean_interval([0.8]) is None


def test_failed_runs_are_counted_and_not_averaged():
    summary = summarise(records(0.7, None, 0.9))
    assert (summary.n, summary.failed, summary.mean) == (2, 1, pytest.approx(0.8))
