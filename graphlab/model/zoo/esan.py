"""Equivariant subgraph aggregation networks. Bevilacqua et al., ICLR 2022: DS-GNN (sec. 2.1) and DSS-GNN (eq. 3).

DS:   h[u] <- relu(BN(GIN(h[u], A_u)))
DSS:  h[u] <- relu(BN(GIN(h[u], A_u)) + BN(GIN'(mean over u of h[u], A)))

with A_u the subgraph of root u; a graph is the mean over its subgraphs of the mean over their nodes.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt
from graphlab.data.spec import DataSpec, Features
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.subgraph.convolution import Convolution, average, graph_means, graph_messages
from graphlab.model.subgraph.inputs import edge_kinds
from graphlab.model.subgraph.network import TupleInput
from graphlab.model.subgraph.policies import EdgeDeleted, Ego, EgoMarked, NodeDeleted, NodeMarked, Null, Policy
from graphlab.model.subgraph.sampling import Chosen, draw_roots
from graphlab.model.subgraph.tuples import Tuples
from graphlab.ops.tuple_spmm import Messages


class Config(ModelConfig):
    """policy     the bag of subgraphs
    hops       of ego and ego-marked
    fraction   share of a graph's subgraphs that a step of training sees; evaluation sees all
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 4
    policy: Annotated[
        Literal["node-deleted", "edge-deleted", "node-marked", "ego", "ego-marked", "null"], Choices()
    ] = "ego-marked"
    hops: Annotated[PositiveInt, IntRange(1, 5)] = 3
    fraction: Annotated[float, Field(gt=0, le=1), FloatRange(0.05, 1.0)] = 1.0


class DSLayer(nn.Module):
    """A convolution in each subgraph on its own."""

    def __init__(self, dim: int, edge: Features | None) -> None:
        super().__init__()
        self.inside = Convolution(dim, edge)
        self.norm = nn.BatchNorm1d(dim)

    def forward(self, tuples: Tuples, along: Messages, h: Tensor, batch: Data) -> Tensor:
        return self.norm(self.inside(tuples.messages("uL"), h, batch)).relu()


class DSSLayer(DSLayer):
    """And one over the whole graph, of what the subgraphs see of each node on average."""

    def __init__(self, dim: int, edge: Features | None) -> None:
        super().__init__(dim, edge)
        self.shared = Convolution(dim, edge)
        self.shared_norm = nn.BatchNorm1d(dim)

    def forward(self, tuples: Tuples, along: Messages, h: Tensor, batch: Data) -> Tensor:
        inside = self.norm(self.inside(tuples.messages("uL"), h, batch))
        shared = self.shared_norm(self.shared(along, average(tuples.of_node, h), batch))
        return (inside + shared.index_select(0, tuples.node)).relu()


class _ESAN(Model):
    """batch: graphs as the policy prepares them -> `[num_graphs, hidden_dim]`."""

    tasks = frozenset({"graph-prediction"})
    edge_fields = frozenset({"edge_attr"})
    citation = Citation(
        key="bevilacqua2022",
        title="Equivariant Subgraph Aggregation Networks",
        authors=(
            "Bevilacqua, Beatrice and Frasca, Fabrizio and Lim, Derek and Srinivasan, Balasubramaniam and "
            "Cai, Chen and Balamurugan, Gopinath and Bronstein, Michael M. and Maron, Haggai"
        ),
        venue="ICLR",
        year=2022,
        url="https://arxiv.org/abs/2110.02910",
    )
    layer: ClassVar[type[DSLayer]]
    tests: ClassVar[dict[str, str]]

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.policy, self.fraction, self.edge = self.preparation(config), config.fraction, spec.edge
        self.start = TupleInput(self.policy, spec, dim)
        self.layers = nn.ModuleList(self.layer(dim, spec.edge) for _ in range(config.num_layers))
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> Policy:
        match config.policy:
            case "node-deleted":
                return NodeDeleted()
            case "edge-deleted":
                return EdgeDeleted()
            case "node-marked":
                return NodeMarked()
            case "ego":
                return Ego(hops=config.hops)
            case "ego-marked":
                return EgoMarked(hops=config.hops)
            case "null":
                return Null()

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return cls.tests.get(config.policy, cls.tests["node"])

    def forward(self, batch: Data) -> Tensor:
        kind = edge_kinds(batch, self.edge)
        tuples = self.policy.tuples(batch, kind)
        h = self.start(tuples, batch)
        if self.training and self.fraction < 1:
            tuples = Chosen(tuples, draw_roots(tuples.root_graph, self.fraction))
            h = h.index_select(0, tuples.rows)
        along = graph_messages(batch, kind)
        for layer in self.layers:
            h = layer(tuples, along, h, batch)
        return graph_means(tuples, average(tuples.of_root, h), batch.num_graphs)

    def row_graph(self, batch: Data) -> Tensor:
        return torch.arange(batch.num_graphs, device=batch["edge_index"].device)


class DS(_ESAN):
    """Subgraphs on their own, pooled as a set."""

    variant = "ds"
    layer = DSLayer
    tests = {"null": "1-WL", "edge-deleted": "FWL(3)", "node": "SWL(VS)"}


class DSS(_ESAN):
    """Subgraphs that share what they see of each node."""

    variant = "dss"
    layer = DSSLayer
    tests = {"null": "1-WL", "edge-deleted": "FWL(3)", "node": "GSWL"}


PRESETS = {
    "tu": Preset(
        source="after GIN's recipe, Xu et al., ICLR 2019, section 7; the width, depth and batch are ours",
        model={"hidden_dim": 32, "num_layers": 4},
        task={"readout_dims": (64,), "batch_size": 32},
        training={"epochs": 350, "lr": 0.01, "scheduler": "step", "step_epochs": 50},
        ours=("model.hidden_dim", "model.num_layers", "task.readout_dims", "task.batch_size"),
    ),
}
