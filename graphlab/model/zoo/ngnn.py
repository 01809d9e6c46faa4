"""Nested graph neural networks, the network for ZINC. Zhang and Li, NeurIPS 2021, eq. 3 to 5; Huang et al., ICLR 2023,
and the code published with it: a GNN in the ego network of every node; a root is what its subgraph is pooled to.

z[u, v] = sum of vectors of the labels of v around u + linear(resistance between u and v in the subgraph)
h[u, v] <- ELU(BN(GIN([h[u, v] | z[u, v]]))) + h[u, v], from the second layer on with the residual
row of u = mean over v of h[u, v]

Labels are the distance from the root, and again where two or more edges lead to a node from the shell before; see
`graphlab.model.subgraph.policies.shells`. Every layer has a table of labels of its own. The network for TU data, which
reads them once, is `nested-gin`.

The published network has a table of 100 rows for atoms and 294,091 parameters on ZINC; with 28 they are 576 fewer.
"""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec
from graphlab.model.base import Preset
from graphlab.model.subgraph.convolution import average
from graphlab.model.subgraph.inputs import edge_kinds
from graphlab.model.subgraph.labelled import LabelledConvolution, NumberedNodes
from graphlab.model.subgraph.policies import EgoShells
from graphlab.model.subgraph.rootwise import Rootwise, RootwiseConfig
from graphlab.ops.tuple_spmm import Messages


class Config(RootwiseConfig):
    """As `RootwiseConfig`, and

    hops        radius of a subgraph
    resistance  whether tuples carry the resistance of their node from the root
    dropout     of what comes out of each layer
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 6
    hops: Annotated[PositiveInt, IntRange(1, 6)] = 3
    resistance: bool = True
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class Layer(nn.Module):
    """h `[T, width]` -> `[T, dim]`, without the residual."""

    def __init__(self, policy: EgoShells, spec: DataSpec, width: int, config: Config) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.inside = LabelledConvolution(policy, spec, width, dim)
        self.norm, self.dropout = nn.BatchNorm1d(dim), nn.Dropout(config.dropout)

    def forward(self, messages: Messages, h: Tensor, batch: Data) -> Tensor:
        y, _ = self.inside(messages, h, batch)
        return self.dropout(F.elu(self.norm(y)))


class NGNN(Rootwise):
    """batch: graphs with their ego networks -> `[num_nodes, hidden_dim]`, a row a root."""

    version = 2
    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    citation = Citation(
        key="zhang2021nested",
        title="Nested Graph Neural Networks",
        authors="Zhang, Muhan and Li, Pan",
        venue="NeurIPS",
        year=2021,
        url="https://arxiv.org/abs/2110.13197",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.policy, self.edge = self.preparation(config), spec.edge
        self.max_tuples = config.max_tuples
        self.start = NumberedNodes(spec.node)
        widths = [self.start.out_dim, *[dim] * (config.num_layers - 1)]
        self.layers = nn.ModuleList(Layer(self.policy, spec, width, config) for width in widths)
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> EgoShells:
        return EgoShells(hops=config.hops, resistance=config.resistance)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        """Resistances are those of a subgraph with two of its nodes marked."""
        return "FWL(3)" if config.resistance else "SWL(VS)"

    def forward(self, batch: Data) -> Tensor:
        return self.root_rows(batch)

    def rows_of(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, edge_kinds(batch, self.edge))
        messages = tuples.messages("uL")
        first, *rest = self.layers
        h = self.start(batch).to(next(self.parameters()).dtype).index_select(0, tuples.node)
        h = first(messages, h, batch)
        for layer in rest:
            h = layer(messages, h, batch) + h
        return average(tuples.of_root, h)


PRESETS = {
    "zinc": Preset(
        source="the configuration of NGNN published with I2-GNN",
        model={"hidden_dim": 64, "num_layers": 6, "hops": 3, "resistance": True},
        task={"pooling": "mean", "readout_dims": (32, 16), "readout_activation": "elu"},
        ours=(
            "task.batch_size",
            "training.epochs",
            "training.lr",
            "training.scheduler",
            "training.gamma",
            "training.step_epochs",
        ),
    ),
}
