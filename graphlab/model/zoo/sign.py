"""SIGN, scalable inception graph networks. Frasca, Rossi, Eynard, Chamberlain, Bronstein and Monti, 2020, eq. 4 and 5.

    Z = act([X W_0 | S X W_1 | ... | S^K X W_K]),    outputs = Z W + b,    S = D^-1/2 (A + I) D^-1/2

act is ReLU, and each W_k has a bias. Powers of S alone are the paper's SIGN(K, 0, 0); what they make of X is passed on
before training (`graphlab.model.propagation`).
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, input_dim
from graphlab.model.propagation import Propagation, attribute
from graphlab.model.sparse_features import FeatureInput, FeatureLinear


class Config(ModelConfig):
    """hops        K, how often features are passed on
    hidden_dim  width of each hop's rows
    dropout     of all hops' rows, before the last map
    """

    hops: Annotated[PositiveInt, IntRange(1, 8)] = 3
    hidden_dim: Annotated[PositiveInt, IntRange(16, 512, log=True)] = 64
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class SIGN(Model):
    """A network of two layers on features that were passed on beforehand.

    Edges are read as messages u -> v and their weights take the places of the ones in A, as in `gcn`. Each node gets a
    loop of weight 1, beside one that is there.
    batch.x and what was passed on, `[num_nodes, d]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = Citation(
        key="frasca2020",
        kind="misc",
        title="SIGN: Scalable Inception Graph Neural Networks",
        authors=(
            "Frasca, Fabrizio and Rossi, Emanuele and Eynard, Davide and Chamberlain, Ben and Bronstein, Michael and "
            "Monti, Federico"
        ),
        venue="arXiv:2004.11198",
        year=2020,
        url="https://arxiv.org/abs/2004.11198",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim, hidden = input_dim(spec.node, "sign"), config.hidden_dim
        self.config, self.out_dim = config, self.row_width(spec, hidden)
        self.names = ["x", *(attribute("at", hop) for hop in range(1, config.hops + 1))]
        self.features = nn.ModuleList(FeatureInput(0.0) for _ in self.names)
        self.maps = nn.ModuleList(FeatureLinear(dim, hidden) for _ in self.names)
        self.read_out = nn.Linear(len(self.names) * hidden, self.out_dim)

    @classmethod
    def preparation(cls, config: Config) -> Propagation:
        return Propagation(("at",), config.hops, 0.5, (1.0,) * config.hops)

    @property
    def num_hops(self) -> int:
        return self.config.hops

    def forward(self, batch: Data) -> Tensor:
        dtype = next(self.parameters()).dtype  # features of other hops are prepared in single precision
        columns = zip(self.names, self.features, self.maps, strict=True)
        parts = [each(read(batch[name].to(dtype))) for name, read, each in columns]
        return self.read_out(F.dropout(torch.cat(parts, dim=1).relu(), self.config.dropout, self.training))


PRESETS = {
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 300, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), Continuous(1433)): (
                4 * (1433 * 64 + 64) + 4 * 64 * 7 + 7
            )
        },
    ),
}
