"""Telling two graphs apart by training: reliable paired comparison. Wang and Zhang, ICML 2024 (BREC), section 4.

A model learns to put renumbered copies of one graph of a pair apart from those of the other. Then Hotelling's T2 of
the differences between copies says whether it does so beyond what numbering alone does to its outputs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from scipy import stats
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from graphlab.core.config import Choices, NonNegativeFloat, NonNegativeInt, PositiveInt
from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.core.shapes import require_shape
from graphlab.data.dataset import Dataset, Split
from graphlab.data.spec import DISTINCT, Continuous, DataSpec
from graphlab.model.base import Model
from graphlab.model.edges import FIELDS
from graphlab.task.base import Learner, Part, Task, TaskConfig
from graphlab.task.example import FEATURES, example_dataset, random_graph
from graphlab.task.heads import Readout

OFFICIAL_THRESHOLD = 72.34
"""The published cut, (q - 1) d / (q - d) F_{d, q - d}(0.95) for q = 32 and d = 16."""

OFFICIAL_MARGIN = 1e-6
"""By which, under the official rule, a pair's statistic differs from the reliability statistic."""

RIDGE = 1e-7
"""Variance that the calibrated rule adds to each output, so that invariant models have an inverse covariance."""

ROUNDING = 1e-10
"""What float64 may add up to, as a share of the outputs: where these are about a million, it is more than the ridge."""

LEVEL = 0.95
"""Of the calibrated test."""


class Config(TaskConfig):
    """pair             which pair of the data set
    num_relabelings  q, renumbered copies of each graph
    output_dim       d, outputs of the model
    batch_size       graphs a training step, two a copy
    stop_loss        training ends with the first epoch whose mean loss is below this
    pooling          from rows of nodes to a row of a graph
    """

    pair: NonNegativeInt = 0
    num_relabelings: Annotated[int, Field(ge=3)] = 32
    output_dim: PositiveInt = 16
    batch_size: Annotated[int, Field(ge=2, multiple_of=2)] = 16
    stop_loss: NonNegativeFloat = 0.2
    pooling: Annotated[Literal["sum", "mean", "max"], Choices()] = "sum"


def official_statistic(differences: Tensor) -> float:
    """mean^T cov^+ mean of rows `[q, d]`: Hotelling's T2 without its factor q, in float32 as it is published, on which
    the cut of the pseudo-inverse depends. NaN for rows that are not finite."""
    rows = differences.float()
    if not rows.isfinite().all():
        return math.nan
    mean, covariance = rows.mean(0), torch.cov(rows.T).reshape(rows.size(1), rows.size(1))
    return float(mean @ torch.linalg.pinv(covariance) @ mean)


def noise_variance(outputs: Tensor) -> float:
    """Variance of an output that may be rounding: RIDGE, and the square of ROUNDING times the root mean square."""
    return RIDGE + ROUNDING**2 * float(outputs.double().square().mean())


def hotelling(differences: Tensor, ridge: float = RIDGE) -> float:
    """Hotelling's T2 of rows `[q, d]` in float64, q mean^T (cov + ridge I)^-1 mean,
    or NaN for rows that are not finite."""
    rows = differences.double()
    if not rows.isfinite().all():
        return math.nan
    q, d = rows.shape
    covariance = torch.cov(rows.T).reshape(d, d) + ridge * torch.eye(d, dtype=torch.float64)
    mean = rows.mean(0)
    return q * float(mean @ torch.linalg.solve(covariance, mean))


def calibrated_threshold(q: int, d: int) -> float:
    """The 0.95 quantile of Hotelling's T2 of q rows of d columns: (q - 1) d / (q - d) F_{d, q - d}."""
    return (q - 1) * d / (q - d) * float(stats.f.ppf(LEVEL, d, q - d))


@dataclass(frozen=True)
class Copies:
    """Renumbered copies of one graph and of the other in turn, as many of each."""

    task: Any
    order: Tensor

    def __len__(self) -> int:
        return -(-2 * len(self.order) // self.task.config.batch_size)

    def __getitem__(self, step: int) -> Data:
        size = self.task.config.batch_size // 2
        return self.task.batch(self.order[step * size : (step + 1) * size], *self.task.copies)


class PairDiscrimination(Task[Data]):
    """Cosine embedding loss between copies of the two graphs; two rules say whether they are told apart.

    official     T2 > 72.34 without its factor q, more than 1e-6 from the reliability statistic, which itself stays
                 under the cut; the statistic by pseudo-inverse
    calibrated   T2 with its factor q over the F quantile, with a ridge over all rounding; the reliability statistic
                 under it. The trained weights are evaluated in float64 for it: the rounding of a deep model in
                 float32 may lean to one side for each graph, by more than any ridge that is small enough to see with
    degenerate   whether those outputs do not depend on the numbering at all, up to rounding, so that the official
                 statistic divides rounding errors by rounding errors
    """

    name = "pair-discrimination"
    ability = "graph-prediction"
    parts = ("test",)
    items = "graph-pairs"
    locations = frozenset({"graph-pair"})
    types = frozenset({"mask"})
    Config = Config
    training = {
        "epochs": 20,
        "lr": 1e-4,
        "weight_decay": 1e-4,
        "scheduler": "loss-plateau",
        "gamma": 0.1,
        "step_epochs": 10,
        "evaluate_every": 20,
    }
    metric = "loss"
    direction = "min"

    def prepare(self) -> None:
        self.ends = self.pairs(self.split.test)[self.config.pair].tolist()

    @classmethod
    def require(cls, config: Config, dataset: Dataset) -> None:
        super().require(config, dataset)
        number = len(cls.pairs(dataset.split().test))
        if config.pair >= number:
            raise InputError(f"{dataset.name} has no pair {config.pair}", hint=f"its pairs are 0 to {number - 1}")
        if config.num_relabelings <= config.output_dim:
            raise InputError(
                f"{config.num_relabelings} copies are too few for {config.output_dim} outputs",
                hint="Hotelling's test needs more rows than columns",
            )

    @staticmethod
    def pairs(part: Tensor) -> Tensor:
        """Pairs `[n, 2]` of a part, which may list graphs of which every two are a pair."""
        return part if part.dim() == 2 else torch.combinations(part, 2)

    @cached_property
    def copies(self) -> tuple[list[Data], list[Data]]:
        """Training's and evaluation's q copies of the first graph, and of the second."""
        first, second = (self._renumbered(k, self.config.num_relabelings, f"end {k}") for k in range(2))
        return first, second

    @cached_property
    def reliability(self) -> tuple[list[Data], list[Data]]:
        """2 q copies of the second graph, in two halves."""
        many = self._renumbered(1, 2 * self.config.num_relabelings, "reliability")
        return many[: len(many) // 2], many[len(many) // 2 :]

    def _renumbered(self, end: int, count: int, name: str) -> list[Data]:
        graph = self.dataset.graphs[self.ends[end]]
        random = SeedStream(self.config.pair).child("relabelings", name).torch()
        return list(self.ready(renumbered_copies(graph, count, random)))

    def batch(self, order: Tensor, first: list[Data], second: list[Data]) -> Data:
        """The copies `order` of both, in turn."""
        listed = [graph for k in order.tolist() for graph in (first[k], second[k])]
        graphs: Any = Batch.from_data_list(listed)
        return graphs.to(self.device)

    @classmethod
    def head(cls, config: Config, model: Model, spec: DataSpec) -> nn.Module:
        return Readout(model, config.output_dim, config.pooling)

    def batches(self, stream: SeedStream) -> Copies:
        return Copies(self, torch.randperm(self.config.num_relabelings, generator=stream.child("order").torch()))

    def loss(self, learner: Learner, batch: Data) -> Tensor:
        return self._loss(outputs_of(learner, [batch]))

    def is_enough(self, loss: float) -> bool:
        return loss < self.config.stop_loss

    def _loss(self, rows: Tensor) -> Tensor:
        """The mean over copies of max(0, cos) of the outputs for one graph and for the other."""
        return F.cosine_embedding_loss(rows[0::2], rows[1::2], -rows.new_ones(len(rows) // 2))

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Outputs `[2 q, d]` of the copies in turn. For test also those of the reliability set, and then all of them
        once more, by a model in float64: `[8 q, d]`."""
        sets = [self.copies, self.reliability] if part == "test" else [self.copies]
        size = max(1, self.config.batch_size // 2)
        every = torch.arange(self.config.num_relabelings).split(size)
        batches = [self.batch(order, *each) for each in sets for order in every]
        rows = outputs_of(learner, batches)
        if part == "test":
            precise = copy.deepcopy(learner).double()
            rows = torch.cat([rows.double(), outputs_of(precise, [batch.apply(as_double) for batch in batches])])
        return rows if self.shard.rank == 0 else rows[:0]

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        q, d = self.config.num_relabelings, self.config.output_dim
        loss = self._loss(rows[: 2 * q].double()).item()
        if part == "validation":
            return {"loss": loss}
        differences = [half[0::2] - half[1::2] for half in rows.cpu().split(2 * q)]
        official, unreliable = map(official_statistic, differences[:2])
        ridge = noise_variance(rows[4 * q :])
        apart, same = differences[2:]
        calibrated, noise = hotelling(apart, ridge), hotelling(same, ridge)
        cut = calibrated_threshold(q, d)
        reliable = unreliable < OFFICIAL_THRESHOLD
        told = official > OFFICIAL_THRESHOLD and abs(official - unreliable) > OFFICIAL_MARGIN and reliable
        return {
            "loss": loss,
            "official": float(told),
            "official_reliable": float(reliable),
            "calibrated": float(calibrated > cut and noise <= cut),
            "calibrated_reliable": float(noise <= cut),
            "degenerate": float(bool(apart.var(0).max() < ridge)),
            "statistic": calibrated,
        }

    @classmethod
    def metrics(cls, config: Config, dataset: Dataset) -> Sequence[str]:
        rules = ("official", "official_reliable", "calibrated", "calibrated_reliable")
        return ("loss", *rules, "degenerate", "statistic")

    @classmethod
    def protocol(cls, config: Config, dataset: Dataset) -> Mapping[str, Any]:
        return {
            "metric": "official",
            "split": dataset.splits.name,
            "selection": "the last epoch",
            "relabelings": config.num_relabelings,
            "outputs": config.output_dim,
            "calibrated": "outputs in float64",
        }


def renumbered_copies(graph: Data, count: int, random: torch.Generator) -> list[Data]:
    """Copies of a graph, each with its nodes in an order of its own."""
    copies = []
    for _ in range(count):
        place = torch.randperm(int(graph.num_nodes or 0), generator=random)
        copied = Data(edge_index=place[graph["edge_index"]], num_nodes=graph.num_nodes)
        if "x" in graph:
            copied.x = torch.empty_like(graph["x"])
            copied.x[place] = graph["x"]
        for key in FIELDS:
            if key in graph:
                copied[key] = graph[key]
        copies.append(copied)
    return copies


def outputs_of(learner: Learner, batches: Sequence[Data]) -> Tensor:
    """Outputs `[graphs, d]` of batches, one after another."""
    outputs = [learner.head(learner.model(batch), batch) for batch in batches]
    for batch, rows in zip(batches, outputs, strict=True):
        shape = (int(batch["ptr"].numel()) - 1, rows.shape[-1])
        require_shape(f"the outputs of {type(learner.model).__name__}", rows, shape, "[graphs, outputs]")
    return torch.cat(outputs)


def as_double(values: Tensor) -> Tensor:
    """Numbers in float64, all else as it is."""
    return values.double() if values.is_floating_point() else values


def examples() -> dict[str, Dataset]:
    """Four random graphs, each two of them a pair; features of nodes tell them apart, so that every model can."""
    random = SeedStream(0, ("example", "pairs")).torch()
    graphs = tuple(random_graph(5 + i, random) for i in range(4))
    nothing = torch.zeros(0, dtype=torch.int64)
    spec = DataSpec("graph-pairs", (DISTINCT,), node=Continuous(FEATURES))
    split = Split(nothing, nothing, torch.arange(len(graphs)))
    return {"pairs": example_dataset(PairDiscrimination.name, graphs, split, spec)}
