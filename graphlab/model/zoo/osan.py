"""Ordered subgraph aggregation networks with learned samplers. Qian et al., NeurIPS 2022, sec. 4 and 5.

A GIN, x <- x + GIN(x), gives nodes or edges a score for each of K subgraphs; each subgraph is the part of the graph
that its scores choose; another GIN runs in all of them, and a node is the mean of what it is in them:

    z_k = choice(score_k + Gumbel noise), with the gradients of I-MLE; without noise in evaluation
    h[k, v] <- relu(BN(MLP((1 + eps) h[k, v] + sum over w in N(v) of b[k, wv] a[k, w] relu(h[k, w] + bond))))
    row of v = mean over k of a[k, v] h[k, v]

with a and b 1 for what is in subgraph k and 0 for what is not. Where scores are equal any may be taken, so that no test
bounds what the model tells apart.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveFloat, PositiveInt
from graphlab.data.spec import DataSpec, Features
from graphlab.model.base import Model, ModelConfig
from graphlab.model.subgraph.convolution import Convolution, graph_messages, mlp
from graphlab.model.subgraph.inputs import NodeInput, edge_kinds
from graphlab.model.subgraph.pairs import Bonds
from graphlab.model.subgraph.policies import Ego
from graphlab.model.subgraph.sampling import top_of_each
from graphlab.model.subgraph.selection import choose, connected_nodes, spanning_edges

Sampler = Literal["node", "edge", "k-hop", "greedy", "mst"]


class Config(ModelConfig):
    """num_layers      layers of the network in the subgraphs
    sampler_layers  layers of the network that scores
    sampler         node, edge: those with the `size` highest scores are taken out; k-hop: the graph within `size` hops
                    of the best node; greedy: `size` connected nodes; mst: the best spanning tree
    subgraphs       K
    size            of what is chosen
    strength        how far I-MLE's step towards a lower loss moves scores
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 4
    sampler_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    sampler: Annotated[Sampler, Choices()] = "node"
    subgraphs: Annotated[PositiveInt, IntRange(1, 10)] = 3
    size: Annotated[PositiveInt, IntRange(1, 10)] = 1
    strength: Annotated[PositiveFloat, FloatRange(0.1, 100.0, log=True)] = 10.0


class Undirected:
    """The undirected edges of a batch.

    of int64 `[E]`, the undirected edge of each edge; ends int64 `[U, 2]`; graph int64 `[U]`
    """

    def __init__(self, batch: Data, node_graph: Tensor) -> None:
        low, high = batch["edge_index"].sort(0).values
        num_nodes = max(1, len(node_graph))
        key, self.of = torch.unique(low * num_nodes + high, return_inverse=True)
        self.ends = torch.stack([key // num_nodes, key % num_nodes], dim=1)
        self.graph = node_graph[self.ends[:, 0]]


class WeightedConvolution(nn.Module):
    """GIN whose messages have weights: h `[K, N, dim]`, weight `[K, E]`, bonds `[E, dim]` -> `[K, N, dim]`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.mlp, self.norm = mlp(dim, dim), nn.BatchNorm1d(dim)

    def forward(self, edge_index: Tensor, bonds: Tensor, weight: Tensor, h: Tensor) -> Tensor:
        source, target = edge_index
        sent = weight.unsqueeze(2) * (h.index_select(1, source) + bonds).relu()
        aggregated = ((1 + self.eps) * h).index_add(1, target, sent.to(h.dtype))
        return self.norm(self.mlp(aggregated.flatten(0, 1))).view_as(h).relu()


class Scores(nn.Module):
    """Scores of nodes `[K, N]`, or of undirected edges by the sum of their ends `[K, U]`."""

    def __init__(self, spec: DataSpec, config: Config) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.edge: Features | None = spec.edge
        self.node = NodeInput(spec.node, dim)
        self.layers = nn.ModuleList(Convolution(dim, spec.edge) for _ in range(config.sampler_layers))
        self.score = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, config.subgraphs, bias=False))

    def forward(self, batch: Data, edges: Undirected | None) -> Tensor:
        kind, h = edge_kinds(batch, self.edge), self.node(batch)
        along = graph_messages(batch, kind)
        for layer in self.layers:
            h = h + layer(along, h, batch)
        if edges is not None:
            h = h.index_select(0, edges.ends[:, 0]) + h.index_select(0, edges.ends[:, 1])
        return self.score(h).T


class OSAN(Model):
    """batch: graphs, for k-hop with their ego networks -> `[num_nodes, hidden_dim]`."""

    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    citation = Citation(
        key="qian2022",
        title="Ordered Subgraph Aggregation Networks",
        authors="Qian, Chendi and Rattan, Gaurav and Geerts, Floris and Morris, Christopher and Niepert, Mathias",
        venue="NeurIPS",
        year=2022,
        url="https://arxiv.org/abs/2206.11168",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.sampler, self.size, self.strength = config.sampler, config.size, config.strength
        self.scores = Scores(spec, config)
        self.node, self.bond = NodeInput(spec.node, dim), Bonds(spec.edge, dim)
        self.layers = nn.ModuleList(WeightedConvolution(dim) for _ in range(config.num_layers))
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> Ego | None:
        return Ego(hops=config.size) if config.sampler == "k-hop" else None

    def forward(self, batch: Data) -> Tensor:
        node_weight, edge_weight = self.subgraphs(batch)
        x = self.node(batch)
        bonds, h = self.bond(batch, x), x.expand(len(node_weight), -1, -1)
        weight = edge_weight * node_weight.index_select(1, batch["edge_index"][0])
        for layer in self.layers:
            h = layer(batch["edge_index"], bonds, weight, h)
        return (node_weight.unsqueeze(2) * h).mean(0)

    def subgraphs(self, batch: Data) -> tuple[Tensor, Tensor]:
        """Which nodes `[K, N]` and which edges `[K, E]` are in each subgraph, 1 or 0."""
        graph = batch.get("batch", batch["edge_index"].new_zeros(int(batch.num_nodes or 0)))
        size = torch.bincount(graph)
        if self.sampler in ("edge", "mst"):
            edges = Undirected(batch, graph)
            chosen = self._choose(batch, edges, graph, size).index_select(1, edges.of)
            kept = chosen if self.sampler == "mst" else 1 - chosen
            return kept.new_ones(len(kept), len(graph)), kept
        chosen = self._choose(batch, None, graph, size)
        if self.sampler == "k-hop":
            root, node = batch["tuple_root"], batch["tuple_node"]
            kept = torch.zeros_like(chosen).index_add(1, node, chosen.index_select(1, root))
        else:
            kept = chosen if self.sampler == "greedy" else 1 - chosen
        return kept, kept.new_ones(len(kept), batch.num_edges)

    def _choose(self, batch: Data, edges: Undirected | None, graph: Tensor, size: Tensor) -> Tensor:
        def solve(score: Tensor) -> Tensor:
            if self.sampler == "node":
                return top_of_each(score, graph, (size - 1).clamp(max=self.size))
            if self.sampler == "k-hop":
                return top_of_each(score, graph, torch.ones_like(size))
            if self.sampler == "greedy":
                ptr = torch.cat([size.new_zeros(1), size.cumsum(0)])
                return connected_nodes(score, batch["edge_index"], ptr, self.size)
            assert edges is not None
            if self.sampler == "mst":
                return spanning_edges(score, edges.ends, len(graph))
            return top_of_each(score, edges.graph, torch.full_like(size, self.size))

        score = self.scores(batch, edges)
        noise = -torch.empty_like(score).exponential_().log() if self.training else 0.0
        return choose(score, noise, solve, self.strength)
