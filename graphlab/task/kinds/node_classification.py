"""Transductive node classification: one graph, some labels given, accuracy or AUROC on the others.

Yang, Cohen and Salakhutdinov, ICML 2016; Kipf and Welling, ICLR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.config import PositiveInt
from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.core.shapes import require_shape
from graphlab.data.dataset import Dataset
from graphlab.data.spec import UNLABELLED, Continuous, DataSpec, Target
from graphlab.model.base import Model
from graphlab.model.layered import LayeredModel, layerwise
from graphlab.ops.neighbour_sampling import ALL
from graphlab.task.base import Direction, Labelled, Learner, Part, Task, TaskConfig
from graphlab.task.example import CLASSES, FEATURES, NODES, example_dataset, random_graph, thirds
from graphlab.task.heads import make_head
from graphlab.task.metrics import measure
from graphlab.task.ogb_evaluator import NODES as SCORED_BY_OGB
from graphlab.task.ogb_evaluator import evaluate_nodes, node_submission, require_evaluator
from graphlab.task.sampled_nodes import NodeBatches, NodeSampler, require_samplable


class Config(TaskConfig):
    """batch_size  training nodes a step, over all processes; None trains on the whole graph at once
    fan_outs    with batch_size: in-edges sampled of a node, a number for each layer, that of the training nodes first;
              -1 takes all; see docs/SAMPLING.md
    metric      what selects: accuracy, or auroc of two classes; None is what the data set is judged by
    """

    batch_size: PositiveInt | None = None
    fan_outs: Annotated[tuple[int, ...], Field(strict=False)] | None = None
    metric: Literal["accuracy", "auroc"] | None = None

    @field_validator("fan_outs")
    @classmethod
    def _counts(cls, fan_outs: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if any(number < 1 and number != ALL for number in fan_outs or ()):
            raise ValueError(f"each is a number from 1, or {ALL} for all neighbours")
        return fan_outs

    @model_validator(mode="after")
    def _needs_both(self) -> Self:
        if self.batch_size is not None and self.fan_outs is None:
            raise ValueError("batch_size needs fan_outs, a number for each layer, as in fan_outs=[10, 10]")
        if self.fan_outs is not None and self.batch_size is None:
            raise ValueError("fan_outs are for mini-batches and need batch_size, as in batch_size=1024")
        return self


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

    Two classes may be judged by AUROC, the area under the ROC curve of the second class's logit less the first's. Data
    sets that are published with it are.

    Models get the graph without its labels; those of the training nodes alone are there, as
    `known_labels` `[num_nodes, num_classes]`, one-hot, zero for every other node.

    With `batch_size` a step's loss is that of some training nodes, its seeds, on a sampled subgraph; evaluation samples
    nothing. See `graphlab.task.sampled_nodes`.
    """

    name = "node-classification"
    items = "nodes"
    locations = frozenset({"node"})
    types = frozenset({"class"})
    Config = Config
    metric = "accuracy"
    direction: Direction = "max"

    @classmethod
    def require(cls, config: Config, dataset: Dataset) -> None:
        super().require(config, dataset)
        if cls.selection(config, dataset)[0] == "auroc" and dataset.spec.num_outputs != 2:
            raise InputError(
                f"task.metric=auroc is about two classes, and {dataset.name} has {dataset.spec.num_outputs:,}",
                hint="task.metric=accuracy is for any number",
            )
        if dataset.evaluator:
            require_evaluator(dataset.evaluator, SCORED_BY_OGB, f"{cls.name}, which scores {dataset.name}")

    @classmethod
    def selection(cls, config: Config, dataset: Dataset) -> tuple[str, Direction]:
        return config.metric or dataset.metric or cls.metric, cls.direction

    @classmethod
    def samples(cls, config: Config) -> bool:
        return config.batch_size is not None

    def prepare(self) -> None:
        target = self.dataset.spec.output
        labels = self.dataset.graph[target.name]
        train = self.split.train[labels[self.split.train] != UNLABELLED]
        self._index = {part: items.to(self.device) for part, items in self.split.parts()} | {
            "train": train.to(self.device)
        }
        self._labels = {part: labels.to(self.device)[items] for part, items in self._index.items()}
        self._scored = {
            part: None if bool((each != UNLABELLED).all()) else each != UNLABELLED
            for part, each in self._labels.items()
        }
        known = torch.zeros(len(labels), target.size)
        known[train, labels[train]] = 1.0
        inputs = {key: value for key, value in self.dataset.graph.to_dict().items() if key != target.name}
        graph = Data.from_dict({**inputs, "known_labels": known})
        self._sampler: NodeSampler | None = None
        if self.config.batch_size is None:
            graph = graph.to(str(self.device))
        else:
            self._sampler = NodeSampler(graph, labels, train, self.config.fan_outs, self.shard, self.device)
        self._graph = graph

    @classmethod
    def head(cls, config: Config, model: Model, spec: DataSpec) -> nn.Module:
        """Raises IncompatibleError for a model that cannot train on the samples that the settings say."""
        if config.fan_outs is not None:
            require_samplable(model, config.fan_outs)
        return make_head(model, spec)

    def batches(self, stream: SeedStream) -> FullBatch | NodeBatches:
        if self._sampler is not None:
            return NodeBatches(self._sampler, stream, self.config.batch_size)
        return FullBatch(self._graph)

    def loss(self, learner: Learner, batch: Data) -> Tensor:
        rows = self._logits(learner, batch)
        if self._sampler is None:
            return F.cross_entropy(rows[self._index["train"]], self._labels["train"])
        return F.cross_entropy(rows[: batch["batch_size"]], self._sampler.labels_of(batch))

    def weight(self, batch: Data) -> float:
        return 1.0 if self._sampler is None else batch["share"]

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Logits `[n, num_classes]`."""
        return self.predictions(learner)[self.shard.of(self._index[part])]

    def predictions(self, learner: Learner) -> Tensor:
        """Logits of all nodes, `[num_nodes, num_classes]`, each on its whole neighbourhood."""
        if self._sampler is None:
            return self._logits(learner, self._graph)
        if isinstance(learner.model, LayeredModel):
            rows = layerwise(learner.model, self._graph, self.device).to(self.device)
            return learner.head(rows, self._graph)
        return self._logits(learner, self._graph.clone().to(str(self.device)))

    def _logits(self, learner: Learner, graph: Data) -> Tensor:
        """Of all nodes of a graph or, by a model that computes no others, of the seeds of a sample."""
        trimmed = "num_sampled_nodes" in graph and isinstance(learner.model, LayeredModel)
        num_rows = graph["batch_size"] if trimmed else int(graph.num_nodes or 0)
        rows = learner.head(learner.model(graph), graph)
        shape = (num_rows, self.dataset.spec.num_outputs)
        return require_shape(f"the predictions of {type(learner.model).__name__}", rows, shape, "[nodes, classes]")

    def labelled(self, rows: Tensor, part: Part) -> Labelled:
        labelled, scored = Labelled(rows, self._labels[part], self._index[part]), self._scored[part]
        return labelled if scored is None else Labelled(*(each[scored] for each in labelled))

    def submission(self, rows: Tensor, part: Part) -> dict[str, Tensor]:
        return {"y_pred": node_submission(rows)} if self.dataset.evaluator else super().submission(rows, part)

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        rows, labels, _ = self.labelled(rows, part)
        loss = F.cross_entropy(rows.float(), labels).item()
        if self.dataset.evaluator:
            scores = {"accuracy": evaluate_nodes(self.dataset.evaluator, rows, labels)}
        else:
            scores = measure(["accuracy"], "class", rows, labels)
        if self.metric == "auroc":
            scores |= measure(["auroc"], "mask", rows[:, 1].double() - rows[:, 0].double(), labels)
        return scores | {"loss": loss}

    @classmethod
    def metrics(cls, config: Config, dataset: Dataset) -> Sequence[str]:
        return ("accuracy", *(("auroc",) if cls.selection(config, dataset)[0] == "auroc" else ()), "loss")

    @classmethod
    def protocol(cls, config: Config, dataset: Dataset) -> Mapping[str, Any]:
        metric, _ = cls.selection(config, dataset)
        name = {"accuracy": "accuracy", "auroc": "AUROC"}[metric]
        return {
            "metric": metric,
            "split": dataset.splits.name,
            "selection": f"best validation {name}, ties by lower validation loss",
            **({"evaluator": dataset.evaluator} if dataset.evaluator else {}),
        }


def examples() -> dict[str, Dataset]:
    """A random graph whose classes are the largest of some features."""
    graph = random_graph(NODES, SeedStream(0, ("example", "node")).torch())
    graph.y = graph["x"][:, :CLASSES].argmax(dim=1)
    spec = DataSpec("nodes", (Target("y", "node", "class", CLASSES),), node=Continuous(FEATURES))
    split = thirds(torch.arange(NODES))
    return {"node-classification": example_dataset(NodeClassification.name, (graph,), split, spec)}
