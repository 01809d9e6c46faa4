"""Transductive node classification: one graph, some labels given, accuracy on the others.

Yang, Cohen and Salakhutdinov, ICML 2016; Kipf and Welling, ICLR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.core.shapes import require_shape
from graphlab.data.spec import UNLABELLED
from graphlab.task.base import Learner, Part, Task, TaskConfig


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
    level = "node"
    Config = Config
    metric = "accuracy"
    direction = "max"

    def prepare(self) -> None:
        if self.dataset.spec.target != "class":
            raise IncompatibleError(
                f"{self.name} is about classes and {self.dataset.name} has values",
                hint="values of nodes are predicted by graph-prediction: level 'graph', target_of 'node'",
            )
        labels = self.dataset.graph["y"]
        train = self.split.train[labels[self.split.train] != UNLABELLED]
        self._index = {part: items.to(self.device) for part, items in self.split.parts()} | {
            "train": train.to(self.device)
        }
        self._labels = {part: labels.to(self.device)[items] for part, items in self._index.items()}
        known = torch.zeros(len(labels), self.dataset.spec.num_outputs)
        known[train, labels[train]] = 1.0
        inputs = {key: value for key, value in self.dataset.graph.to_dict().items() if key != "y"}
        self._graph = Data.from_dict({**inputs, "known_labels": known}).to(str(self.device))

    def batches(self, stream: SeedStream) -> FullBatch:
        return FullBatch(self._graph)

    def loss(self, learner: Learner, batch: Data) -> Tensor:
        return F.cross_entropy(self._logits(learner, batch)[self._index["train"]], self._labels["train"])

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Logits `[n, num_classes]`."""
        return self._logits(learner, self._graph)[self.shard.of(self._index[part])]

    def _logits(self, learner: Learner, graph: Data) -> Tensor:
        shape = (int(graph.num_nodes or 0), self.dataset.spec.num_outputs)
        return require_shape(
            f"the predictions of {type(learner.model).__name__}", learner.model(graph), shape, "[nodes, classes]"
        )

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        labelled = self._labels[part] != UNLABELLED
        rows, labels = rows[labelled], self._labels[part][labelled]
        accuracy = (rows.argmax(dim=1) == labels).double().mean()
        return {"accuracy": accuracy.item(), "loss": F.cross_entropy(rows.float(), labels).item()}

    @property
    def metrics(self) -> Sequence[str]:
        return ("accuracy", "loss")

    def protocol(self) -> Mapping[str, Any]:
        return {
            "metric": self.metric,
            "split": self.dataset.splits.name,
            "selection": "best validation accuracy, ties by lower validation loss",
        }
