"""Graph isomorphism network as a chain of layers, the last of which is the output: GIN of PyG's basic models.

    h'_v = MLP((1 + eps) h_v + sum_u h_u)                   Xu et al., ICLR 2019, eq. 4.1

with a two-layer perceptron without batch norm, and ReLU between layers. The published network, which reads every
layer's state, is `gin`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GINConv

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset


class Config(ModelConfig):
    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 6)] = 3
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class GINChain(Model):
    """Sum aggregation with a learned eps a layer, ReLU and dropout between layers.

    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    citation = Citation(
        key="xu2019",
        title="How Powerful are Graph Neural Networks?",
        authors="Xu, Keyulu and Hu, Weihua and Leskovec, Jure and Jegelka, Stefanie",
        venue="ICLR",
        year=2019,
        url="https://arxiv.org/abs/1810.00826",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        widths = self.layer_widths("gin-chain", spec, config.hidden_dim, config.num_layers)
        self.out_dim, self.dropout = widths[-1], config.dropout
        self.convs = nn.ModuleList(GINConv(_mlp(i, o), train_eps=True) for i, o in pairwise(widths))

    @property
    def num_hops(self) -> int:
        return len(self.convs)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def forward(self, batch: Data) -> Tensor:
        x: Tensor = batch["x"]
        convs: list[Any] = list(self.convs)
        for depth, conv in enumerate(convs):
            x = F.dropout(x.relu(), self.dropout, self.training) if depth else x
            x = conv(x, batch["edge_index"])
        return x


def _mlp(width: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, out), nn.ReLU(), nn.Linear(out, out))


PRESETS = {
    "planetoid": Preset(
        source="GraphLab's own choice",
        is_published=False,
        training={"epochs": 200, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433)): 104_770},
    ),
}
