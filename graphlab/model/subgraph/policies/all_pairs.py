"""Policies that keep the whole graph once a node: Zhang et al., ICML 2023 (node marking, distance encoding)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.model.subgraph.policies.bags import FAR, Packed, distances
from graphlab.model.subgraph.policies.policy import Policy, counts
from graphlab.model.subgraph.policies.resistance import resistances
from graphlab.model.subgraph.tuples import AllPairs, TupleData


@dataclass(frozen=True)
class _AllPairsPolicy(Policy):
    """Every pair of nodes, a subgraph a node."""

    def tuples(self, batch: Data, edge_kind: Tensor | None) -> AllPairs:
        ptr = batch["ptr"] if "ptr" in batch else batch["edge_index"].new_tensor([0, int(batch.num_nodes or 0)])
        return AllPairs(ptr, batch["edge_index"], edge_kind)

    def prepare(self, graphs: Sequence[Data]) -> list[TupleData]:
        sizes = [int(graph.num_nodes or 0) for graph in graphs]
        columns = self._columns(graphs)
        squares = [n * n for n in sizes]
        parts = {name: values.split(squares) for name, values in columns.items()}
        return [
            self.restore(graph, {name: rows[g] for name, rows in parts.items()} | counts(squares[g], sizes[g]))
            for g, graph in enumerate(graphs)
        ]

    @abstractmethod
    def _columns(self, graphs: Sequence[Data]) -> dict[str, Tensor]:
        """What is said of the pairs of all graphs, `[sum of n^2, columns]` each."""


@dataclass(frozen=True)
class NodeMarked(_AllPairsPolicy):
    """The graph once a node, with that node marked."""

    label_sizes = (2,)

    def _columns(self, graphs: Sequence[Data]) -> dict[str, Tensor]:
        marks = [torch.eye(int(graph.num_nodes or 0), dtype=torch.uint8).view(-1, 1) for graph in graphs]
        return {"tuple_label": torch.cat([torch.zeros(0, 1, dtype=torch.uint8), *marks])}


@dataclass(frozen=True)
class Distance(_AllPairsPolicy):
    """The graph once a node, each node with its distance from that one: min(distance, cap), cap + 1 for no path."""

    cap: int = 5

    def __post_init__(self) -> None:
        if not 1 <= self.cap < FAR - 1:
            raise InputError(f"distances cannot be capped at {self.cap}", hint=f"give a cap from 1 to {FAR - 2}")

    @property
    def label_sizes(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (self.cap + 2,)

    def _columns(self, graphs: Sequence[Data]) -> dict[str, Tensor]:
        return {"tuple_label": torch.from_numpy(distances(Packed.of(graphs), self.cap)).unsqueeze(1)}


@dataclass(frozen=True)
class Resistance(_AllPairsPolicy):
    """The graph once a node, each node with its resistance distance from that one; the label says if none is finite."""

    label_sizes = (2,)
    num_values = 1

    def _columns(self, graphs: Sequence[Data]) -> dict[str, Tensor]:
        none = torch.zeros(0, dtype=torch.float64)
        values = torch.cat([none, *(resistances(graph).flatten() for graph in graphs)]).unsqueeze(1)
        apart = values.isinf()
        return {"tuple_label": apart.to(torch.uint8), "tuple_value": values.masked_fill(apart, 0).float()}
