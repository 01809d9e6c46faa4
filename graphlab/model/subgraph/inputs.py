"""From what a graph carries to vectors: nodes, kinds of edges, labels of tuples."""

from __future__ import annotations

from itertools import accumulate
from math import prod
from operator import mul

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.data.spec import Categorical, Continuous, Features


class Columns(nn.Module):
    """The sum over columns of a vector for each column's value: `[rows, columns]` to `[rows, dim]`."""

    def __init__(self, sizes: tuple[int, ...], dim: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, dim) for size in sizes)

    def forward(self, values: Tensor) -> Tensor:
        return sum(table(values[:, k].long()) for k, table in enumerate(self.tables))  # pyright: ignore[reportReturnType]


class NodeInput(nn.Module):
    """Node vectors `[num_nodes, dim]`: a linear map, a sum of embeddings, or where nodes carry nothing one vector."""

    def __init__(self, features: Features | None, dim: int) -> None:
        super().__init__()
        self.features = features
        if isinstance(features, Continuous):
            self.map = nn.Linear(features.dim, dim)
        else:
            self.map = Columns(features.sizes if features else (1,), dim)

    def forward(self, batch: Data) -> Tensor:
        if self.features is None:
            return self.map(batch["edge_index"].new_zeros(int(batch.num_nodes or 0), 1))
        return self.map(batch["x"])


def edge_kinds(batch: Data, features: Features | None) -> Tensor | None:
    """What tells edges apart, int64 `[E]`: their categories as one number, or where they carry vectors themselves
    their own number; None where they carry nothing."""
    if features is None:
        return None
    if isinstance(features, Continuous):
        return torch.arange(batch.num_edges, device=batch["edge_index"].device)
    strides = torch.tensor([1, *accumulate(features.sizes[:-1], mul)], device=batch["edge_attr"].device)
    return (batch["edge_attr"] * strides).sum(1)


class EdgeTable(nn.Module):
    """A vector a kind of edge, as `edge_kinds` numbers them: `[kinds, dim]`, in the dtype of what it is to meet, for in
    mixed precision maps and tables of embeddings give different ones."""

    def __init__(self, features: Categorical | Continuous, dim: int) -> None:
        super().__init__()
        self.features = features
        self.map = nn.Linear(features.dim, dim) if isinstance(features, Continuous) else Columns(features.sizes, dim)

    def forward(self, batch: Data, dtype: torch.dtype) -> Tensor:
        if isinstance(self.features, Continuous):
            return self.map(batch["edge_attr"]).to(dtype)
        sizes = self.features.sizes
        kind = torch.arange(prod(sizes), device=batch["edge_index"].device)
        return self.map(torch.stack([kind // prod(sizes[:c]) % size for c, size in enumerate(sizes)], dim=1)).to(dtype)


class RawNodes(nn.Module):
    """Node vectors `[num_nodes, out_dim]`: an embedding of width `dim` of what is categorical, vectors as they are, and
    where nodes carry nothing a 1."""

    def __init__(self, features: Features | None, dim: int) -> None:
        super().__init__()
        self.features = features
        self.map = Columns(features.sizes, dim) if isinstance(features, Categorical) else None
        self.out_dim = dim if self.map else features.dim if isinstance(features, Continuous) else 1

    def forward(self, batch: Data) -> Tensor:
        if self.map is not None:
            return self.map(batch["x"])
        if self.features is not None:
            return batch["x"]
        return torch.ones(int(batch.num_nodes or 0), 1, device=batch["edge_index"].device)


class MarkedInput(nn.Module):
    """Tuples `[T, out_dim]`: where the policy marks roots, [1, 0] of the root and [0, 1] of other nodes, and the node's
    vector. Bevilacqua et al., ICLR 2022, section 3.2 and the code published with it."""

    def __init__(self, features: Features | None, dim: int, marked: bool) -> None:
        super().__init__()
        self.node, self.marked = RawNodes(features, dim), marked
        self.out_dim = self.node.out_dim + (2 if marked else 0)

    def forward(self, node: Tensor, batch: Data, like: nn.Module) -> Tensor:
        """Of the nodes of tuples, int64 `[T]`, in the dtype of the parameters of `like`."""
        rows = self.node(batch).to(next(like.parameters()).dtype).index_select(0, node)
        if not self.marked:
            return rows
        root = batch["tuple_label"][:, :1].to(rows.dtype)
        return torch.cat([root, 1 - root, rows], dim=1)
