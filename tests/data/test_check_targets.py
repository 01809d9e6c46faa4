"""Classes and values: each case is converted with a notice, noticed, or one error."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from graphlab.data.check import check
from graphlab.data.dataset import Dataset
from graphlab.data.spec import Target
from graphlab.testing.examples import example
from tests.data.refusals import GRAPH, NODE, refusal, with_graph
from tests.specs import with_output


def labelled(*classes: int, num_outputs: int = 3) -> Dataset:
    """24 nodes, the first of these classes."""
    y = torch.arange(24).remainder(num_outputs)
    y[: len(classes)] = torch.tensor(classes)
    return with_size(with_graph(NODE, y=y), num_outputs)


def with_size(data: Dataset, size: int) -> Dataset:
    return replace(data, spec=with_output(data.spec, size=size))


def test_labels_that_are_none():
    refusal(labelled(0, -100, -100), r"y of -100, at node 1, 2, and there are 3 classes \(2 of 24", "say -1")
    refusal(labelled(0, 1, -2), "y of -2, at node 2")
    refusal(labelled(7), "y of 7, at node 0", "the size of the target is too small")
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
    assert check(with_size(with_graph(NODE, y=y), 6)).notices == ("no node has class 1, 3, 5, of 6 classes",)


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


# Targets of other types, on the graphs of an example.


def with_targets(**values) -> Dataset:
    """The example of graphs with one more target at nodes, `(type, size, stage, rows of each graph)` by name."""
    data = example(GRAPH)
    graphs, targets = [graph.clone() for graph in data.graphs], list(data.spec.targets)
    for name, (kind, size, stage, rows) in values.items():
        targets.append(Target(name, "node", kind, size, stage))
        for graph in graphs:
            graph[name] = rows(int(graph.num_nodes))
    return replace(data, graphs=tuple(graphs), spec=replace(data.spec, targets=tuple(targets)))


def test_targets_of_every_type_pass_as_they_are():
    data = with_targets(
        labels=("multi-label", 2, "output", lambda n: torch.ones(n, 2)),
        reached=("mask", 1, "hint", lambda n: torch.zeros(n, 5)),
        start=("mask-one", 1, "input", lambda n: torch.eye(n)[0]),
        parent=("pointer", 1, "output", lambda n: torch.zeros(n, dtype=torch.int64)),
        order=("permutation", 1, "output", lambda n: torch.arange(n).flip(0)),
        parents=("pointer", 1, "hint", lambda n: torch.zeros(n, 5, dtype=torch.int64)),
    )
    assert check(data) is data and data.notices == ()
    converted = check(with_targets(parent=("pointer", 1, "output", lambda n: torch.zeros(n, dtype=torch.int32))))
    assert converted.graphs[0]["parent"].dtype == torch.int64 and "parent from int32 to int64" in converted.notices[0]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (("multi-label", 2, "output", lambda n: torch.full((n, 2), 0.5)), "t of 0.5"),
        (("multi-label", 3, "output", lambda n: torch.ones(n, 2)), r"t of the shape \[\d+, 2\], not \[\d+, 3\]"),
        (("mask", 1, "output", lambda n: torch.full((n,), 2.0)), "t of 2"),
        (("mask", 1, "output", lambda n: torch.ones(n, 1)), r"t of the shape \[\d+, 1\], not"),
        (("mask-one", 1, "output", lambda n: torch.zeros(n)), "not 1 at one node alone"),
        (("pointer", 1, "output", lambda n: torch.full((n,), n)), "and its nodes are 0 to"),
        (("pointer", 1, "output", lambda n: torch.zeros(n)), "t of float32"),
        (("permutation", 1, "output", lambda n: torch.zeros(n, dtype=torch.int64)), "no permutation"),
        (("mask", 1, "hint", lambda n: torch.zeros(n)), r"the hint t of the shape \[\d+\], not \[\d+, steps\]"),
        (("value", 2, "hint", lambda n: torch.zeros(n, 4, 1)), r"not \[\d+, steps, 2\]"),
        (("class", 2, "hint", lambda n: torch.full((n, 4), 2)), "t of 2, at node 0"),
        (("permutation", 1, "hint", lambda n: torch.zeros(n, 4, dtype=torch.int64)), "no permutation"),
        (("value", 1, "input", lambda n: torch.full((n,), float("nan"))), "t = nan at node 0"),
    ],
)
def test_targets_that_cannot_be_right(target, words):
    refusal(with_targets(t=target), words)
