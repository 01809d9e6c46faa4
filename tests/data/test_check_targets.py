"""Classes and values: each case is converted with a notice, noticed, or one error."""

from __future__ import annotations

import pytest
import torch

from graphlab.data.check import check
from graphlab.data.dataset import Dataset
from graphlab.testing.examples import example
from tests.data.refusals import GRAPH, NODE, refusal, with_graph


def labelled(*classes: int, num_outputs: int = 3) -> Dataset:
    """24 nodes, the first of these classes."""
    y = torch.arange(24).remainder(num_outputs)
    y[: len(classes)] = torch.tensor(classes)
    return with_graph(NODE, y=y, spec={"num_outputs": num_outputs})


def test_labels_that_are_none():
    refusal(labelled(0, -100, -100), r"y of -100, at node 1, 2, and there are 3 classes \(2 of 24", "say -1")
    refusal(labelled(0, 1, -2), "y of -2, at node 2")
    refusal(labelled(7), "y of 7, at node 0", "num_outputs is too small")
    one_based = with_graph(NODE, y=torch.arange(24).remainder(3) + 1)
    refusal(one_based, "y of 3, at node 2, 5", "subtract 1")
    refusal(with_graph(NODE, y=torch.rand(24)), "y of float32", "long")
    refusal(with_graph(NODE, y=torch.eye(3).repeat(8, 1)), r"y of the shape \[24, 3\], a column a class", "argmax")
    refusal(with_graph(NODE, y=torch.zeros(23, dtype=torch.long)), r"y of the shape \[23\], not \[24\]")
    refusal(with_graph(NODE, y=None), "has no y")


@pytest.mark.parametrize(
    ("values", "notice"),
    [
        (lambda y: y.int(), "y from int32 to int64"),
        (lambda y: y.unsqueeze(1), "y from one column to one dimension"),
        (lambda y: y.numpy(), "y from an array to a tensor"),
    ],
)
def test_labels_of_other_types(values, notice):
    y = example(NODE).graph.y
    checked = check(with_graph(NODE, y=values(y)))
    assert checked.notices == (f"converted: {notice}",)
    assert checked.graph.y.dtype == torch.int64 and checked.graph.y.equal(y)


def test_classes_that_nothing_has():
    y = torch.tensor([0, 2, 4] * 8)
    assert check(with_graph(NODE, y=y, spec={"num_outputs": 6})).notices == ("no node has class 1, 3, 5, of 6 classes",)


def test_unlabelled_items():
    data = example(NODE)
    y = data.graph.y.clone()
    y[data.split().test[:2]] = -1
    assert check(with_graph(NODE, y=y)).notices == (
        "2 of 6 test nodes are unlabelled, and left out of loss and metrics",
    )
    y[data.split().test] = -1
    refusal(with_graph(NODE, y=y), "all 6 items of the test part of example are unlabelled")


def test_targets_of_graphs():
    graph = example("graph-regression").graphs[0]
    flat = check(with_graph("graph-regression", y=graph.y.reshape(1)))
    assert flat.notices == ("converted: y from 1 dimension to rows, in 1 of 24 graphs",)
    assert flat.graphs[0].y.shape == (1, 1) and graph.y.equal(flat.graphs[0].y)
    assert check(with_graph("graph-regression", y=0.5)).graphs[0].y.tolist() == [[0.5]]
    assert check(with_graph("graph-regression", y=torch.tensor(0.5))).graphs[0].y.tolist() == [[0.5]]
    assert check(with_graph(GRAPH, y=1)).graphs[0].y.tolist() == [1]
    refusal(with_graph("graph-regression", 2, y=torch.ones(1, 2)), r"graph 2 has y of the shape \[1, 2\], not \[1, 1\]")
    refusal(with_graph("graph-regression", 2, y=torch.ones(5, 1)), r"\[5, 1\], not \[1, 1\]")


# Splits.
