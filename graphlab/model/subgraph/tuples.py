"""Tuples (u, v): node v as the subgraph of root u sees it. Zhang et al., ICML 2023, sec. 3.

Two carriers with one meaning. All pairs of each graph are laid out in blocks, row u n + v of a graph of n nodes, and
nothing is kept of them but n: who hears of whom follows from the graph's edges. Where subgraphs are smaller than the
graph, tuples are listed, those of one root together, and so are their messages.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.ops.tuple_spmm import Messages, View

Local = Literal["uL", "vL"]
Point = Literal["vu", "uu", "vv"]


class TupleData(Data):
    """A graph with its tuples, as PyG batches it.

    tuple_label   uint8 `[T, columns]`, what a policy says of each tuple; tuple_value float32 `[T, columns]`, likewise
    num_tuples    int64 `[1]`; num_roots likewise
    Where tuples are listed also, all int64:
    tuple_root, tuple_node    `[T]`; root_node `[R]`, the node that a root is, or its first one
    uL_target, uL_source      `[M]`, tuples; uL_edge `[M]`, the edge that the message goes along; the same for vL
    vv, uu, vu                `[T]`, the tuple (v, v), (u, u), (v, u) of each tuple
    """

    def __inc__(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        if key == "tuple_root":
            return self["num_roots"]
        if key in ("tuple_node", "root_node"):
            return self.num_nodes
        if key in ("vv", "uu", "vu") or key.endswith(("L_target", "L_source")):
            return self["num_tuples"]
        if key.endswith("L_edge"):
            return self.num_edges
        return super().__inc__(key, value, *args, **kwargs)

    def __cat_dim__(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        return 0 if key.startswith("tuple_") else super().__cat_dim__(key, value, *args, **kwargs)


class Tuples(ABC):
    """The T tuples of a batch of graphs.

    root, node   int64 `[T]`
    root_graph   int64 `[R]`, the graph of each root
    num_nodes    nodes of all graphs
    """

    root: Tensor
    node: Tensor
    root_graph: Tensor
    root_node: Tensor
    num_nodes: int

    def __init__(self) -> None:
        self._made: dict[str, Messages] = {}

    @property
    def num_tuples(self) -> int:
        return len(self.root)

    @property
    def num_roots(self) -> int:
        return len(self.root_graph)

    def messages(self, name: Local | Point) -> Messages:
        """Messages of tuples to tuples; those of local aggregations are of the kinds of the edges they go along.

        uL: (u, w) to (u, v) along w -> v; vL: (w, v) to (u, v) along w -> u; vu, uu, vv: (v, u), (u, u), (v, v) to
        (u, v).
        """
        if name not in self._made:
            self._made[name] = self._local(name) if name in ("uL", "vL") else self._gather(self._point(name))
        return self._made[name]

    @cached_property
    def _every(self) -> Tensor:
        return torch.arange(self.num_tuples, device=self.root.device)

    @cached_property
    def of_root(self) -> Messages:
        """Every tuple (u, v) to root u."""
        return Messages.of_pairs(self.root, self._every, self.num_roots, self.num_tuples)

    @cached_property
    def of_node(self) -> Messages:
        """Every tuple (u, v) to node v."""
        return Messages.of_pairs(self.node, self._every, self.num_nodes, self.num_tuples)

    @abstractmethod
    def _local(self, name: Any) -> Messages: ...

    @abstractmethod
    def _point(self, name: Any) -> Tensor:
        """The tuple that each one hears of, int64 `[T]`."""

    def _gather(self, source: Tensor) -> Messages:
        return Messages.of_pairs(self._every, source, self.num_tuples, self.num_tuples)


class AllPairs(Tuples):
    """Every pair of nodes of each graph: T is the sum of n^2.

    Args:
        ptr: int64 `[G + 1]`, where the nodes of each graph start.
        edge_index: int64 `[2, E]`.
        edge_kind: int64 `[E]`, or None.

    Attributes:
        size: int64 `[G]`, the nodes of each graph.
    """

    def __init__(self, ptr: Tensor, edge_index: Tensor, edge_kind: Tensor | None) -> None:
        super().__init__()
        self.edge_index, self._kind = edge_index, edge_kind
        size = ptr.diff()
        self.num_nodes = int(ptr[-1])
        self.root_graph = torch.repeat_interleave(size)
        self.root_node = torch.arange(self.num_nodes, device=ptr.device)
        n = size[self.root_graph]
        self.root = torch.repeat_interleave(n)
        row_start = n.cumsum(0) - n
        first = ptr[self.root_graph]
        place = torch.arange(len(self.root), device=ptr.device) - row_start[self.root]
        self.node = place + first[self.root]
        self.size, self._row_start, self._first_of = size, row_start, first
        self._n, self._first = n[self.root], first[self.root]
        self._block = (row_start - (self.root_node - first) * n)[self.root]

    def place(self, root: Tensor, node: Tensor) -> Tensor:
        """The tuple of each root and node, both of one graph and counted over all graphs."""
        return self._row_start[root] + node - self._first_of[root]

    def _local(self, name: Local) -> Messages:
        own = self.root - self._first, self.node - self._first
        if name == "uL":
            base, stride = self._block + own[0] * self._n - self._first, torch.ones_like(self._n)
        else:
            base, stride = self._block + own[1] - self._first * self._n, self._n
        row = self.node if name == "uL" else self.root
        view = View(row.int(), base.int(), stride.int())
        source, target = self.edge_index
        return Messages.of_views(target, source, self.num_nodes, view, self._kind)

    def _point(self, name: Point) -> Tensor:
        u, v = self.root - self._first, self.node - self._first
        first, second = {"vu": (v, u), "uu": (u, u), "vv": (v, v)}[name]
        return self._block + first * self._n + second


class Listed(Tuples):
    """Tuples as a batch of `TupleData` lists them."""

    def __init__(self, batch: Data, edge_kind: Tensor | None) -> None:
        super().__init__()
        self._batch, self._kind = batch, edge_kind
        self.root, self.node, self.root_node = batch["tuple_root"], batch["tuple_node"], batch["root_node"]
        self.num_nodes = int(batch.num_nodes or 0)
        self.root_graph = torch.repeat_interleave(batch["num_roots"])

    def _local(self, name: Local) -> Messages:
        target, source, edge = (self._batch[f"{name}_{part}"] for part in ("target", "source", "edge"))
        kind = None if self._kind is None else self._kind[edge]
        return Messages.of_pairs(target, source, self.num_tuples, self.num_tuples, kind)

    def _point(self, name: Point) -> Tensor:
        return self._batch[name]
