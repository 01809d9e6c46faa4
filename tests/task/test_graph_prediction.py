"""Graph prediction where graphs, nodes or edges are asked about: targets in their places, whole and in shares."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.model.base import Model
from graphlab.task.base import Learner, Shard
from graphlab.task.kinds.graph_prediction import Config, GraphPrediction
from graphlab.testing.examples import example
from tests.specs import with_output


def asked_about(location: str) -> Dataset:
    """The example of graph regression; each target is what `Told` says of its node or edge."""
    data = example("graph-regression")
    graphs = []
    for graph in data.graphs:
        first = graph["x"][:, :1]
        source, target = graph["edge_index"]
        y = {"graph": graph["y"], "node": first, "edge": first[source] * first[target]}[location]
        graphs.append(Data.from_dict({**graph.to_dict(), "y": y}))
    return replace(data, graphs=tuple(graphs), spec=with_output(data.spec, location=location))


class Told(Model):
    """The first feature of each node."""

    out_dim = 1

    def __init__(self) -> None:
        nn.Module.__init__(self)

    def forward(self, batch: Data) -> Tensor:
        return batch["x"][:, :1]


def task(location: str, shard: Shard | None = None) -> GraphPrediction:
    data = asked_about(location)
    return GraphPrediction(Config(batch_size=4), data, data.split(), shard=shard)


def knowing(kind: GraphPrediction) -> Learner:
    model = Told()
    head = kind.head(kind.config, model, kind.dataset.spec)
    nn.init.ones_(head.mlp[0].weight)
    nn.init.zeros_(head.mlp[0].bias)
    return Learner(model, head)


@pytest.mark.parametrize("location", ["graph", "node", "edge"])
def test_whoever_knows_the_targets_makes_no_error(location):
    kind = task(location)
    learner = knowing(kind)
    assert kind.evaluate(learner, "test")["mae"] < 1e-6
    batches = kind.batches(SeedStream(0))
    assert max(kind.loss(learner, batches[step]).item() for step in range(len(batches))) < 1e-6


class OfPairs(Told):
    def row_graph(self, batch: Data) -> Tensor:
        return batch["batch"].repeat_interleave(2)


@pytest.mark.parametrize("location", ["node", "edge"])
def test_rows_of_something_else_are_refused(location):
    kind = task(location)
    with pytest.raises(IncompatibleError, match=f"are about {location}s"):
        kind.head(kind.config, OfPairs(), kind.dataset.spec)


@pytest.mark.parametrize("location", ["graph", "node", "edge"])
def test_error_is_the_mean_over_all_targets(location):
    kind = task(location)
    learner = knowing(kind)
    nn.init.zeros_(learner.head.mlp[0].weight)
    targets = torch.cat([kind.dataset.graphs[i]["y"] for i in kind.split.test.tolist()])
    assert kind.evaluate(learner, "test")["mae"] == pytest.approx(targets.abs().mean().item(), rel=1e-6)


def of_classes(location: str) -> GraphPrediction:
    """Two classes of nodes, or of edges, of which one is rarer; `Told` knows the feature that decides."""
    data = asked_about(location)
    graphs = [Data.from_dict({**graph.to_dict(), "y": (graph["y"] > 0.5).long().flatten()}) for graph in data.graphs]
    spec = with_output(data.spec, size=2, type="class")
    data = replace(data, graphs=tuple(graphs), spec=spec)
    return GraphPrediction(Config(batch_size=4), data, data.split())


@pytest.mark.parametrize("location", ["node", "edge"])
def test_classes_of_nodes_and_edges(location):
    kind = of_classes(location)
    assert (kind.metric, kind.direction) == ("balanced_accuracy", "max")
    targets = torch.cat([kind.dataset.graphs[i]["y"] for i in kind.split.test.tolist()])
    majority = (targets == 0).double().mean().item()
    assert 0.5 < majority < 1
    learner = knowing(kind)
    with torch.no_grad():
        learner.head.mlp[0].weight[:] = torch.tensor([[0.0], [9.0]])
        learner.head.mlp[0].bias[:] = torch.tensor([4.5, 0.0])
    assert {**kind.evaluate(learner, "test"), "loss": 0} == {"accuracy": 1, "balanced_accuracy": 1, "loss": 0}
    nn.init.zeros_(learner.head.mlp[0].weight)
    blind = kind.evaluate(learner, "test")
    assert blind["accuracy"] == pytest.approx(majority) and blind["balanced_accuracy"] == 0.5
    batches = kind.batches(SeedStream(0))
    trained = torch.cat([kind.dataset.graphs[i]["y"] for i in batches.order.tolist()])
    weights = [kind.num_targets(batches.order[4 * k : 4 * k + 4]) for k in range(len(batches))]
    losses = [kind.loss(learner, batches[k]).item() for k in range(len(batches))]
    expected = nn.functional.cross_entropy(learner.head.mlp[0].bias.expand(len(trained), 2), trained)
    assert sum(w * x for w, x in zip(weights, losses, strict=True)) / len(trained) == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_balanced_accuracy_is_the_mean_recall():
    """Whoever draws the line at 1 where the classes part at 0.5 finds all of the lower one and some of the upper."""
    kind = of_classes("node")
    learner = knowing(kind)
    with torch.no_grad():
        learner.head.mlp[0].weight[:] = torch.tensor([[0.0], [9.0]])
        learner.head.mlp[0].bias[:] = torch.tensor([9.0, 0.0])
    told = torch.cat([kind.dataset.graphs[i]["x"][:, 0] for i in kind.split.test.tolist()])
    recall = ((told > 1).sum() / (told > 0.5).sum()).item()
    assert 0 < recall < 1
    assert kind.evaluate(learner, "test")["balanced_accuracy"] == pytest.approx((1 + recall) / 2)


@pytest.mark.parametrize("location", ["graph", "node", "edge"])
def test_shares_put_together_are_the_whole(location):
    whole = task(location)
    learner = knowing(whole)
    rows = whole.predict(learner, "test")
    together = torch.zeros_like(rows)
    batches = whole.batches(SeedStream(0))
    losses = torch.zeros(len(batches))
    for rank in range(3):
        share = task(location, Shard(rank, 3))
        together[rank::3] = share.predict(learner, "test")
        mine = share.batches(SeedStream(0))
        nn.init.zeros_(learner.head.mlp[0].weight)
        losses += torch.tensor(
            [share.weight(mine[k]) * share.loss(learner, mine[k]).item() / 3 for k in range(len(mine))]
        )
        nn.init.ones_(learner.head.mlp[0].weight)
    torch.testing.assert_close(together, rows)
    nn.init.zeros_(learner.head.mlp[0].weight)
    torch.testing.assert_close(
        losses, torch.tensor([whole.loss(learner, batches[k]).item() for k in range(len(batches))])
    )
