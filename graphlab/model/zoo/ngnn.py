"""Nested graph neural networks. Zhang and Li, NeurIPS 2021, eq. 3 to 5: a GNN in the ego network of every node, whose
nodes carry their distance from the root; a root is what its subgraph is pooled to.

h[u, v] <- relu(BN(MLP((1 + eps) h[u, v] + sum over w in N(v) in the subgraph of u of relu(h[u, w] + bond))))
row of u = relu(linear(mean over v of all layers' h[u, v] side by side))
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec
from graphlab.model.subgraph.convolution import Convolution, average
from graphlab.model.subgraph.inputs import edge_kinds
from graphlab.model.subgraph.network import TupleInput
from graphlab.model.subgraph.policies import EgoDistance
from graphlab.model.subgraph.rootwise import Rootwise, RootwiseConfig


class Config(RootwiseConfig):
    """As `RootwiseConfig`, and

    hops     radius of a subgraph
    dropout  of what comes out of each layer
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 5
    hops: Annotated[PositiveInt, IntRange(1, 6)] = 3
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class NGNN(Rootwise):
    """batch: graphs with their ego networks -> `[num_nodes, hidden_dim]`, a row a root."""

    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    citation = Citation(
        key="zhang2021nested",
        title="Nested Graph Neural Networks",
        authors="Zhang, Muhan and Li, Pan",
        venue="NeurIPS",
        year=2021,
        url="https://arxiv.org/abs/2110.13197",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.policy, self.edge = self.preparation(config), spec.edge
        self.max_tuples = config.max_tuples
        self.start = TupleInput(self.policy, spec, dim)
        self.convolutions = nn.ModuleList(Convolution(dim, spec.edge) for _ in range(config.num_layers))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dim) for _ in range(config.num_layers))
        self.dropout = nn.Dropout(config.dropout)
        self.join = nn.Linear(config.num_layers * dim, dim)
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> EgoDistance:
        return EgoDistance(hops=config.hops)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "SWL(VS)"

    def forward(self, batch: Data) -> Tensor:
        return self.root_rows(batch)

    def rows_of(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, edge_kinds(batch, self.edge))
        h, states = self.start(tuples, batch), []
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            h = self.dropout(norm(convolution(tuples.messages("uL"), h, batch)).relu())
            states.append(h)
        pooled = average(tuples.of_root, torch.cat(states, dim=1))
        return self.join(pooled).relu()
