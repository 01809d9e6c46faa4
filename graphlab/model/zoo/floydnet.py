"""FloydNet: attention over pivots, of all pairs of nodes or of all triples. Yu et al., 2026.

A super node is put in front of each graph. With C channels, and two tables of what nodes carry, one for each end:

    x[i, k] = mark[i, k] + adjacency[i, k] + edge[i, k] + (column[k] if i is the super node) + (row[i] if k is)
    x <- block(x), L times; what is not a pair of one graph stays zero, and is no pivot

mark tells ordinary pairs, the super node's row, its column and its corner apart. The row of a node is the sum over its
row and its column of x, that of a graph the sum of x, and that of an edge x itself.

Of triples, x[i, j, k] starts as the sum of three such tensors, of (i, j), (i, k) and (j, k), each with tables of its
own; rows of nodes and edges are sums over the places that are left, wherever their nodes stand. This is our reading: no
network of triples with features was published.
"""

from __future__ import annotations

from itertools import combinations
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveFloat, PositiveInt, Probability
from graphlab.core.memory import available_memory, require_memory
from graphlab.data.spec import DataSpec
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.floyd_block import ActivationName, FloydBlock, NormName
from graphlab.model.subgraph.inputs import NodeInput
from graphlab.model.subgraph.pairs import Bonds

ORDINARY, ROW, COLUMN, CORNER = range(4)


class Config(ModelConfig):
    """order       k: 2 for pairs, 3 for triples of nodes
    heads       a divisor of hidden_dim
    ffn_ratio   width of the second part of a block, in times of hidden_dim; 0 leaves it out
    score_scale  what scores of attention are multiplied by; 1 / sqrt(order * hidden_dim / heads) if None
    """

    hidden_dim: Annotated[PositiveInt, Choices((16, 32, 64, 128))] = 64
    heads: Annotated[PositiveInt, Choices((1, 2, 4, 8))] = 4
    num_layers: Annotated[PositiveInt, IntRange(1, 16)] = 4
    order: Annotated[int, Field(ge=2, le=3)] = 2
    ffn_ratio: Annotated[int, Field(ge=0, le=16)] = 4
    norm: Annotated[NormName, Choices(("layer", "affine"))] = "affine"
    activation: Annotated[ActivationName, Choices()] = "silu"
    dropout: Annotated[Probability, FloatRange(0.0, 0.5)] = 0.0
    score_scale: PositiveFloat | None = None


class FloydNet(Model):
    """batch: graphs as they are -> rows `[rows, hidden_dim]` of what is asked about: nodes, edges or graphs.

    Memory grows with B n^k of the largest graph of a batch, n one more than its nodes; scores are not kept.
    """

    tasks = frozenset({"graph-prediction", "node-classification"})
    row_locations = frozenset({"node", "edge", "graph"})
    edge_fields = frozenset({"edge_attr"})
    needs_whole_graph = True
    citation = Citation(
        key="yu2026",
        title="FloydNet: A Learning Paradigm for Global Relational Reasoning",
        authors="Yu, Jingcheng and Zeng, Mingliang and Ye, Qiwei",
        venue="arXiv",
        year=2026,
        url="https://arxiv.org/abs/2601.19094",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.order, self.ffn_ratio = config.order, config.ffn_ratio
        self.location = spec.output.location if spec.output.location in ("node", "edge") else "graph"
        dim = self.out_dim = config.hidden_dim
        self.inputs = nn.ModuleList(PairEmbedding(spec, dim) for _ in combinations(range(config.order), 2))
        self.blocks = nn.ModuleList(
            FloydBlock(
                dim,
                config.heads,
                order=config.order,
                dropout=config.dropout,
                ffn_ratio=config.ffn_ratio,
                norm=config.norm,
                activation=config.activation,
                scale=config.score_scale,
            )
            for _ in range(config.num_layers)
        )

    @classmethod
    def expressiveness(cls, config: Config) -> str | None:
        return "FWL(2)" if config.order == 2 else "FWL(3)"

    def forward(self, batch: Data) -> Tensor:
        places = Places(batch)
        self._require_memory(*places.there.shape)
        x, there = self._start(batch, places), places.tuples(self.order)
        mask = None if places.is_full else ~places.there.view(len(places.there), *(1,) * (self.order + 1), -1)
        for block in self.blocks:
            x = block(x, mask)
            x = x if places.is_full else x * there
        return self._read(x, places)

    def _require_memory(self, batch: int, width: int) -> None:
        """Raises InputError where what blocks keep for the gradient, or one block without one, exceeds the memory."""
        like = next(self.parameters())
        numbers = batch * width**self.order * self.out_dim * (2 * self.order + 3 + 2 * self.ffn_ratio)
        layers = len(self.blocks) if torch.is_grad_enabled() else 1
        require_memory(
            f"FloydNet on {batch:,} graphs of up to {width - 1:,} nodes in tuples of {self.order}",
            layers * numbers * like.element_size(),
            available_memory(like.device),
            "use smaller batches or graphs, fewer or narrower layers, or order=2",
        )

    def _start(self, batch: Data, places: Places) -> Tensor:
        """Each pair of places of a tuple has a tensor, which the other places share."""
        total: Tensor | None = None
        for pair, embedding in zip(combinations(range(self.order), 2), self.inputs, strict=True):
            part = embedding(batch, places)
            for place in set(range(self.order)) - set(pair):
                part = part.unsqueeze(1 + place)
            total = part if total is None else total + part
        assert total is not None
        return total if places.is_full else total * places.tuples(self.order)

    def _read(self, x: Tensor, places: Places) -> Tensor:
        if self.location == "graph":
            return x.flatten(1, -2).sum(1)
        if self.location == "node":
            return self._sums(x, 1)[places.graph, places.node]
        source, target = places.edges
        return self._sums(x, 2)[places.graph_of_edge, source, target]

    def _sums(self, x: Tensor, kept: int) -> Tensor:
        """Over all choices of places that are kept, the sums over the rest: `[B, n, ..., n, dim]`, n `kept` times."""
        axes = range(1, 1 + self.order)
        parts = [x.sum(rest) if rest else x for rest in combinations(axes, self.order - kept)]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def row_graph(self, batch: Data) -> Tensor:
        if self.location == "graph":
            return torch.arange(batch.num_graphs, device=batch["edge_index"].device)
        return super().row_graph(batch)


class Places:
    """Where the nodes and edges of a batch stand in a dense tensor, with the super node of each graph in place 0.

    Attributes:
        there: Whether a place has a node, bool `[B, n]`.
        graph, node: The graph of each node and its place, int64 `[num_nodes]`.
        edges: The places of both ends, int64 `[2, E]`; graph_of_edge: int64 `[E]`.
        is_full: Whether all graphs have as many nodes as the largest.
    """

    def __init__(self, batch: Data) -> None:
        edge_index: Tensor = batch["edge_index"]
        whole = torch.tensor([0, int(batch.num_nodes or 0)], device=edge_index.device)
        ptr: Tensor = batch.get("ptr", whole)
        size = ptr.diff()
        self.graph = torch.repeat_interleave(torch.arange(len(size), device=ptr.device), size)
        self.node = torch.arange(len(self.graph), device=ptr.device) - ptr[self.graph] + 1
        self.edges, self.graph_of_edge = self.node[edge_index], self.graph[edge_index[0]]
        self.there = torch.arange(int(size.max()) + 1 if len(size) else 1, device=ptr.device) <= size.unsqueeze(1)
        self.is_full = bool(self.there.all())

    def tuples(self, order: int) -> Tensor:
        """Whether all places of a tuple have nodes, bool `[B, n, ..., n, 1]`."""
        batch, width = self.there.shape
        out = self.there.new_ones(())
        for place in range(order):
            out = out & self.there.view(batch, *(1,) * place, width, *(1,) * (order - place))
        return out


class PairEmbedding(nn.Module):
    """x of the pairs of a batch, `[B, n, n, dim]`."""

    def __init__(self, spec: DataSpec, dim: int) -> None:
        super().__init__()
        self.adjacency, self.mark = nn.Embedding(2, dim), nn.Embedding(4, dim)
        self.edge = None if spec.edge is None else Bonds(spec.edge, dim)
        self.row, self.column = (None if spec.node is None else NodeInput(spec.node, dim) for _ in range(2))

    def forward(self, batch: Data, places: Places) -> Tensor:
        size, width = places.there.shape
        source, target = places.edges
        linked = torch.zeros(size, width, width, dtype=torch.int64, device=source.device)
        linked[places.graph_of_edge, source, target] = 1
        mark = torch.full((width, width), ORDINARY, device=source.device)
        mark[0], mark[:, 0], mark[0, 0] = ROW, COLUMN, CORNER
        ordinary = (mark == ORDINARY).unsqueeze(-1)
        x = self.adjacency(linked) * ordinary + self.mark(mark)
        if self.edge is not None:
            at = (places.graph_of_edge, source, target)
            x = x.index_put(at, self.edge(batch, x).to(x.dtype), accumulate=True)
        if self.row is not None and self.column is not None:
            first = torch.zeros_like(places.node)
            x = x.index_put((places.graph, places.node, first), self.row(batch).to(x.dtype), accumulate=True)
            x = x.index_put((places.graph, first, places.node), self.column(batch).to(x.dtype), accumulate=True)
        return x


PRESETS = {
    "graphcount": Preset(
        source="the repository's recipe for substructure counting, there of graphs, nodes and edges at once",
        model={"hidden_dim": 128, "heads": 2, "num_layers": 64, "ffn_ratio": 0},
        task={"batch_size": 64},
        training={"epochs": 600, "optimizer": "adamw", "lr": 1e-4, "betas": (0.9, 0.9)},
        ours=("training.epochs", "training.weight_decay"),
    ),
}
