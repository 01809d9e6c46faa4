"""Approximate personalised propagation of neural predictions. Gasteiger, Bojchevski and Günnemann, ICLR 2019, eq. 4:
Z <- (1 - alpha) D^-1/2 (A + I) D^-1/2 Z + alpha H, K times, starting from Z = H = MLP(X)."""

from __future__ import annotations

from typing import Annotated, Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.edges import edge_weight
from graphlab.model.normalised import normalised, with_dropout
from graphlab.model.sparse_features import FeatureInput, FeatureLinear, Remembered


class Config(ModelConfig):
    """hidden_dim  width of the hidden layer
    num_steps   K, how far predictions travel
    alpha       share of its own prediction that a node keeps in each step
    dropout     before both layers, and of the edges in each step
    """

    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 64
    num_steps: Annotated[PositiveInt, IntRange(1, 20)] = 10
    alpha: Annotated[Probability, FloatRange(0.05, 0.5)] = 0.1
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class APPNP(Model):
    """Two linear layers without biases predict, then predictions travel.

    Edges are read as messages u -> v and their weights take the places of the ones in A, as in `gcn`.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = Citation(
        key="gasteiger2019",
        title="Predict then Propagate: Graph Neural Networks meet Personalized PageRank",
        authors="Gasteiger, Johannes and Bojchevski, Aleksandar and Günnemann, Stephan",
        venue="ICLR",
        year=2019,
        url="https://arxiv.org/abs/1810.05997",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        in_dim, hidden_dim, self.out_dim = self.layer_widths("appnp", spec, config.hidden_dim, num_layers=2)
        self.config = config
        self.features = FeatureInput(config.dropout)
        self.first = FeatureLinear(in_dim, hidden_dim, bias=False)
        self.second = nn.Linear(hidden_dim, self.out_dim, bias=False)
        self._operator = Remembered(normalised)

    @property
    def num_hops(self) -> int:
        return self.config.num_steps

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def forward(self, batch: Data) -> Tensor:
        x, weight, config = batch["x"], edge_weight(batch), self.config
        operator = self._operator(batch["edge_index"], weight, int(batch.num_nodes or 0), x.dtype, "appnp")
        hidden = self.first(self.features(x)).relu()
        predicted = rows = self.second(F.dropout(hidden, config.dropout, self.training))
        for _ in range(config.num_steps):
            passed = with_dropout(operator, config.dropout, self.training).sum(rows)
            rows = (1 - config.alpha) * passed + config.alpha * predicted
        return rows

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """The paper regularises the first layer alone."""
        return [
            {"params": [self.first.weight], "weight_decay": weight_decay},
            {"params": [self.second.weight], "weight_decay": 0.0},
        ]


PRESETS = {
    "planetoid": Preset(
        source="section 5, experimental setup; early stopping replaced by selection on validation",
        training={"epochs": 200, "lr": 0.01, "weight_decay": 5e-3},
        ours=("training.epochs", "training.patience"),
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), Continuous(1433)): 1433 * 64 + 64 * 7},
    ),
}
