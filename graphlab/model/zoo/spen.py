"""Subgraph permutation equivariant networks. Mitton and Murray-Smith, 2021: the ego network of every node as a matrix,
mapped by what commutes with renaming its nodes, with weights of its own for each bucket of sizes.

H_u[i, j] <- relu(BN(sum over the 15 equivariant maps B of B(H_u)[i, j] W_B))
row of u = relu(W [mean over i of relu(BN(sum over 5 maps of B(H_u)[i] W_B)) | sum over 2 maps of B(H_u) W_B])

started from the nodes' vectors and a mark of the root on the diagonal, and the edges' off it.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec
from graphlab.model.base import Model, ModelConfig
from graphlab.model.subgraph.convolution import average
from graphlab.model.subgraph.equivariant import Matrices, ToMatrices, ToNumbers, ToVectors
from graphlab.model.subgraph.network import TupleInput
from graphlab.model.subgraph.pairs import Bonds, PairInput
from graphlab.model.subgraph.policies import EgoMarked
from graphlab.model.subgraph.tuples import AllPairs

SMALLEST = 4
"""Nodes of the largest subgraph of the first bucket; each further bucket goes up to twice as many."""


class Config(ModelConfig):
    """hops     radius of a subgraph
    buckets  kinds of sizes with weights of their own: up to 4 nodes, up to 8 and so on, the last without a limit
    dropout  of what comes out of each layer
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 32
    num_layers: Annotated[PositiveInt, IntRange(1, 6)] = 3
    hops: Annotated[PositiveInt, IntRange(1, 3)] = 1
    buckets: Annotated[PositiveInt, IntRange(1, 6)] = 3
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class Layer(nn.Module):
    """`[T, dim]` to `[T, dim]`, T entries of all matrices."""

    def __init__(self, buckets: int, dim: int) -> None:
        super().__init__()
        self.map, self.norm = ToMatrices(buckets, dim), nn.BatchNorm1d(dim)

    def forward(self, matrices: Matrices, h: Tensor) -> Tensor:
        return self.norm(self.map(matrices, h)).relu()


class SPEN(Model):
    """batch: graphs with their ego networks -> `[num_nodes, hidden_dim]`, a row a root.

    Memory grows with the sum of the squares of the sizes of subgraphs.
    """

    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    citation = Citation(
        key="mitton2021",
        kind="misc",
        title="Subgraph Permutation Equivariant Networks",
        authors="Mitton, Joshua and Murray-Smith, Roderick",
        venue="arXiv",
        year=2021,
        url="https://arxiv.org/abs/2111.11840",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim, buckets = config.hidden_dim, config.buckets
        self.policy = self.preparation(config)
        self.limits = tuple(SMALLEST * 2**k for k in range(buckets - 1))
        self.node, self.bond, self.pair = TupleInput(self.policy, spec, dim), Bonds(spec.edge, dim), PairInput(dim)
        self.layers = nn.ModuleList(Layer(buckets, dim) for _ in range(config.num_layers))
        self.dropout = nn.Dropout(config.dropout)
        self.to_vectors, self.norm = ToVectors(buckets, dim), nn.BatchNorm1d(dim)
        self.to_numbers = ToNumbers(buckets, dim)
        self.readout = nn.Linear(2 * dim, dim)
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> EgoMarked:
        return EgoMarked(hops=config.hops)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        """In a marked subgraph, equivariant maps of order 2 see what 1-WL does (Maron et al., NeurIPS 2019)."""
        return "SWL(VS)"

    def forward(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, None)
        size = torch.bincount(tuples.root, minlength=tuples.num_roots)
        ptr = torch.cat([size.new_zeros(1), size.cumsum(0)])
        inner = torch.stack([batch["uL_source"], batch["uL_target"]])
        matrices = Matrices(AllPairs(ptr, inner, None), self.limits)
        nodes = self.node(tuples, batch)
        bonds = self.bond(batch, nodes).index_select(0, batch["uL_edge"])
        h = self.pair(matrices.pairs, nodes, bonds)
        for layer in self.layers:
            h = self.dropout(layer(matrices, h))
        vectors = average(tuples.of_root, self.norm(self.to_vectors(matrices, h)).relu())
        rows = torch.cat([vectors, self.to_numbers(matrices, h)], dim=1)
        return self.readout(rows).relu()
