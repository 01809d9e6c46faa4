"""Generalised PageRank. Chien, Peng, Li and Milenkovic, ICLR 2021, eq. 1 and 2: learned weights of hops.

    H_0 = W_2 ReLU(W_1 X + b_1) + b_2,    H_k = D^-1/2 (A + I) D^-1/2 H_(k-1),    Z = sum over k = 0 to K of g_k H_k

The weights start, by `initial`, as

    ppr     g_k = alpha (1 - alpha)^k, and g_K = (1 - alpha)^K: personalised PageRank
    nppr    g_k = alpha^k over the sum of all
    random  uniform in +-sqrt(3 / (K + 1)), over the sum of their sizes
    last    g_K = 1 and 0 else: as in SGC
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.edges import edge_weight
from graphlab.model.normalised import normalised
from graphlab.model.sparse_features import FeatureInput, FeatureLinear, Remembered

Initial = Literal["ppr", "nppr", "random", "last"]


class Config(ModelConfig):
    """hidden_dim           width of the hidden layer
    hops                 K
    initial              how the weights of hops start
    alpha                of ppr and nppr
    dropout              before both layers
    propagation_dropout  of what the layers predict, before it travels
    """

    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 64
    hops: Annotated[PositiveInt, IntRange(1, 20)] = 10
    initial: Annotated[Initial, Choices()] = "ppr"
    alpha: Annotated[float, Field(gt=0, lt=1), FloatRange(0.05, 0.95)] = 0.1
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5
    propagation_dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class GPRGNN(Model):
    """Two layers predict, and a polynomial of the graph's operator, whose coefficients are learned, is put on that.

    Edges are read as messages u -> v and their weights take the places of the ones in A, as in `gcn`.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = Citation(
        key="chien2021",
        title="Adaptive Universal Generalized PageRank Graph Neural Network",
        authors="Chien, Eli and Peng, Jianhao and Li, Pan and Milenkovic, Olgica",
        venue="ICLR",
        year=2021,
        url="https://arxiv.org/abs/2006.07988",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        in_dim, hidden_dim, self.out_dim = self.layer_widths("gprgnn", spec, config.hidden_dim, num_layers=2)
        self.config = config
        self.features = FeatureInput(config.dropout)
        self.first = FeatureLinear(in_dim, hidden_dim)
        self.second = nn.Linear(hidden_dim, self.out_dim)
        self.of_hops = nn.Parameter(initial_weights(config.initial, config.hops, config.alpha))
        self._operator = Remembered(normalised)

    @property
    def num_hops(self) -> int:
        return self.config.hops

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def forward(self, batch: Data) -> Tensor:
        x, weight, config = batch["x"], edge_weight(batch), self.config
        operator = self._operator(batch["edge_index"], weight, int(batch.num_nodes or 0), x.dtype, "gprgnn")
        hidden = self.first(self.features(x)).relu()
        predicted = self.second(F.dropout(hidden, config.dropout, self.training))
        rows = F.dropout(predicted, config.propagation_dropout, self.training)
        out = self.of_hops[0] * rows
        for of_hop in self.of_hops[1:]:
            rows = operator.sum(rows)
            out = out + of_hop * rows
        return out

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """The weights of hops are not regularised."""
        layers = [*self.first.parameters(), *self.second.parameters()]
        return [
            {"params": layers, "weight_decay": weight_decay},
            {"params": [self.of_hops], "weight_decay": 0.0},
        ]


def initial_weights(initial: Initial, hops: int, alpha: float) -> Tensor:
    """g_0 to g_K before training, `[K + 1]`; `random` draws from torch's generator."""
    hop = torch.arange(hops + 1)
    if initial == "ppr":
        weights = alpha * (1 - alpha) ** hop
        weights[-1] = (1 - alpha) ** hops
    elif initial == "nppr":
        weights = alpha**hop
        weights = weights / weights.sum()
    elif initial == "random":
        bound = (3 / (hops + 1)) ** 0.5
        weights = torch.empty(hops + 1).uniform_(-bound, bound)
        weights = weights / weights.abs().sum()
    else:
        weights = (hop == hops).float()
    return weights


PRESETS = {
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 500, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), Continuous(1433)): (1433 * 64 + 64 + 64 * 7 + 7 + 11)
        },
    ),
}
