"""Graph prediction: a value or a class for each graph, or for each node or edge of each graph.

Regression by mean absolute error, classification by accuracy; which of the two, and of what, the DataSpec says. Classes
of nodes and edges, of which those that are sought are rare, are judged by the balanced accuracy: the mean over classes
of the share of each that is found, 1 / classes for whatever never looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from graphlab.core.config import Choices, IntRange, PositiveInt
from graphlab.core.seeds import SeedStream
from graphlab.core.shapes import require_shape
from graphlab.data.dataset import Dataset
from graphlab.data.spec import UNLABELLED, Continuous, DataSpec, Target, TargetType
from graphlab.model.base import Model
from graphlab.task.base import Direction, Labelled, Learner, Part, Steps, Task, TaskConfig
from graphlab.task.example import FEATURES, NODES, example_dataset, random_graph, thirds
from graphlab.task.heads import Activation, Norm, make_head
from graphlab.task.metrics import measure


class Config(TaskConfig):
    """pooling             from rows of nodes to rows of graphs, where these are asked about
    readout_dims        widths of the hidden layers between what is asked about and the outputs
    readout_norm        what follows the map of each hidden layer, which then has no bias
    readout_activation  of the hidden layers
    batch_size          graphs
    """

    pooling: Annotated[Literal["sum", "mean", "max"], Choices()] = "mean"
    readout_dims: Annotated[tuple[PositiveInt, ...], Field(strict=False)] = ()
    readout_norm: Norm = "none"
    readout_activation: Activation = "relu"
    batch_size: Annotated[PositiveInt, IntRange(16, 512, log=True)] = 64


@dataclass(frozen=True)
class GraphBatches:
    """Graphs in a random order, `batch_size` at a time over all shards; one that is left joins the batch before it, so
    that models with batch norm have rows to take statistics of."""

    task: GraphPrediction
    order: Tensor

    @property
    def steps(self) -> Steps:
        return Steps(len(self.order), self.task.config.batch_size)

    @property
    def joins_one(self) -> bool:
        return self.steps.joins_one

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, step: int) -> Data:
        items = self.steps.of(self.order, step)
        mine = self.task.shard.of(items)
        batch = self.task.collate(mine if len(mine) else items[:1])
        batch.share = self.task.num_targets(mine) * self.task.shard.world / self.task.num_targets(items)
        return batch


class GraphPrediction(Task[Data]):
    """L1 loss and mean absolute error for values, cross-entropy and accuracy for classes.

    Items that are `UNLABELLED` count in neither, and a graph without any label is not trained on.
    """

    name = "graph-prediction"
    version = 2
    items = "graphs"
    locations = frozenset({"graph", "node", "edge"})
    types = frozenset({"class", "value"})
    Config = Config

    @classmethod
    def selection(cls, config: Config, dataset: Dataset) -> tuple[str, Direction]:
        output = dataset.spec.output
        if output.type == "value":
            return "mae", "min"
        return ("accuracy" if output.location == "graph" else "balanced_accuracy"), "max"

    def prepare(self) -> None:
        output = self.dataset.spec.output
        self._name, self._size, self._classes = output.name, output.size, output.type == "class"
        self._sizes = torch.tensor([len(graph[self._name]) for graph in self.dataset.graphs])
        self._labelled = self._count_labelled()
        self._train = self.split.train[self._labelled[self.split.train] > 0]
        self._targets = {part: self._target(items) for part, items in self.split.parts()}

    def _count_labelled(self) -> Tensor:
        """Targets of each graph that are known."""
        if not self._classes:
            return self._sizes
        return torch.tensor([int((graph[self._name] != UNLABELLED).sum()) for graph in self.dataset.graphs])

    def _target(self, items: Tensor) -> Tensor:
        none = self.dataset.graphs[0][self._name][:0]  # a part that is not used may be empty
        return torch.cat([none, *(self.dataset.graphs[i][self._name] for i in items.tolist())]).to(self.device)

    def num_targets(self, items: Tensor) -> int:
        """Targets of these graphs that are known: as many as graphs, or as their nodes or edges, at most."""
        return int(self._labelled[items].sum())

    @classmethod
    def head(cls, config: Config, model: Model, spec: DataSpec) -> nn.Module:
        norm, activation = config.readout_norm, config.readout_activation
        return make_head(model, spec, config.pooling, config.readout_dims, norm, activation)

    def collate(self, items: Tensor) -> Data:
        graphs: Any = Batch.from_data_list([self.dataset.graphs[i] for i in items.tolist()])
        return graphs.to(self.device)

    def batches(self, stream: SeedStream) -> GraphBatches:
        order = torch.randperm(len(self._train), generator=stream.child("order").torch())
        return GraphBatches(self, self._train[order])

    def weight(self, batch: Data) -> float:
        return batch.share

    def loss(self, learner: Learner, batch: Data) -> Tensor:
        return self._loss(self._forward(learner, batch), batch[self._name])

    def _loss(self, rows: Tensor, targets: Tensor) -> Tensor:
        if not self._classes:
            return F.l1_loss(rows, require_shape("targets", targets, tuple(rows.shape), "[targets, values]"))
        require_shape("targets", targets, tuple(rows.shape[:1]), "[targets]")
        return F.cross_entropy(rows, targets, ignore_index=UNLABELLED)

    def _forward(self, learner: Learner, batch: Data) -> Tensor:
        rows = learner.head(learner.model(batch), batch)
        shape = (len(batch[self._name]), self._size)
        return require_shape(f"the predictions of {type(learner.model).__name__}", rows, shape, "[targets, outputs]")

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Logits or values of each graph's targets, filled up with zeros to the most of any: `[n, most * outputs]`."""
        mine = self.shard.of(getattr(self.split, part))
        rows = [
            self._filled_up(self._forward(learner, self.collate(items)), items)
            for items in mine.split(self.config.batch_size)
            if len(items)
        ]
        width = int(self._sizes.max()) * self._size
        return torch.cat(rows) if rows else torch.zeros(0, width, device=self.device)

    def _filled_up(self, rows: Tensor, items: Tensor) -> Tensor:
        there = self._there(items)
        filled = rows.new_zeros(*there.shape, rows.shape[1])
        filled[there] = rows
        return filled.flatten(1)

    def _there(self, items: Tensor) -> Tensor:
        """Which of as many targets as any graph has each of these graphs has: bool `[n, most]`."""
        return (torch.arange(int(self._sizes.max())) < self._sizes[items, None]).to(self.device)

    def labelled(self, rows: Tensor, part: Part) -> Labelled:
        targets, graphs = self._targets[part], getattr(self.split, part)
        there = self._there(graphs)
        labelled = Labelled(
            rows.float().view(*there.shape, -1)[there],
            targets,
            graphs.to(self.device).unsqueeze(1).expand_as(there)[there],
        )
        if not self._classes:
            return labelled
        return Labelled(*(each[targets != UNLABELLED] for each in labelled))

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        rows, targets, _ = self.labelled(rows, part)
        loss = self._loss(rows, targets).item()
        if not self._classes:
            return {"mae": loss}
        return measure(["accuracy", "balanced_accuracy"], "class", rows, targets) | {"loss": loss}

    @classmethod
    def metrics(cls, config: Config, dataset: Dataset) -> Sequence[str]:
        return ("mae",) if dataset.spec.output.type == "value" else ("accuracy", "balanced_accuracy", "loss")

    @classmethod
    def protocol(cls, config: Config, dataset: Dataset) -> Mapping[str, Any]:
        metric, _ = cls.selection(config, dataset)
        return {"metric": metric, "split": dataset.splits.name, "selection": f"best validation {metric}"}


def examples() -> dict[str, Dataset]:
    """Random graphs, whose class is the sign of a mean feature, and whose value is that mean."""
    return {
        "graph-classification": _example("class", 2, lambda mean: (mean > 0).long().view(1)),
        "graph-regression": _example("value", 1, lambda mean: mean.view(1, 1)),
    }


def _example(kind: TargetType, size: int, target: Callable[[Tensor], Tensor]) -> Dataset:
    random = SeedStream(0, ("example", "graph")).torch()
    graphs = tuple(random_graph(5 + i % 4, random) for i in range(NODES))
    for graph in graphs:
        graph.y = target(graph["x"][:, :1].mean())
    spec = DataSpec("graphs", (Target("y", "graph", kind, size),), node=Continuous(FEATURES))
    return example_dataset(GraphPrediction.name, graphs, thirds(torch.arange(NODES)), spec)
