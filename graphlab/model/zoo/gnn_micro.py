"""The micro space of GraphNAS, Gao et al., IJCAI 2020, section 3, and of Auto-GNN, Zhou et al., 2019.

A layer has an attention function, an aggregation, an activation, heads of a width, and a way to combine them. With
h_i = W x_i in each head, N(i) the nodes that send i an edge and i itself, loops of the graph left out:

    x'_i = act(combine over heads (aggregate over j in N(i) of a_ij h_j) + b)

and a_ij those of `graphlab.model.attention`. mean is the sum by |N(i)|, max is taken number by number. Heads are side
by side, and averaged in the last layer, which gives the outputs where the items are nodes; its activation is applied
as well.

Our own readings: `mlp` puts the sum through two maps with a ReLU between, as GIN does (the published code puts each
message through two maps with nothing between, which is one map). Of combining, which Auto-GNN searches too: concat,
GraphNAS's own; average, in hidden layers too; add, side by side and a map of x_i; mlp, side by side through two maps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, PositiveInt, Probability
from graphlab.data.node_vectors import node_vectors
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.attention import ATTENTIONS, glorot_parameter
from graphlab.model.base import Model, ModelConfig, Preset, vector_dim
from graphlab.model.neighbourhood import Neighbourhood
from graphlab.model.observation import observe
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows, by_input, linear

Attention = Literal["gat", "gcn", "cos", "const", "gat-sym", "linear", "generalized-linear"]
Aggregation = Literal["sum", "mean", "max", "mlp"]
Activation = Literal["sigmoid", "tanh", "relu", "linear", "softplus", "leaky-relu", "relu6", "elu"]
Combine = Literal["concat", "average", "add", "mlp"]

HEADS = (1, 2, 4, 6, 8, 16)
HIDDEN_DIMS = (4, 8, 16, 32, 64, 128, 256)
"""What GraphNAS searches; the other choices are all that there are."""

MLP_DIM = 128
"""Width between the two maps of `mlp`, that of the published code."""


class Config(ModelConfig):
    """Tuples of a choice a layer, the first layer first; hidden_dims are the widths of one head, of which the last
    counts where the items are graphs alone."""

    attention: Annotated[tuple[Attention, ...], Field(strict=False, min_length=1, max_length=4)] = ("gat", "gat")
    aggregation: Annotated[tuple[Aggregation, ...], Field(strict=False)] = ("sum", "sum")
    activation: Annotated[tuple[Activation, ...], Field(strict=False)] = ("elu", "linear")
    heads: Annotated[tuple[PositiveInt, ...], Field(strict=False)] = (8, 1)
    hidden_dims: Annotated[tuple[PositiveInt, ...], Field(strict=False)] = (8, 8)
    combine: Annotated[tuple[Combine, ...], Field(strict=False)] = ("concat", "concat")
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.6

    @model_validator(mode="after")
    def _has_a_choice_a_layer(self) -> Self:
        lengths = {name: len(value) for name, value in self if isinstance(value, tuple)}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise ValueError(f"each layer needs one of each choice, and there are {listed}")
        return self


class GNNMicro(Model):
    """Layers of the space, with dropout of what they read and of learned attention.

    batch.x as vectors `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.

    A parameter is named by its layer and its part in it, `layers.0.attention.left`, so that networks which agree in the
    layer's attention and activation can share those of one name and shape.
    """

    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    citation = Citation(
        key="gao2020",
        title="Graph Neural Architecture Search",
        authors="Gao, Yang and Yang, Hong and Zhang, Peng and Zhou, Chuan and Hu, Yue",
        venue="IJCAI",
        year=2020,
        url="https://doi.org/10.24963/ijcai.2020/195",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.node_features = spec.node
        self.features = FeatureInput(config.dropout)
        self.dropout = config.dropout
        in_dim = vector_dim(spec.node, "gnn-micro")
        self.layers = nn.ModuleList()
        for k in range(len(config.attention)):
            last = k == len(config.attention) - 1
            dim = self.row_width(spec, config.hidden_dims[k]) if last else config.hidden_dims[k]
            layer = _Layer(config, k, in_dim, dim, averaged=last or config.combine[k] == "average")
            self.layers.append(layer)
            in_dim = layer.out_dim
        self.out_dim = in_dim
        self._neighbourhood = Remembered(Neighbourhood)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def forward(self, batch: Data) -> Tensor:
        near = self._neighbourhood(batch["edge_index"], int(batch.num_nodes or 0))
        first, *rest = self.layers
        x = first(self.features(node_vectors(batch, self.node_features)), near)
        for layer in rest:
            x = layer(F.dropout(x, self.dropout, self.training), near)
        return x


class _Layer(nn.Module):
    """x `[num_nodes, in_dim]` -> `[num_nodes, dim]` if heads are averaged, else `[num_nodes, heads * dim]`."""

    observation_points = ("linear", "attention", "aggregate")

    def __init__(self, config: Config, k: int, in_dim: int, dim: int, averaged: bool) -> None:
        super().__init__()
        self.heads, self.averaged = config.heads[k], averaged
        self.out_dim = dim if averaged else dim * self.heads
        self.weight = by_input(glorot_parameter(self.heads * dim, in_dim))
        self.attention = ATTENTIONS[config.attention[k]](self.heads, dim, config.dropout)
        self.aggregation = config.aggregation[k]
        self.mlp = _mlp(dim) if self.aggregation == "mlp" else nn.Identity()
        self.own = by_input(glorot_parameter(self.out_dim, in_dim)) if config.combine[k] == "add" else None
        self.combine = _mlp(self.out_dim) if config.combine[k] == "mlp" else nn.Identity()
        self.bias = nn.Parameter(torch.zeros(self.out_dim))
        self.activation = ACTIVATIONS[config.activation[k]]

    def forward(self, x: Tensor | SparseRows, near: Neighbourhood) -> Tensor:
        h = observe(self, "linear", linear(x, self.weight)).unflatten(1, (self.heads, -1))
        coefficients = observe(self, "attention", self.attention(h, near))
        aggregated = self.mlp(observe(self, "aggregate", self._aggregate(coefficients, h, near)))
        out = self.combine(aggregated.mean(1) if self.averaged else aggregated.flatten(1))
        if self.own is not None:
            out = out + linear(x, self.own)
        return self.activation(out + self.bias)

    def _aggregate(self, coefficients: Tensor, h: Tensor, near: Neighbourhood) -> Tensor:
        match self.aggregation:
            case "max":
                return near.max(coefficients, h)
            case "mean":
                return near.mean(coefficients, h)
            case _:
                return near.sum(coefficients, h)


def _mlp(dim: int) -> nn.Module:
    return nn.Sequential(nn.Linear(dim, MLP_DIM), nn.ReLU(), nn.Linear(MLP_DIM, dim))


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "linear": lambda x: x,
    "softplus": F.softplus,
    "leaky-relu": F.leaky_relu,
    "relu6": F.relu6,
    "elu": F.elu,
}

PRESETS = {
    "planetoid": Preset(
        source="section 4.1; the architecture is that of GAT",
        training={"epochs": 300, "lr": 0.005, "weight_decay": 5e-4},
        ours=tuple(f"model.{name}" for name in Config.model_fields if name != "dropout"),
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433)): 92_373},
    ),
}
