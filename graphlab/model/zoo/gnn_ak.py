"""GNN as kernel. Zhao et al., ICLR 2022, eq. 3 to 8: in every layer a GNN runs in the ego network of every node, and
a node becomes what it is there (centroid), what its network is (subgraph) and what networks around it see (context).

h[u, v] = GIN of several layers in the subgraph of u, started from x[v]
x[v] <- relu(BN(W [h[v, v] | mean over w of s(d(v, w)) h[v, w] | mean over u of c(d(u, v)) h[u, v]]))

with gates s and c, sigmoids of a vector a distance. SubgraphDrop: a step of training makes only as many subgraphs as
cover every node a few times; of a node whose own is not made, centroid and subgraph encodings are the mean of those of
the roots that see it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, NonNegativeInt, PositiveInt, Probability
from graphlab.data.spec import DataSpec, Features
from graphlab.model.base import Model, ModelConfig
from graphlab.model.subgraph.convolution import Convolution, average
from graphlab.model.subgraph.inputs import NodeInput, edge_kinds
from graphlab.model.subgraph.policies import EgoDistance
from graphlab.model.subgraph.sampling import Chosen, cover_roots
from graphlab.model.subgraph.tuples import Tuples


class Config(ModelConfig):
    """num_layers    kernels, one after the other
    inner_layers  convolutions of each
    hops          radius of a subgraph
    coverage      SubgraphDrop: subgraphs of a training step that every node is in; 0 makes them all
    dropout       of what comes out of each kernel
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 6)] = 4
    inner_layers: Annotated[PositiveInt, IntRange(1, 3)] = 1
    hops: Annotated[PositiveInt, IntRange(1, 5)] = 3
    coverage: Annotated[NonNegativeInt, IntRange(0, 5)] = 0
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class Gate(nn.Module):
    """Sigmoid of a vector a distance, by which tuples are weighted: `[T, dim]`."""

    def __init__(self, distances: int, dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(distances, dim)

    def forward(self, h: Tensor, distance: Tensor) -> Tensor:
        return self.table.weight.sigmoid().index_select(0, distance) * h


class Kernel(nn.Module):
    """Node vectors `[num_nodes, dim]` to node vectors by their subgraphs: centroid and subgraph encodings."""

    num_encodings: ClassVar[int] = 2

    def __init__(self, config: Config, edge: Features | None) -> None:
        super().__init__()
        dim, count = config.hidden_dim, config.inner_layers
        self.convolutions = nn.ModuleList(Convolution(dim, edge) for _ in range(count))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dim) for _ in range(count))
        self.of_subgraph = Gate(config.hops + 1, dim)
        self.fuse = nn.Linear(self.num_encodings * dim, dim, bias=False)
        self.norm = nn.BatchNorm1d(dim)

    def forward(self, tuples: Tuples, distance: Tensor, x: Tensor, batch: Data) -> Tensor:
        h = x.index_select(0, tuples.node)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            h = norm(convolution(tuples.messages("uL"), h, batch)).relu()
        return self.norm(self.fuse(torch.cat(self.encodings(tuples, distance, h), dim=1))).relu()

    def encodings(self, tuples: Tuples, distance: Tensor, h: Tensor) -> list[Tensor]:
        centroid = h.index_select(0, (tuples.node == tuples.root_node[tuples.root]).nonzero().squeeze(1))
        subgraph = average(tuples.of_root, self.of_subgraph(h, distance))
        return [_to_nodes(tuples, centroid), _to_nodes(tuples, subgraph)]


class ContextKernel(Kernel):
    """And context encodings."""

    num_encodings = 3

    def __init__(self, config: Config, edge: Features | None) -> None:
        super().__init__(config, edge)
        self.of_context = Gate(config.hops + 1, config.hidden_dim)

    def encodings(self, tuples: Tuples, distance: Tensor, h: Tensor) -> list[Tensor]:
        context = average(tuples.of_node, self.of_context(h, distance))
        return [*super().encodings(tuples, distance, h), context]


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
    kernel: ClassVar[type[Kernel]]

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.policy, self.edge, self.coverage = self.preparation(config), spec.edge, config.coverage
        self.start = NodeInput(spec.node, dim)
        self.kernels = nn.ModuleList(self.kernel(config, spec.edge) for _ in range(config.num_layers))
        self.dropout = nn.Dropout(config.dropout)
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
            x = self.dropout(kernel(tuples, distance, x, batch))
        return x


class GNNAK(_GNNAK):
    """Centroid and subgraph encodings."""

    variant = "ak"
    kernel = Kernel

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "PSWL(VS)"


class GNNAKContext(_GNNAK):
    """Centroid, subgraph and context encodings: the GNN-AK+ of the paper."""

    variant = "ak-plus"
    kernel = ContextKernel

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "GSWL"
