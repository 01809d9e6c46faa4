"""LINKX. Lim, Hohne, Li, Huang, Gupta, Bhalerao and Lim, NeurIPS 2021, section 5: rows of the adjacency as features.

    H_A = MLP_A(A),    H_X = MLP_X(X),    outputs = MLP(ReLU(W [H_A | H_X] + b + H_A + H_X))

Each MLP has ReLU and then batch normalisation between its maps; the last one has dropout too. The first map of MLP_A
has a row a node, and its product with A is a sum over neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.core.errors import IncompatibleError
from graphlab.data.citations import LIM_2021
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, input_dim, require_num_nodes
from graphlab.model.edges import edge_weight
from graphlab.model.layered import Block
from graphlab.model.sparse_features import FeatureInput, FeatureLinear, Remembered, SparseRows


class Config(ModelConfig):
    """hidden_dim        width of all hidden rows
    num_layers        maps of the last MLP
    adjacency_layers  maps of MLP_A
    feature_layers    maps of MLP_X
    dropout           between maps of the last MLP
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 512, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 3)] = 2
    adjacency_layers: Annotated[PositiveInt, IntRange(1, 2)] = 1
    feature_layers: Annotated[PositiveInt, IntRange(1, 2)] = 1
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class MLP(nn.Module):
    """Linear maps `[n, widths[0]]` to `[n, widths[-1]]` with ReLU, batch normalisation and dropout between them."""

    def __init__(self, widths: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        first, *others = pairwise(widths)
        self.maps = nn.ModuleList([FeatureLinear(*first), *(nn.Linear(i, o) for i, o in others)])
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in widths[1:-1])
        self.dropout = dropout

    def forward(self, rows: Tensor | SparseRows) -> Tensor:
        first, *others = self.maps
        out = first(rows)
        for norm, each in zip(self.norms, others, strict=True):
            out = each(F.dropout(norm(out.relu()), self.dropout, self.training))
        return out


class LINKX(Model):
    """Two networks, one of neighbours and one of features, and a third of what both give.

    It is of one graph: a node that was not there in training has no row. Edges are read as messages u -> v, so that the
    row of v has those that v is sent something by; weights of edges take the places of the ones in A.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    rows_of_nodes = frozenset({"of_nodes"})
    output_dims = {"of_nodes": 1}
    needs_whole_graph = True
    citation = LIM_2021

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim, num_nodes = config.hidden_dim, require_num_nodes("linkx", spec)
        self.out_dim, bound = self.row_width(spec, dim), num_nodes**-0.5
        self.of_nodes = nn.Parameter(torch.empty(num_nodes, dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(dim).uniform_(-bound, bound))
        self.norm = self.of_neighbours = None
        if config.adjacency_layers > 1:
            self.norm, self.of_neighbours = nn.BatchNorm1d(dim), MLP([dim] * config.adjacency_layers)
        self.features = FeatureInput(0.0)
        self.of_features = MLP([input_dim(spec.node, "linkx"), *[dim] * config.feature_layers])
        self.both = nn.Linear(2 * dim, dim)
        self.read_out = MLP([*[dim] * config.num_layers, self.out_dim], config.dropout)
        self._block = Remembered(Block)

    @property
    def num_hops(self) -> int:
        return 1

    def forward(self, batch: Data) -> Tensor:
        num_nodes = int(batch.num_nodes or 0)
        if num_nodes != len(self.of_nodes):
            raise IncompatibleError(
                f"this linkx learned rows of {len(self.of_nodes):,} nodes, and the graph has {num_nodes:,}",
                hint="give it the graph that it was built for, or use a model of new nodes, such as sage",
            )
        neighbours = self._block(batch["edge_index"], num_nodes, edge_weight(batch)).sum(self.of_nodes) + self.bias
        if self.norm is not None and self.of_neighbours is not None:
            neighbours = self.of_neighbours(self.norm(neighbours.relu()))
        own = self.of_features(self.features(batch["x"]))
        return self.read_out((self.both(torch.cat([neighbours, own], dim=1)) + neighbours + own).relu())


PRESETS = {
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 500, "lr": 0.01, "weight_decay": 1e-3},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), Continuous(1433), num_nodes=2708): (
                2709 * 64 + 1434 * 64 + 129 * 64 + 65 * 64 + 2 * 64 + 65 * 7
            )
        },
    ),
}
