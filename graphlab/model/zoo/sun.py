"""Subgraph union network. Frasca et al., NeurIPS 2022, eq. 7 and 8: what is equivariant to node-based subgraphs, with
weights of their own for roots.

v != u:  h[u, v] <- relu(BN(W1 h[u, v] + W2 h[u, u] + W3 h[v, v] + W4 mean over w of h[u, w]
                            + GIN(h[u])[v] + GIN'(mean over u of h[u])[v]))
v = u:   h[u, u] <- relu(BN(W5 h[u, u] + W6 mean over w of h[u, w] + GIN''(h[u])[u] + GIN'''(mean over u of h[u])[u]))

The GINs of roots and of other nodes sum up the same messages and have MLPs of their own. The optional term h[v, u] is
left out: it would make the class of the model SSWL.
"""

from __future__ import annotations

from typing import Annotated, Literal

from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec, Features
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.subgraph.aggregation import Aggregation, aggregate
from graphlab.model.subgraph.convolution import Convolution, average, graph_messages, mlp
from graphlab.model.subgraph.inputs import edge_kinds
from graphlab.model.subgraph.network import TupleInput
from graphlab.model.subgraph.policies import EgoMarked, NodeMarked, Policy
from graphlab.model.subgraph.tuples import Tuples
from graphlab.ops.tuple_spmm import Messages

POINTS: tuple[Aggregation, ...] = ("uv", "uu", "vv")


class Config(ModelConfig):
    """policy   ego-marked: the graph within `hops` of a root; node-marked: all of it
    dropout  of what comes out of each layer
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 6
    policy: Annotated[Literal["ego-marked", "node-marked"], Choices()] = "ego-marked"
    hops: Annotated[PositiveInt, IntRange(1, 5)] = 3
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class Layer(nn.Module):
    """`[T, dim]` to `[T, dim]`."""

    def __init__(self, dim: int, edge: Features | None) -> None:
        super().__init__()
        self.points = nn.ModuleDict({name: nn.Linear(dim, dim, bias=False) for name in POINTS})
        self.readout = nn.Linear(dim, dim, bias=False)
        self.inside, self.shared = Convolution(dim, edge), Convolution(dim, edge)
        self.root_point = nn.Linear(dim, dim, bias=False)
        self.root_readout = nn.Linear(dim, dim, bias=False)
        self.root_inside, self.root_shared = mlp(dim, dim), mlp(dim, dim)
        self.norm = nn.BatchNorm1d(dim)

    def forward(self, tuples: Tuples, along: Messages, roots: Tensor, h: Tensor, batch: Data) -> Tensor:
        inside = self.inside.heard(tuples.messages("uL"), h, batch)
        shared = self.shared.heard(along, average(tuples.of_node, h), batch)
        subgraph = average(tuples.of_root, h)
        out = self.inside.mlp(inside)
        for name in POINTS:
            out = out + self.points[name](aggregate(name, tuples, h))
        out = out + self.shared.mlp(shared).index_select(0, tuples.node)
        out = out + self.readout(subgraph).index_select(0, tuples.root)
        of_roots = self.root_point(h.index_select(0, roots)) + self.root_readout(subgraph)
        of_roots = of_roots + self.root_inside(inside.index_select(0, roots))
        of_roots = of_roots + self.root_shared(shared).index_select(0, tuples.root_node)
        return self.norm(out.index_copy(0, roots, of_roots)).relu()


class SUN(Model):
    """batch: graphs as the policy prepares them -> `[num_nodes, hidden_dim]`, a row a root."""

    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    citation = Citation(
        key="frasca2022",
        title="Understanding and Extending Subgraph GNNs by Rethinking Their Symmetries",
        authors="Frasca, Fabrizio and Bevilacqua, Beatrice and Bronstein, Michael M. and Maron, Haggai",
        venue="NeurIPS",
        year=2022,
        url="https://arxiv.org/abs/2206.11140",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.policy, self.edge = self.preparation(config), spec.edge
        self.start = TupleInput(self.policy, spec, dim)
        self.layers = nn.ModuleList(Layer(dim, spec.edge) for _ in range(config.num_layers))
        self.dropout = nn.Dropout(config.dropout)
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> Policy:
        if config.policy == "node-marked":
            return NodeMarked()
        return EgoMarked(messages=("uL", "uu", "vv"), hops=config.hops)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "GSWL"

    def forward(self, batch: Data) -> Tensor:
        kind = edge_kinds(batch, self.edge)
        tuples, along = self.policy.tuples(batch, kind), graph_messages(batch, kind)
        roots = (tuples.node == tuples.root_node[tuples.root]).nonzero().squeeze(1)
        h = self.start(tuples, batch)
        for layer in self.layers:
            h = self.dropout(layer(tuples, along, roots, h, batch))
        return average(tuples.of_root, h)


PRESETS = {
    "zinc": Preset(
        source="appendix: 6 layers, width 64 and 3 hops on ZINC-12k",
        model={"hidden_dim": 64, "num_layers": 6, "hops": 3, "policy": "ego-marked"},
        ours=(
            "task.batch_size",
            "task.readout_dims",
            "task.pooling",
            "training.epochs",
            "training.lr",
            "training.scheduler",
            "training.gamma",
            "training.step_epochs",
        ),
    ),
}
