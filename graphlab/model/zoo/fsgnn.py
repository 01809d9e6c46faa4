"""FSGNN, feature selection graph neural network. Maurya, Liu and Murata, Journal of Computational Science 62, 2022.

Before training features are passed along A and A + I, each scaled by the roots of its sums, 1 to K times
(`graphlab.model.propagation`). Of the 2 K + 1 matrices X_i, the features themselves among them,

    H_i = softmax(s)_i norm(X_i W_i + b_i),    outputs = ReLU([H_0 | H_1 | ... | H_2K]) W + b

norm scales rows to length 1, and s, one number a matrix, is learned from equal values: a soft selection of features.
"""

from __future__ import annotations

from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, input_dim
from graphlab.model.propagation import Propagation, attribute
from graphlab.model.sparse_features import FeatureInput, FeatureLinear

PATTERNS = ("bare_at", "at")


class Config(ModelConfig):
    """hops        K, how often features are passed on
    hidden_dim  width of each H_i
    normalize   whether rows of X_i W_i + b_i are scaled to length 1
    dropout     of all H_i, before the last map
    """

    hops: Annotated[PositiveInt, IntRange(1, 8)] = 3
    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 64
    normalize: Annotated[bool, Choices((False, True))] = True
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class FSGNN(Model):
    """A weighted choice of features that were passed on beforehand.

    Edges are read as messages u -> v, and their weights take the places of the ones in A. Of a directed graph the two
    sums that scale an edge of A are of edges out of u and into v; those of A + I are of edges into nodes, as in `gcn`.
    batch.x and what was passed on, `[num_nodes, d]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = Citation(
        key="maurya2022",
        kind="article",
        title="Simplifying approach to node classification in Graph Neural Networks",
        authors="Maurya, Sunil Kumar and Liu, Xin and Murata, Tsuyoshi",
        venue="Journal of Computational Science 62",
        year=2022,
        url="https://arxiv.org/abs/2111.06748",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim, hidden = input_dim(spec.node, "fsgnn"), config.hidden_dim
        self.config, self.out_dim = config, self.row_width(spec, hidden)
        self.names = ["x", *(attribute(pattern, hop) for hop in range(1, config.hops + 1) for pattern in PATTERNS)]
        self.features = nn.ModuleList(FeatureInput(0.0) for _ in self.names)
        self.maps = nn.ModuleList(FeatureLinear(dim, hidden) for _ in self.names)
        self.selection = nn.Parameter(torch.ones(len(self.names)))
        self.read_out = nn.Linear(len(self.names) * hidden, self.out_dim)

    @classmethod
    def preparation(cls, config: Config) -> Propagation:
        return Propagation(PATTERNS, config.hops, 0.5, (1.0,) * config.hops)

    @property
    def num_hops(self) -> int:
        return self.config.hops

    def forward(self, batch: Data) -> Tensor:
        parts: list[Tensor] = []
        for name, share, read, each in zip(
            self.names, self.selection.softmax(0), self.features, self.maps, strict=True
        ):
            rows = each(read(batch[name].to(next(self.parameters()).dtype)))
            parts.append(share * (F.normalize(rows, dim=1) if self.config.normalize else rows))
        hidden = torch.cat(parts, dim=1).relu()
        return self.read_out(F.dropout(hidden, self.config.dropout, self.training))


PRESETS: dict[str, Any] = {
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 500, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), Continuous(1433)): (
                7 * (1433 * 64 + 64) + 7 + 7 * 64 * 7 + 7
            )
        },
    ),
}
