"""GCNII. Chen, Wei, Huang, Ding and Li, ICML 2020: convolutions with an initial residual and a share of the identity.

Eq. 5, with P = D^-1/2 (A + I) D^-1/2, H_0 = ReLU(X W_in + b_in) and b_l = ln(lambda / l + 1):

    H_l = ReLU(((1 - alpha) P H_(l-1) + alpha H_0) ((1 - b_l) I + b_l W_l)),    outputs = H_L W_out + b_out
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, NonNegativeFloat, PositiveFloat, PositiveInt, Probability, Share
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, input_dim
from graphlab.model.edges import edge_weight
from graphlab.model.normalised import normalised
from graphlab.model.sparse_features import FeatureInput, FeatureLinear, Remembered


class Config(ModelConfig):
    """hidden_dim   width of all layers
    num_layers   number of convolutions, L
    alpha        share of H_0 in each
    identity     lambda: the larger, the more W_l counts
    dropout      before each map and each convolution
    layer_decay  weight decay of W_l in units of training.weight_decay, which is that of W_in and W_out
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(2, 64, log=True)] = 16
    alpha: Annotated[Share, FloatRange(0.05, 0.5)] = 0.1
    identity: Annotated[PositiveFloat, FloatRange(0.1, 2.0)] = 0.5
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.6
    layer_decay: Annotated[NonNegativeFloat, Field(allow_inf_nan=False), FloatRange(0.1, 100.0, log=True)] = 20.0


class GCNII(Model):
    """Deep convolutions.

    Edges are read as messages u -> v and their weights take the places of the ones in A, as in `gcn`.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = Citation(
        key="chen2020gcnii",
        title="Simple and Deep Graph Convolutional Networks",
        authors="Chen, Ming and Wei, Zhewei and Huang, Zengfeng and Ding, Bolin and Li, Yaliang",
        venue="ICML",
        year=2020,
        url="https://arxiv.org/abs/2007.02133",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.config, self.out_dim = config, self.row_width(spec, dim)
        self.features = FeatureInput(config.dropout)
        self.first = FeatureLinear(input_dim(spec.node, "gcnii"), dim)
        self.convs = nn.ModuleList(nn.Linear(dim, dim, bias=False) for _ in range(config.num_layers))
        self.last = nn.Linear(dim, self.out_dim)
        self._operator = Remembered(normalised)

    @property
    def num_hops(self) -> int:
        return self.config.num_layers

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def forward(self, batch: Data) -> Tensor:
        x, weight, alpha = batch["x"], edge_weight(batch), self.config.alpha
        operator = self._operator(batch["edge_index"], weight, int(batch.num_nodes or 0), x.dtype, "gcnii")
        initial = rows = self.first(self.features(x)).relu()
        for depth, conv in enumerate(self.convs, start=1):
            beta = math.log(self.config.identity / depth + 1)
            mixed = (1 - alpha) * operator.sum(self._dropped(rows)) + alpha * initial
            rows = ((1 - beta) * mixed + beta * conv(mixed)).relu()
        return self.last(self._dropped(rows))

    def _dropped(self, rows: Tensor) -> Tensor:
        return F.dropout(rows, self.config.dropout, self.training)

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Convolutions have a weight decay of their own."""
        return [
            {"params": list(self.convs.parameters()), "weight_decay": self.config.layer_decay * weight_decay},
            {"params": [*self.first.parameters(), *self.last.parameters()], "weight_decay": weight_decay},
        ]


def _planetoid(num_features: int, num_classes: int, **settings: Any) -> Preset:
    """A recipe of the paper, for one data set."""
    dim, num_layers = settings["hidden_dim"], settings["num_layers"]
    outer = num_features * dim + dim + dim * num_classes + num_classes
    return Preset(
        source="section 5.1 and the released scripts; the cap of 1500 epochs is the scripts'",
        model=settings,
        training={"epochs": 1500, "patience": 100, "lr": 0.01, "weight_decay": 5e-4},
        ours=("training.epochs",),
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", num_classes),), Continuous(num_features)): (
                outer + num_layers * dim**2
            )
        },
    )


PRESETS = {
    "planetoid/cora": _planetoid(1433, 7, hidden_dim=64, num_layers=64, identity=0.5, dropout=0.6, layer_decay=20.0),
    "planetoid/citeseer": _planetoid(
        3703, 6, hidden_dim=256, num_layers=32, identity=0.6, dropout=0.7, layer_decay=20.0
    ),
    "planetoid/pubmed": _planetoid(500, 3, hidden_dim=256, num_layers=16, identity=0.4, dropout=0.5, layer_decay=1.0),
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 500, "lr": 0.01, "weight_decay": 5e-4},
    ),
}
