"""One step of a subgraph GNN. Zhang et al., ICML 2023, eq. 4:

h <- relu(BN(sum_op MLP_op((1 + eps_op) h + agg_op(h))))
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.data.spec import Features
from graphlab.model.subgraph.aggregation import LOCAL, Aggregation, aggregate
from graphlab.model.subgraph.inputs import EdgeTable
from graphlab.model.subgraph.tuples import Tuples


class Branch(nn.Module):
    """MLP((1 + eps) h + agg(h)) of one aggregation; MLP = linear, batch normalisation, relu, linear."""

    def __init__(self, name: Aggregation, dim: int, edge: Features | None) -> None:
        super().__init__()
        self.name: Aggregation = name
        self.eps = nn.Parameter(torch.zeros(()))
        self.table = EdgeTable(edge, dim) if name in LOCAL and edge is not None else None
        self.mlp = nn.Sequential(nn.Linear(dim, dim), nn.BatchNorm1d(dim), nn.ReLU(), nn.Linear(dim, dim))

    def forward(self, tuples: Tuples, h: Tensor, batch: Data) -> Tensor:
        table = None if self.table is None else self.table(batch)
        return self.mlp(aggregate(self.name, tuples, h, table, 1 + self.eps))


class Layer(nn.Module):
    """The sum of branches, normalised and rectified: `[T, dim]` to `[T, dim]`."""

    def __init__(self, aggregations: tuple[Aggregation, ...], dim: int, edge: Features | None) -> None:
        super().__init__()
        self.branches = nn.ModuleList(Branch(name, dim, edge) for name in aggregations)
        self.norm = nn.BatchNorm1d(dim)

    def forward(self, tuples: Tuples, h: Tensor, batch: Data) -> Tensor:
        return self.norm(sum(branch(tuples, h, batch) for branch in self.branches)).relu()
