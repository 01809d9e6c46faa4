"""Provably powerful graph networks. Maron et al., NeurIPS 2019, sec. 6, and the code published with it: matrix products
of pairs, channel by channel.

X[u, v, c] = A[u, v] / sqrt(d(u) d(v)) in every channel; channel c > 0 has also the c-th feature of v on the diagonal
X <- W [X | P1(X) P2(X)] + b            with P = (linear, relu) twice of each pair, and no norm

From a block's X the maxima over the diagonal and off it; outputs are the sum over blocks of a linear map of these
(`readout` blocks), or those of the last block through layers of 512 and 256 (`readout` last), the older form.

A feature is whether a node has a category, or a number of its vector. A graph of one node has 0 off the diagonal, which
is ours. `ppgn-normalised` is a variant of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import scatter

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, PositiveInt
from graphlab.data.node_vectors import node_vectors, vector_width
from graphlab.data.spec import DataSpec
from graphlab.model.base import Model, ModelConfig
from graphlab.model.observation import observe
from graphlab.model.subgraph.pairs import all_pairs, diagonal
from graphlab.model.subgraph.tuples import AllPairs
from graphlab.ops.pair_product import pair_product

LAST_DIMS = (512, 256)
"""Of the layers on the last block, in the older form."""


class Config(ModelConfig):
    """hidden_dims  channels of each block
    readout      from which blocks the outputs are
    """

    hidden_dims: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)] = (400, 400, 400)
    readout: Annotated[Literal["blocks", "last"], Choices()] = "blocks"


class Block(nn.Module):
    """`[T, width]` to `[T, dim]`."""

    observation_points = ("product",)

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.left, self.right = _factor(width, dim), _factor(width, dim)
        self.join = nn.Linear(width + dim, dim)

    def forward(self, pairs: AllPairs, h: Tensor) -> Tensor:
        product = observe(self, "product", pair_product(self.left(h), self.right(h), pairs.size))
        return self.join(torch.cat([h, product], dim=1))


def _factor(width: int, dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, dim), nn.ReLU(), nn.Linear(dim, dim), nn.ReLU())


class LinearOfBlocks(nn.Module):
    """The sum over blocks of a linear map of their maxima, `[num_graphs, out_dim]`."""

    def __init__(self, dims: Sequence[int], out_dim: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(2 * dim, out_dim) for dim in dims)

    def forward(self, maxima: Sequence[Tensor]) -> Tensor:
        return torch.stack([each(rows) for each, rows in zip(self.maps, maxima, strict=True)]).sum(0)


class LayersOfLast(nn.Module):
    """Layers on the maxima of the last block, `[num_graphs, out_dim]`."""

    def __init__(self, dims: Sequence[int], out_dim: int, inner_dims: Sequence[int] = LAST_DIMS) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise([2 * dims[-1], *inner_dims, out_dim]))

    def forward(self, maxima: Sequence[Tensor]) -> Tensor:
        rows = maxima[-1]
        *inner, last = self.maps
        for each in inner:
            rows = each(rows).relu()
        return last(rows)


class PPGN(Model):
    """batch: graphs as they are -> `[num_graphs, outputs]`, the predictions themselves. Memory grows with the sum of
    n^2."""

    version = 2
    tasks = frozenset({"graph-prediction"})
    output_items = frozenset({"graphs"})
    needs_whole_graph = True
    citation = Citation(
        key="maron2019provably",
        title="Provably Powerful Graph Networks",
        authors="Maron, Haggai and Ben-Hamu, Heli and Serviansky, Hadar and Lipman, Yaron",
        venue="NeurIPS",
        year=2019,
        url="https://arxiv.org/abs/1905.11136",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.features = spec.node
        width = 1 + (0 if spec.node is None else vector_width(spec.node))
        self.blocks = nn.ModuleList(Block(*sizes) for sizes in pairwise([width, *config.hidden_dims]))
        self.out_dim = self.row_width(spec, config.hidden_dims[-1])
        readout = LinearOfBlocks if config.readout == "blocks" else LayersOfLast
        self.readout = readout(config.hidden_dims, self.out_dim)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "FWL(2)"

    def forward(self, batch: Data) -> Tensor:
        pairs = all_pairs(batch)
        same = diagonal(pairs)
        h = self.start(pairs, same, batch)
        maxima = []
        for block in self.blocks:
            h = block(pairs, h)
            maxima.append(_maxima(pairs, same, h))
        return self.readout(maxima)

    def start(self, pairs: AllPairs, same: Tensor, batch: Data) -> Tensor:
        """X as it is at first, `[T, 1 + features]`."""
        like = next(self.parameters())
        source, target = pairs.edge_index
        adjacency = like.new_zeros(pairs.num_tuples).index_fill(0, pairs.place(source, target), 1.0)
        degree = like.new_zeros(pairs.num_nodes).index_add(0, pairs.root, adjacency)
        scale = degree.clamp(min=1).rsqrt()
        adjacency = adjacency * scale[pairs.root] * scale[pairs.node]
        if self.features is None:
            return adjacency[:, None]
        vectors = node_vectors(batch, self.features)
        h = adjacency[:, None].repeat(1, 1 + vectors.size(1))
        return h.index_add(0, same, F.pad(vectors.to(h.dtype), (1, 0)))

    def row_graph(self, batch: Data) -> Tensor:
        return torch.arange(batch.num_graphs, device=batch["edge_index"].device)


def _maxima(pairs: AllPairs, same: Tensor, h: Tensor) -> Tensor:
    """The largest of each channel on the diagonal and off it, of each graph: `[num_graphs, 2 dim]`."""
    graph, num_graphs = pairs.root_graph, len(pairs.size)
    is_off = pairs.root != pairs.node
    on = scatter(h.index_select(0, same), graph, dim_size=num_graphs, reduce="max")
    off = scatter(h[is_off], graph[pairs.root[is_off]], dim_size=num_graphs, reduce="max")
    return torch.cat([on, off], dim=1)
