"""A model of the algebra: a policy, layers of aggregations, a pooling. Zhang et al., ICML 2023."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.config import Choices, IntRange, PositiveInt
from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import DataSpec
from graphlab.model.base import Model, ModelConfig
from graphlab.model.subgraph.aggregation import ROOTED, Aggregation
from graphlab.model.subgraph.inputs import Columns, NodeInput, edge_kinds
from graphlab.model.subgraph.layer import Layer
from graphlab.model.subgraph.policies import Distance, NodeMarked, Policy, Resistance
from graphlab.model.subgraph.tuples import Tuples
from graphlab.ops.tuple_spmm import tuple_spmm

Pooling = Literal["VS", "SV"]


class TupleInput(nn.Module):
    """What a tuple starts as: its node's vector and its label's, `[T, dim]`. Zhang et al., ICML 2023, appendix G."""

    def __init__(self, policy: Policy, spec: DataSpec, dim: int) -> None:
        super().__init__()
        self.node = NodeInput(spec.node, dim)
        self.label = Columns(policy.label_sizes, dim) if policy.label_sizes else None
        self.value = nn.Linear(policy.num_values, dim) if policy.num_values else None

    def forward(self, tuples: Tuples, batch: Data) -> Tensor:
        h = self.node(batch).index_select(0, tuples.node)
        if self.label is not None:
            h = h + self.label(batch["tuple_label"])
        return h if self.value is None else h + self.value(batch["tuple_value"].to(next(self.value.parameters()).dtype))


class Readout(nn.Module):
    """Tuples to rows by a layer without self term: relu(BN(MLP(sum))), the sum over each root's tuples (VS, uG) or
    each node's (SV, vG).

    Its normalisation counts a root or node once, where the code published with it counts one of a graph of n nodes n
    times while training: outputs in evaluation are equal, those of a batch in training differ by .005 to .03 where
    graphs differ in size.
    """

    def __init__(self, pooling: Pooling, dim: int) -> None:
        super().__init__()
        self.pooling = pooling
        self.mlp = nn.Sequential(nn.Linear(dim, dim), nn.BatchNorm1d(dim), nn.ReLU(), nn.Linear(dim, dim))
        self.norm = nn.BatchNorm1d(dim)

    def forward(self, tuples: Tuples, h: Tensor) -> Tensor:
        pooled = tuple_spmm(tuples.of_root if self.pooling == "VS" else tuples.of_node, h)
        return self.norm(self.mlp(pooled)).relu()


class SubgraphConfig(ModelConfig):
    """hidden_dim     width of a tuple's vector
    num_layers     layers
    policy         what tells a subgraph's nodes from its root: distance, node-marked or resistance
    max_distance   distance: longer ones count as this
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 96
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 6
    policy: Annotated[Literal["distance", "node-marked", "resistance"], Choices()] = "distance"
    max_distance: Annotated[PositiveInt, IntRange(1, 10)] = 5


class SubgraphNetwork(Model):
    """Base of the models that are a policy, layers of aggregations and a pooling.

    batch: graphs as the policy prepares them -> `[num_nodes, hidden_dim]`, a row a root (VS) or a node (SV).

    Layers have one set of aggregations, `aggregations`, unless a subclass says in `sets` what each of them has.
    """

    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    aggregations: ClassVar[tuple[Aggregation, ...]]
    pooling: ClassVar[Pooling] = "VS"

    def __init__(self, config: SubgraphConfig, spec: DataSpec) -> None:
        super().__init__()
        self.policy = self.preparation(config)
        sets = self.sets(config)
        missing = [name for name in ROOTED if any(name in terms for terms in sets) and not self.policy.rooted]
        if missing:
            raise IncompatibleError(
                f"{', '.join(missing)} needs roots that are nodes, and those of {self.policy} are not",
                hint="choose another policy, or a model without these aggregations",
            )
        dim = config.hidden_dim
        self.edge = spec.edge
        self.start = TupleInput(self.policy, spec, dim)
        self.layers = nn.ModuleList(Layer(terms, dim, spec.edge) for terms in sets)
        self.readout = Readout(self.pooled(config), dim)
        self.out_dim = dim

    @classmethod
    def sets(cls, config: SubgraphConfig) -> tuple[tuple[Aggregation, ...], ...]:
        """The aggregations of each layer."""
        return (cls.aggregations,) * config.num_layers

    @classmethod
    def pooled(cls, config: SubgraphConfig) -> Pooling:
        """How tuples are pooled."""
        return cls.pooling

    @classmethod
    def preparation(cls, config: SubgraphConfig) -> Policy:
        match config.policy:
            case "distance":
                return Distance(config.max_distance)
            case "node-marked":
                return NodeMarked()
            case "resistance":
                return Resistance()

    def forward(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, edge_kinds(batch, self.edge))
        h = self.start(tuples, batch)
        for layer in self.layers:
            h = layer(tuples, h, batch)
        return self.readout(tuples, h)
