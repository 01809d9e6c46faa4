"""Shapes are compared before numbers are: what would be repeated to fit is one error, or the right number."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import make_plan
from graphlab.model.base import LinkModel, Model, TripleModel
from graphlab.ops.multi_hot import multi_hot_bce, multi_hot_cross_entropy
from graphlab.task.base import Learner
from graphlab.task.ranking import ranks
from graphlab.testing.examples import example
from tests.specs import with_output

STREAM = SeedStream(0).child("epoch", 0)


def test_targets_of_one_number_a_graph():
    """The MAE of targets `[1]` is that over graphs, not over all pairs of graphs."""
    data = example("graph-regression")
    flat = []
    for graph in data.graphs:
        copy = graph.clone()
        copy.y = graph.y.reshape(1)
        flat.append(copy)
    plan = make_plan("gin", replace(data, graphs=tuple(flat)))
    assert plan.notices == ("converted: y from 1 dimension to rows, in 24 of 24 graphs",)
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0).eval()
    with torch.no_grad():
        rows = task.predict(learner, "test")
    targets = [float(data.graphs[k].y) for k in data.split().test.tolist()]
    by_hand = sum(abs(row.item() - target) for row, target in zip(rows, targets, strict=True)) / len(targets)
    assert task.evaluate(learner, "test")["mae"] == pytest.approx(by_hand, rel=1e-6)
    pairs = (rows - torch.tensor(targets)).abs().mean().item()
    assert abs(pairs - by_hand) > 1e-3


class Fixed(Model):
    """Gives zeros of a shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.out_dim = shape, 1
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, batch: Data) -> torch.Tensor:
        return self.scale * torch.zeros(self.shape)


class FixedLinks(Fixed, LinkModel):
    def encode(self, graph):
        return graph

    def score_nodes(self, encoding, sources, candidates=None):
        return self.scale * torch.zeros(len(sources), 1, 1)


class FixedTriples(Fixed, TripleModel):
    def score(self, graph, head, relation, tail=None):
        return self.scale * torch.zeros(len(head), 1)


CASES = [
    ("node-classification", Fixed((24,)), r"\[24\], not \[24, 3\]"),
    ("node-classification", Fixed((1, 3)), r"\[1, 3\], not \[24, 3\]"),
    ("graph-regression", Fixed((1, 1)), r"\[1, 1\], not \[12, 1\]"),
    ("graph-classification", Fixed((12,)), r"\[12\], not \[12, 2\]"),
    ("links", FixedLinks(()), r"\[\d+, 1\], not \[\d+\]"),
    ("kg-transductive", FixedTriples(()), r"\[36, 1\], not \[36, 65\]"),
    ("pairs", Fixed((1, 16)), r"\[1, 16\], not \[16, 16\]"),
]
MODELS = {"links": "common-neighbours", "kg-transductive": "distmult"}


@pytest.mark.parametrize(("name", "model", "words"), CASES)
def test_predictions_of_another_shape(name, model, words):
    task = make_plan(MODELS.get(name, "gin"), example(name)).make_task(0)
    learner = Learner(model, Head())
    with pytest.raises(IncompatibleError, match=words) as caught:
        task.loss(learner, task.batches(STREAM)[0])
    assert type(model).__name__ in caught.value.message and caught.value.hint
    with pytest.raises(IncompatibleError):
        task.evaluate(learner, "test")


class Head(nn.Module):
    def forward(self, rows, batch=None):
        return rows


def test_metrics_and_losses_compare_their_arguments():
    none = torch.zeros(0, dtype=torch.int64)
    with pytest.raises(IncompatibleError, match=r"\[1\], not \[3\]"):
        ranks(torch.rand(3, 5), torch.tensor([1]), (none, none), "mean")
    for loss in (multi_hot_bce, multi_hot_cross_entropy):
        with pytest.raises(IncompatibleError, match=r"\[1\], not \[2\]"):
            loss(torch.rand(2, 3), torch.tensor([0, 1]), torch.tensor([1]))
        with pytest.raises(IncompatibleError, match=r"\[2, 3, 1\], not \[2, 3\]"):
            loss(torch.rand(2, 3, 1), torch.tensor([0, 1]), torch.tensor([1, 2]))


def test_values_of_nodes_are_no_classes():
    data = example("node-classification")
    graph = data.graph.clone()
    graph.y = torch.rand(24, 3)
    with pytest.raises(IncompatibleError, match=r"is about class of nodes, and own/example-.* has y, a value of nodes"):
        make_plan("gcn", replace(data, graphs=(graph,), spec=with_output(data.spec, type="value")))
