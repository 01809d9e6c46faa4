"""Networks of products of pairs with norms: a variant of ours of PPGN, Maron et al., NeurIPS 2019, sec. 6.

h[u, v] <- relu(BN(W [h[u, v] | norm(sum over w of m1(h)[u, w] m2(h)[w, v])]))
row of v = relu(W' [h[v, v] | mean over u of h[v, u]])

with MLPs m1 and m2 of two layers on each pair, which end in a norm too: over the pairs of each graph.
Factors without one share a sign, and in their products what all pairs have in common outweighs what tells pairs apart:
CFI graphs then differ by less than float64 holds. The published network, without norms and with maxima for means, is
`ppgn`.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig
from graphlab.model.observation import observe
from graphlab.model.pair_model import PairModel
from graphlab.model.subgraph.pairs import GraphNorm, node_rows
from graphlab.model.subgraph.tuples import AllPairs
from graphlab.model.zoo import ppgn
from graphlab.ops.pair_product import pair_product


class Config(ModelConfig):
    """dropout  of what comes out of each block"""

    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 4
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class Block(nn.Module):
    """`[T, dim]` to `[T, dim]`."""

    observation_points = ("product",)

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.left, self.right = _mlp(dim), _mlp(dim)
        self.left_norm, self.right_norm, self.product_norm = GraphNorm(dim), GraphNorm(dim), GraphNorm(dim)
        self.join = nn.Linear(2 * dim, dim)
        self.norm = nn.BatchNorm1d(dim)

    def forward(self, pairs: AllPairs, h: Tensor) -> Tensor:
        left, right = self.left_norm(pairs, self.left(h)), self.right_norm(pairs, self.right(h))
        product = self.product_norm(pairs, observe(self, "product", pair_product(left, right, pairs.size)))
        return self.norm(self.join(torch.cat([h, product], dim=1))).relu()


def _mlp(dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim))


class NormalisedPPGN(PairModel):
    """batch: graphs as they are -> `[num_nodes, hidden_dim]`. Memory grows with the sum of n^2."""

    tasks = frozenset({"graph-prediction", "node-classification"})
    needs_whole_graph = True
    citation = ppgn.PPGN.citation

    def __init__(self, config: Config, spec: DataSpec) -> None:
        dim = config.hidden_dim
        super().__init__(spec, dim)
        self.blocks = nn.ModuleList(Block(dim) for _ in range(config.num_layers))
        self.dropout = nn.Dropout(config.dropout)
        self.readout = nn.Linear(2 * dim, dim)
        self.out_dim = dim

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "FWL(2)"

    def update(self, pairs: AllPairs, h: Tensor) -> Tensor:
        for block in self.blocks:
            h = self.dropout(block(pairs, h))
        return h

    def read(self, pairs: AllPairs, h: Tensor) -> Tensor:
        return self.readout(node_rows(pairs, h)).relu()
