"""Pairs of nodes as 2-FWL networks start them, and how their rows become rows of nodes and of graphs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.data.spec import DataSpec
from graphlab.model.subgraph.convolution import average
from graphlab.model.subgraph.inputs import EdgeTable, NodeInput, edge_kinds
from graphlab.model.subgraph.tuples import AllPairs
from graphlab.ops.tuple_spmm import Messages

APART, LINKED, SAME = range(3)


def all_pairs(batch: Data) -> AllPairs:
    """The pairs of nodes of a batch of graphs that no policy has prepared."""
    whole = torch.tensor([0, int(batch.num_nodes or 0)], device=batch["edge_index"].device)
    return AllPairs(batch.get("ptr", whole), batch["edge_index"], None)


def linked(pairs: AllPairs, batch: Data) -> Tensor:
    """Whether an edge leads from u to v, bool `[T]`."""
    out = torch.zeros(pairs.num_tuples, dtype=torch.bool, device=batch["edge_index"].device)
    out[pairs.place(*batch["edge_index"])] = True
    return out


def diagonal(pairs: AllPairs) -> Tensor:
    """The pair (v, v) of each node, int64 `[num_nodes]`."""
    return pairs.place(pairs.root_node, pairs.root_node)


class PairInput(nn.Module):
    """`[T, dim]`: a vector for equal, linked and other nodes; the node's own added to (v, v), the edge's to its pair.
    Maron et al., NeurIPS 2019, sec. 6.1.
    """

    def __init__(self, spec: DataSpec, dim: int) -> None:
        super().__init__()
        self.edge = spec.edge
        self.node = NodeInput(spec.node, dim)
        self.relation = nn.Embedding(3, dim)
        self.table = None if spec.edge is None else EdgeTable(spec.edge, dim)

    def forward(self, pairs: AllPairs, batch: Data) -> Tensor:
        same = diagonal(pairs)
        relation = linked(pairs, batch).long() * LINKED
        h = self.relation(relation.index_fill(0, same, SAME)).index_add(0, same, self.node(batch))
        kind = edge_kinds(batch, self.edge)
        if self.table is None or kind is None:
            return h
        return h.index_add(0, pairs.place(*batch["edge_index"]), self.table(batch).index_select(0, kind))


def node_rows(pairs: AllPairs, h: Tensor) -> Tensor:
    """h[v, v] and the mean over u of h[v, u] side by side, `[num_nodes, 2 d]`."""
    return torch.cat([h.index_select(0, diagonal(pairs)), average(pairs.of_root, h)], dim=1)


def graph_rows(pairs: AllPairs, h: Tensor) -> Tensor:
    """The mean over v of `node_rows`, `[num_graphs, 2 d]`: of the diagonal, and of all pairs."""
    node = torch.arange(pairs.num_nodes, device=h.device)
    of_graph = Messages.of_pairs(pairs.root_graph, node, len(pairs.size), pairs.num_nodes)
    return average(of_graph, node_rows(pairs, h))
