"""H2GCN. Zhu, Yan, Zhao, Heimann, Akoglu and Koutra, NeurIPS 2020: neighbours one and two edges away, kept apart.

    R_0 = ReLU(X W_e),    R_k = [M_1 R_(k-1) | M_2 R_(k-1)],    outputs = [R_0 | R_1 | ... | R_K] W_c

M_i = D_i^-1/2 A_i D_i^-1/2; A_1 has the edges without loops, A_2 the pairs exactly two edges apart. Nothing else is
learned, and no activation follows a round.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, input_dim
from graphlab.model.directed import block_of
from graphlab.model.layered import Block
from graphlab.model.sparse_features import FeatureInput, FeatureLinear, Remembered
from graphlab.ops.directed_operators import in_out_normalised
from graphlab.ops.strict_hops import one_hop, two_hops


class Config(ModelConfig):
    """hidden_dim  width of R_0; that of R_k is 2^k times as much
    rounds      K
    dropout     of all rows before the last map
    """

    hidden_dim: Annotated[PositiveInt, IntRange(8, 128, log=True)] = 64
    rounds: Annotated[int, Field(ge=1, le=4), IntRange(1, 2)] = 2
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class H2GCN(Model):
    """Rounds without parameters between two linear maps. Weights of edges are not read.

    Edges are read as messages u -> v. The paper's graphs are undirected; of a directed one A_i[v, u] is scaled by how
    many nodes v reads in it, and by how many read u, so that nodes without edges into them are read too.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    needs_whole_graph = True
    citation = Citation(
        key="zhu2020h2gcn",
        title="Beyond Homophily in Graph Neural Networks: Current Limitations and Effective Designs",
        authors=("Zhu, Jiong and Yan, Yujun and Zhao, Lingxiao and Heimann, Mark and Akoglu, Leman and Koutra, Danai"),
        venue="NeurIPS",
        year=2020,
        url="https://arxiv.org/abs/2006.11468",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.out_dim = config, self.row_width(spec, config.hidden_dim)
        self.features = FeatureInput(0.0)
        self.first = FeatureLinear(input_dim(spec.node, "h2gcn"), config.hidden_dim, bias=False)
        self.last = nn.Linear((2 ** (config.rounds + 1) - 1) * config.hidden_dim, self.out_dim, bias=False)
        self._operators = Remembered(operators)

    @property
    def num_hops(self) -> int:
        return 2 * self.config.rounds

    def forward(self, batch: Data) -> Tensor:
        x = batch["x"]
        near, far = self._operators(batch["edge_index"], int(batch.num_nodes or 0), x.dtype)
        every = [self.first(self.features(x)).relu()]
        for _ in range(self.config.rounds):
            every.append(torch.cat([near.sum(every[-1]), far.sum(every[-1])], dim=1))
        return self.last(F.dropout(torch.cat(every, dim=1), self.config.dropout, self.training))


def operators(edge_index: Tensor, num_nodes: int, dtype: torch.dtype) -> tuple[Block, Block]:
    """M_1 and M_2, which multiply rows `[num_nodes, d]` of a dtype."""
    near, far = (
        block_of(in_out_normalised(edges.flip(0), None, num_nodes), num_nodes, dtype)
        for edges in (one_hop(edge_index, num_nodes), two_hops(edge_index, num_nodes))
    )
    return near, far


PRESETS = {
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 500, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), Continuous(1433)): 1433 * 64 + 7 * 64 * 7
        },
    ),
}
