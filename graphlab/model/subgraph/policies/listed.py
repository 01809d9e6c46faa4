"""Policies whose subgraphs are smaller than the graph, or have edges of their own: Bevilacqua et al., ICLR 2022 (null,
node- and edge-deleted, ego-nets with and without a mark).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.model.subgraph.policies.bags import FAR, Bags, Packed, Roots, make_bags, with_isolated
from graphlab.model.subgraph.policies.crossing import crossing_edges, locate
from graphlab.model.subgraph.policies.policy import Policy, counts
from graphlab.model.subgraph.tuples import Listed, TupleData, Tuples


@dataclass(frozen=True)
class _ListedPolicy(Policy):
    """Subgraphs smaller than the graph, or with edges of their own. `messages` names what is listed beside uL.
    `isolated` is whether nodes that a subgraph lacks stay in it, without edges."""

    messages: tuple[str, ...] = ("uL",)
    isolated: bool = False

    def tuples(self, batch: Data, edge_kind: Tensor | None) -> Tuples:
        return Listed(batch, edge_kind)

    def prepare(self, graphs: Sequence[Data]) -> list[TupleData]:
        packed = Packed.of(graphs)
        roots, root_ptr = self._roots(packed)
        bags = make_bags(packed, roots)
        if self.isolated:
            bags = with_isolated(roots, bags)
        columns = self._listed(packed, roots, bags, root_ptr)
        sizes = np.stack([np.diff(bags.start[root_ptr]), np.diff(root_ptr)], axis=1).tolist()
        return [
            self.restore(graph, {name: cut(g) for name, cut in columns.items()} | counts(*sizes[g]))
            for g, graph in enumerate(graphs)
        ]

    @abstractmethod
    def _roots(self, packed: Packed) -> tuple[Roots, np.ndarray]:
        """The roots of all graphs, and where those of each graph start, int64 `[G + 1]`."""

    def _label(self, bags: Bags, roots: Roots) -> np.ndarray:
        """uint8 `[T, columns]`."""
        return np.zeros((len(bags.node), 0), np.uint8)

    def _value(self, bags: Bags, roots: Roots) -> np.ndarray | None:
        """float64 `[T, columns]`, or None where a policy has no values."""
        return None

    def _listed(self, packed: Packed, roots: Roots, bags: Bags, root_ptr: np.ndarray) -> dict[str, Any]:
        """What a graph's attributes are cut from: functions of the graph's number."""
        tuple_ptr, inner_ptr = bags.start[root_ptr], bags.edge_start[root_ptr]
        root = np.repeat(np.arange(len(roots.node)), np.diff(bags.start))

        def of_tuples(values: np.ndarray, less: np.ndarray | None = None) -> Any:
            return _cut(values, tuple_ptr, less)

        columns = {
            "tuple_label": of_tuples(self._label(bags, roots)),
            "tuple_root": of_tuples(root, root_ptr),
            "tuple_node": of_tuples(bags.node, packed.ptr),
            "root_node": _cut(roots.node, root_ptr, packed.ptr),
            "uL_target": _cut(bags.target, inner_ptr, tuple_ptr),
            "uL_source": _cut(bags.source, inner_ptr, tuple_ptr),
            "uL_edge": _cut(bags.edge, inner_ptr, packed.edge_ptr),
        }
        values = self._value(bags, roots)
        if values is not None:
            columns["tuple_value"] = of_tuples(values)
        if "vL" in self.messages:
            target, source, edge = crossing_edges(packed, bags, root)
            cross_ptr = np.searchsorted(target, tuple_ptr)
            columns |= {
                "vL_target": _cut(target, cross_ptr, tuple_ptr),
                "vL_source": _cut(source, cross_ptr, tuple_ptr),
                "vL_edge": _cut(edge, cross_ptr, packed.edge_ptr),
            }
        ends = {"vv": (bags.node, bags.node), "uu": (root, roots.node[root]), "vu": (bags.node, roots.node[root])}
        for name in set(self.messages) & ends.keys():
            columns[name] = of_tuples(locate(bags, *ends[name]), tuple_ptr)
        return columns


@dataclass(frozen=True)
class Null(_ListedPolicy):
    """The graph itself, once."""

    rooted = False

    def _roots(self, packed: Packed) -> tuple[Roots, np.ndarray]:
        first, last = packed.ptr[:-1], packed.ptr[1:]
        return Roots(first, np.full_like(first, -1), first, last, FAR), np.arange(len(packed.ptr))


@dataclass(frozen=True)
class NodeDeleted(_ListedPolicy):
    """The graph once a node, without that node."""

    rooted = False

    def _roots(self, packed: Packed) -> tuple[Roots, np.ndarray]:
        return _each_node(packed, FAR, "node"), packed.ptr


@dataclass(frozen=True)
class EdgeDeleted(_ListedPolicy):
    """The graph once an undirected edge, without that edge; a graph without edges once, as it is."""

    rooted = False

    def _roots(self, packed: Packed) -> tuple[Roots, np.ndarray]:
        there, back = packed.source * packed.num_nodes + packed.target, packed.target * packed.num_nodes + packed.source
        once = (there <= back) | ~np.isin(there, back)
        edges, root_ptr = each_edge(packed, once, FAR, "edge")
        whole, _ = Null()._roots(packed)
        bare = np.diff(root_ptr) == 0
        node, other, first, last = (
            np.insert(getattr(edges, name), root_ptr[:-1][bare], getattr(whole, name)[bare])
            for name in ("node", "other", "first", "last")
        )
        return Roots(node, other, first, last, FAR, "edge"), root_ptr + np.r_[0, np.cumsum(bare)]


@dataclass(frozen=True)
class Ego(_ListedPolicy):
    """The graph within `hops` of each node, unmarked."""

    hops: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.hops < FAR - 1:
            raise InputError(f"a subgraph cannot have {self.hops} hops", hint=f"give 1 to {FAR - 2}")

    def _roots(self, packed: Packed) -> tuple[Roots, np.ndarray]:
        return _each_node(packed, self.hops), packed.ptr


@dataclass(frozen=True)
class EgoMarked(Ego):
    """The same, with the root marked."""

    label_sizes = (2,)

    def _label(self, bags: Bags, roots: Roots) -> np.ndarray:
        return (bags.distance[:, None] == 0).astype(np.uint8)


@dataclass(frozen=True)
class EgoDistance(Ego):
    """The same, each node with its distance from the root."""

    @property
    def label_sizes(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (self.hops + 1,)

    def _label(self, bags: Bags, roots: Roots) -> np.ndarray:
        return bags.distance[:, None]


def _each_node(packed: Packed, hops: int, without: str = "") -> Roots:
    first, last = (np.repeat(side, np.diff(packed.ptr)) for side in (packed.ptr[:-1], packed.ptr[1:]))
    return Roots(np.arange(packed.num_nodes), np.full(packed.num_nodes, -1), first, last, hops, without)


def each_edge(packed: Packed, chosen: np.ndarray, hops: int, without: str = "") -> tuple[Roots, np.ndarray]:
    """The roots of the chosen edges, in their order, and where those of each graph start."""
    node, other = packed.source[chosen], packed.target[chosen]
    graph = np.searchsorted(packed.ptr, node, side="right") - 1
    root_ptr = np.r_[0, np.cumsum(chosen)][packed.edge_ptr]
    return Roots(node, other, packed.ptr[graph], packed.ptr[graph + 1], hops, without), root_ptr


def _cut(values: np.ndarray, ptr: np.ndarray, less: np.ndarray | None) -> Any:
    """From a graph's number to its part of `values`, counted from where the graph starts in what they point to."""

    def cut(g: int) -> Tensor:
        part = values[ptr[g] : ptr[g + 1]]
        return torch.from_numpy(part if less is None else part - less[g])

    return cut
