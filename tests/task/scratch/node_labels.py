"""Several labels of each node, judged by the AUROC."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.task.base import Task, TaskConfig
from graphlab.task.example import FEATURES, NODES, example_dataset, random_graph, thirds
from graphlab.task.heads import make_head
from graphlab.task.kinds.node_classification import FullBatch
from graphlab.task.metrics import measure


class Config(TaskConfig):
    """Nothing is left open."""


class NodeLabels(Task[Data]):
    """Binary cross-entropy of every label, and the mean AUROC over labels."""

    name = "node-labels"
    ability = "node-classification"
    items = "nodes"
    locations = frozenset({"node"})
    types = frozenset({"multi-label"})
    Config = Config
    metric, direction = "auroc", "max"

    def prepare(self):
        inputs = {key: value for key, value in self.dataset.graph.to_dict().items() if key != "labels"}
        self._graph = Data.from_dict(inputs).to(str(self.device))

    @classmethod
    def head(cls, config, model, spec):
        return make_head(model, spec)

    def targets(self, part):
        return self.dataset.graph["labels"][getattr(self.split, part)].to(self.device)

    def batches(self, stream):
        return FullBatch(self._graph)

    def loss(self, learner, batch):
        logits = learner.head(learner.model(batch), batch)
        return F.binary_cross_entropy_with_logits(logits[self.split.train], self.targets("train"))

    def predictions(self, learner):
        return learner.head(learner.model(self._graph), self._graph)

    def predict(self, learner, part):
        return self.predictions(learner)[self.shard.of(getattr(self.split, part))]

    def score(self, rows, part):
        loss = F.binary_cross_entropy_with_logits(rows, self.targets(part)).item()
        return measure(["auroc", "ap", "micro_f1"], "multi-label", rows, self.targets(part)) | {"loss": loss}

    @classmethod
    def metrics(cls, config, dataset):
        return ("auroc", "ap", "micro_f1", "loss")

    @classmethod
    def protocol(cls, config, dataset):
        return {"metric": cls.metric, "split": dataset.splits.name, "mean": "over labels"}


def examples():
    graph = random_graph(2 * NODES, SeedStream(0, ("example", "labels")).torch())
    graph.labels = (graph.x[:, :3] > 0).float()
    spec = DataSpec("nodes", (Target("labels", "node", "multi-label", 3),), Continuous(FEATURES))
    return {"labels": example_dataset(NodeLabels.name, (graph,), thirds(torch.arange(2 * NODES)), spec)}
