"""Heads: from a model's rows to predictions at a location.

A task puts one on each model but those whose rows are the outputs themselves; see `Model.output_items`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, Literal

import torch.nn as nn
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.nn import global_add_pool, global_max_pool, global_mean_pool

from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import DataSpec, Location
from graphlab.model.base import Model

Norm = Literal["none", "batch"]
Activation = Literal["relu", "elu"]
ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "elu": nn.ELU}

POOLS = {"sum": global_add_pool, "mean": global_mean_pool, "max": global_max_pool}


class Readout(nn.Module):
    """A model's rows `[rows, d]`, pooled graph by graph, through an MLP: `[num_graphs, num_outputs]`.

    Pooled in float64, in which the order of the rows makes no difference to float32.

    Args:
        model: What gives the rows.
        num_outputs: Of each prediction.
        pooling: Of the rows of a graph.
        hidden: Widths of the MLP between rows and outputs.
        norm: After each hidden map, which then has no bias: "batch" for batch normalisation.
        activation: Of hidden layers.
    """

    reads: ClassVar[str] = "pooled rows"

    def __init__(
        self,
        model: Model,
        num_outputs: int,
        pooling: str = "mean",
        hidden: Sequence[int] = (),
        norm: Norm = "none",
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.pooling, self.pool = pooling, POOLS[pooling]
        self.row_graph = model.row_graph
        widths = [model.out_dim, *hidden, num_outputs]
        *inner, outer = pairwise(widths)
        layers = [part for widths in inner for part in _hidden_layer(*widths, norm, activation)]
        self.mlp = nn.Sequential(*layers, nn.Linear(*outer))

    def forward(self, rows: Tensor, batch: Data) -> Tensor:
        pooled = self.pool(rows.double(), self.row_graph(batch), batch.num_graphs)
        return self.mlp(pooled.to(rows.dtype))


def _hidden_layer(before: int, after: int, norm: Norm, activation: Activation) -> list[nn.Module]:
    normalised: list[nn.Module] = [nn.BatchNorm1d(after)] if norm == "batch" else []
    return [nn.Linear(before, after, bias=not normalised), *normalised, ACTIVATIONS[activation]()]


class RowReadout(Readout):
    """Each row through an MLP: `[rows, num_outputs]`."""

    reads = "rows"

    def forward(self, rows: Tensor, batch: Data) -> Tensor:
        return self.mlp(rows)


class EdgeReadout(Readout):
    """Products of the rows of both ends through an MLP: `[num_edges, num_outputs]`, alike in both directions."""

    reads = "pairs of rows"

    def forward(self, rows: Tensor, batch: Data) -> Tensor:
        source, target = batch["edge_index"]
        return self.mlp(rows[source] * rows[target])


class Outputs(nn.Module):
    """The rows as they are."""

    def forward(self, rows: Tensor, batch: Data) -> Tensor:
        return rows


READOUTS: dict[Location, type[Readout]] = {"graph": Readout, "node": RowReadout, "edge": EdgeReadout}


def make_head(
    model: Model,
    spec: DataSpec,
    pooling: str = "mean",
    hidden: Sequence[int] = (),
    norm: Norm = "none",
    activation: Activation = "relu",
) -> nn.Module:
    """The head that gives the outputs of a spec at nodes, edges or graphs.

    Args:
        model: What gives the rows.
        spec: Of the data; its output says where predictions are, and how many numbers each has.
        pooling: From rows of nodes to rows of graphs: sum, mean or max.
        hidden: Widths of the layers between the rows and the outputs.
        norm: After each hidden map, which then has no bias.
        activation: Of hidden layers.

    Raises:
        IncompatibleError: Nodes or edges are asked about, and the rows of the model are of something else.
    """
    location = spec.output.location
    if location in model.row_locations - {"node"}:
        return RowReadout(model, spec.output.size, pooling, hidden, norm, activation)
    if location != "graph" and type(model).row_graph is not Model.row_graph and spec.items == "graphs":
        raise IncompatibleError(
            f"the data are about {location}s, and the rows of {type(model).__name__} are not nodes",
            hint="choose a model that gives a row a node",
        )
    if spec.items in model.output_items:
        return Outputs()
    return READOUTS[location](model, spec.output.size, pooling, hidden, norm, activation)
