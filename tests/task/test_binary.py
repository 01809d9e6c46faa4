"""AUROC and average precision against their definitions, pair by pair and threshold by threshold."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.task.binary import auroc, average_precision

LABELLED = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30)


def tensors(items):
    scores, labels = zip(*items, strict=True)
    return torch.tensor(scores).float(), torch.tensor(labels)


@settings(max_examples=100, deadline=None)
@given(LABELLED)
def test_auroc_is_the_share_of_pairs_in_order(items):
    positive = [s for s, label in items if label]
    negative = [s for s, label in items if not label]
    found = auroc(*tensors(items))
    if not positive or not negative:
        assert math.isnan(found)
        return
    won = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    assert found == pytest.approx(won / (len(positive) * len(negative)))


@settings(max_examples=100, deadline=None)
@given(LABELLED)
def test_average_precision_is_the_sum_over_thresholds(items):
    total = sum(label for _, label in items)
    found = average_precision(*tensors(items))
    if not total:
        assert math.isnan(found)
        return
    expected, recall = 0.0, 0.0
    for threshold in sorted({s for s, _ in items}, reverse=True):
        taken = [label for s, label in items if s >= threshold]
        precision, reached = sum(taken) / len(taken), sum(taken) / total
        expected, recall = expected + (reached - recall) * precision, reached
    assert found == pytest.approx(expected)


def test_a_score_that_is_no_number_is_no_success():
    scores, labels = torch.tensor([1.0, float("nan"), 0.0]), torch.tensor([True, False, False])
    assert math.isnan(auroc(scores, labels)) and math.isnan(average_precision(scores, labels))
