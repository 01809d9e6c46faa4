"""Equivariant subgraph aggregation networks. Bevilacqua et al., ICLR 2022: DS-GNN (sec. 2.1) and DSS-GNN (eq. 3).

DS:   h[u] <- relu(BN(GIN(h[u], A_u)))
      z[u] = sum over nodes of all layers' h[u] and of the input, side by side
      z[u] <- ELU(linear(z[u])), once for each of `channels`; a graph is the mean of its z, through as many more
DSS:  h[u] <- relu(BN(GIN(h[u], A_u)) + BN(GIN'(mean over u of h[u], A)))
      a graph is the mean over its subgraphs of the mean over their nodes

with A_u the subgraph of root u. Every subgraph has all nodes of the graph: a node that was deleted, or that is not in
an ego network, stays with its features and without edges, and counts in sums, means and norms. Marks, [1, 0] of a root
and [0, 1] of other nodes, stand in front of the features, so that the first layer is wider by two.

In the networks of the authors for TU data (`set_encoder` equivariant) a map is ELU(W z[u] + W' mean over u of z[u]),
and the mean comes last.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt
from graphlab.data.spec import DataSpec, Features
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.subgraph.convolution import Convolution, average, graph_means, graph_messages
from graphlab.model.subgraph.inputs import MarkedInput, edge_kinds
from graphlab.model.subgraph.policies import EdgeDeleted, Ego, EgoMarked, NodeDeleted, NodeMarked, Null, Policy
from graphlab.model.subgraph.sampling import Chosen, draw_roots
from graphlab.model.subgraph.tuples import Tuples
from graphlab.ops.tuple_spmm import Messages, tuple_spmm

ZINC = Preset(
    source="appendix D, and the configurations published with the code: 2 hops with marks, 4 layers of width 64",
    model={"hidden_dim": 64, "num_layers": 4, "hops": 2, "policy": "ego-marked"},
    task={"batch_size": 128},
    training={"epochs": 400, "lr": 0.001, "scheduler": "plateau", "gamma": 0.5},
    ours=("training.step_epochs",),
)


class Config(ModelConfig):
    """policy       the bag of subgraphs
    hops         of ego and ego-marked
    channels     of DS, widths of the maps of subgraphs
    set_encoder  of DS: whether the mean over subgraphs stands between maps of each and of it, or each map sees both
    train_eps    whether the eps of convolutions are learned, or stay 0
    fraction     share of a graph's subgraphs that a step of training sees; evaluation sees all
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 4
    policy: Annotated[
        Literal["node-deleted", "edge-deleted", "node-marked", "ego", "ego-marked", "null"], Choices()
    ] = "ego-marked"
    hops: Annotated[PositiveInt, IntRange(1, 5)] = 2
    channels: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)] = (96,)
    set_encoder: Literal["invariant", "equivariant"] = "invariant"
    train_eps: bool = True
    fraction: Annotated[float, Field(gt=0, le=1), FloatRange(0.05, 1.0)] = 1.0


class DSLayer(nn.Module):
    """A convolution in each subgraph on its own: h `[T, width]` -> `[T, dim]`."""

    def __init__(self, width: int, dim: int, edge: Features | None, train_eps: bool) -> None:
        super().__init__()
        self.inside = Convolution(dim, edge, width, train_eps)
        self.norm = nn.BatchNorm1d(dim)

    def forward(self, tuples: Tuples, along: Messages, h: Tensor, batch: Data) -> Tensor:
        return self.norm(self.inside(tuples.messages("uL"), h, batch)).relu()


class DSSLayer(DSLayer):
    """And one over the whole graph, of what the subgraphs see of each node on average."""

    def __init__(self, width: int, dim: int, edge: Features | None, train_eps: bool) -> None:
        super().__init__(width, dim, edge, train_eps)
        self.shared = Convolution(dim, edge, width, train_eps)
        self.shared_norm = nn.BatchNorm1d(dim)

    def forward(self, tuples: Tuples, along: Messages, h: Tensor, batch: Data) -> Tensor:
        inside = self.norm(self.inside(tuples.messages("uL"), h, batch))
        shared = self.shared_norm(self.shared(along, average(tuples.of_node, h), batch))
        return (inside + shared.index_select(0, tuples.node)).relu()


class InvariantSet(nn.Module):
    """Maps of each subgraph, the mean over those of a graph, maps of the mean: z `[R, width]` -> `[graphs, dim]`."""

    def __init__(self, width: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.each = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise([width, *channels]))
        self.whole = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise([channels[-1], *channels]))

    def forward(self, tuples: Tuples, z: Tensor, num_graphs: int) -> Tensor:
        for linear in self.each:
            z = F.elu(linear(z))
        z = graph_means(tuples, z, num_graphs)
        for linear in self.whole:
            z = F.elu(linear(z))
        return z


class EquivariantSet(nn.Module):
    """Maps of each subgraph and of the mean over those of its graph, and the mean at the end: z `[R, width]` ->
    `[graphs, dim]`. Zaheer et al., Deep Sets, NeurIPS 2017, section 3.1."""

    def __init__(self, width: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.each = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise([width, *channels]))
        self.whole = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise([width, *channels]))

    def forward(self, tuples: Tuples, z: Tensor, num_graphs: int) -> Tensor:
        for each, whole in zip(self.each, self.whole, strict=True):
            of_graph = whole(graph_means(tuples, z, num_graphs))
            z = F.elu(each(z) + of_graph.index_select(0, tuples.root_graph))
        return graph_means(tuples, z, num_graphs)


class _ESAN(Model, ABC):
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
    version = 2
    layer: ClassVar[type[DSLayer]]
    tests: ClassVar[dict[str, str]]

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.policy, self.fraction, self.edge = self.preparation(config), config.fraction, spec.edge
        self.start = MarkedInput(spec.node, dim, bool(self.policy.label_sizes))
        widths = [self.start.out_dim, *[dim] * (config.num_layers - 1)]
        self.layers = nn.ModuleList(self.layer(width, dim, spec.edge, config.train_eps) for width in widths)

    @classmethod
    def preparation(cls, config: Config) -> Policy:
        match config.policy:
            case "node-deleted":
                return NodeDeleted(isolated=True)
            case "edge-deleted":
                return EdgeDeleted()
            case "node-marked":
                return NodeMarked()
            case "ego":
                return Ego(hops=config.hops, isolated=True)
            case "ego-marked":
                return EgoMarked(hops=config.hops, isolated=True)
            case "null":
                return Null()

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return cls.tests.get(config.policy, cls.tests["node"])

    def forward(self, batch: Data) -> Tensor:
        kind = edge_kinds(batch, self.edge)
        tuples = self.policy.tuples(batch, kind)
        h = self.start(tuples.node, batch, self.layers)
        if self.training and self.fraction < 1:
            tuples = Chosen(tuples, draw_roots(tuples.root_graph, self.fraction))
            h = h.index_select(0, tuples.rows)
        along = graph_messages(batch, kind)
        states = [h]
        for layer in self.layers:
            states.append(layer(tuples, along, states[-1], batch))
        return self.rows_of(tuples, states, batch.num_graphs)

    @abstractmethod
    def rows_of(self, tuples: Tuples, states: Sequence[Tensor], num_graphs: int) -> Tensor:
        """Graphs as rows, `[num_graphs, out_dim]`, of the input and what each layer gives, `[T, width]` each."""

    def row_graph(self, batch: Data) -> Tensor:
        return torch.arange(batch.num_graphs, device=batch["edge_index"].device)


class DS(_ESAN):
    """Subgraphs on their own, pooled as a set."""

    variant = "ds"
    layer = DSLayer
    tests = {"null": "1-WL", "edge-deleted": "FWL(3)", "node": "SWL(VS)"}
    presets = {
        "zinc": replace(ZINC, model={**ZINC.model, "channels": (96,)}, task={**ZINC.task, "readout_dims": (192,)})
    }

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        width = self.start.out_dim + config.num_layers * config.hidden_dim
        encoder = InvariantSet if config.set_encoder == "invariant" else EquivariantSet
        self.encoder = encoder(width, config.channels)
        self.out_dim = config.channels[-1]

    def rows_of(self, tuples: Tuples, states: Sequence[Tensor], num_graphs: int) -> Tensor:
        return self.encoder(tuples, tuple_spmm(tuples.of_root, torch.cat(list(states), dim=1)), num_graphs)


class DSS(_ESAN):
    """Subgraphs that share what they see of each node."""

    variant = "dss"
    layer = DSSLayer
    tests = {"null": "1-WL", "edge-deleted": "FWL(3)", "node": "GSWL"}
    presets = {"zinc": replace(ZINC, task={**ZINC.task, "readout_dims": (128,)})}

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.out_dim = config.hidden_dim

    def rows_of(self, tuples: Tuples, states: Sequence[Tensor], num_graphs: int) -> Tensor:
        return graph_means(tuples, average(tuples.of_root, states[-1]), num_graphs)


PRESETS = {
    "tu": Preset(
        source="after GIN's recipe, Xu et al., ICLR 2019, section 7; width, depth, channels and batch are ours",
        model={
            "hidden_dim": 32,
            "num_layers": 4,
            "channels": (32, 32),
            "set_encoder": "equivariant",
            "train_eps": False,
        },
        task={"readout_dims": (64,), "batch_size": 32},
        training={"epochs": 350, "lr": 0.01, "scheduler": "step", "step_epochs": 50},
        ours=("model.hidden_dim", "model.num_layers", "model.channels", "task.readout_dims", "task.batch_size"),
    ),
}
