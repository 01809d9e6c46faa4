"""GNN as kernel. Zhao et al., ICLR 2022, eq. 3 to 8: in every layer a GNN runs in the ego network of every node, and
a node becomes what it is there (centroid), what its network is (subgraph) and what networks around it see (context).

With z(u, v) a vector a kernel and a distance of v from u, s the sigmoid, and pooling the sum or the mean,

    h[u, v] = [x[v] | z(u, v)]
    h[u, v] <- relu(BN(MLP((1 + eps) h[u, v] + sum over w in N(v) near u of relu(h[u, w] + bond)))) + h[u, v]
    h[u, v] <- W h[u, v] + b
    centroid of v = s(G1 z(v, v)) h[v, v]
    subgraph of v = pool over w of s(G2 z(v, w)) T2(h[v, w])
    context of v  = pool over u of s(G3 z(u, v)) T3(h[u, v])
    x[v] <- relu(BN(V [centroid | subgraph | context])) + x[v]

where T = relu(BN(linear)). The inner layers of a kernel share their vectors of bonds. GNN-AK has neither context nor
distances, so that the gates and the map after the inner layers are missing.

SubgraphDrop: a step of training makes only as many subgraphs as cover every node a few times; of a node whose own is
not made, centroid and subgraph encodings are the mean of those of the roots that see it.

What is computed is what the authors' code computes. Theirs has tables of 500 rows for atoms and bonds and networks that
are never used, 6,281,807 parameters on ZINC; with 28 atoms and 4 bonds, and only what is used, they are 924,679.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, NonNegativeInt, PositiveInt, Probability
from graphlab.data.spec import DataSpec, Features
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.subgraph.convolution import average
from graphlab.model.subgraph.inputs import EdgeTable, NodeInput, edge_kinds
from graphlab.model.subgraph.policies import EgoDistance
from graphlab.model.subgraph.sampling import Chosen, cover_roots
from graphlab.model.subgraph.tuples import Tuples
from graphlab.ops.tuple_spmm import Messages, tuple_spmm

DISTANCES, DISTANCE_DIM = 20, 16
"""Rows and width of a kernel's table of distances; a row is the distance and one more."""


class Config(ModelConfig):
    """num_layers    kernels, one after the other
    inner_layers  convolutions of each
    hops          radius of a subgraph
    pooling       from tuples to subgraph and context encodings
    join          how encodings become one: side by side through a linear map, or their sum
    coverage      SubgraphDrop: subgraphs of a training step that every node is in; 0 makes them all
    dropout       after each relu, and of what encodings are made of
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 128
    num_layers: Annotated[PositiveInt, IntRange(1, 6)] = 6
    inner_layers: Annotated[PositiveInt, IntRange(1, 3)] = 1
    hops: Annotated[int, Field(ge=1, lt=DISTANCES - 1), IntRange(1, 5)] = 3
    pooling: Annotated[Literal["sum", "mean"], Choices()] = "sum"
    join: Annotated[Literal["concat", "sum"], Choices()] = "concat"
    coverage: Annotated[NonNegativeInt, IntRange(0, 5)] = 0
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class Inner(nn.Module):
    """A convolution in each subgraph, with a residual: h `[T, dim]` -> `[T, dim]`."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.first, self.second = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.first_norm, self.norm = nn.BatchNorm1d(dim), nn.BatchNorm1d(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, messages: Messages, h: Tensor, bonds: Tensor | None) -> Tensor:
        inner = self.first_norm(self.first(tuple_spmm(messages, h, bonds, 1 + self.eps))).relu()
        return self.dropout(self.norm(self.second(inner)).relu()) + h


class Encoding(nn.Module):
    """Tuples as one of the encodings sums them, `[T, dim]`: T(h), times the gate of their distances where there is one.

    Args:
        dim: Of tuples.
        gated: Whether there are gates.
    """

    def __init__(self, dim: int, gated: bool, dropout: float) -> None:
        super().__init__()
        self.map, self.norm = nn.Linear(dim, dim, bias=False), nn.BatchNorm1d(dim)
        self.gate = nn.Linear(DISTANCE_DIM, dim) if gated else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor, distances: Distances | None) -> Tensor:
        rows = self.norm(self.map(self.dropout(h))).relu()
        return rows if self.gate is None or distances is None else rows * distances.gate(self.gate)


@dataclass(frozen=True)
class Distances:
    """Of tuples: a kernel's table `[DISTANCES, DISTANCE_DIM]`, and which row each tuple has, int64 `[T]`."""

    table: Tensor
    row: Tensor

    @property
    def vectors(self) -> Tensor:
        """Of each tuple, `[T, DISTANCE_DIM]`."""
        return self.table.index_select(0, self.row)

    def gate(self, to_gate: nn.Linear) -> Tensor:
        """The gate of each tuple, `[T, dim]`."""
        return to_gate(self.table).sigmoid().index_select(0, self.row)

    def of(self, tuples: Tensor) -> Distances:
        return Distances(self.table, self.row[tuples])


class Kernel(nn.Module):
    """Node vectors `[num_nodes, dim]` to node vectors by their subgraphs: centroid and subgraph encodings."""

    def __init__(self, config: Config, edge: Features | None, has_distances: bool) -> None:
        super().__init__()
        dim = config.hidden_dim
        inner_dim = dim + DISTANCE_DIM if has_distances else dim
        self.pooling, self.join = config.pooling, config.join
        self.table = nn.Embedding(DISTANCES, DISTANCE_DIM) if has_distances else None
        self.bonds = None if edge is None else EdgeTable(edge, inner_dim)
        self.inner = nn.ModuleList(Inner(inner_dim, config.dropout) for _ in range(config.inner_layers))
        self.narrow = nn.Linear(inner_dim, dim) if has_distances else None
        self.centroid = nn.Linear(DISTANCE_DIM, dim) if has_distances else None
        self.subgraph = Encoding(dim, has_distances, config.dropout)
        self.context = Encoding(dim, has_distances, config.dropout) if has_distances else None
        num_encodings = 3 if has_distances else 2
        self.fuse = nn.Linear(num_encodings * dim, dim, bias=False) if config.join == "concat" else None
        self.norm, self.dropout = nn.BatchNorm1d(dim), nn.Dropout(config.dropout)

    def forward(self, tuples: Tuples, distance: Tensor, x: Tensor, batch: Data) -> Tensor:
        distances = None if self.table is None else Distances(self.table.weight, distance + 1)
        h = self.in_subgraphs(tuples, distances, x, batch)
        encodings = self.encodings(tuples, distances, h)
        joined = sum(encodings) if self.fuse is None else self.fuse(self.dropout(torch.cat(encodings, dim=1)))
        return self.dropout(self.norm(joined).relu()) + x

    def in_subgraphs(self, tuples: Tuples, distances: Distances | None, x: Tensor, batch: Data) -> Tensor:
        """What nodes are in each subgraph, `[T, dim]`."""
        h = x.index_select(0, tuples.node)
        if distances is not None:
            h = torch.cat([h, distances.vectors.to(h.dtype)], dim=1)
        bonds = None if self.bonds is None else self.bonds(batch, h.dtype)
        for inner in self.inner:
            h = inner(tuples.messages("uL"), h, bonds)
        return h if self.narrow is None else self.narrow(h)

    def encodings(self, tuples: Tuples, distances: Distances | None, h: Tensor) -> list[Tensor]:
        roots = (tuples.node == tuples.root_node[tuples.root]).nonzero().squeeze(1)
        centroid = h.index_select(0, roots)
        if self.centroid is not None and distances is not None:
            centroid = centroid * distances.of(roots).gate(self.centroid)
        subgraph = self._pool(tuples.of_root, self.subgraph(h, distances))
        encodings = [_to_nodes(tuples, centroid), _to_nodes(tuples, subgraph)]
        if self.context is not None:
            encodings.append(self._pool(tuples.of_node, self.context(h, distances)))
        return encodings

    def _pool(self, messages: Messages, h: Tensor) -> Tensor:
        return tuple_spmm(messages, h) if self.pooling == "sum" else average(messages, h)


def _to_nodes(tuples: Tuples, rows: Tensor) -> Tensor:
    """From a row a root to a row a node: the mean over the roots that see it where it is no root."""
    if tuples.num_roots == tuples.num_nodes:
        return rows
    return average(tuples.of_node, rows.index_select(0, tuples.root)).index_copy(0, tuples.root_node, rows)


class _GNNAK(Model):
    """batch: graphs with their ego networks -> `[num_nodes, hidden_dim]`."""

    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    citation = Citation(
        key="zhao2022",
        title="From Stars to Subgraphs: Uplifting Any GNN with Local Structure Awareness",
        authors="Zhao, Lingxiao and Jin, Wei and Akoglu, Leman and Shah, Neil",
        venue="ICLR",
        year=2022,
        url="https://arxiv.org/abs/2110.03753",
    )
    version = 2
    has_distances: ClassVar[bool]

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.policy, self.edge, self.coverage = self.preparation(config), spec.edge, config.coverage
        self.start = NodeInput(spec.node, dim)
        self.kernels = nn.ModuleList(Kernel(config, spec.edge, self.has_distances) for _ in range(config.num_layers))
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> EgoDistance:
        return EgoDistance(hops=config.hops)

    def forward(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, edge_kinds(batch, self.edge))
        distance = batch["tuple_label"].squeeze(1).long()
        if self.training and self.coverage:
            tuples = Chosen(tuples, cover_roots(tuples, self.coverage))
            distance = distance[tuples.rows]
        x = self.start(batch)
        for kernel in self.kernels:
            x = kernel(tuples, distance, x, batch)
        return x


class GNNAK(_GNNAK):
    """Centroid and subgraph encodings."""

    variant = "ak"
    has_distances = False

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "PSWL(VS)"


class GNNAKContext(_GNNAK):
    """Centroid, subgraph and context encodings with distances: the GNN-AK+ of the paper."""

    variant = "ak-plus"
    has_distances = True

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "GSWL"


PRESETS = {
    "zinc": Preset(
        source="section 6 and the configuration published with it",
        model={"hidden_dim": 128, "num_layers": 6, "hops": 3},
        task={"pooling": "sum", "readout_dims": (128,), "readout_norm": "batch", "batch_size": 128},
        training={"epochs": 310, "lr": 0.001, "scheduler": "step", "gamma": 0.5, "step_epochs": 50},
    ),
}
