"""The encoders that models of links share: rows of nodes from features, or from a learned vector a node.

    gcn   h'_v = W sum over u in N(v) and v itself of h_u / sqrt((d_u + 1) (d_v + 1)) + b
    sage  h'_v = W_1 mean over u in N(v) of h_u + W_2 h_v + b, where the mean over no neighbours is zero
    gin   h'_v = W_2 relu(W_1 ((1 + eps) h_v + sum over u in N(v) of h_u) + b_1) + b_2

with d_v the number of neighbours of v. Kipf and Welling, ICLR 2017; Hamilton, Ying and Leskovec, NeurIPS 2017, mean
aggregator; Xu et al., ICLR 2019, without batch norm.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.data.spec import DataSpec
from graphlab.model.base import input_dim, require_transductive, visible_edges
from graphlab.model.layered import Block
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows, convolve, linear

EncoderName = Literal["gcn", "sage", "gin"]


class NodeEncoder(nn.Module):
    """Layers of message passing with ReLU and dropout between them, and neither after the last.

    Where the data have no node features, the input is a learned vector of width `hidden_dim` a node.

    Args:
        model: The name of the model, for errors.
        spec: What the data have.
        encoder: Which layers.
        hidden_dim: Width of each layer's output.
        num_layers: Number of layers.
        dropout: Of the rows between layers.

    Shapes:
        graph.x `[num_nodes, d]` if the spec has node features, graph.edge_index `[2, E]`, graph.edge_mask `[E]` or
        absent -> `[num_nodes, hidden_dim]`.

    Raises:
        IncompatibleError: Features are categories, or there are none and the nodes of test are new.
    """

    def __init__(
        self, model: str, spec: DataSpec, encoder: EncoderName, hidden_dim: int, num_layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.input = NodeInput(model, spec, hidden_dim)
        widths = [self.input.width, *[hidden_dim] * num_layers]
        layer = {"gcn": GCNLayer, "sage": SAGELayer, "gin": GINLayer}[encoder]
        self.layers = nn.ModuleList(layer(width, out) for width, out in pairwise(widths))
        self._block = Remembered(layer.block)

    def forward(self, graph: Data) -> Tensor:
        return self.rows(graph, self.block(graph))

    def block(self, graph: Data) -> Block:
        """The edges that sums go along, with their weights."""
        return self._block(visible_edges(graph), int(graph.num_nodes or 0), dtype_of(self))

    def rows(self, graph: Data, block: Block) -> Tensor:
        """Rows of nodes `[num_nodes, hidden_dim]`, along the edges of a block."""
        rows = self.input(graph, dtype_of(self))
        for depth, layer in enumerate(self.layers):
            if depth:
                assert isinstance(rows, Tensor)
                rows = F.dropout(rows.relu(), self.dropout, self.training)
            rows = layer(rows, block)
        assert isinstance(rows, Tensor)
        return rows


class NodeInput(nn.Module):
    """The features of nodes, or a learned vector a node where there are none.

    graph -> `[num_nodes, width]` of a dtype, which may be sparse, for `linear` and `convolve`.
    """

    def __init__(self, model: str, spec: DataSpec, width: int) -> None:
        super().__init__()
        self.vectors = None
        if spec.node is None:
            num_nodes = require_transductive(model, spec)
            self.vectors = nn.Parameter(nn.init.xavier_uniform_(torch.empty(num_nodes, width)))
        self.width = width if spec.node is None else input_dim(spec.node, model)
        self.features = FeatureInput(0.0)

    def forward(self, graph: Data, dtype: torch.dtype) -> Tensor | SparseRows:
        return self.features(graph["x"].to(dtype)) if self.vectors is None else self.vectors


class GCNLayer(nn.Module):
    """rows `[num_nodes, width]` -> `[num_nodes, out_dim]`."""

    def __init__(self, width: int, out_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out_dim)

    @staticmethod
    def block(edge_index: Tensor, num_nodes: int, dtype: torch.dtype) -> Block:
        """The edges and a loop a node, each with its entry of D^-1/2 (A + I) D^-1/2."""
        return normalised_block(edge_index, num_nodes, dtype, loops=True)

    def forward(self, rows: Tensor | SparseRows, block: Block) -> Tensor:
        return convolve(rows, self.linear.weight, block.sum) + self.linear.bias


class SAGELayer(nn.Module):
    """rows `[num_nodes, width]` -> `[num_nodes, out_dim]`."""

    def __init__(self, width: int, out_dim: int) -> None:
        super().__init__()
        self.neighbours = nn.Linear(width, out_dim)
        self.own = nn.Linear(width, out_dim, bias=False)

    @staticmethod
    def block(edge_index: Tensor, num_nodes: int, dtype: torch.dtype) -> Block:
        """The edges, each weighted so that sums are means."""
        target = edge_index[1]
        degree = target.bincount(minlength=num_nodes).to(dtype)
        return Block(edge_index, num_nodes, 1 / degree.index_select(0, target))

    def forward(self, rows: Tensor | SparseRows, block: Block) -> Tensor:
        mean = convolve(rows, self.neighbours.weight, block.sum) + self.neighbours.bias
        return mean + linear(rows, self.own.weight)


class GINLayer(nn.Module):
    """rows `[num_nodes, width]` -> `[num_nodes, out_dim]`."""

    def __init__(self, width: int, out_dim: int) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.first, self.second = nn.Linear(width, out_dim), nn.Linear(out_dim, out_dim)

    @staticmethod
    def block(edge_index: Tensor, num_nodes: int, dtype: torch.dtype) -> Block:
        return Block(edge_index, num_nodes)

    def forward(self, rows: Tensor | SparseRows, block: Block) -> Tensor:
        def total(x: Tensor) -> Tensor:
            return block.sum(x, 1 + self.eps)

        return self.second((convolve(rows, self.first.weight, total) + self.first.bias).relu())


def normalised_block(edge_index: Tensor, num_nodes: int, dtype: torch.dtype, loops: bool = False) -> Block:
    """Edges with the entries of D^-1/2 A D^-1/2, or of D^-1/2 (A + I) D^-1/2 with a loop a node.

    D has the numbers of edges into nodes, loops included. An isolated node has no entry without loops.
    """
    if loops:
        node = torch.arange(num_nodes, device=edge_index.device)
        edge_index = torch.cat([edge_index, node.expand(2, -1)], dim=1)
    source, target = edge_index
    degree = target.bincount(minlength=num_nodes).to(dtype)
    return Block(edge_index, num_nodes, (degree[source] * degree[target]).rsqrt())


def dtype_of(module: nn.Module) -> torch.dtype:
    """That of a module's parameters."""
    return next(module.parameters()).dtype


def mlp(width: int, hidden_dim: int, dropout: float, out_dim: int = 1) -> nn.Sequential:
    """Two linear layers with ReLU and dropout between them, `[..., width]` -> `[..., out_dim]`."""
    layers: list[Any] = [nn.Linear(width, hidden_dim), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden_dim, out_dim)]
    return nn.Sequential(*layers)
