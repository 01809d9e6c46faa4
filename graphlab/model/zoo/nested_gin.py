"""Nested GIN, the network for TU data. Zhang and Li, NeurIPS 2021, eq. 3 to 5, and the code published with it: a GIN in
the ego network of every node, whose nodes carry labels; a root is what its subgraph is pooled to.

h[u, v] = [sum of vectors of the labels of v around u + linear(resistance between u and v in the subgraph) | x[v]]
h[u, v] <- M((1 + eps) h[u, v] + sum over w in N(v) in the subgraph of u of h[u, w])
g = mean over u of mean over v of all layers' h[u, v] side by side
row of the graph = dropout(relu(linear(g)))

where M = (linear, batch normalisation, relu) twice. Labels are as in `ngnn`; without `labels` nodes carry x alone. The
published network ends in a log-softmax, which the loss of the task has here.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec
from graphlab.model.subgraph.convolution import average, graph_means
from graphlab.model.subgraph.inputs import RawNodes
from graphlab.model.subgraph.labelled import NODE_DIM, LabelInput
from graphlab.model.subgraph.policies import EgoShells
from graphlab.model.subgraph.rootwise import Rootwise, RootwiseConfig
from graphlab.model.zoo import ngnn
from graphlab.ops.tuple_spmm import Messages, tuple_spmm


class Config(RootwiseConfig):
    """As `RootwiseConfig`, and

    hops        radius of a subgraph
    labels      whether tuples carry labels and resistances
    resistance  whether resistances are among them
    dropout     of a graph's row
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 32
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 4
    hops: Annotated[PositiveInt, IntRange(1, 6)] = 3
    labels: bool = True
    resistance: bool = True
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class Layer(nn.Module):
    """h `[T, width]` -> `[T, dim]`."""

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        twice = ((width, dim), (dim, dim))
        parts = [part for sizes in twice for part in (nn.Linear(*sizes), nn.BatchNorm1d(dim), nn.ReLU())]
        self.mlp = nn.Sequential(*parts)

    def forward(self, messages: Messages, h: Tensor) -> Tensor:
        return self.mlp(tuple_spmm(messages, h, None, 1 + self.eps))


class NestedGIN(Rootwise):
    """batch: graphs with their ego networks -> `[num_graphs, hidden_dim]`."""

    tasks = frozenset({"graph-prediction"})
    citation = ngnn.NGNN.citation

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.policy = self.preparation(config)
        self.max_tuples = config.max_tuples
        self.node = RawNodes(spec.node, NODE_DIM)
        self.labels = LabelInput(self.policy, NODE_DIM) if config.labels else None
        widths = [self.node.out_dim + (NODE_DIM if config.labels else 0), *[dim] * (config.num_layers - 1)]
        self.layers = nn.ModuleList(Layer(width, dim) for width in widths)
        self.hidden = nn.Linear(config.num_layers * dim, dim)
        self.dropout = nn.Dropout(config.dropout)
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> EgoShells:
        return EgoShells(hops=config.hops, resistance=config.resistance and config.labels)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        """Resistances are those of a subgraph with two of its nodes marked."""
        return "FWL(3)" if config.resistance and config.labels else "SWL(VS)"

    def forward(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, None)
        rows = graph_means(tuples, self.root_rows(batch), batch.num_graphs)
        return self.dropout(self.hidden(rows).relu())

    def rows_of(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, None)
        messages = tuples.messages("uL")
        h = self.node(batch).to(self.hidden.weight.dtype).index_select(0, tuples.node)
        if self.labels is not None:
            h = torch.cat([self.labels(batch), h], dim=1)
        states = []
        for layer in self.layers:
            h = layer(messages, h)
            states.append(h)
        return average(tuples.of_root, torch.cat(states, dim=1))

    def row_graph(self, batch: Data) -> Tensor:
        return torch.arange(batch.num_graphs, device=batch["edge_index"].device)
