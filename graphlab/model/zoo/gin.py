"""Graph isomorphism network. Xu et al., ICLR 2019, eq. 4.1: h'_v = MLP((1 + eps) h_v + sum_u h_u)."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.node_vectors import node_vectors
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, vector_dim
from graphlab.model.edges import edge_weight, weighted_messages
from graphlab.model.observation import observe
from graphlab.model.sparse_features import Remembered
from graphlab.ops.tuple_spmm import Messages, tuple_spmm


class Config(ModelConfig):
    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 6)] = 4
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class GIN(Model):
    """Sum aggregation with learned eps; what comes out is every layer's state side by side (eq. 4.2).

    With weights of edges the sum is that of w_uv h_u.
    batch.x as vectors `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, d + num_layers * hidden_dim]`, which
    the task's head maps on, of graphs after pooling.
    """

    tasks = frozenset({"node-classification", "graph-prediction"})
    edge_fields = frozenset({"edge_weight"})
    citation = Citation(
        key="xu2019",
        title="How Powerful are Graph Neural Networks?",
        authors="Xu, Keyulu and Hu, Weihua and Leskovec, Jure and Jegelka, Stefanie",
        venue="ICLR",
        year=2019,
        url="https://arxiv.org/abs/1810.00826",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        first, hidden = vector_dim(spec.node, "gin"), config.hidden_dim
        self.features = spec.node
        inputs = [first] + [hidden] * (config.num_layers - 1)
        self.convs = nn.ModuleList(Convolution(width, hidden) for width in inputs)
        self._messages = Remembered(_messages)
        states = first + config.num_layers * hidden
        self.dropout = config.dropout
        self.out_dim = states

    @property
    def num_hops(self) -> int:
        return len(self.convs)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def forward(self, batch: Data) -> Tensor:
        messages = None
        if edge_weight(batch) is None:
            messages = self._messages(batch["edge_index"], int(batch.num_nodes or 0))
        states: list[Tensor] = [node_vectors(batch, self.features)]
        for conv in self.convs:
            states.append(conv(batch, messages, states[-1]))
        return F.dropout(torch.cat(states, dim=1), self.dropout, self.training)


class Convolution(nn.Module):
    """`[num_nodes, width]` to `[num_nodes, hidden]`; what is heard is summed as `tuple_spmm` does, in float64."""

    observation_points = ("aggregate",)

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.mlp = _mlp(width, hidden)

    def forward(self, batch: Data, messages: Messages | None, h: Tensor) -> Tensor:
        """There are `messages` where all edges count alike; else the batch has their weights."""
        h = h.to(self.eps.dtype)
        if messages is not None:
            return self.mlp(observe(self, "aggregate", tuple_spmm(messages, h, None, 1 + self.eps)))
        total = weighted_messages(batch, h.double(), "sum") + (1 + self.eps) * h.double()
        return self.mlp(observe(self, "aggregate", total.to(h.dtype)))


def _messages(edge_index: Tensor, num_nodes: int) -> Messages:
    return Messages.of_pairs(edge_index[1], edge_index[0], num_nodes, num_nodes)


def _mlp(width: int, hidden: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(width, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
    )


PRESETS = {
    "graph-prediction": Preset(
        source="section 7, without the search over widths, dropout, batches, and epochs on test folds",
        task={"pooling": "sum"},
        training={"epochs": 200, "lr": 0.01, "scheduler": "step", "step_epochs": 50},
        ours=("model.hidden_dim", "model.dropout", "task.batch_size", "training.epochs"),
        num_parameters={DataSpec("graphs", (Target("y", "graph", "class", 2),), node=Continuous(7)): 30_660},
    ),
}
