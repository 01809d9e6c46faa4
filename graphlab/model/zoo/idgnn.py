"""Identity-aware graph neural networks. You et al., AAAI 2021, algorithm 1: messages in the ego network of every node,
those that its root sends mapped by weights of their own; a node is what it becomes in its own network.

h[u, v] <- relu(BN(W h[u, v] + sum over w in N(v) in the subgraph of u of relu(W_{1[w = u]} h[u, w] + bond)))
row of u = h[u, u]

Where edges carry nothing, messages are W_{1[w = u]} h[u, w] itself.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec, Features
from graphlab.model.subgraph.inputs import EdgeTable, NodeInput, edge_kinds
from graphlab.model.subgraph.policies import Ego
from graphlab.model.subgraph.rootwise import Rootwise, RootwiseConfig
from graphlab.ops.tuple_spmm import Messages, tuple_spmm


class Config(RootwiseConfig):
    """As `RootwiseConfig`, and

    hops     radius of a subgraph
    dropout  of what comes out of each layer
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 3
    hops: Annotated[PositiveInt, IntRange(1, 6)] = 3
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class Layer(nn.Module):
    """Messages of one kind: the last layer's, in which what a root sends no longer comes back to it."""

    def __init__(self, dim: int, edge: Features | None) -> None:
        super().__init__()
        self.own = nn.Linear(dim, dim)
        self.sent = nn.Linear(dim, dim, bias=False)
        self.table = None if edge is None else EdgeTable(edge, dim)
        self.norm = nn.BatchNorm1d(dim)

    def send(self, roots: Tensor, h: Tensor) -> Tensor:
        """What each tuple says, `[T, dim]`; `roots` int64 `[R]` are the tuples (u, u)."""
        return self.sent(h)

    def forward(self, along: Messages, roots: Tensor, h: Tensor, batch: Data) -> Tensor:
        sent = self.send(roots, h)
        table = None if self.table is None else self.table(batch, sent.dtype)
        return self.norm(self.own(h) + tuple_spmm(along, sent, table)).relu()


class IdentityLayer(Layer):
    """Messages of two kinds, by whether a root sends them."""

    def __init__(self, dim: int, edge: Features | None) -> None:
        super().__init__(dim, edge)
        self.sent_by_root = nn.Linear(dim, dim, bias=False)

    def send(self, roots: Tensor, h: Tensor) -> Tensor:
        return self.sent(h).index_copy(0, roots, self.sent_by_root(h.index_select(0, roots)))


class IDGNN(Rootwise):
    """batch: graphs with their ego networks -> `[num_nodes, hidden_dim]`, a row a root."""

    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    citation = Citation(
        key="you2021",
        title="Identity-aware Graph Neural Networks",
        authors="You, Jiaxuan and Gomes-Selman, Jonathan M. and Ying, Rex and Leskovec, Jure",
        venue="AAAI",
        year=2021,
        url="https://arxiv.org/abs/2101.10320",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.policy, self.edge = self.preparation(config), spec.edge
        self.max_tuples = config.max_tuples
        self.start = NodeInput(spec.node, dim)
        kinds = [IdentityLayer] * (config.num_layers - 1) + [Layer]
        self.layers = nn.ModuleList(kind(dim, spec.edge) for kind in kinds)
        self.dropout = nn.Dropout(config.dropout)
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> Ego:
        return Ego(hops=config.hops)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "SWL(VS)"

    def forward(self, batch: Data) -> Tensor:
        return self.root_rows(batch)

    def rows_of(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, edge_kinds(batch, self.edge))
        h = self.start(batch).index_select(0, tuples.node)
        roots = (tuples.node == tuples.root_node[tuples.root]).nonzero().squeeze(1)
        for layer in self.layers:
            h = self.dropout(layer(tuples.messages("uL"), roots, h, batch))
        return h.index_select(0, roots)
