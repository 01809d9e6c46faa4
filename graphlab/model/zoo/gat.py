"""Graph attention network. Veličković et al., ICLR 2018, eq. 1-6: h'_i = act(sum_j softmax_j(a(Wh_i, Wh_j)) Wh_j)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GATConv
from torch_geometric.utils import add_self_loops, remove_self_loops

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.edges import edge_weight
from graphlab.model.layered import Block
from graphlab.model.observation import is_observed, observe, observe_rows, observed_linear
from graphlab.model.shares import observed_shares
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows, linear
from graphlab.model.sum_bias import SumBias
from graphlab.ops.neighbour_attention import neighbour_attention
from graphlab.ops.neighbour_sum import Neighbours
from graphlab.ops.sparse_product import Pattern, sparse_product


class Config(ModelConfig):
    """hidden_dim is the width of one head; hidden layers concatenate their heads, the last averages its own.

    activation  between layers: elu as published, or relu as PyG's basic model has it by default
    """

    hidden_dim: Annotated[PositiveInt, IntRange(4, 64, log=True)] = 8
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    heads: Annotated[PositiveInt, IntRange(1, 8)] = 8
    output_heads: Annotated[PositiveInt, IntRange(1, 8)] = 1
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.6
    activation: Literal["elu", "relu"] = "elu"


class GAT(Model):
    """Attention layers with an activation between them; dropout on inputs and on attention coefficients.

    With weights of edges a head's logits are LeakyReLU(a . [W h_i, W h_j] + b w_ij), where b = a' . W' is learned and a
    node's own edge has the mean of the weights that come in: PyG's GATConv with edge_dim=1.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    version = 2
    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    citation = Citation(
        key="velickovic2018",
        title="Graph Attention Networks",
        authors=(
            "Veličković, Petar and Cucurull, Guillem and Casanova, Arantxa and Romero, Adriana and Liò, Pietro and "
            "Bengio, Yoshua"
        ),
        venue="ICLR",
        year=2018,
        url="https://arxiv.org/abs/1710.10903",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        first, *hidden, last = self.layer_widths("gat", spec, config.hidden_dim, config.num_layers)
        inputs = [first, *(width * config.heads for width in hidden)]
        self.out_dim = last
        self.dropout = config.dropout
        self.activation: Callable[[Tensor], Tensor] = F.elu if config.activation == "elu" else F.relu
        self.weighted = spec.weighted
        shared: dict[str, Any] = {"dropout": config.dropout, "edge_dim": 1 if spec.weighted else None}
        self.features = FeatureInput(config.dropout)
        self._neighbours, self._pattern = Remembered(_with_loops), Remembered(_pattern_with_loops)
        self.convs = nn.ModuleList(
            [
                *(GATConv(i, o, config.heads, **shared) for i, o in zip(inputs, hidden, strict=False)),
                GATConv(inputs[-1], last, config.output_heads, concat=False, **shared),
            ]
        )
        layers: list[Any] = list(self.convs)
        for layer in layers[:-1]:
            layer.observation_points = ("states",)  # what the activation reads

    @property
    def num_hops(self) -> int:
        return len(self.convs)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def forward(self, batch: Data) -> Tensor:
        weight = edge_weight(batch)
        if (weight is not None) != self.weighted:
            raise IncompatibleError(
                f"this gat was built for edges {'with' if self.weighted else 'without'} weights, and the graph's are "
                f"{'not' if self.weighted else 'so'}",
                hint="build it for the spec of this data set, of which `weighted` says whether there is edge_weight",
            )
        if any(is_observed(conv, "message") for conv in self.convs):
            return self._laid_out(batch["x"], batch["edge_index"], weight)
        if any(map(is_observed, self.convs.modules())):
            return self._observed(batch["x"], batch["edge_index"], weight, int(batch.num_nodes or 0))
        neighbours, weight = self._neighbours(batch["edge_index"], weight, int(batch.num_nodes or 0))
        first, *others = self.convs
        x = self._attend(first, self.features(batch["x"]), neighbours, weight)
        for conv in others:
            x = self._attend(conv, F.dropout(self.activation(x), self.dropout, self.training), neighbours, weight)
        return x

    def sum_biases(self) -> Iterator[SumBias]:
        """Those of the layers, which are added to sums of mapped rows times shares of attention."""
        convs: list[Any] = list(self.convs)
        for conv in convs:
            yield SumBias(conv, ((conv.lin, "output"), (conv, "attention")), 1 if conv.concat else conv.heads)

    def _observed(self, x: Tensor, edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> Tensor:
        """The same past the points of the layers: one number an edge and a head is laid out."""
        pattern, weight = self._pattern(edge_index, weight, num_nodes)
        target, source = pattern.row, pattern.column
        for depth in range(len(self.convs)):
            conv: Any = self.convs[depth]
            if depth:
                rows = self._drop(observe(conv.lin, "input", self.activation(x)))
            else:
                rows = self.features(x, partial(observe_rows, conv.lin, "input"))
            h = observed_linear(conv.lin, rows).unflatten(1, (conv.heads, -1))
            logits = (h * conv.att_src).sum(-1)[source] + (h * conv.att_dst).sum(-1)[target]
            if weight is not None:
                logits = logits + weight.unsqueeze(1) * self._of_edges(conv)
            shares = observed_shares(conv, F.leaky_relu(logits, conv.negative_slope), target, num_nodes)
            shares = self._drop(shares)
            out = observe(conv, "aggregate", sparse_product(pattern, shares, h))
            x = observe(conv, "states", (out.flatten(1) if conv.concat else out.mean(1)) + conv.bias)
        return x

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

    def _of_edges(self, conv: Any) -> Tensor:
        """What the weight of an edge counts in the logits of each head, `[heads]`."""
        return (conv.lin_edge.weight.view_as(conv.att_edge) * conv.att_edge).sum(-1)

    def _laid_out(self, x: Tensor, edge_index: Tensor, weight: Tensor | None) -> Tensor:
        """The same through PyG's layers, whose messages are laid out."""
        for depth, conv in enumerate(self.convs):
            x = F.dropout(self.activation(x) if depth else x, self.dropout, self.training)
            x = observe(conv, "states", conv(x, edge_index, weight if weight is None else weight.unsqueeze(1)))
        return x

    def _attend(self, conv: Any, x: Tensor | SparseRows, neighbours: Neighbours, weight: Tensor | None) -> Tensor:
        """One layer: x `[num_nodes, width before]`, weight `[E + num_nodes]`, to `[num_nodes, width after]`."""
        h = linear(x, conv.lin.weight).unflatten(1, (conv.heads, -1))
        edge = None
        if weight is not None:
            edge = weight.unsqueeze(1) * self._of_edges(conv)
        source, target = torch.einsum("nhd,khd->knh", h, torch.cat([conv.att_src, conv.att_dst]))
        dropout = self.dropout if self.training else 0.0
        out = neighbour_attention(neighbours, h, source, target, edge, conv.negative_slope, dropout)
        return (out.flatten(1) if conv.concat else out.mean(1)) + conv.bias


def _with_loops(edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> tuple[Neighbours, Tensor | None]:
    """The edges without loops, then a loop a node, whose weight is the mean of those of the edges into it."""
    edges, weight = add_self_loops(*remove_self_loops(edge_index, weight), "mean", num_nodes)
    return Neighbours(edges, num_nodes, num_nodes), weight


def with_loops(edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> Block:
    """The edges without loops, then a loop a node. Raises IncompatibleError for edges with weights."""
    if weight is not None:
        raise IncompatibleError(
            "this gat was built for edges without weights, and the graph's have some", hint="leave out edge_weight"
        )
    edges, _ = add_self_loops(remove_self_loops(edge_index)[0], num_nodes=num_nodes)
    assert isinstance(edges, Tensor)
    return Block(edges, num_nodes)


def _pattern_with_loops(edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> tuple[Pattern, Tensor | None]:
    """The same, targets by sources."""
    edges, weight = add_self_loops(*remove_self_loops(edge_index, weight), "mean", num_nodes)
    return Pattern(edges[1], edges[0], num_nodes, num_nodes), weight


SOURCE = "section 3.3; the cap of 1000 epochs stands for none, since training ends by the published patience"
PLANETOID = {"epochs": 1000, "patience": 100, "lr": 0.005, "weight_decay": 5e-4}
PRESETS = {
    "planetoid": Preset(
        source=SOURCE,
        training=PLANETOID,
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433)): 92_373},
    ),
    "planetoid/pubmed": Preset(
        source=SOURCE,
        model={"output_heads": 8},
        training=PLANETOID | {"lr": 0.01, "weight_decay": 1e-3},
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 3),), node=Continuous(500)): 33_779},
    ),
}
