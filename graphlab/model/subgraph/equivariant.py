"""All linear maps of matrices that commute with renaming nodes. Maron et al., ICLR 2019, appendix A: 15 from matrices
to matrices, 5 to vectors, 2 to numbers, each with a weight matrix between channels.

Weights are one set a bucket of sizes: no permutation takes a subgraph of one size to one of another, so that maps of
different sizes may differ (Mitton and Murray-Smith, 2021). Sums are means: they do not grow with size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphlab.model.subgraph.convolution import average
from graphlab.model.subgraph.pairs import diagonal
from graphlab.model.subgraph.tuples import AllPairs
from graphlab.ops.grouped_linear import grouped_linear
from graphlab.ops.tuple_spmm import Messages


class Matrices:
    """Where the entries of G matrices stand: one a graph, over its pairs.

    bucket_of_pair, bucket_of_node, bucket_of_graph   int64, which weights apply
    """

    def __init__(self, pairs: AllPairs, limits: tuple[int, ...]) -> None:
        """limits: the largest size of each bucket but the last."""
        size = pairs.size
        self.pairs, self.same = pairs, diagonal(pairs)
        self.transposed = pairs.place(pairs.node, pairs.root)
        self.bucket_of_graph = torch.bucketize(size, torch.tensor(limits, dtype=size.dtype, device=size.device))
        self.bucket_of_node = self.bucket_of_graph[pairs.root_graph]
        self.bucket_of_pair = self.bucket_of_node[pairs.root]
        node = torch.arange(pairs.num_nodes, device=size.device)
        self.of_graph = Messages.of_pairs(pairs.root_graph, node, len(size), pairs.num_nodes)


@dataclass(frozen=True)
class Parts:
    """What equivariant maps are made of.

    node   `[N, 3 d]`: the diagonal, means of rows and of columns
    graph  `[G, 2 d]`: means of all entries and of the diagonal
    """

    node: Tensor
    graph: Tensor

    @classmethod
    def of(cls, matrices: Matrices, h: Tensor) -> Parts:
        pairs = matrices.pairs
        own, rows = h.index_select(0, matrices.same), average(pairs.of_root, h)
        node = torch.cat([own, rows, average(pairs.of_node, h)], dim=1)
        return cls(node, average(matrices.of_graph, torch.cat([rows, own], dim=1)))


class BucketLinear(nn.Module):
    """A linear map a bucket, without bias: `[P, width]` to `[P, dim]`."""

    def __init__(self, buckets: int, width: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(buckets, dim, width).uniform_(-1, 1) / width**0.5)

    def forward(self, x: Tensor, bucket: Tensor) -> Tensor:
        return grouped_linear(x, self.weight.to(x.dtype), bucket)


class ToMatrices(nn.Module):
    """Order 2 to order 2, 15 maps: `[T, dim]` to `[T, dim]`."""

    def __init__(self, buckets: int, dim: int) -> None:
        super().__init__()
        self.entry = BucketLinear(buckets, 2 * dim, dim)
        self.row, self.column = BucketLinear(buckets, 3 * dim, dim), BucketLinear(buckets, 3 * dim, dim)
        self.diagonal_node, self.diagonal_graph = (BucketLinear(buckets, k * dim, dim) for k in (3, 2))
        self.whole = BucketLinear(buckets, 2 * dim, dim)

    def forward(self, matrices: Matrices, h: Tensor) -> Tensor:
        pairs, of_node, of_graph = matrices.pairs, matrices.bucket_of_node, matrices.bucket_of_graph
        parts = Parts.of(matrices, h)
        graph = pairs.root_graph
        row = self.row(parts.node, of_node) + self.whole(parts.graph, of_graph).index_select(0, graph)
        column = self.column(parts.node, of_node)
        diagonal_graph = self.diagonal_graph(parts.graph, of_graph).index_select(0, graph)
        out = self.entry(torch.cat([h, h.index_select(0, matrices.transposed)], dim=1), matrices.bucket_of_pair)
        out = out + row.index_select(0, pairs.root) + column.index_select(0, pairs.node)
        return out.index_add(0, matrices.same, self.diagonal_node(parts.node, of_node) + diagonal_graph)


class ToVectors(nn.Module):
    """Order 2 to order 1, 5 maps: `[T, dim]` to `[N, dim]`."""

    def __init__(self, buckets: int, dim: int) -> None:
        super().__init__()
        self.node, self.graph = (BucketLinear(buckets, k * dim, dim) for k in (3, 2))

    def forward(self, matrices: Matrices, h: Tensor) -> Tensor:
        parts = Parts.of(matrices, h)
        of_graph = self.graph(parts.graph, matrices.bucket_of_graph)
        return self.node(parts.node, matrices.bucket_of_node) + of_graph.index_select(0, matrices.pairs.root_graph)


class ToNumbers(nn.Module):
    """Order 2 to order 0, 2 maps: `[T, dim]` to `[G, dim]`."""

    def __init__(self, buckets: int, dim: int) -> None:
        super().__init__()
        self.graph = BucketLinear(buckets, 2 * dim, dim)

    def forward(self, matrices: Matrices, h: Tensor) -> Tensor:
        return self.graph(Parts.of(matrices, h).graph, matrices.bucket_of_graph)
