"""A transformer over the nodes of a graph that knows how far apart they are. Ying et al., NeurIPS 2021 (Graphormer),
eq. 3 to 9.

x_v = features + z[degree of v]
x <- x + MHA(LN(x));  x <- x + FFN(LN(x))
attention of v to w = softmax over w of q_v . k_w / sqrt(d) + b[distance of v and w] + c[edge from w to v]

with a number b and c for each head. Edges on the way to farther nodes are left out: shortest paths are not unique.
Where all nodes start alike, attention hears the same whatever its weights: such graphs look the same at any distance.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import model_validator
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec, Features
from graphlab.model.base import Model, ModelConfig
from graphlab.model.observation import observe
from graphlab.model.subgraph.inputs import EdgeTable, NodeInput, edge_kinds
from graphlab.model.subgraph.policies import Distance
from graphlab.model.subgraph.tuples import AllPairs


class Config(ModelConfig):
    """heads         attention heads; they share the width
    max_distance  longer distances count as this
    max_degree    higher degrees count as this
    dropout       of what attention and feed-forward maps add
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 12)] = 4
    heads: Annotated[PositiveInt, IntRange(1, 8, log=True)] = 4
    max_distance: Annotated[PositiveInt, IntRange(1, 20)] = 10
    max_degree: PositiveInt = 32
    dropout: Annotated[Probability, FloatRange(0.0, 0.6)] = 0.0

    @model_validator(mode="after")
    def _heads_share(self) -> Config:
        if self.hidden_dim % self.heads:
            raise ValueError(f"hidden_dim {self.hidden_dim} cannot be shared by {self.heads} heads")
        return self


class Slots:
    """Where nodes and pairs stand when graphs are filled up to the largest, of `width` nodes.

    node int64 `[num_nodes]`; pair int64 `[T]`; empty bool `[graphs, width]`, where there is no node.
    """

    def __init__(self, pairs: AllPairs) -> None:
        size = pairs.size
        self.graphs, self.width = len(size), max(1, int(size.max()))
        own = pairs.root_node - (size.cumsum(0) - size)[pairs.root_graph]
        self.node = pairs.root_graph * self.width + own
        self.pair = self.node[pairs.root] * self.width + own[pairs.node]
        self.empty = torch.arange(self.width, device=size.device) >= size.unsqueeze(1)


class Bias(nn.Module):
    """What is added to attention, `[graphs, heads, width, width]`; minus infinity where there is no node."""

    def __init__(self, distances: int, heads: int, edge: Features | None) -> None:
        super().__init__()
        self.distance = nn.Embedding(distances, heads)
        self.table = None if edge is None else EdgeTable(edge, heads)
        self.edge = edge

    def forward(self, pairs: AllPairs, slots: Slots, batch: Data) -> Tensor:
        bias = self.distance(batch["tuple_label"].squeeze(1).long())
        kind = edge_kinds(batch, self.edge)
        if self.table is not None and kind is not None:
            source, target = batch["edge_index"]
            bias = bias.index_add(0, pairs.place(target, source), self.table(batch, bias.dtype).index_select(0, kind))
        filled = bias.new_zeros(slots.graphs * slots.width**2, bias.size(1)).index_copy(0, slots.pair, bias)
        filled = filled.view(slots.graphs, slots.width, slots.width, -1).permute(0, 3, 1, 2)
        return filled.masked_fill(slots.empty.view(slots.graphs, 1, 1, slots.width), float("-inf"))


class Layer(nn.Module):
    """Attention and a feed-forward map, each after a normalisation and added to what it was given."""

    observation_points = ("attention",)

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_map = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query, self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)
        self.map = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, slots: Slots, bias: Tensor, x: Tensor) -> Tensor:
        given = self.before_attention(x)
        query, key, value = (self._fill(slots, part(given)) for part in (self.query, self.key, self.value))
        attended = observe(self, "attention", F.scaled_dot_product_attention(query, key, value, attn_mask=bias))
        attended = attended.transpose(1, 2).reshape(slots.graphs * slots.width, -1).index_select(0, slots.node)
        x = x + self.dropout(self.out(attended))
        return x + self.dropout(self.map(self.before_map(x)))

    def _fill(self, slots: Slots, x: Tensor) -> Tensor:
        """`[graphs, heads, width, dim / heads]`."""
        filled = x.new_zeros(slots.graphs * slots.width, x.size(1)).index_copy(0, slots.node, x)
        return filled.view(slots.graphs, slots.width, self.heads, -1).transpose(1, 2)


class GraphTransformer(Model):
    """batch: graphs with the distances of all pairs -> `[num_nodes, hidden_dim]`. Memory grows with graphs times the
    square of the largest one's nodes."""

    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    citation = Citation(
        key="ying2021",
        title="Do Transformers Really Perform Bad for Graph Representation?",
        authors=(
            "Ying, Chengxuan and Cai, Tianle and Luo, Shengjie and Zheng, Shuxin and Ke, Guolin and He, Di and "
            "Shen, Yanming and Liu, Tie-Yan"
        ),
        venue="NeurIPS",
        year=2021,
        url="https://arxiv.org/abs/2106.05234",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.policy, self.max_degree = self.preparation(config), config.max_degree
        self.start = NodeInput(spec.node, dim)
        self.degree = nn.Embedding(config.max_degree + 1, dim)
        self.bias = Bias(self.policy.cap + 2, config.heads, spec.edge)
        self.layers = nn.ModuleList(Layer(dim, config.heads, config.dropout) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(dim)
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> Distance:
        return Distance(config.max_distance)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "SPD-WL"

    def forward(self, batch: Data) -> Tensor:
        pairs = self.policy.tuples(batch, None)
        slots = Slots(pairs)
        degree = torch.bincount(batch["edge_index"][1], minlength=pairs.num_nodes).clamp(max=self.max_degree)
        x = self.start(batch) + self.degree(degree)
        bias = self.bias(pairs, slots, batch)
        for layer in self.layers:
            x = layer(slots, bias, x)
        return self.norm(x)
