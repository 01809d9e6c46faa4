"""DiGCN. Tong, Liang, Sun, Li, Rosenblum and Lim, NeurIPS 2020: convolutions by the operator of a PageRank walk.

    H' = act(S H W + b)

S is that of `graphlab.ops.directed_operators.pagerank_operator`: eq. 8 and, after it, a scaling by the sums of its
rows, as in the released code.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.directed import block_of, require_nonnegative, searched_presets
from graphlab.model.edges import edge_weight
from graphlab.model.layered import Block
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows, convolve
from graphlab.ops.directed_operators import pagerank_operator

CITATION = Citation(
    key="tong2020",
    title="Digraph Inception Convolutional Networks",
    authors="Tong, Zekun and Liang, Yuxuan and Sun, Changsheng and Li, Xinke and Rosenblum, David and Lim, Andrew",
    venue="NeurIPS",
    year=2020,
    url="https://papers.nips.cc/paper/2020/hash/cffb6e2288a630c2a787a64ccc67097c-Abstract.html",
)


class Config(ModelConfig):
    """hidden_dim  width of hidden layers
    num_layers  number of convolutions
    teleport    probability of the walk's jump to the extra node
    dropout     before each layer but the first
    """

    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    teleport: Annotated[float, Field(gt=0, lt=1), FloatRange(0.05, 0.3)] = 0.1
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class DiGCNConv(nn.Module):
    """S H W + b: rows `[num_nodes, width]` -> `[num_nodes, out_dim]`."""

    def __init__(self, width: int, out_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(out_dim, width)))
        self.bias = nn.Parameter(torch.zeros(out_dim))

    def forward(self, rows: Tensor | SparseRows, block: Block) -> Tensor:
        return convolve(rows, self.weight, block.sum) + self.bias


class DiGCN(Model):
    """Convolutions with ReLU and dropout between them.

    Weights of edges take the places of the ones in A; each node has a loop of weight 1 beside its own.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = CITATION

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        widths = self.layer_widths("digcn", spec, config.hidden_dim, config.num_layers)
        self.config, self.out_dim = config, widths[-1]
        self.features = FeatureInput(0.0)
        self.convs = nn.ModuleList(DiGCNConv(i, o) for i, o in pairwise(widths))
        self._block = Remembered(_block)

    def forward(self, batch: Data) -> Tensor:
        x, weight = batch["x"], edge_weight(batch)
        require_nonnegative(weight, "digcn")
        block = self._block(batch["edge_index"], weight, int(batch.num_nodes or 0), self.config.teleport, x.dtype)
        rows: Tensor | SparseRows = self.features(x)
        for depth, conv in enumerate(self.convs):
            if depth:
                assert isinstance(rows, Tensor)
                rows = F.dropout(rows.relu(), self.config.dropout, self.training)
            rows = conv(rows, block)
        assert isinstance(rows, Tensor)
        return rows


def _block(edge_index: Tensor, weight: Tensor | None, num_nodes: int, teleport: float, dtype: torch.dtype) -> Block:
    return block_of(pagerank_operator(edge_index, weight, num_nodes, teleport), num_nodes, dtype)


PRESETS = {
    **searched_presets("hidden_dim", "dropout"),
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 300, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433), directed=True): (
                1433 * 64 + 64 + 64 * 7 + 7
            )
        },
    ),
}
