"""Directed graph neural networks. Rossi et al., LoG 2023, eq. 5 to 8: layers with weights for each direction.

    gcn   h'_v = alpha (sum over v -> u of W_1 h_u / sqrt(d_out(v) d_in(u)) + b_1)
                 + (1 - alpha) (sum over u -> v of W_2 h_u / sqrt(d_out(u) d_in(v)) + b_2)
    sage  h'_v = W h_v + b + alpha (mean over v -> u of W_1 h_u + b_1) + (1 - alpha) (mean over u -> v of W_2 h_u + b_2)
    gat   h'_v = alpha GAT_1 over v -> u + (1 - alpha) GAT_2 over u -> v, each with a loop a node and one head

In the paper's `jumping_knowledge` the rows of all layers, concatenated or by their maximum, go through a linear map; in
its absence the last layer is the classifier. alpha = 1 reads out-neighbours alone.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch_geometric.utils import add_self_loops, remove_self_loops

from graphlab.core.citation import Citation
from graphlab.core.config import Choices
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Preset
from graphlab.model.directed import TwoWayConfig, TwoWayModel, block_of, searched_presets
from graphlab.model.layered import Block
from graphlab.model.sparse_features import SparseRows, convolve, linear
from graphlab.ops.directed_operators import in_out_normalised, mean_of_neighbours
from graphlab.ops.neighbour_attention import neighbour_attention
from graphlab.ops.neighbour_sum import Neighbours

SLOPE = 0.2
"""Of the LeakyReLU of attention, below zero."""


class Config(TwoWayConfig):
    """As `graphlab.model.directed.TwoWayConfig`, and

    conv  layers: gcn, sage or gat
    """

    conv: Annotated[Literal["gcn", "sage", "gat"], Choices()] = "gcn"


class GCNHalf(nn.Module):
    """One direction of a layer: rows `[num_nodes, width]` -> `[num_nodes, out_dim]`."""

    def __init__(self, width: int, out_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out_dim)

    @staticmethod
    def edges(edge_index: Tensor, weight: Tensor | None, num_nodes: int, dtype: torch.dtype) -> Block:
        """What a node v sums along the edges v -> u."""
        return block_of(in_out_normalised(edge_index, weight, num_nodes), num_nodes, dtype)

    def forward(self, rows: Tensor | SparseRows, block: Block) -> Tensor:
        return convolve(rows, self.linear.weight, block.sum) + self.linear.bias


class SAGEHalf(GCNHalf):
    @staticmethod
    def edges(edge_index: Tensor, weight: Tensor | None, num_nodes: int, dtype: torch.dtype) -> Block:
        return block_of(mean_of_neighbours(edge_index, weight, num_nodes), num_nodes, dtype)


class GATHalf(nn.Module):
    """As `GCNHalf`, by attention with one head."""

    def __init__(self, width: int, out_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out_dim, bias=False)
        self.source = nn.Parameter(nn.init.xavier_uniform_(torch.empty(1, out_dim)))
        self.target = nn.Parameter(nn.init.xavier_uniform_(torch.empty(1, out_dim)))
        self.bias = nn.Parameter(torch.zeros(out_dim))
        nn.init.xavier_uniform_(self.linear.weight)

    @staticmethod
    def edges(edge_index: Tensor, weight: Tensor | None, num_nodes: int, dtype: torch.dtype) -> Neighbours:
        edges, _ = remove_self_loops(edge_index.flip(0))
        edges, _ = add_self_loops(edges, num_nodes=num_nodes)
        return Neighbours(edges, num_nodes, num_nodes)

    def forward(self, rows: Tensor | SparseRows, neighbours: Neighbours) -> Tensor:
        h = linear(rows, self.linear.weight)
        source, target = (h @ each.T for each in (self.source, self.target))
        return neighbour_attention(neighbours, h.unsqueeze(1), source, target, None, SLOPE, 0.0).flatten(1) + self.bias


HALVES: dict[str, Any] = {"gcn": GCNHalf, "sage": SAGEHalf, "gat": GATHalf}


class Layer(nn.Module):
    """Both directions, and of sage the node's own row."""

    def __init__(self, conv: str, width: int, out_dim: int, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.out, self.into = HALVES[conv](width, out_dim), HALVES[conv](width, out_dim)
        self.own = nn.Linear(width, out_dim) if conv == "sage" else None

    def forward(self, rows: Tensor | SparseRows, out: Any, into: Any) -> Tensor:
        result = self.alpha * self.out(rows, out) + (1 - self.alpha) * self.into(rows, into)
        return result if self.own is None else result + linear(rows, self.own.weight) + self.own.bias


class DirGNN(TwoWayModel):
    """Layers of two directions.

    Weights of edges take the places of the ones in A; of gat they are not read.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    name = "dir-gnn"
    citation = Citation(
        key="rossi2023",
        title="Edge Directionality Improves Learning on Heterophilic Graphs",
        authors=(
            "Rossi, Emanuele and Charpentier, Bertrand and Di Giovanni, Francesco and Frasca, Fabrizio and "
            "Günnemann, Stephan and Bronstein, Michael"
        ),
        venue="LoG",
        year=2023,
        url="https://arxiv.org/abs/2305.10498",
    )

    def layer(self, width: int, out_dim: int) -> Layer:
        return Layer(self.config.conv, width, out_dim, self.config.alpha)

    def edges(self, edge_index: Tensor, weight: Tensor | None, num_nodes: int, dtype: torch.dtype) -> Any:
        return HALVES[self.config.conv].edges(edge_index, weight, num_nodes, dtype)


RELEASED = "settings released for this data set; the cap of epochs is GraphLab's own"
PRESETS = {
    "wiki/chameleon": Preset(
        source=RELEASED,
        model={"hidden_dim": 128, "num_layers": 5, "alpha": 1.0, "jumping_knowledge": "max", "normalize": True},
        training={"epochs": 1000, "patience": 400, "lr": 0.005},
        ours=("training.epochs",),
    ),
    "wiki/squirrel": Preset(
        source=RELEASED,
        model={"hidden_dim": 128, "num_layers": 4, "alpha": 1.0, "jumping_knowledge": "max", "normalize": True},
        training={"epochs": 1000, "patience": 400, "lr": 0.01},
        ours=("training.epochs",),
    ),
    "heterophilous/roman-empire-directed": Preset(
        source=RELEASED,
        model={"conv": "sage", "hidden_dim": 256, "num_layers": 5, "dropout": 0.2},
        training={"epochs": 1000, "patience": 200, "lr": 0.01},
        ours=("training.epochs",),
    ),
    **searched_presets("hidden_dim", "num_layers", "alpha", "jumping_knowledge", "normalize", "dropout"),
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 300, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433), directed=True): (
                2 * (1433 * 64 + 64) + 4 * (64 * 64 + 64) + 3 * 64 * 7 + 7
            )
        },
    ),
}
