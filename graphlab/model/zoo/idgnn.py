"""Identity-aware graph neural networks. You et al., AAAI 2021, algorithm 1, and the code published with it: messages in
the ego network of every node, of which the root is mapped by weights of its own; a node is what it becomes there.

x <- relu(BN(W x)) of nodes at first, then num_layers times, with [v = u] the root's own part,

idconv  h[u, v] <- relu(BN(sum over w in N(v) in the subgraph of u of (W h[u, w] + [w = u] W' h[u, w])))
gin     z = h[u, v] + sum over w in N(v) in the subgraph of u of h[u, w]
        h[u, v] <- relu(BN(M(z) + [v = u] M'(z)))        with M = linear, relu, linear

row of u = h[u, u] / |h[u, u]|

The radius of ego networks is the number of layers. Edges' features are not read.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Probability
from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import DataSpec
from graphlab.model.base import Preset
from graphlab.model.subgraph.inputs import RawNodes
from graphlab.model.subgraph.policies import Ego
from graphlab.model.subgraph.rootwise import Rootwise, RootwiseConfig
from graphlab.ops.tuple_spmm import Messages, tuple_spmm


class Config(RootwiseConfig):
    """As `RootwiseConfig`, and

    layer    what maps messages
    dropout  of what comes out of each layer
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 128
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 3
    layer: Annotated[Literal["idconv", "gin"], Choices()] = "idconv"
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class IdentityConvolution(nn.Module):
    """h `[T, dim]` -> `[T, dim]`; `roots` int64 `[R]` are the tuples (u, u)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.map, self.root_map = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)

    def forward(self, messages: Messages, roots: Tensor, h: Tensor) -> Tensor:
        return tuple_spmm(messages, self.map(h).index_add(0, roots, self.root_map(h.index_select(0, roots))))


class IdentityGIN(nn.Module):
    """h `[T, dim]` -> `[T, dim]`; `roots` int64 `[R]` are the tuples (u, u)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.map, self.root_map = (nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim)) for _ in range(2))

    def forward(self, messages: Messages, roots: Tensor, h: Tensor) -> Tensor:
        z = h + tuple_spmm(messages, h)
        return self.map(z).index_add(0, roots, self.root_map(z.index_select(0, roots)))


LAYERS = {"idconv": IdentityConvolution, "gin": IdentityGIN}


class IDGNN(Rootwise):
    """batch: graphs with their ego networks -> `[num_nodes, hidden_dim]`, a row a root."""

    version = 2
    tasks = frozenset({"graph-prediction", "node-classification"})
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
        if spec.directed and config.layer == "idconv":
            raise IncompatibleError(
                "idgnn gives each node what comes back to it, and nothing does along edges that lead one way",
                hint="set model.layer=gin, or make the graph undirected by a transform",
            )
        dim = config.hidden_dim
        self.policy = self.preparation(config)
        self.max_tuples = config.max_tuples
        self.node = RawNodes(spec.node, dim)
        self.start = nn.Sequential(nn.Linear(self.node.out_dim, dim, bias=False), nn.BatchNorm1d(dim), nn.ReLU())
        self.layers = nn.ModuleList(LAYERS[config.layer](dim) for _ in range(config.num_layers))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dim) for _ in range(config.num_layers))
        self.dropout = nn.Dropout(config.dropout)
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> Ego:
        return Ego(hops=config.num_layers)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "SWL(VS)"

    def forward(self, batch: Data) -> Tensor:
        return self.root_rows(batch)

    def rows_of(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, None)
        messages = tuples.messages("uL")
        nodes = self.node(batch).to(next(self.parameters()).dtype)
        h = self.start(nodes.index_select(0, tuples.node))
        roots = (tuples.node == tuples.root_node[tuples.root]).nonzero().squeeze(1)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            h = self.dropout(norm(layer(messages, roots, h)).relu())
        return F.normalize(h.index_select(0, roots))


PRESETS = {
    "graph-prediction": Preset(
        source="the configuration of graphs published with the code: width 128, 3 layers, 3 maps in the head",
        model={"hidden_dim": 128, "num_layers": 3},
        task={"pooling": "sum", "readout_dims": (128, 128), "readout_norm": "batch"},
        ours=("task.batch_size", "training.epochs", "training.lr", "training.scheduler"),
    ),
}
