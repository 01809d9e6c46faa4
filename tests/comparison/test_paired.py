"""Configurations of one's own against each other: scipy's tests, Holm's method by hand, what cannot be tested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from graphlab.comparison.paired import Contrast, Group, contrast, contrasts, holm
from tests.comparison.records_made import records

samples = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=12).filter(
    lambda pairs: min(np.ptp([a - b for a, b in pairs]), *(np.ptp(side) for side in zip(*pairs, strict=True))) > 1e-3
)


def group(*values: float | None, label: str = "gcn", first_seed: int = 0, **options: object) -> Group:
    stored = records(*values, model=label, **options)
    return Group(label, tuple(replace(r, spec=replace(r.spec, seed=r.seed + first_seed)) for r in stored))


def outcome(first: Group, second: Group) -> Contrast:
    (only,) = contrasts([first, second], "accuracy")
    return only


@given(samples)
def test_shared_seeds_are_paired_as_scipy_does(pairs):
    ours, theirs = zip(*pairs, strict=True)
    found, scipys = outcome(group(*ours), group(*theirs, label="mlp")), stats.ttest_rel(ours, theirs)
    assert (found.test, found.n, found.dropped) == ("paired t-test", (len(pairs), len(pairs)), 0)
    assert found.p_value == found.p_corrected == pytest.approx(scipys.pvalue, rel=1e-6, abs=1e-12)
    assert found.interval == pytest.approx(tuple(scipys.confidence_interval(0.95)), rel=1e-6, abs=1e-9)


@given(samples)
def test_other_seeds_are_compared_by_welchs_test(pairs):
    ours, theirs = zip(*pairs, strict=True)
    theirs = theirs[:-1] if np.ptp(theirs[:-1]) > 1e-6 else theirs
    found = outcome(group(*ours), group(*theirs, label="mlp", first_seed=100))
    scipys = stats.ttest_ind(ours, theirs, equal_var=False)
    assert found.test == "Welch's t-test (fewer than two shared seeds)"
    assert found.n == (len(ours), len(theirs))
    assert found.p_value == pytest.approx(scipys.pvalue, rel=1e-6, abs=1e-12)
    assert found.interval == pytest.approx(tuple(scipys.confidence_interval(0.95)), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"split": "random"}, "other splits"),
        ({"dataset": "karate"}, "other data: planetoid/cora and karate"),
        ({"data": "1" * 64}, "the data changed"),
    ],
)
def test_other_splits_and_data_are_not_paired(options, why):
    data = {"data": options.pop("data")} if "data" in options else {}
    second = group(0.7, 0.71, 0.69, label="mlp", **options)
    second = Group("mlp", tuple(replace(r, spec=replace(r.spec, **data)) for r in second.records))
    assert outcome(group(0.8, 0.81, 0.83), second).test == f"Welch's t-test ({why})"


def test_pairing_sees_what_seeds_have_in_common():
    """A difference of .01 with every seed, of seeds that differ by .2."""
    ours = [0.5, 0.6, 0.7, 0.4, 0.55]
    theirs = [value - 0.01 - 0.001 * (i % 2) for i, value in enumerate(ours)]
    assert outcome(group(*ours), group(*theirs, label="mlp")).conclusion == "above"
    assert outcome(group(*theirs), group(*ours, label="mlp")).conclusion == "below"
    assert outcome(group(*ours), group(*theirs, label="mlp", first_seed=9)).conclusion == "undecided"


def test_seeds_that_failed_on_either_side_are_dropped_with_their_pair_and_counted():
    first, second = group(0.8, None, 0.82, 0.85, 0.83), group(0.7, 0.9, None, 0.71, 0.72, label="mlp")
    found = outcome(first, second)
    assert (found.n, found.dropped) == ((3, 3), 2)
    assert found.p_value == pytest.approx(stats.ttest_rel([0.8, 0.85, 0.83], [0.7, 0.71, 0.72]).pvalue)


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ((0.8,), (0.7,), "not tested: one pair has no spread"),
        ((0.8, None), (0.7, 0.6), "not tested: one pair has no spread"),
        ((None, None), (0.7, 0.6), "not tested: no seed finished on both sides"),
    ],
)
def test_what_has_no_spread_is_not_tested(first, second, why):
    found = outcome(group(*first), group(*second, label="mlp"))
    assert (found.conclusion, found.p_value, found.p_corrected, found.test) == ("not tested", None, None, why)


@pytest.mark.parametrize(("n", "conclusion"), [(3, "undecided"), (5, "undecided"), (6, "above")])
def test_a_difference_that_is_always_the_same_is_judged_by_the_sign_test(n, conclusion):
    found = outcome(group(*[0.955] * n), group(*[0.909] * n, label="sage"))
    assert found.p_value == pytest.approx(stats.binomtest(n, n).pvalue)
    assert found.conclusion == conclusion and "sign test" in found.test


def test_equal_values_differ_in_nothing():
    found = outcome(group(0.8, 0.9, 0.7), group(0.8, 0.9, 0.7, label="mlp"))
    assert (found.difference, found.interval, found.p_value, found.conclusion) == (0.0, (0.0, 0.0), 1.0, "undecided")


def test_two_constants_over_other_seeds_are_judged_by_permutations():
    found = outcome(group(*[0.9] * 3), group(*[0.8] * 3, label="mlp", first_seed=5))
    scipys = stats.permutation_test(([0.9] * 3, [0.8] * 3), lambda a, b: a.mean() - b.mean(), vectorized=False)
    assert found.p_value == pytest.approx(scipys.pvalue) == 0.1
    assert found.conclusion == "undecided"


@pytest.mark.parametrize(
    ("p_values", "corrected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # 4 x .005, 3 x .01, 2 x .03, and .04 up to the last
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm_by_hand(p_values, corrected):
    assert holm(p_values) == pytest.approx(corrected)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_rejects_what_stepping_down_rejects(p_values):
    """The definition: go through the p-values from the smallest and stop at the first above alpha / (m - k)."""
    rejected: set[int] = set()
    for k, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] > 0.05 / (len(p_values) - k):
            break
        rejected.add(place)
    found = {place for place, p in enumerate(holm(p_values)) if p <= 0.05 * (1 + 1e-12)}
    assert found == rejected


def test_every_pair_is_corrected_for_all_of_them_and_what_is_not_tested_is_not_counted():
    random = np.random.default_rng(0)
    groups = [group(*random.normal(mean, 0.01, 5), label=f"m{mean}") for mean in (0.7, 0.72, 0.8)]
    found = contrasts([*groups, group(0.1, label="one")], "accuracy")
    tests = [pair for pair in found if pair.conclusion != "not tested"]
    assert len(found) == 6 and len(tests) == 3
    raw = [contrast(groups[i], groups[j], "accuracy").p_value for i, j in ((0, 1), (0, 2), (1, 2))]
    assert [pair.p_corrected for pair in tests] == pytest.approx(holm([p for p in raw if p is not None]))


def test_false_alarms_over_all_pairs_are_rare():
    """Five models that are the same, ten pairs of each draw: any conclusion in 5 % of draws at most."""
    random = np.random.default_rng(1)
    alarms = 0
    for _ in range(300):
        groups = [group(*random.normal(0.8, 0.01, 4), label=f"m{k}") for k in range(5)]
        alarms += any(pair.conclusion != "undecided" for pair in contrasts(groups, "accuracy"))
    assert alarms / 300 <= 0.05 + 3 * (0.05 * 0.95 / 300) ** 0.5


@pytest.mark.parametrize(("direction", "better"), [("max", "gcn"), ("min", "mlp")])
def test_which_is_better_is_the_metrics_affair(direction, better):
    assert outcome(group(0.8, 0.81, 0.82), group(0.5, 0.52, 0.51, label="mlp")).better(direction) == better
    assert outcome(group(0.8, 0.81), group(0.7, 0.9, label="mlp")).better(direction) == ""
