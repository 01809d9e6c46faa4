"""Graph isomorphism network. Xu et al., ICLR 2019, eq. 4.1: h'_v = MLP((1 + eps) h_v + sum_u h_u)."""

from __future__ import annotations

from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.core.errors import IncompatibleError
from graphlab.data.node_vectors import node_vectors
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, vector_dim
from graphlab.model.edges import edge_weight
from graphlab.model.layered import Block
from graphlab.model.observation import is_observed, observe
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows, by_input, linear


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

    version = 2
    tasks = frozenset({"node-classification", "graph-prediction"})
    observation_points = ("states",)
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
        self.inputs = FeatureInput(0.0)
        self._block = Remembered(_block)
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
        block = self._block(batch["edge_index"], edge_weight(batch), int(batch.num_nodes or 0))
        x = node_vectors(batch, self.features)
        first: Any = self.convs[0]
        if is_observed(self):
            x = observe(self, "states", x.to(first.eps.dtype))
        rows = self.inputs(x.to(first.eps.dtype)) if first.maps_first else x
        states: list[Tensor] = []
        for conv in self.convs:
            states.append(conv(states[-1] if states else rows, block))
        if isinstance(rows, Tensor):
            return F.dropout(torch.cat([x, *states], dim=1), self.dropout, self.training)
        features = rows.dropout(self.dropout, self.training).to_dense()
        return torch.cat([features, F.dropout(torch.cat(states, dim=1), self.dropout, self.training)], dim=1)


class Convolution(nn.Module):
    """`[num_nodes, width]` to `[num_nodes, hidden]`; neighbours are summed in float64.

    The first map of the MLP comes before the sum where it makes rows narrower and no value between them is observed.
    """

    observation_points = ("aggregate", "adjacency", "states")

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        first = nn.Linear(width, hidden)
        if width > hidden:
            first.weight = by_input(first.weight)
        self.mlp = _mlp(first, nn.Linear(hidden, hidden))

    @property
    def maps_first(self) -> bool:
        first: Any = self.mlp[0]
        return first.in_features > first.out_features and not (is_observed(self) or is_observed(first))

    def forward(self, h: Tensor | SparseRows, block: Block) -> Tensor:
        if isinstance(h, Tensor):
            h = h.to(self.eps.dtype)
            if not self.maps_first:
                return observe(self, "states", self.mlp(observe(self, "aggregate", self._sum(h, block))))
        first: Any = self.mlp[0]
        return self.mlp[1:](self._sum(linear(h, first.weight), block) + first.bias)

    def _sum(self, rows: Tensor, block: Block) -> Tensor:
        """Rows of neighbours, and 1 + eps times the node's own; an observer sees both weights at once."""
        if not is_observed(self, "adjacency"):
            return block.sum(rows, 1 + self.eps, torch.float64)
        own, weight = (1 + self.eps).reshape(1), block.edge_weight
        both = torch.cat([torch.ones_like(own) if weight is None else weight.to(own.dtype), own])
        both = observe(self, "adjacency", both, uses=block.edge_index.size(1) + block.num_targets)
        own = both[-1]
        if weight is not None:
            return block.with_weights(both[:-1]).sum(rows, own, torch.float64)
        return both[0] * block.sum(rows, None, torch.float64) + own * rows


def _block(edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> Block:
    return Block(edge_index, num_nodes, weight)


def with_loops(edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> Block:
    """The edges, then a loop a node. Raises IncompatibleError for edges with weights."""
    if weight is not None:
        raise IncompatibleError("gin with weights of edges does not run on integers", hint="leave out edge_weight")
    loops = torch.arange(num_nodes, device=edge_index.device).expand(2, -1)
    return Block(torch.cat([edge_index, loops], dim=1), num_nodes)


def _mlp(first: nn.Linear, second: nn.Linear) -> nn.Sequential:
    parts = [(layer, nn.BatchNorm1d(layer.out_features), nn.ReLU()) for layer in (first, second)]
    return nn.Sequential(*parts[0], *parts[1])


PRESETS = {
    "graph-prediction": Preset(
        source="section 7, without the search over widths, dropout, batches, and epochs on test folds",
        task={"pooling": "sum"},
        training={"epochs": 200, "lr": 0.01, "scheduler": "step", "step_epochs": 50},
        ours=("model.hidden_dim", "model.dropout", "task.batch_size", "training.epochs"),
        num_parameters={DataSpec("graphs", (Target("y", "graph", "class", 2),), node=Continuous(7)): 30_660},
    ),
}
