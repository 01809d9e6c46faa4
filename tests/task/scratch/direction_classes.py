"""Direction of links in three classes: u -> v, v -> u, or no link."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.task.base import Task, TaskConfig
from graphlab.task.example import FEATURES, NODES, example_dataset, thirds
from graphlab.task.kinds.node_classification import FullBatch
from graphlab.task.metrics import measure


class Config(TaskConfig):
    """Nothing is left open."""


class PairHead(nn.Module):
    """The rows of both ends side by side to three logits."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.map = nn.Linear(2 * width, 3)

    def forward(self, rows: Tensor, batch: Data) -> Tensor:
        source, target = batch["pairs"].unbind(1)
        return self.map(torch.cat([rows[source], rows[target]], dim=1))


class DirectionClasses(Task[Data]):
    """Cross-entropy and accuracy over pairs of nodes; messages go over the links that training knows."""

    name = "direction-classes"
    ability = "node-classification"
    items = "node-pairs"
    locations = frozenset({"node-pair"})
    types = frozenset({"class"})
    Config = Config
    metric, direction = "accuracy", "max"

    def prepare(self):
        label = self.split.train[:, 2]
        edges = torch.cat([self.split.train[label == 0, :2], self.split.train[label == 1][:, [1, 0]]])
        graph = self.dataset.graph
        self._graph = Data(x=graph.x, edge_index=edges.T.contiguous(), num_nodes=graph.num_nodes).to(str(self.device))

    @classmethod
    def head(cls, config, model, spec):
        return PairHead(model.out_dim)

    def about(self, pairs):
        batch = self._graph.clone()
        batch.pairs = pairs[:, :2].to(self.device)
        return batch

    def batches(self, stream):
        return FullBatch(self.about(self.split.train))

    def loss(self, learner, batch):
        return F.cross_entropy(learner.head(learner.model(batch), batch), self.split.train[:, 2].to(self.device))

    def predict(self, learner, part):
        batch = self.about(self.shard.of(getattr(self.split, part)))
        return learner.head(learner.model(batch), batch)

    def score(self, rows, part):
        classes = getattr(self.split, part)[:, 2].to(rows.device)
        loss = F.cross_entropy(rows, classes).item()
        return measure(["accuracy", "macro_f1"], "class", rows, classes) | {"loss": loss}

    @classmethod
    def metrics(cls, config, dataset):
        return ("accuracy", "macro_f1", "loss")

    @classmethod
    def protocol(cls, config, dataset):
        return {"metric": cls.metric, "split": dataset.splits.name}


def examples():
    """Links go from the smaller first feature to the larger, between nodes that are near."""
    x = torch.randn(NODES, FEATURES, generator=SeedStream(0, ("example", "direction")).torch())
    pairs = torch.combinations(torch.arange(NODES), 2)
    pairs = pairs[torch.randperm(len(pairs), generator=SeedStream(1).torch())][:120]
    up = x[pairs[:, 0], 0] < x[pairs[:, 1], 0]
    near = (x[pairs[:, 0]] - x[pairs[:, 1]]).norm(dim=1) < 3
    label = torch.where(near, torch.where(up, 0, 1), 2)
    edges = torch.cat([pairs[label == 0], pairs[label == 1].flip(1)]).T.contiguous()
    spec = DataSpec("node-pairs", (Target("direction", "node-pair", "class", 3),), Continuous(FEATURES), directed=True)
    split = thirds(torch.cat([pairs, label[:, None]], dim=1))
    return {"directions": example_dataset(DirectionClasses.name, (Data(x=x, edge_index=edges),), split, spec)}
