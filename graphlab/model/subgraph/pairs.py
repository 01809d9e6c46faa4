"""Pairs of nodes as 2-FWL networks start them, their dense form, and how their rows become rows of nodes, edges and
graphs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.data.spec import DataSpec, Features
from graphlab.model.subgraph.convolution import average
from graphlab.model.subgraph.inputs import EdgeTable, NodeInput, edge_kinds
from graphlab.model.subgraph.tuples import AllPairs
from graphlab.ops.segment_norm import segment_norm
from graphlab.ops.tuple_spmm import Messages

APART, LINKED, SAME = range(3)


def all_pairs(batch: Data) -> AllPairs:
    """The pairs of nodes of a batch of graphs that no policy has prepared."""
    whole = torch.tensor([0, int(batch.num_nodes or 0)], device=batch["edge_index"].device)
    return AllPairs(batch.get("ptr", whole), batch["edge_index"], None)


def linked(pairs: AllPairs) -> Tensor:
    """Whether an edge leads from u to v, bool `[T]`."""
    out = torch.zeros(pairs.num_tuples, dtype=torch.bool, device=pairs.edge_index.device)
    out[pairs.place(*pairs.edge_index)] = True
    return out


def diagonal(pairs: AllPairs) -> Tensor:
    """The pair (v, v) of each node, int64 `[num_nodes]`."""
    return pairs.place(pairs.root_node, pairs.root_node)


class Bonds(nn.Module):
    """A vector an edge, `[E, dim]`; zeros where edges carry nothing."""

    def __init__(self, features: Features | None, dim: int) -> None:
        super().__init__()
        self.features, self.dim = features, dim
        self.table = None if features is None else EdgeTable(features, dim)

    def forward(self, batch: Data, like: Tensor) -> Tensor:
        kind = edge_kinds(batch, self.features)
        if self.table is None or kind is None:
            return like.new_zeros(batch.num_edges, self.dim)
        return self.table(batch, like.dtype).index_select(0, kind)


class GraphNorm(nn.Module):
    """Rows of pairs, of mean 0 and variance 1 in each column over the pairs of a graph, scaled and shifted by learned
    vectors: instance normalisation, Ulyanov et al., 2016. `[T, dim]` to `[T, dim]`.

    It is the same in training and evaluation: what batch normalisation remembers of other batches is too coarse for
    products of pairs, whose columns may vary by a millionth of their mean.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, pairs: AllPairs, h: Tensor) -> Tensor:
        return segment_norm(h, pairs.size**2, self.weight, self.bias)


class PairInput(nn.Module):
    """`[T, dim]`: a vector for equal, linked and other nodes; a node's own is added to (v, v), an edge's to its pair.
    Maron et al., NeurIPS 2019, sec. 6.1.

    nodes `[num_nodes, dim]`; bonds `[E, dim]`.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.relation = nn.Embedding(3, dim)

    def forward(self, pairs: AllPairs, nodes: Tensor, bonds: Tensor) -> Tensor:
        same = diagonal(pairs)
        relation = (linked(pairs).long() * LINKED).index_fill(0, same, SAME)
        h = self.relation(relation)
        h = h.index_add(0, same, nodes.to(h.dtype))
        return h.index_add(0, pairs.place(*pairs.edge_index), bonds.to(h.dtype))


class GraphPairInput(nn.Module):
    """The same of the pairs of a batch of graphs."""

    def __init__(self, spec: DataSpec, dim: int) -> None:
        super().__init__()
        self.pair, self.node, self.bond = PairInput(dim), NodeInput(spec.node, dim), Bonds(spec.edge, dim)

    def forward(self, pairs: AllPairs, batch: Data) -> Tensor:
        nodes = self.node(batch)
        return self.pair(pairs, nodes, self.bond(batch, nodes))


def to_dense(pairs: AllPairs, h: Tensor, width: int | None = None) -> tuple[Tensor, Tensor]:
    """A tensor over pairs with a place for each two of `width` nodes of each graph, zero where there is no pair.

    Args:
        pairs: Of G graphs.
        h: `[T, d]`.
        width: At least the nodes of the largest graph, which it is by default.

    Returns:
        `[G, width, width, d]`, and where there are pairs, bool `[G, width, width]`.
    """
    place, shape = _dense_place(pairs, width)
    dense = h.new_zeros(shape.numel(), h.size(1)).index_copy(0, place, h)
    mask = torch.zeros(shape.numel(), dtype=torch.bool, device=h.device).index_fill(0, place, True)
    return dense.view(*shape, -1), mask.view(shape)


def from_dense(pairs: AllPairs, dense: Tensor) -> Tensor:
    """`[T, d]` of `[G, width, width, d]`; what stands where there is no pair is left out."""
    place, _ = _dense_place(pairs, dense.size(1))
    return dense.flatten(0, 2).index_select(0, place)


def _dense_place(pairs: AllPairs, width: int | None) -> tuple[Tensor, torch.Size]:
    """Where each pair stands among all places of a dense tensor, int64 `[T]`, and the shape of these places."""
    size = pairs.size
    width = int(size.max()) if width is None and len(size) else width or 0
    graph = pairs.root_graph[pairs.root]
    first = (size.cumsum(0) - size)[graph]
    place = (graph * width + pairs.root - first) * width + pairs.node - first
    return place, torch.Size((len(size), width, width))


def edge_rows(pairs: AllPairs, h: Tensor) -> Tensor:
    """h[u, v] of each edge u -> v, `[E, d]`."""
    return h.index_select(0, pairs.place(*pairs.edge_index))


def node_rows(pairs: AllPairs, h: Tensor) -> Tensor:
    """h[v, v] and the mean over u of h[v, u] side by side, `[num_nodes, 2 d]`."""
    return torch.cat([h.index_select(0, diagonal(pairs)), average(pairs.of_root, h)], dim=1)


def graph_rows(pairs: AllPairs, h: Tensor) -> Tensor:
    """The mean over v of `node_rows`, `[num_graphs, 2 d]`: of the diagonal, and of all pairs."""
    node = torch.arange(pairs.num_nodes, device=h.device)
    of_graph = Messages.of_pairs(pairs.root_graph, node, len(pairs.size), pairs.num_nodes)
    return average(of_graph, node_rows(pairs, h))
