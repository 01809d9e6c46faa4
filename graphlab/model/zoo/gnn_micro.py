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

Many networks of the published space do not learn: their signals are small, and Adam's weight decay then shrinks the
weights to zero. The settings below `dropout` keep signals at their size. Their defaults are the published network.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

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
Norm = Literal["none", "batch"]

HEADS = (1, 2, 4, 6, 8, 16)
HIDDEN_DIMS = (4, 8, 16, 32, 64, 128, 256)
"""What GraphNAS searches; the other choices are all that there are."""

MLP_DIM = 128
"""Width between the two maps of `mlp`, that of the published code."""

SMALLEST_NORM = 1e-12
"""What rows are divided by at least."""


class Config(ModelConfig):
    """Tuples of a choice a layer, the first layer first; hidden_dims are the widths of one head, of which the last
    counts where the items are graphs alone. And

    unit_rows   whether the features of a node are divided by their L2 norm
    centred     whether activations are shifted and scaled to act(0) = 0 and act'(0) = 1, which changes sigmoid, to
                2 tanh(x / 2), and softplus, to 2 (softplus(x) - log 2)
    he_init     whether the maps of `mlp` start as He et al., ICCV 2015, have it, with biases of 0, so that what passes
                them keeps its variance; if not, as torch has it
    norm        batch: hidden layers normalise each channel over the nodes before the bias and the activation
    decayed     the layers whose weights decay: all, or the first, as in `gcn`
    """

    attention: Annotated[tuple[Attention, ...], Field(strict=False, min_length=1, max_length=4)] = ("gat", "gat")
    aggregation: Annotated[tuple[Aggregation, ...], Field(strict=False)] = ("sum", "sum")
    activation: Annotated[tuple[Activation, ...], Field(strict=False)] = ("elu", "linear")
    heads: Annotated[tuple[PositiveInt, ...], Field(strict=False)] = (8, 1)
    hidden_dims: Annotated[tuple[PositiveInt, ...], Field(strict=False)] = (8, 8)
    combine: Annotated[tuple[Combine, ...], Field(strict=False)] = ("concat", "concat")
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.6
    unit_rows: bool = False
    centred: bool = False
    he_init: bool = False
    norm: Norm = "none"
    decayed: Literal["all", "first"] = "all"

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
        self.dropout, self.decayed = config.dropout, config.decayed
        self._scaled = unit_rows if config.unit_rows else None
        in_dim = vector_dim(spec.node, "gnn-micro")
        self.layers = nn.ModuleList()
        for k in range(len(config.attention)):
            last = k == len(config.attention) - 1
            dim = self.row_width(spec, config.hidden_dims[k]) if last else config.hidden_dims[k]
            layer = _Layer(config, k, in_dim, dim, averaged=last or config.combine[k] == "average")
            if config.norm == "batch" and not last:
                layer.norm = nn.BatchNorm1d(layer.out_dim, affine=False)
            self.layers.append(layer)
            in_dim = layer.out_dim
        self.out_dim = in_dim
        self._neighbourhood = Remembered(Neighbourhood)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def read_as(self, other: GNNMicro) -> None:
        """Share what another network remembers of the graphs and features that it has read."""
        self.features, self._neighbourhood = other.features, other._neighbourhood

    def forward(self, batch: Data) -> Tensor:
        near = self._neighbourhood(batch["edge_index"], int(batch.num_nodes or 0))
        first, *rest = self.layers
        x = first(self.features(node_vectors(batch, self.node_features), self._scaled), near)
        for layer in rest:
            x = layer(F.dropout(x, self.dropout, self.training), near)
        return x

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        if self.decayed == "all":
            return super().parameter_groups(weight_decay)
        return [
            {"params": list(self.layers[0].parameters()), "weight_decay": weight_decay},
            {"params": list(self.layers[1:].parameters()), "weight_decay": 0.0},
        ]


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
        self.mlp = _mlp(dim, config.he_init) if self.aggregation == "mlp" else nn.Identity()
        self.own = by_input(glorot_parameter(self.out_dim, in_dim)) if config.combine[k] == "add" else None
        self.combine = _mlp(self.out_dim, config.he_init) if config.combine[k] == "mlp" else nn.Identity()
        self.bias = nn.Parameter(torch.zeros(self.out_dim))
        self.norm: nn.Module = nn.Identity()
        self.activation = (CENTRED if config.centred else ACTIVATIONS)[config.activation[k]]

    def forward(self, x: Tensor | SparseRows, near: Neighbourhood) -> Tensor:
        h = observe(self, "linear", linear(x, self.weight)).unflatten(1, (self.heads, -1))
        coefficients = observe(self, "attention", self.attention(h, near))
        aggregated = self.mlp(observe(self, "aggregate", self._aggregate(coefficients, h, near)))
        out = self.combine(aggregated.mean(1) if self.averaged else aggregated.flatten(1))
        if self.own is not None:
            out = out + linear(x, self.own)
        return self.activation(self.norm(out) + self.bias)

    def _aggregate(self, coefficients: Tensor, h: Tensor, near: Neighbourhood) -> Tensor:
        match self.aggregation:
            case "max":
                return near.max(coefficients, h)
            case "mean":
                return near.mean(coefficients, h)
            case _:
                return near.sum(coefficients, h)


def _mlp(dim: int, he_init: bool) -> nn.Module:
    first, second = nn.Linear(dim, MLP_DIM), nn.Linear(MLP_DIM, dim)
    if he_init:
        _start(first, "linear")
        _start(second, "relu")
    return nn.Sequential(first, nn.ReLU(), second)


def _start(layer: nn.Linear, reads: Literal["linear", "relu"]) -> None:
    """Weights that keep the variance of what the layer reads, and no bias."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity=reads)
    nn.init.zeros_(layer.bias)


def unit_rows(rows: Tensor | SparseRows) -> Tensor | SparseRows:
    """Each row by its L2 norm, `[num_nodes, dim]` to the same; rows of zeros stay."""
    if isinstance(rows, Tensor):
        return F.normalize(rows, dim=1, eps=SMALLEST_NORM)
    row = rows.pattern.row
    squares = rows.values.new_zeros(rows.pattern.shape[0]).index_add(0, row, rows.values.square())
    norms = squares.sqrt().clamp_min(SMALLEST_NORM)
    return replace(rows, values=rows.values / norms.index_select(0, row))


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

CENTRED = ACTIVATIONS | {
    "sigmoid": lambda x: 2 * torch.tanh(x / 2),
    "softplus": lambda x: 2 * (F.softplus(x) - math.log(2)),
}

PRESETS = {
    "planetoid": Preset(
        source="section 4.1; the architecture is that of GAT",
        training={"epochs": 300, "lr": 0.005, "weight_decay": 5e-4},
        ours=tuple(f"model.{name}" for name in Config.model_fields if name != "dropout"),
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433)): 92_373},
    ),
}
