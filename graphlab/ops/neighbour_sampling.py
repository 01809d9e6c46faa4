"""Sampled computation graphs: of each node a few of its in-neighbours, hop by hop. Hamilton, Ying and Leskovec, NeurIPS
2017, section 3.1.

The draws of a node are a function of (key, hop, node) alone. They do not depend on the other nodes of the batch, on
what was sampled before or on threads, so a run can start again at any step. The random numbers are outputs of
SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), whose i-th output is a function of its seed and of i:

    output(seed, i) = mix(seed + (i + 1) * 0x9E3779B97F4A7C15)
    draw d of a node = output(output(output(key, hop), node), d)

Numbers below n come from the upper 32 bits of a draw by Lemire's method with rejection (ACM TOMACS 2019), which is
exact; subsets by Floyd's algorithm (Bentley and Floyd, CACM 1987), with as many numbers as there are elements.

Edges are what is drawn, without replacement. Parallel edges are several edges: a neighbour that two of them join counts
twice in the degree and may be drawn twice. A self-loop is an edge whose source is the node itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.colour_refinement.hashing import mix
from graphlab.ops.compiled import compiled, counting_sort
from graphlab.ops.threads import for_each, shares

ALL = -1
"""The fan-out that takes every in-edge."""

MAX_NODES = 2**31 - 1

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ONE, _HALF, _LOW = np.uint64(1), np.uint64(32), np.uint64(0xFFFFFFFF)
_RANGE = np.uint64(2**32)


class InNeighbours:
    """The edges of a graph in compressed rows by target, on the CPU: row v holds places `start[v]` to `start[v + 1]`.

    Args:
        edge_index: int64 `[2, E]`, sources and targets in `[0, num_nodes)`.
        num_nodes: At most `MAX_NODES`.

    Attributes:
        start: int64 `[num_nodes + 1]`.
        source: int32 `[E]`, of the edge in each place; edges of a row keep their order.
        edge: int64 `[E]`, the number of that edge.
        place: int32 `[num_nodes]`, a node's number in the sample that is being drawn; -1 everywhere between samples.
        lock: Held by the one call that uses `place`.

    Raises:
        InputError: Ends of edges are out of range, or there are too many nodes.
    """

    def __init__(self, edge_index: Tensor, num_nodes: int) -> None:
        if num_nodes > MAX_NODES:
            raise InputError(f"{num_nodes:,} nodes are too many to sample", hint=f"at most {MAX_NODES:,}")
        source, target = edge_index.cpu().contiguous().numpy()
        if len(source) and (edge_index.min() < 0 or edge_index.max() >= num_nodes):
            raise InputError("edge_index has ends out of range", hint=f"nodes are 0 to {num_nodes - 1:,}")
        self.num_nodes = num_nodes
        self.start, self.edge = counting_sort(target, num_nodes)
        self.source = source[self.edge].astype(np.int32)
        self.place = np.full(num_nodes, -1, np.int32)
        self.lock = Lock()


@dataclass(frozen=True)
class Sample:
    """A sampled subgraph, numbered anew: what PyG's models take in place of the whole graph.

    Attributes:
        n_id: int64 `[n]`, the node of the whole graph that each node is. Seeds come first, in their order, then those
            that each hop adds.
        edge_index: int64 `[2, e]`, in the new numbers, from sampled neighbours to the nodes they were drawn for. Edges
            are in the order of their targets.
        e_id: int64 `[e]`, the edge of the whole graph that each edge is.
        num_sampled_nodes: Seeds, then the nodes that each hop adds; hops + 1 counts.
        num_sampled_edges: Edges that each hop adds.
    """

    n_id: Tensor
    edge_index: Tensor
    e_id: Tensor
    num_sampled_nodes: tuple[int, ...]
    num_sampled_edges: tuple[int, ...]

    @property
    def num_seeds(self) -> int:
        return self.num_sampled_nodes[0]

    def part(self, seeds: Tensor) -> Sample:
        """The part of the sample that some of its seeds depend on, which come first.

        Args:
            seeds: int64 `[s]`, in the sample's numbers.
        """
        neighbours, hops = InNeighbours(self.edge_index, len(self.n_id)), len(self.num_sampled_edges)
        inner = sample_neighbours(neighbours, seeds, [ALL] * hops, 0)
        return Sample(
            self.n_id[inner.n_id],
            inner.edge_index,
            self.e_id[inner.e_id],
            inner.num_sampled_nodes,
            inner.num_sampled_edges,
        )


def sample_neighbours(neighbours: InNeighbours, seeds: Tensor, fan_outs: Sequence[int], key: int) -> Sample:
    """Sample the graph that the seeds' rows are computed on.

    A node is expanded in the hop after the one that adds it, once. Of its in-edges `min(degree, fan-out)` are drawn
    without replacement, all subsets being equally likely.

    Args:
        neighbours: The whole graph.
        seeds: int64 `[s]`, each node once.
        fan_outs: In-edges drawn of a node in each hop, the seeds' first; `ALL` takes every one.
        key: An integer in `[0, 2^64)`, as of `SeedStream.integer`, that decides all draws.

    Returns:
        The sample, on the CPU.

    Raises:
        InputError: A seed is out of range or repeated, or a fan-out is negative and not `ALL`.
    """
    _require(seeds, fan_outs, neighbours.num_nodes)
    with neighbours.lock:
        return _Sampling(neighbours, seeds.cpu().numpy().astype(np.int64)).run(fan_outs, key)


class _Sampling:
    """One sample in the making: the nodes so far, each of which has its position among them as its place."""

    def __init__(self, rows: InNeighbours, seeds: np.ndarray) -> None:
        self.rows, self.seeds = rows, seeds
        self.nodes = seeds[: _enter_seeds(seeds, rows.place)]

    def run(self, fan_outs: Sequence[int], key: int) -> Sample:
        try:
            if len(self.nodes) < len(self.seeds):
                repeated = self.seeds[len(self.nodes)]
                raise InputError(f"seed {repeated} is repeated", hint="give each seed node once")
            return self._hops(fan_outs, key)
        finally:
            _leave(self.nodes, self.rows.place)

    def _hops(self, fan_outs: Sequence[int], key: int) -> Sample:
        first, node_counts, hops = 0, [len(self.nodes)], []
        for hop, fan_out in enumerate(fan_outs):
            front = self.nodes[first:]
            source, target, edge = self._draw(front, first, fan_out, output(key, hop))
            first = len(self.nodes)
            self.nodes = np.concatenate([self.nodes, np.empty(len(source), np.int64)])
            count = _number(source, self.rows.place, self.nodes, first)
            self.nodes = self.nodes[:count]
            node_counts.append(count - first)
            hops.append((source, target, edge))
        nothing = np.empty(0, np.int64)
        columns = zip(*hops, strict=True) if hops else ([nothing],) * 3
        source, target, edge = (torch.from_numpy(np.concatenate(column)) for column in columns)
        n_id, edge_counts = torch.from_numpy(self.nodes.copy()), tuple(len(edge) for _, _, edge in hops)
        return Sample(n_id, torch.stack([source, target]), edge, tuple(node_counts), edge_counts)

    def _draw(self, front: np.ndarray, first: int, fan_out: int, seed: int) -> tuple[np.ndarray, ...]:
        """Source (in old numbers), target (in new ones) and number of the edges that are drawn for the nodes `front`,
        whose new numbers count from `first`."""
        rows = self.rows
        begin = np.empty(len(front) + 1, np.int64)
        widest = _begin(rows.start, front, fan_out, begin)
        drawn = tuple(np.empty(begin[-1], np.int64) for _ in range(3))

        def draw(share: tuple[int, int]) -> None:
            arrays = (rows.start, rows.source, rows.edge, front, begin, *drawn)
            _draw_edges(*arrays, first, np.uint64(seed), np.zeros(widest, np.bool_), *share)

        for_each(draw, shares(len(front)))
        return drawn


def _require(seeds: Tensor, fan_outs: Sequence[int], num_nodes: int) -> None:
    if len(seeds) and (seeds.min() < 0 or seeds.max() >= num_nodes):
        raise InputError("seeds are out of range", hint=f"nodes are 0 to {num_nodes - 1:,}")
    if any(fan_out < 0 and fan_out != ALL for fan_out in fan_outs):
        raise InputError(f"fan-outs {tuple(fan_outs)} have a negative number", hint=f"{ALL} takes every neighbour")


def output(seed: int, i: int) -> int:
    """Output i of SplitMix64, in plain Python."""
    value = (seed + (i + 1) * int(_GOLDEN)) % 2**64
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def reference(edge_index: Tensor, num_nodes: int, seeds: Tensor, fan_outs: Sequence[int], key: int) -> Sample:
    """The same sample, to the bit, in plain Python."""
    edges = edge_index.tolist()
    rows: list[list[int]] = [[] for _ in range(num_nodes)]
    for number, target in enumerate(edges[1]):
        rows[target].append(number)
    nodes = seeds.tolist()
    place = {node: i for i, node in enumerate(nodes)}
    sampled: list[tuple[int, int, int]] = []
    node_counts, edge_counts, first = [len(nodes)], [], 0
    for hop, fan_out in enumerate(fan_outs):
        front, first, before = nodes[first:], len(nodes), len(sampled)
        for target in front:
            row = rows[target]
            for chosen in _reference_subset(len(row), fan_out, output(output(key, hop), target)):
                source = edges[0][row[chosen]]
                if source not in place:
                    place[source] = len(nodes)
                    nodes.append(source)
                sampled.append((place[source], place[target], row[chosen]))
        node_counts.append(len(nodes) - first)
        edge_counts.append(len(sampled) - before)
    columns = torch.tensor(sampled, dtype=torch.int64).view(-1, 3).T
    n_id = torch.tensor(nodes, dtype=torch.int64)
    return Sample(n_id, columns[:2], columns[2], tuple(node_counts), tuple(edge_counts))


def _reference_subset(degree: int, fan_out: int, seed: int) -> list[int]:
    if fan_out == ALL or degree <= fan_out:
        return list(range(degree))
    chosen: list[int] = []
    draws = 0
    for last in range(degree - fan_out, degree):
        while True:
            product = (output(seed, draws) >> 32) * (last + 1)
            draws += 1
            if product % 2**32 >= 2**32 % (last + 1):
                break
        number = product >> 32
        chosen.append(last if number in chosen else number)
    return chosen


@compiled
def _enter_seeds(nodes, place):
    """Numbers the seeds; stops at one that has a number already, and says how many were numbered."""
    for i in range(len(nodes)):
        if place[nodes[i]] >= 0:
            return i
        place[nodes[i]] = i
    return len(nodes)


@compiled
def _leave(nodes, place):
    for v in nodes:
        place[v] = -1


@compiled
def _number(source, place, nodes, count):
    """Turns sources into new numbers; nodes that have none get the next and are put at the end of `nodes`."""
    for j in range(len(source)):
        u = source[j]
        if place[u] < 0:
            place[u] = count
            nodes[count] = u
            count += 1
        source[j] = place[u]
    return count


@compiled
def _begin(start, front, fan_out, begin):
    """Where the edges of each node begin among those that are drawn, and the largest degree of which some are left."""
    begin[0], widest = 0, 0
    for i in range(len(front)):
        degree = start[front[i] + 1] - start[front[i]]
        if 0 <= fan_out < degree:
            widest = max(widest, degree)
            degree = fan_out
        begin[i + 1] = begin[i] + degree
    return widest


@compiled
def _draw_edges(start, source, edge, front, begin, out_source, out_target, out_edge, base, seed, taken, first, last):
    for i in range(first, last):
        v = front[i]
        row, degree = start[v], start[v + 1] - start[v]
        at, end = begin[i], begin[i + 1]
        if end - at == degree:
            for j in range(degree):
                out_source[at + j], out_edge[at + j] = source[row + j], edge[row + j]
                out_target[at + j] = base + i
            continue
        state = mix(seed + (np.uint64(v) + _ONE) * _GOLDEN)
        highest = np.uint64(degree - (end - at))
        for j in range(at, end):
            size = highest + _ONE
            state += _GOLDEN
            product = (mix(state) >> _HALF) * size
            if product & _LOW < size:
                limit = _RANGE % size
                while product & _LOW < limit:
                    state += _GOLDEN
                    product = (mix(state) >> _HALF) * size
            chosen = product >> _HALF
            if taken[chosen]:
                chosen = highest
            taken[chosen] = True
            highest = size
            out_edge[j] = chosen
        for j in range(at, end):
            number = out_edge[j]
            taken[number] = False
            out_source[j], out_edge[j] = source[row + number], edge[row + number]
            out_target[j] = base + i
