"""DiGCN with inception blocks. Tong et al., NeurIPS 2020, eq. 14, and the released network of three blocks.

    H' = H W_0 + b_0 + S_1 H W_1 + b_1 + S_2 H W_2 + b_2

S_1 is the operator of `digcn`, S_2 that of second-order proximity: pairs that share both a predecessor and a successor.
The released network has no activation between blocks, and dropout on each of the three terms and on their sum.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.config import IntRange, PositiveInt
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, Preset
from graphlab.model.directed import block_of, require_nonnegative, searched_presets
from graphlab.model.edges import edge_weight
from graphlab.model.layered import Block
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows, linear
from graphlab.model.zoo import digcn
from graphlab.ops.directed_operators import pagerank_operator, second_order


class Config(digcn.Config):
    """As `digcn`, with dropout on the terms of each block and on their sum."""

    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 3


class InceptionBlock(nn.Module):
    """rows `[num_nodes, width]` -> the three terms, each `[num_nodes, out_dim]`."""

    def __init__(self, width: int, out_dim: int) -> None:
        super().__init__()
        self.own = nn.Linear(width, out_dim)
        self.first, self.second = digcn.DiGCNConv(width, out_dim), digcn.DiGCNConv(width, out_dim)

    def forward(self, rows: Tensor | SparseRows, first: Block, second: Block) -> tuple[Tensor, Tensor, Tensor]:
        own = linear(rows, self.own.weight) + self.own.bias
        return own, self.first(rows, first), self.second(rows, second)


class DiGCNIB(Model):
    """Inception blocks, one after another.

    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = digcn.CITATION

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        widths = self.layer_widths("digcn-ib", spec, config.hidden_dim, config.num_layers)
        self.config, self.out_dim = config, widths[-1]
        self.features = FeatureInput(0.0)
        self.blocks = nn.ModuleList(InceptionBlock(i, o) for i, o in pairwise(widths))
        self._operators = Remembered(_operators)

    def forward(self, batch: Data) -> Tensor:
        x, weight = batch["x"], edge_weight(batch)
        require_nonnegative(weight, "digcn-ib")
        operators = self._operators(
            batch["edge_index"], weight, int(batch.num_nodes or 0), self.config.teleport, x.dtype
        )
        rows: Tensor | SparseRows = self.features(x)
        for block in self.blocks:
            own, first, second = (self._dropped(term) for term in block(rows, *operators))
            rows = self._dropped(own + first + second)
        assert isinstance(rows, Tensor)
        return rows

    def _dropped(self, rows: Tensor) -> Tensor:
        return F.dropout(rows, self.config.dropout, self.training)


def _operators(
    edge_index: Tensor, weight: Tensor | None, num_nodes: int, teleport: float, dtype: torch.dtype
) -> tuple[Block, Block]:
    walk = pagerank_operator(edge_index, weight, num_nodes, teleport)
    shared = second_order(edge_index, weight, num_nodes)
    return block_of(walk, num_nodes, dtype), block_of(shared, num_nodes, dtype)


PRESETS = {
    **searched_presets("hidden_dim", "dropout"),
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 500, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433), directed=True): (
                3 * (1433 * 64 + 64) + 3 * (64 * 64 + 64) + 3 * (64 * 7 + 7)
            )
        },
    ),
}
