"""Transductive node classification: one graph, some labels given, accuracy on the others.

Yang, Cohen and Salakhutdinov, ICML 2016; Kipf and Welling, ICLR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.core.shapes import require_shape
from graphlab.data.dataset import Dataset
from graphlab.data.spec import UNLABELLED, DataSpec
from graphlab.model.base import Model
from graphlab.task.base import Learner, Part, Task, TaskConfig
from graphlab.task.heads import make_head
from graphlab.task.metrics import measure


class Config(TaskConfig):
    """Node classification leaves nothing open."""


@dataclass(frozen=True)
class FullBatch:
    """The epoch of a transductive task: the whole graph, once."""

    graph: Data

    def __len__(self) -> int:
        return 1

    def __getitem__(self, step: int) -> Data:
        return self.graph


class NodeClassification(Task[Data]):
    """Cross-entropy on the training nodes, accuracy on the rest; nodes that are `UNLABELLED` count in neither.

    Models get the graph without its labels; those of the training nodes alone are there, as
    `known_labels` `[num_nodes, num_classes]`, one-hot, zero for every other node.
    """

    name = "node-classification"
    items = "nodes"
    locations = frozenset({"node"})
    types = frozenset({"class"})
    Config = Config
    metric = "accuracy"
    direction = "max"

    def prepare(self) -> None:
        target = self.dataset.spec.output
        labels = self.dataset.graph[target.name]
        train = self.split.train[labels[self.split.train] != UNLABELLED]
        self._index = {part: items.to(self.device) for part, items in self.split.parts()} | {
            "train": train.to(self.device)
        }
        self._labels = {part: labels.to(self.device)[items] for part, items in self._index.items()}
        known = torch.zeros(len(labels), target.size)
        known[train, labels[train]] = 1.0
        inputs = {key: value for key, value in self.dataset.graph.to_dict().items() if key != target.name}
        self._graph = Data.from_dict({**inputs, "known_labels": known}).to(str(self.device))

    @classmethod
    def head(cls, config: Config, model: Model, spec: DataSpec) -> nn.Module:
        return make_head(model, spec)

    def batches(self, stream: SeedStream) -> FullBatch:
        return FullBatch(self._graph)

    def loss(self, learner: Learner, batch: Data) -> Tensor:
        return F.cross_entropy(self._logits(learner, batch)[self._index["train"]], self._labels["train"])

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Logits `[n, num_classes]`."""
        return self._logits(learner, self._graph)[self.shard.of(self._index[part])]

    def _logits(self, learner: Learner, graph: Data) -> Tensor:
        shape = (int(graph.num_nodes or 0), self.dataset.spec.num_outputs)
        rows = learner.head(learner.model(graph), graph)
        return require_shape(f"the predictions of {type(learner.model).__name__}", rows, shape, "[nodes, classes]")

    def predictions(self, learner: Learner) -> Tensor:
        return self._logits(learner, self._graph)

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        labelled = self._labels[part] != UNLABELLED
        rows, labels = rows[labelled], self._labels[part][labelled]
        loss = F.cross_entropy(rows.float(), labels).item()
        return measure(["accuracy"], "class", rows, labels) | {"loss": loss}

    @classmethod
    def metrics(cls, config: Config, dataset: Dataset) -> Sequence[str]:
        return ("accuracy", "loss")

    @classmethod
    def protocol(cls, config: Config, dataset: Dataset) -> Mapping[str, Any]:
        return {
            "metric": cls.metric,
            "split": dataset.splits.name,
            "selection": "best validation accuracy, ties by lower validation loss",
        }
