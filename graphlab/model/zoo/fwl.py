"""Networks as strong as 2-FWL and its local forms. Zhang et al., ICML 2023, definition 5.1 and appendix.

h[u, v] <- relu(BN(MLP((1 + eps) h[u, v] + sum over w in S(u, v) of m1(h)[u, w] m2(h)[w, v])))

with linear maps m1 and m2, normalised over the pairs of each graph as those of `ppgn-normalised` are, and S all nodes
(fwl2), v and its neighbours (lfwl2), or u, v and the neighbours of both (slfwl2). A graph is the mean of h[v, v] and
that of h[u, v] side by side.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig
from graphlab.model.observation import observe
from graphlab.model.pair_model import PairModel
from graphlab.model.subgraph.convolution import mlp
from graphlab.model.subgraph.pairs import GraphNorm, diagonal, graph_rows, linked
from graphlab.model.subgraph.tuples import AllPairs
from graphlab.ops.pair_product import pair_product

Masks = tuple[Tensor | None, Tensor | None]


class Config(ModelConfig):
    """dropout  of what comes out of each layer"""

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 4
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class Layer(nn.Module):
    """`[T, dim]` to `[T, dim]`."""

    observation_points = ("product",)

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.left, self.right = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.left_norm, self.right_norm = GraphNorm(dim), GraphNorm(dim)
        self.mlp, self.norm = mlp(dim, dim), nn.BatchNorm1d(dim)

    def forward(self, pairs: AllPairs, masks: Masks, h: Tensor) -> Tensor:
        left, right = self.left_norm(pairs, self.left(h)), self.right_norm(pairs, self.right(h))
        product = observe(self, "product", pair_product(left, right, pairs.size, *masks))
        return self.norm(self.mlp((1 + self.eps) * h + product)).relu()


class _Folklore(PairModel):
    """batch: graphs as they are -> `[num_graphs, 2 hidden_dim]`. Memory grows with the sum of n^2."""

    tasks = frozenset({"graph-prediction"})
    citation = Citation(
        key="zhang2023swl",
        title="A Complete Expressiveness Hierarchy for Subgraph GNNs via Subgraph Weisfeiler-Lehman Tests",
        authors="Zhang, Bohang and Feng, Guhao and Du, Yiheng and He, Di and Wang, Liwei",
        year=2023,
        url="https://arxiv.org/abs/2302.07090",
        venue="ICML",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        dim = config.hidden_dim
        super().__init__(spec, dim)
        self.layers = nn.ModuleList(Layer(dim) for _ in range(config.num_layers))
        self.dropout = nn.Dropout(config.dropout)
        self.out_dim = 2 * dim

    def masks(self, pairs: AllPairs) -> Masks:
        """Which w count, by (u, w) and by (w, v), None for all; see `pair_product`."""
        return None, None

    def update(self, pairs: AllPairs, h: Tensor) -> Tensor:
        masks = self.masks(pairs)
        for layer in self.layers:
            h = self.dropout(layer(pairs, masks, h))
        return h

    def read(self, pairs: AllPairs, h: Tensor) -> Tensor:
        return graph_rows(pairs, h)

    def row_graph(self, batch: Data) -> Tensor:
        return torch.arange(batch.num_graphs, device=batch["edge_index"].device)


class FWL2(_Folklore):
    """All w."""

    variant = "fwl2"

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "FWL(2)"


class LocalFWL2(_Folklore):
    """v and the nodes that an edge leads from to v."""

    variant = "lfwl2"

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "LFWL(2)"

    def masks(self, pairs: AllPairs) -> Masks:
        return None, linked(pairs).index_fill(0, diagonal(pairs), True)


class SymmetricLocalFWL2(_Folklore):
    """And u and the nodes that an edge leads to from u."""

    variant = "slfwl2"

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "SLFWL(2)"

    def masks(self, pairs: AllPairs) -> Masks:
        near = linked(pairs).index_fill(0, diagonal(pairs), True)
        return near, near
