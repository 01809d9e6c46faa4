"""Multi-layer perceptron on node features alone: the baseline that sees no edge. H' = act(H W + b)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.dropout import FeatureDropout


class Config(ModelConfig):
    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 16
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class MLP(Model):
    """Linear layers with ReLU and dropout between them. batch.x `[num_nodes, d]` -> `[num_nodes, out_dim]`."""

    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    citation = Citation(
        key="rumelhart1986",
        kind="article",
        title="Learning representations by back-propagating errors",
        authors="Rumelhart, David E. and Hinton, Geoffrey E. and Williams, Ronald J.",
        venue="Nature 323",
        year=1986,
        url="https://doi.org/10.1038/323533a0",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        widths = self.layer_widths("mlp", spec, config.hidden_dim, config.num_layers)
        self.out_dim = widths[-1]
        self.dropout = config.dropout
        self.drop_features = FeatureDropout(config.dropout)
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(widths))

    def forward(self, batch: Data) -> Tensor:
        x: Tensor = batch["x"]
        for depth, layer in enumerate(self.layers):
            x = self.drop_features(x) if depth == 0 else F.dropout(x.relu(), self.dropout, self.training)
            x = layer(x)
        return x


PRESETS = {
    "planetoid": Preset(
        source="Kipf and Welling, ICLR 2017, section 5.2: the same settings as their GCN",
        training={"epochs": 200, "lr": 0.01, "weight_decay": 5e-4},
        ours=("training.patience",),
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433)): 23_063},
    ),
}
