"""Bags of subgraphs, listed: one compiled pass counts the tuples and inner edges of each root, a second writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch_geometric.data import Data

from graphlab.ops.compiled import counting_sort, kept
from graphlab.ops.threads import for_each, shares

FAR = 255
"""The distance of what is not reached, and of what is farther than 254."""


@dataclass(frozen=True)
class Packed:
    """Graphs end to end: nodes `ptr[g]` to `ptr[g + 1]` and edges `edge_ptr[g]` to `edge_ptr[g + 1]` are those of g.

    start, order  compressed rows by source: the edges that leave node v are `order[start[v]:start[v + 1]]`
    target        int64 `[E]`, the node that each edge leads to
    """

    ptr: np.ndarray
    edge_ptr: np.ndarray
    source: np.ndarray
    target: np.ndarray
    start: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, graphs: Sequence[Data]) -> Packed:
        ptr = np.cumsum([0, *(int(graph.num_nodes or 0) for graph in graphs)])
        edge_ptr = np.cumsum([0, *(graph.num_edges for graph in graphs)])
        none = torch.zeros(2, 0, dtype=torch.int64)
        edges = torch.cat([none, *(graph["edge_index"] for graph in graphs)], dim=1).numpy()
        source, target = edges + np.repeat(ptr[:-1], np.diff(edge_ptr))
        start, order = counting_sort(source, int(ptr[-1]))
        return cls(ptr, edge_ptr, source, target, start, order)

    @property
    def num_nodes(self) -> int:
        return int(self.ptr[-1])


@dataclass(frozen=True)
class Roots:
    """What each root's subgraph is.

    node     int64 `[R]`, where it is looked at from
    other    int64 `[R]`, a second node that the subgraph is about, or -1
    first, last  int64 `[R]`, the nodes of its graph
    hops     farthest distance from `node`, FAR for all nodes of the graph
    without  node or edge: whether `node` is left out, or the edges between `node` and `other`; else empty
    """

    node: np.ndarray
    other: np.ndarray
    first: np.ndarray
    last: np.ndarray
    hops: int
    without: str = ""


@dataclass(frozen=True)
class Bags:
    """Listed subgraphs of R roots.

    start      int64 `[R + 1]`, where the tuples of each root start; those of one root are in the order of their nodes
    node       int64 `[T]`
    distance   uint8 `[T]`, from the root's node; FAR where subgraphs have all nodes, however far
    edge_start int64 `[R + 1]`, where the inner edges of each root start
    target, source  int64 `[M]`, tuples; edge int64 `[M]`, its number among all edges
    """

    start: np.ndarray
    node: np.ndarray
    distance: np.ndarray
    edge_start: np.ndarray
    target: np.ndarray
    source: np.ndarray
    edge: np.ndarray


def make_bags(graphs: Packed, roots: Roots) -> Bags:
    """The subgraphs of all roots, on as many threads as torch uses."""
    num_roots = len(roots.node)
    counts = np.zeros((2, num_roots + 1), np.int64)
    shape = (graphs.start, graphs.order, graphs.target, graphs.num_nodes)
    asked = (roots.node, roots.other, roots.first, roots.last, roots.hops, ("", "node", "edge").index(roots.without))
    for_each(lambda part: _count(shape, asked, counts, *part), shares(num_roots))
    start, edge_start = counts.cumsum(axis=1)
    num_tuples, num_inner = int(start[-1]), int(edge_start[-1])
    bags = Bags(
        start,
        np.empty(num_tuples, np.int64),
        np.zeros(num_tuples, np.uint8),
        edge_start,
        *(np.empty(num_inner, np.int64) for _ in range(3)),
    )
    out = (start, bags.node, bags.distance, edge_start, bags.target, bags.source, bags.edge)
    for_each(lambda part: _write(shape, asked, out, *part), shares(num_roots))
    return bags


def with_isolated(roots: Roots, bags: Bags) -> Bags:
    """The same subgraphs, each with all nodes of its graph: those that it lacks are there without edges, at distance
    FAR."""
    size = roots.last - roots.first
    start = np.cumsum(np.r_[0, size])
    node = np.arange(start[-1]) + np.repeat(roots.first - start[:-1], size)
    place = bags.node + np.repeat(start[:-1] - roots.first, np.diff(bags.start))
    distance = np.full(len(node), FAR, np.uint8)
    distance[place] = bags.distance
    return replace(
        bags, start=start, node=node, distance=distance, target=place[bags.target], source=place[bags.source]
    )


def distances(graphs: Packed, cap: int) -> np.ndarray:
    """min(distance, cap) of all pairs of nodes of each graph, uint8 `[sum of n^2]`, cap + 1 where there is no path."""
    size = np.diff(graphs.ptr)
    block = np.cumsum(np.r_[0, size**2])
    out = np.empty(int(block[-1]), np.uint8)
    given = (graphs.ptr, graphs.start, graphs.order, graphs.target, block, cap, out)
    for_each(lambda part: _distances(*given, *part), shares(len(size)))
    return out


@kept()
def _walk(shape, node, hops, distance, queue):
    """Distances from a node up to `hops`, in `distance`, FAR elsewhere as it was before; how many nodes are reached."""
    start, order, target, _ = shape
    queue[0], distance[node], length, place = node, 0, 1, 0
    while place < length:
        v = queue[place]
        place += 1
        if distance[v] >= min(hops, FAR - 1):
            continue
        for p in range(start[v], start[v + 1]):
            w = target[order[p]]
            if distance[w] == FAR:
                distance[w] = distance[v] + 1
                queue[length] = w
                length += 1
    return length


@kept()
def _clear(distance, queue, length):
    for i in range(length):
        distance[queue[i]] = FAR


@kept()
def _members(asked, r, distance, reached, queue, length):
    """The nodes of root r's subgraph, sorted, in `reached`; how many."""
    node, _, first, last, hops, without = asked
    count = 0
    if hops == FAR:
        for v in range(first[r], last[r]):
            if without != 1 or v != node[r]:
                reached[count] = v
                count += 1
        return count
    reached[:length] = queue[:length]
    reached[:length].sort()
    return length


@kept()
def _is_gone(asked, r, v, w):
    node, other, _, _, _, without = asked
    ends = (v == node[r] and w == other[r]) or (w == node[r] and v == other[r])
    return without == 2 and ends


@kept()
def _count(shape, asked, counts, begin, end):
    start, order, target, num_nodes = shape
    distance = np.full(num_nodes, FAR, np.uint8)
    inside = np.zeros(num_nodes, np.bool_)
    queue, reached = np.empty(num_nodes, np.int64), np.empty(num_nodes, np.int64)
    for r in range(begin, end):
        length = _walk(shape, asked[0][r], asked[4], distance, queue) if asked[4] != FAR else 0
        count = _members(asked, r, distance, reached, queue, length)
        _clear(distance, queue, length)
        for v in reached[:count]:
            inside[v] = True
        edges = 0
        for v in reached[:count]:
            for p in range(start[v], start[v + 1]):
                w = target[order[p]]
                edges += inside[w] and not _is_gone(asked, r, v, w)
        for v in reached[:count]:
            inside[v] = False
        counts[0, r + 1], counts[1, r + 1] = count, edges


@kept()
def _write(shape, asked, out, begin, end):
    start, order, target, num_nodes = shape
    tuple_start, tuple_node, tuple_distance, edge_start, to, of, along = out
    distance = np.full(num_nodes, FAR, np.uint8)
    place = np.full(num_nodes, -1, np.int64)
    queue, reached = np.empty(num_nodes, np.int64), np.empty(num_nodes, np.int64)
    for r in range(begin, end):
        length = _walk(shape, asked[0][r], asked[4], distance, queue) if asked[4] != FAR else 0
        count = _members(asked, r, distance, reached, queue, length)
        first = tuple_start[r]
        for i in range(count):
            v = reached[i]
            place[v] = first + i
            tuple_node[first + i], tuple_distance[first + i] = v, distance[v]
        _clear(distance, queue, length)
        m = edge_start[r]
        for v in reached[:count]:
            for p in range(start[v], start[v + 1]):
                w = target[order[p]]
                if place[w] >= 0 and not _is_gone(asked, r, v, w):
                    to[m], of[m], along[m] = place[w], place[v], order[p]
                    m += 1
        for v in reached[:count]:
            place[v] = -1


@kept()
def _distances(ptr, start, order, target, block, cap, out, begin, end):
    size = 0
    for g in range(begin, end):
        size = max(size, ptr[g + 1] - ptr[g])
    queue = np.empty(size, np.int64)
    for g in range(begin, end):
        first, n = ptr[g], ptr[g + 1] - ptr[g]
        for u in range(n):
            row = out[block[g] + u * n : block[g] + (u + 1) * n]
            row[:] = cap + 1
            row[u], queue[0], length, place = 0, u, 1, 0
            while place < length:
                v = queue[place]
                place += 1
                for p in range(start[first + v], start[first + v + 1]):
                    w = target[order[p]] - first
                    if row[w] == cap + 1:
                        row[w] = min(row[v] + 1, cap)
                        queue[length] = w
                        length += 1
