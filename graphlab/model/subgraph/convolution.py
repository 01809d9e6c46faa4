"""What most subgraph GNNs are built from: a convolution over messages, and means."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.data.spec import Features
from graphlab.model.subgraph.inputs import EdgeTable
from graphlab.model.subgraph.tuples import Tuples
from graphlab.ops.tuple_spmm import Messages, tuple_spmm


class Convolution(nn.Module):
    """GIN over any messages, with what edges carry: MLP((1 + eps) h_i + sum over j -> i of relu(h_j + bond_ji)), or of
    h_j where edges carry nothing. Xu et al., ICLR 2019, eq. 4.1; Hu et al., ICLR 2020, eq. A.1.

    h `[N, width]` -> `[N, dim]`. MLP = linear, batch normalisation, relu, linear.

    Args:
        dim: Width of what comes out.
        edge: What edges carry.
        width: Of what goes in; `dim` by default.
        train_eps: Whether eps is learned, from 0, or stays 0.
        inner_dim: Width within the MLP; `dim` by default.
    """

    eps: Tensor

    def __init__(
        self,
        dim: int,
        edge: Features | None,
        width: int | None = None,
        train_eps: bool = True,
        inner_dim: int | None = None,
    ) -> None:
        super().__init__()
        width = width or dim
        if train_eps:
            self.eps = nn.Parameter(torch.zeros(()))
        else:
            self.register_buffer("eps", torch.zeros(()), persistent=False)
        self.table = None if edge is None else EdgeTable(edge, width)
        self.mlp = mlp(width, dim, inner_dim)

    def heard(self, messages: Messages, h: Tensor, batch: Data) -> Tensor:
        """What the MLP is given, `[N, width]`."""
        table = None if self.table is None else self.table(batch, h.dtype)
        return tuple_spmm(messages, h, table, 1 + self.eps)

    def forward(self, messages: Messages, h: Tensor, batch: Data) -> Tensor:
        return self.mlp(self.heard(messages, h, batch))


def mlp(width: int, dim: int, inner_dim: int | None = None) -> nn.Sequential:
    """Linear, batch normalisation, relu, linear: `[N, width]` to `[N, dim]`; between them rows of `inner_dim`, by
    default `dim`."""
    inner = inner_dim or dim
    return nn.Sequential(nn.Linear(width, inner), nn.BatchNorm1d(inner), nn.ReLU(), nn.Linear(inner, dim))


def average(messages: Messages, h: Tensor) -> Tensor:
    """The mean of what each target hears of, `[N, d]`; 0 where it hears of nothing. Messages of pairs, not of views."""
    count = messages.heard.start.diff().clamp(min=1).unsqueeze(1)
    return tuple_spmm(messages, h) / count.to(h)


def graph_messages(batch: Data, edge_kind: Tensor | None) -> Messages:
    """Messages between nodes along the edges of the graphs themselves."""
    source, target = batch["edge_index"]
    num_nodes = int(batch.num_nodes or 0)
    return Messages.of_pairs(target, source, num_nodes, num_nodes, edge_kind)


def graph_means(tuples: Tuples, rows: Tensor, num_graphs: int) -> Tensor:
    """The mean over the roots of each graph of their rows `[R, d]`: `[num_graphs, d]`."""
    root = torch.arange(tuples.num_roots, device=tuples.root_graph.device)
    return average(Messages.of_pairs(tuples.root_graph, root, num_graphs, tuples.num_roots), rows)
