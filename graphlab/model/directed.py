"""What models of directed graphs share: operators ready to be multiplied, pairs of rows as complex numbers, and stacks
of layers that read both directions."""

from __future__ import annotations

from abc import abstractmethod
from itertools import pairwise
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Probability, Share
from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import DataSpec
from graphlab.model.base import Model, ModelConfig, Preset, input_dim
from graphlab.model.edges import edge_weight
from graphlab.model.layered import Block
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows
from graphlab.ops.directed_operators import ComplexOperator, Operator

TABLES = ("webkb", "film", "wiki", "citation-directed")
"""Families of data sets whose published tables have settings that were searched for each data set."""


def searched_presets(*names: str) -> dict[str, Preset]:
    """Recipes of the data sets of published tables.

    Args:
        names: Settings of the model that the publication searched on validation, and whose values are thus ours.
    """
    training = ("training.epochs", "training.patience", "training.lr", "training.weight_decay")
    preset = Preset(
        source="settings searched on validation for each data set, as published; the searches are GraphLab's own",
        task={"batch_size": None},
        training={"epochs": 300, "patience": 50, "lr": 0.01, "weight_decay": 5e-4},
        ours=(*(f"model.{name}" for name in names), *training),
    )
    return dict.fromkeys(TABLES, preset)


def block_of(operator: Operator, num_nodes: int, dtype: torch.dtype) -> Block:
    """A real operator, whose `sum` multiplies rows `[num_nodes, d]` of a dtype."""
    return Block(operator.edge_index, num_nodes, operator.weight.to(dtype))


class ComplexBlock:
    """A complex operator M = R + i S on rows of complex numbers, without complex arithmetic.

    M (a + i b) = R a - S b + i (R b + S a), for `[a, b]` side by side: two products of a real operator.

    Args:
        operator: M.
        num_nodes: Number of nodes.
        dtype: Of the rows.
    """

    def __init__(self, operator: ComplexOperator, num_nodes: int, dtype: torch.dtype) -> None:
        self.real = Block(operator.edge_index, num_nodes, operator.real.to(dtype))
        self.imaginary = Block(operator.edge_index, num_nodes, operator.imaginary.to(dtype))

    def sum(self, rows: Tensor) -> Tensor:
        """Rows `[num_nodes, 2 d]`, real parts before imaginary ones, to the same."""
        crossed = self.imaginary.sum(rows)
        real, imaginary = crossed.chunk(2, dim=1)
        return self.real.sum(rows) + torch.cat([-imaginary, real], dim=1)


def require_nonnegative(weight: Tensor | None, model: str) -> None:
    """Raises IncompatibleError where a weight is negative, for operators that divide by roots of sums of weights."""
    if weight is not None and bool((weight < 0).any()):
        raise IncompatibleError(
            f"{model} takes roots of sums of edge weights, and {int((weight < 0).sum()):,} of {len(weight):,} are "
            "negative",
            hint="use weights from 0, or a model that sums messages, such as gin",
        )


class TwoWayConfig(ModelConfig):
    """hidden_dim         width of each layer
    num_layers         number of layers
    alpha              share of out-neighbours; that of in-neighbours is the rest
    jumping_knowledge  cat or max of the rows of all layers before a linear map; none: the last layer is the classifier
    normalize          whether rows are scaled to length 1 after each activation
    dropout            after each activation
    """

    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 6)] = 3
    alpha: Annotated[Share, FloatRange(0.0, 1.0)] = 0.5
    jumping_knowledge: Annotated[Literal["none", "cat", "max"], Choices()] = "cat"
    normalize: Annotated[bool, Choices((False, True))] = False
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class TwoWayModel(Model):
    """Base of stacks of layers that read the edges out of nodes and those into them, each with weights of its own.

    ReLU, dropout and, where asked for, a scaling to length 1 follow each layer. With jumping knowledge (Xu et al., ICML
    2018) a linear map of the rows of all layers gives the outputs, else the last layer does.

    A subclass gives `layer` and `edges`.
    """

    name: str
    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True

    def __init__(self, config: Any, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.out_dim = config, self.row_width(spec, config.hidden_dim)
        jumps = config.jumping_knowledge != "none"
        last = config.hidden_dim if jumps else self.out_dim
        widths = [input_dim(spec.node, self.name), *[config.hidden_dim] * (config.num_layers - 1), last]
        self.features = FeatureInput(0.0)
        self.layers = nn.ModuleList(self.layer(i, o) for i, o in pairwise(widths))
        self.read_out = None
        if jumps:
            width = config.hidden_dim * (config.num_layers if config.jumping_knowledge == "cat" else 1)
            self.read_out = nn.Linear(width, self.out_dim)
        self._both = Remembered(self._both_directions)

    @abstractmethod
    def layer(self, width: int, out_dim: int) -> nn.Module:
        """A module that maps rows `[num_nodes, width]`, which may be sparse, and what `edges` gives of both directions,
        out and in, to `[num_nodes, out_dim]`."""

    @abstractmethod
    def edges(self, edge_index: Tensor, weight: Tensor | None, num_nodes: int, dtype: torch.dtype) -> Any:
        """What a node reads along the edges that leave it."""

    @property
    def num_hops(self) -> int | None:
        return self.config.num_layers

    def forward(self, batch: Data) -> Tensor:
        x, weight = batch["x"], edge_weight(batch)
        require_nonnegative(weight, self.name)
        both = self._both(batch["edge_index"], weight, int(batch.num_nodes or 0), x.dtype)
        rows: Tensor | SparseRows = self.features(x)
        every: list[Tensor] = []
        for depth, layer in enumerate(self.layers):
            rows = layer(rows, *both)
            assert isinstance(rows, Tensor)
            if depth < len(self.layers) - 1 or self.read_out is not None:
                rows = F.dropout(rows.relu(), self.config.dropout, self.training)
                rows = F.normalize(rows, dim=1) if self.config.normalize else rows
            every.append(rows)
        if self.read_out is None:
            return every[-1]
        jumps = torch.cat(every, dim=1) if self.config.jumping_knowledge == "cat" else torch.stack(every).amax(0)
        return self.read_out(jumps)

    def _both_directions(
        self, edge_index: Tensor, weight: Tensor | None, num_nodes: int, dtype: torch.dtype
    ) -> tuple[Any, Any]:
        out = self.edges(edge_index, weight, num_nodes, dtype)
        return out, self.edges(edge_index.flip(0), weight, num_nodes, dtype)
