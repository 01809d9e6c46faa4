"""Confusion, calibration and groups, beside scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from graphlab.analysis.outcomes import (
    confusion,
    groups_by_class,
    groups_by_degree,
    groups_by_relation,
    plot_confusion,
    plot_reliability,
    plot_values,
    reliability,
)
from graphlab.data.load import load
from graphlab.task.base import Labelled


def labelled(seed: int, count: int = 60, classes: int = 4) -> Labelled:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, classes, generator=generator)
    return Labelled(rows, torch.randint(classes, (count,), generator=generator), torch.arange(count))


def test_confusion_and_classes_are_those_of_scikit_learn():
    both = [labelled(0), labelled(1)]
    counts = confusion(both, 5)
    true, predicted = (np.concatenate(each) for each in zip(*((b.truth, b.rows.argmax(1)) for b in both), strict=True))
    assert np.array_equal(counts, confusion_matrix(true, predicted, labels=range(5)))
    precision, recall, f1, support = precision_recall_fscore_support(true, predicted, labels=range(4))
    groups = groups_by_class(counts, list("abcde"))
    for place, group in enumerate(groups[:4]):
        assert (group.precision, group.recall, group.f1, group.count) == pytest.approx(
            (precision[place], recall[place], f1[place], support[place])
        )
    assert (groups[4].count, groups[4].precision, groups[4].recall, groups[4].f1) == (0, None, None, None)
    assert plot_confusion(counts, list("abcde")).render("png")


def test_calibration():
    """What is right as often as it says is calibrated; what is always sure and right half of the time is .5 off."""
    generator = torch.Generator().manual_seed(0)
    probability = torch.rand(200_000, generator=generator)
    so = torch.rand(200_000, generator=generator) < probability
    assert reliability(probability, so).error < 0.01
    sure = reliability(torch.ones(1000), torch.arange(1000) % 2 == 0)
    assert sure.error == pytest.approx(0.5) and sure.count.tolist() == [0] * 9 + [1000]
    bounds = reliability(
        torch.tensor([0.0, 0.1, 0.100001, 1.0], dtype=torch.float64), torch.tensor([False, True, True, True])
    )
    assert bounds.count.tolist() == [2, 1, *[0] * 7, 1]
    assert bounds.error == pytest.approx((abs(1 - 0.1) + abs(1 - 0.100001) + 0) / 4)
    assert plot_reliability(bounds, "p", "rate").render("png")
    assert reliability(torch.zeros(0), torch.zeros(0, dtype=torch.bool)).error == 0


def test_groups_by_degree():
    data = load("karate")
    rows = torch.zeros(34, 2)
    rows[:, 0] = 1
    each = Labelled(rows, data.graph.y, torch.arange(34))
    groups = groups_by_degree(data, [each, each])
    assert sum(group.count for group in groups) == 68
    degree = data.graph.edge_index[1].bincount()
    first = degree <= int(groups[0].name.rsplit(" ", maxsplit=1)[-1])
    assert groups[0].count == 2 * int(first.sum())
    assert groups[0].accuracy == pytest.approx(float((data.graph.y[first] == 0).float().mean()))


def test_groups_by_relation():
    data = load("kinship-rules/transductive")
    test = data.splits.at(0).test
    rows = np.ones((len(test), 4))
    rows[:, 0] = 2
    rows[test[:, 1].numpy() == int(test[0, 1]), 2] = 4
    groups = {group.name: group for group in groups_by_relation(data, [(0, rows), (0, rows)])}
    assert sum(group.count for group in groups.values()) == len(test)
    own = groups[data.labels["relations"][int(test[0, 1])]]
    assert (own.mrr_tail, own.mrr_head, own.hits) == (0.5, 0.25, 1.0)


def test_values_are_drawn():
    values = Labelled(torch.randn(20, 2), torch.randn(20, 2), torch.arange(20))
    assert "mean absolute error" in plot_values([values, values]).axes[0].get_ylabel()
