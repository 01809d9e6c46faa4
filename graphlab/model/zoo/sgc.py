"""Simple graph convolution. Wu, Zhang, de Souza, Fifty, Yu and Weinberger, ICML 2019, eq. 8: a linear classifier of

    S^K X,    S = D^-1/2 (A + I) D^-1/2

which is passed on before training (`graphlab.model.propagation`).
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import IntRange, PositiveInt
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, input_dim
from graphlab.model.propagation import Propagation, attribute
from graphlab.model.sparse_features import FeatureInput, FeatureLinear


class Config(ModelConfig):
    """hops  K, how often features are passed on"""

    hops: Annotated[PositiveInt, IntRange(1, 8)] = 2


class SGC(Model):
    """A linear map of features that were passed on beforehand.

    Edges are read as messages u -> v and their weights take the places of the ones in A, as in `gcn`. Each node gets a
    loop of weight 1, beside one that is there.
    batch.x and what was passed on, `[num_nodes, d]` -> `[num_nodes, num_outputs]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = Citation(
        key="wu2019sgc",
        title="Simplifying Graph Convolutional Networks",
        authors=(
            "Wu, Felix and Zhang, Tianyi and de Souza, Amauri and Fifty, Christopher and Yu, Tao and Weinberger, Kilian"
        ),
        venue="ICML",
        year=2019,
        url="https://arxiv.org/abs/1902.07153",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.out_dim = config, spec.num_outputs
        self.features = FeatureInput(0.0)
        self.linear = FeatureLinear(input_dim(spec.node, "sgc"), self.out_dim)

    @classmethod
    def preparation(cls, config: Config) -> Propagation:
        return Propagation(("at",), config.hops, 0.5, (1.0,) * config.hops)

    @property
    def num_hops(self) -> int:
        return self.config.hops

    def forward(self, batch: Data) -> Tensor:
        return self.linear(self.features(batch[attribute("at", self.config.hops)].to(next(self.parameters()).dtype)))


PRESETS = {
    "planetoid": Preset(
        source="section 5.1; the weight decay was searched for each data set, and here it is one for all",
        training={"epochs": 100, "lr": 0.2, "weight_decay": 5e-6},
        ours=("training.weight_decay",),
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), Continuous(1433)): 1433 * 7 + 7},
    ),
}
