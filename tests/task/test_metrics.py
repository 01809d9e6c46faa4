"""Metrics against their definitions, pair by pair, threshold by threshold and class by class."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import IncompatibleError
from graphlab.task.metrics import METRICS, measure

LABELLED = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30)


def measured(name, kind, outputs, targets):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a metric that is not defined is NaN, and says nothing beside
        return measure([name], kind, outputs, targets)[name]


def tensors(items):
    scores, labels = zip(*items, strict=True)
    return torch.tensor(scores).float(), torch.tensor(labels)


def auroc_by_pairs(items):
    positive = [s for s, label in items if label]
    negative = [s for s, label in items if not label]
    if not positive or not negative:
        return math.nan
    won = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return won / (len(positive) * len(negative))


@settings(max_examples=100, deadline=None)
@given(LABELLED)
def test_auroc_is_the_share_of_pairs_in_order(items):
    assert measured("auroc", "mask", *tensors(items)) == pytest.approx(auroc_by_pairs(items), nan_ok=True)


@settings(max_examples=100, deadline=None)
@given(LABELLED)
def test_average_precision_is_the_sum_over_thresholds(items):
    total = sum(label for _, label in items)
    ap = measured("ap", "mask", *tensors(items))
    if not total:
        assert math.isnan(ap)
        return
    expected, recall = 0.0, 0.0
    for threshold in sorted({s for s, _ in items}, reverse=True):
        taken = [label for s, label in items if s >= threshold]
        precision, reached = sum(taken) / len(taken), sum(taken) / total
        expected, recall = expected + (reached - recall) * precision, reached
    assert ap == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_classes(items):
    predicted, classes = zip(*items, strict=True)
    logits = torch.eye(4)[list(predicted)]
    there = sorted(set(classes))
    recalls, f1 = [], []
    for c in there:
        hits = sum(p == t == c for p, t in items)
        truly, guessed = classes.count(c), predicted.count(c)
        recalls.append(hits / truly)
        f1.append(2 * hits / (truly + guessed))
    expected = {
        "accuracy": sum(p == t for p, t in items) / len(items),
        "balanced_accuracy": sum(recalls) / len(there),
        "macro_f1": sum(f1) / len(there),
    }
    for name, value in expected.items():
        assert measured(name, "class", logits, torch.tensor(classes)) == pytest.approx(value)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 3), st.integers(0, 2**31))
def test_labels(rows, labels, seed):
    random = torch.Generator().manual_seed(seed)
    scores = torch.randint(-2, 3, (rows, labels), generator=random).float()
    truth = torch.randint(0, 2, (rows, labels), generator=random).float()
    columns = [list(zip(scores[:, k].tolist(), truth[:, k].bool().tolist(), strict=True)) for k in range(labels)]
    defined = [value for value in map(auroc_by_pairs, columns) if not math.isnan(value)]
    mean = sum(defined) / len(defined) if defined else math.nan
    assert measured("auroc", "multi-label", scores, truth) == pytest.approx(mean, nan_ok=True)
    hits, guessed, truly = (int(t.sum()) for t in ((scores > 0) & (truth > 0), scores > 0, truth))
    f1 = 2 * hits / (guessed + truly) if guessed + truly else math.nan
    assert measured("micro_f1", "multi-label", scores, truth) == pytest.approx(f1, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=20))
def test_values(items):
    rows, values = torch.tensor(items, dtype=torch.float64).unsqueeze(2).unbind(1)
    errors = [p - t for p, t in items]
    assert measured("mae", "value", rows, values) == pytest.approx(sum(map(abs, errors)) / len(items))
    squares = sum(error**2 for error in errors)
    assert measured("rmse", "value", rows, values) == pytest.approx(math.sqrt(squares / len(items)), abs=1e-12)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in METRICS for name in METRICS[kind]])
def test_a_score_that_is_no_number_is_no_success(kind, name):
    outputs = torch.tensor([[1.0, 0.0], [math.nan, 1.0], [0.0, 2.0]])
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    if kind == "class":
        targets = targets[:, 1].long()
    if kind == "mask":
        outputs, targets = outputs[:, 0], targets[:, 0]
    assert math.isnan(measured(name, kind, outputs, targets))
    assert not math.isnan(measured(name, kind, outputs.nan_to_num(), targets))


def test_shapes_are_compared():
    with pytest.raises(IncompatibleError, match=r"\[4, 1\], not \[4\]"):
        measure(["auroc"], "mask", torch.rand(4, 1), torch.tensor([True, False, True, False]))
    with pytest.raises(IncompatibleError):
        measure(["mae"], "value", torch.rand(4), torch.rand(4, 1))
