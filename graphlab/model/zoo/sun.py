"""Subgraph union network. Frasca et al., NeurIPS 2022, eq. 7 and 8: what is equivariant to node-based subgraphs, with
weights of their own for roots. With r[u] = h[u, u], m[v] = mean over u of h[u, v], s[u] = sum over v of h[u, v],

v != u:  h[u, v] <- relu(M1 r[v] + M2 r[u] + M3 h[u, v] + M4 s[u] + M5 h[v, u]
                         + BN(GIN1(h[u])[v]) + BN(GIN2(m)[v]))
v = u:   h[u, u] <- relu(M6 r[u] + M7 s[u] + BN(GIN3(h[u])[u]) + BN(GIN4(m)[u]))

where M = linear, batch normalisation, relu, linear; M5 is there only with `transpose`. GINs on m run on all edges.
Batch normalisation in M1, M2, M4, M6, M7 has a row a root, the outer one of GIN1 those that are no roots, that of GIN3
the roots.

The input is that of `esan`: all nodes stay in every subgraph, and marks stand in front of the features.
"""

from __future__ import annotations

from typing import Annotated, Literal

from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec, Features
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.subgraph.aggregation import aggregate
from graphlab.model.subgraph.convolution import Convolution, average, graph_messages, mlp
from graphlab.model.subgraph.inputs import MarkedInput, edge_kinds
from graphlab.model.subgraph.policies import Ego, EgoMarked, NodeMarked, Policy
from graphlab.model.subgraph.tuples import Tuples
from graphlab.ops.tuple_spmm import Messages, tuple_spmm


class Config(ModelConfig):
    """policy     ego, ego-marked: the graph within `hops` of a root; node-marked: all of it
    transpose  whether h[u, v] hears of h[v, u] too, which lifts the class of the model to SSWL
    residual   whether what each layer gives is added to what it is given, mapped to its width in the first
    readout    of the subgraph that a node hears of, sum or mean
    dropout    of what comes out of each layer
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 6
    policy: Annotated[Literal["ego", "ego-marked", "node-marked"], Choices()] = "ego-marked"
    hops: Annotated[PositiveInt, IntRange(1, 5)] = 3
    transpose: bool = False
    residual: bool = False
    readout: Annotated[Literal["sum", "mean"], Choices()] = "sum"
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class Layer(nn.Module):
    """h `[T, width]` -> `[T, dim]`."""

    def __init__(self, width: int, config: Config, edge: Features | None) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.takes_mean = config.readout == "mean"
        self.root_of_node, self.root_of_subgraph, self.own, self.readout = (mlp(width, dim) for _ in range(4))
        self.transposed = mlp(width, dim) if config.transpose else None
        self.root, self.root_readout = mlp(width, dim), mlp(width, dim)
        self.inside, self.shared, self.root_inside, self.root_shared = (Convolution(dim, edge, width) for _ in range(4))
        self.inside_norm, self.shared_norm, self.root_inside_norm, self.root_shared_norm = (
            nn.BatchNorm1d(dim) for _ in range(4)
        )

    def forward(self, tuples: Tuples, along: Messages, roots: Tensor, others: Tensor, h: Tensor, batch: Data) -> Tensor:
        """`roots` and `others` are the tuples of roots, int64 `[R]`, and all others."""
        pool = average if self.takes_mean else tuple_spmm
        r, m, s = h.index_select(0, roots), average(tuples.of_node, h), pool(tuples.of_root, h)
        of_others = self._of_others(tuples, along, others, h, (r, m, s), batch)
        of_roots = self.root(r) + self.root_readout(s)
        inside = self.root_inside(tuples.messages("uL"), h, batch).index_select(0, roots)
        shared = self.root_shared_norm(self.root_shared(along, m, batch)).index_select(0, tuples.root_node)
        of_roots = of_roots + self.root_inside_norm(inside) + shared
        out = of_others.new_zeros(tuples.num_tuples, of_others.size(1))
        return out.index_copy(0, others, of_others).index_copy(0, roots, of_roots).relu()

    def _of_others(
        self,
        tuples: Tuples,
        along: Messages,
        others: Tensor,
        h: Tensor,
        pooled: tuple[Tensor, Tensor, Tensor],
        batch: Data,
    ) -> Tensor:
        """`[T - R, dim]`; pooled holds r, m and s."""
        r, m, s = pooled
        root, node = tuples.root.index_select(0, others), tuples.node.index_select(0, others)
        root_of = h.new_zeros(tuples.num_nodes, r.size(1)).index_copy(0, tuples.root_node, r)
        inside = self.inside(tuples.messages("uL"), h, batch).index_select(0, others)
        out = self.inside_norm(inside) + self.own(h).index_select(0, others)
        if self.transposed is not None:
            out = out + self.transposed(aggregate("vu", tuples, h)).index_select(0, others)
        for rows, place in (
            (self.root_of_node(root_of), node),
            (self.root_of_subgraph(r), root),
            (self.readout(s), root),
            (self.shared_norm(self.shared(along, m, batch)), node),
        ):
            out = out + rows.index_select(0, place)
        return out


class SUN(Model):
    """batch: graphs as the policy prepares them -> `[num_nodes, hidden_dim]`, a row a root."""

    version = 2
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
        self.start = MarkedInput(spec.node, dim, bool(self.policy.label_sizes))
        widths = [self.start.out_dim, *[dim] * (config.num_layers - 1)]
        self.layers = nn.ModuleList(Layer(width, config, spec.edge) for width in widths)
        self.widen = nn.Linear(self.start.out_dim, dim) if config.residual else None
        self.dropout = nn.Dropout(config.dropout)
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> Policy:
        if config.policy == "node-marked":
            return NodeMarked()
        messages = ("uL", "vu") if config.transpose else ("uL",)
        policy = EgoMarked if config.policy == "ego-marked" else Ego
        return policy(messages=messages, hops=config.hops, isolated=True)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "SSWL" if config.transpose else "GSWL"

    def forward(self, batch: Data) -> Tensor:
        kind = edge_kinds(batch, self.edge)
        tuples, along = self.policy.tuples(batch, kind), graph_messages(batch, kind)
        is_root = tuples.node == tuples.root_node[tuples.root]
        roots, others = is_root.nonzero().squeeze(1), (~is_root).nonzero().squeeze(1)
        h = self.start(tuples.node, batch, self.layers)
        for k, layer in enumerate(self.layers):
            out = self.dropout(layer(tuples, along, roots, others, h, batch))
            if self.widen is not None:
                out = out + (h if k else self.widen(h))
            h = out
        return average(tuples.of_root, h)


PRESETS = {
    "zinc": Preset(
        source="appendix, and the configurations published with the code: 3 hops, 6 layers of width 64",
        model={"hidden_dim": 64, "num_layers": 6, "hops": 3, "policy": "ego-marked"},
        task={"batch_size": 128, "readout_dims": (128,)},
        training={"epochs": 400, "lr": 0.001, "scheduler": "plateau", "gamma": 0.5, "step_epochs": 40},
    ),
}
