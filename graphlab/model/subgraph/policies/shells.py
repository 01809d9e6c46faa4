"""Policies whose labels are read off each subgraph alone: shells around its roots, and resistances. Zhang and Li,
NeurIPS 2021; Huang et al., ICLR 2023; as the code published with I2-GNN labels nodes.

A node at distance d of a root, in the subgraph, has the labels

    d + 1, and d + 1 again where two or more edges lead to it from nodes at distance d - 1, else 0

Labels of a second root count on from those of the first: they are larger by hops + 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphlab.data import connectivity
from graphlab.model.subgraph.policies.bags import FAR, Bags, Packed, Roots
from graphlab.model.subgraph.policies.crossing import locate
from graphlab.model.subgraph.policies.listed import Ego, each_edge
from graphlab.ops.compiled import kept

NUM_LABELS = 100
"""Rows of the tables that labels are looked up in, as published."""


@dataclass(frozen=True)
class EgoShells(Ego):
    """The graph within `hops` of each node, with labels of shells around the root, and with `resistance` the resistance
    from the root in the subgraph."""

    resistance: bool = False
    num_roots_seen = 1

    @property
    def label_sizes(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (NUM_LABELS,) * (2 * self.num_roots_seen)

    @property
    def num_values(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.num_roots_seen if self.resistance else 0

    def _seen_from(self, bags: Bags, roots: Roots) -> list[np.ndarray]:
        """The tuples of the nodes that shells are around, one or two a subgraph."""
        root = np.arange(len(roots.node))
        return [locate(bags, root, roots.node)]

    def _label(self, bags: Bags, roots: Roots) -> np.ndarray:
        pairs = [
            _shells(bags.start, bags.edge_start, bags.target, bags.source, at) for at in self._seen_from(bags, roots)
        ]
        return np.concatenate([pair + k * (self.hops + 3) for k, pair in enumerate(pairs)], axis=1).astype(np.uint8)

    def _value(self, bags: Bags, roots: Roots) -> np.ndarray | None:
        return _resistances(bags, roots, self._seen_from(bags, roots)) if self.resistance else None


@dataclass(frozen=True)
class NeighbourShells(EgoShells):
    """The graph within `hops` of each node, once for each neighbour, with shells around both and resistances from both.
    A node without neighbours has one such subgraph, in which it is its own neighbour."""

    rooted = False
    num_roots_seen = 2

    def _roots(self, packed: Packed) -> tuple[Roots, np.ndarray]:
        edges, _ = each_edge(packed, packed.source != packed.target, self.hops)
        graph = np.repeat(np.arange(len(packed.ptr) - 1), np.diff(packed.ptr))
        alone = np.setdiff1d(np.arange(packed.num_nodes), edges.node)
        node = np.r_[edges.node, alone]
        order = np.argsort(graph[node], kind="stable")
        other = np.r_[edges.other, alone][order]
        counts = np.bincount(graph[node], minlength=len(packed.ptr) - 1)
        node = node[order]
        first, last = packed.ptr[graph[node]], packed.ptr[graph[node] + 1]
        return Roots(node, other, first, last, self.hops), np.r_[0, np.cumsum(counts)]

    def _seen_from(self, bags: Bags, roots: Roots) -> list[np.ndarray]:
        root = np.arange(len(roots.node))
        return [locate(bags, root, roots.node), locate(bags, root, roots.other)]


def _resistances(bags: Bags, roots: Roots, seen_from: list[np.ndarray]) -> np.ndarray:
    """Resistances in each subgraph, float64 `[T, roots seen from]`; subgraphs of one node are one after the other."""
    out = np.zeros((len(bags.node), len(seen_from)))
    matrix, of = np.zeros((0, 0)), -1
    for r, node in enumerate(roots.node):
        first, last = bags.start[r], bags.start[r + 1]
        if node != of:
            inner = slice(bags.edge_start[r], bags.edge_start[r + 1])
            adjacency = np.zeros((last - first, last - first), bool)
            adjacency[bags.source[inner] - first, bags.target[inner] - first] = True
            adjacency |= adjacency.T
            np.fill_diagonal(adjacency, False)
            matrix, of = connectivity.resistances(adjacency), node
        for k, at in enumerate(seen_from):
            out[first:last, k] = matrix[at[r] - first]
    return out


@kept()
def _shells(start, edge_start, target, source, at):
    """The two labels of each tuple, int64 `[T, 2]`; edges of a subgraph are in the order of their sources."""
    labels = np.zeros((start[-1], 2), np.int64)
    for r in range(len(at)):
        first, size = start[r], start[r + 1] - start[r]
        begin, end = edge_start[r], edge_start[r + 1]
        leaving = np.zeros(size + 1, np.int64)
        for e in range(begin, end):
            leaving[source[e] - first + 1] += 1
        leaving = leaving.cumsum()
        distance = np.full(size, FAR, np.int64)
        queue, length, place = np.empty(size, np.int64), 1, 0
        queue[0], distance[at[r] - first] = at[r] - first, 0
        arrivals = np.zeros(size, np.int64)
        while place < length:
            v = queue[place]
            place += 1
            for e in range(begin + leaving[v], begin + leaving[v + 1]):
                w = target[e] - first
                if distance[w] == FAR:
                    distance[w] = distance[v] + 1
                    queue[length] = w
                    length += 1
                arrivals[w] += distance[w] == distance[v] + 1
        for v in range(size):
            labels[first + v, 0] = distance[v] + 1
            labels[first + v, 1] = distance[v] + 1 if arrivals[v] > 1 else 0
    return labels
