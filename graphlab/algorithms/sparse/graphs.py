"""Graphs as edge lists, and the random graphs of SALSA-CLRS: Erdos-Renyi, Watts-Strogatz and Delaunay.

Random graphs are connected, without self-loops, and have both directions of each edge, sorted by source and target. As
in the benchmark's code, a graph that is not connected is drawn again.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from graphlab.algorithms.algorithm import MOST_NODES
from graphlab.algorithms.instances import require_probability
from graphlab.core.errors import InputError, UnknownNameError, require_count, require_name
from graphlab.core.memory import available_memory, require_memory

MOST_TRIES = 1000
"""How often a graph is drawn before it is taken for one that is never connected."""

RING_NEIGHBOURS = (4, 6, 8)
"""The neighbours on the ring that the benchmark's Watts-Strogatz graphs start with."""

REWIRED = (0.05, 0.2)
"""The range of the benchmark's probability that an edge of the ring is rewired."""

BYTES_AN_EDGE = 512
"""About what an undirected edge takes while a graph is drawn: both directions, their order, sets of neighbours."""


@dataclass(frozen=True, eq=False)
class SparseGraph:
    """A graph as a list of edges.

    Args:
        num_nodes: Number of nodes, at least 1.
        edge_index: Sources and targets of the edges, each edge once, in any order. An undirected edge is listed in both
            directions.

    Shapes:
        edge_index: int64 `[2, E]`

    Raises:
        InputError: The list is of another shape or type, names a node that is not there, or names an edge twice.
    """

    num_nodes: int
    edge_index: np.ndarray

    def __post_init__(self) -> None:
        _require_nodes(self.num_nodes, 1, "a graph has at least one node")
        edges = np.asarray(self.edge_index)
        if edges.ndim != 2 or len(edges) != 2:
            raise InputError(f"an edge list has shape {edges.shape}", hint="pass [2, edges]: sources, then targets")
        if edges.dtype.kind not in "iu" and edges.size:
            raise InputError(f"an edge list holds {edges.dtype}", hint="nodes are whole numbers")
        if edges.size and not 0 <= edges.min() <= edges.max() < self.num_nodes:
            raise InputError(
                f"an edge list names a node that is not among {self.num_nodes:,}",
                hint="nodes are counted from 0",
            )
        edges = edges.astype(np.int64)
        if len(np.unique(edges[0] * self.num_nodes + edges[1])) < edges.shape[1]:
            raise InputError("an edge list names an edge twice", hint="list each direction of an edge once")
        object.__setattr__(self, "edge_index", edges)

    @property
    def num_edges(self) -> int:
        """Number of directed edges: an undirected edge counts twice."""
        return self.edge_index.shape[1]

    @cached_property
    def rows(self) -> Rows:
        """The edges grouped by source."""
        return Rows(self.num_nodes, self.edge_index)

    def is_connected(self) -> bool:
        """Whether all nodes can be reached from node 0 along the edges."""
        reached = np.zeros(self.num_nodes, bool)
        reached[0], frontier = True, np.zeros(1, np.int64)
        while frontier.size:
            targets = self.edge_index[1, self.rows.edges_of(frontier)]
            frontier = np.unique(targets[~reached[targets]])
            reached[frontier] = True
        return bool(reached.all())


class Rows:
    """Edges grouped by source, within a group by target.

    Attributes:
        order: Places in the edge list, `[E]`.
        start: Where the group of each node starts within `order`, `[n + 1]`.
    """

    def __init__(self, num_nodes: int, edge_index: np.ndarray) -> None:
        self.order = np.lexsort(edge_index[::-1])
        self.start = np.zeros(num_nodes + 1, np.int64)
        np.cumsum(np.bincount(edge_index[0], minlength=num_nodes), out=self.start[1:])

    def edges_of(self, nodes: np.ndarray) -> np.ndarray:
        """Places in the edge list of the edges that leave the nodes, one node after the other."""
        first, count = self.start[nodes], self.start[nodes + 1] - self.start[nodes]
        before = np.cumsum(count) - count
        return self.order[np.repeat(first - before, count) + np.arange(count.sum())]


def from_matrix(matrix: np.ndarray) -> tuple[SparseGraph, np.ndarray]:
    """The graph of a matrix, with an edge wherever it is not 0, and the weights of the edges.

    Shapes:
        matrix: `[n, n]`
        weights: `[E]`
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"a matrix has shape {matrix.shape}", hint="pass a square matrix, 0 where there is no edge")
    edges = np.stack(np.nonzero(matrix))
    return SparseGraph(len(matrix), edges), matrix[edges[0], edges[1]]


def edge_probabilities(num_nodes: int) -> tuple[float, float]:
    """The benchmark's range of p for Erdos-Renyi graphs, `[ln n / n, 3 ln n / n]`, up to 1."""
    least = math.log(num_nodes) / num_nodes
    return least, min(3 * least, 1.0)


def erdos_renyi(
    num_nodes: int, rng: np.random.Generator, p: float | None = None, p_range: tuple[float, float] | None = None
) -> SparseGraph:
    """A connected graph in which each pair of nodes is an edge with probability p.

    Args:
        num_nodes: At least 2.
        rng: Where the randomness comes from.
        p: The probability.
        p_range: Where p is drawn from, uniformly, if it is not given; by default `edge_probabilities(num_nodes)`.

    Raises:
        InputError: Too few or too many nodes, p is no probability, or so small that graphs are not connected.

    References:
        Batagelj and Brandes, Efficient generation of large random networks, 2005.
    """
    _require_nodes(num_nodes, 2, "an Erdos-Renyi graph has at least 2")
    p_range = edge_probabilities(num_nodes) if p_range is None else p_range
    p = _probability(p, p_range, rng)
    num_pairs = num_nodes * (num_nodes - 1) // 2
    _require_edges("an Erdos-Renyi graph", num_nodes, math.ceil(p * num_pairs))
    return _first_connected(lambda: _pairs(_hits(num_pairs, p, rng)), num_nodes, f"p = {p:.4g}")


def watts_strogatz(
    num_nodes: int,
    rng: np.random.Generator,
    k: int | Sequence[int] = RING_NEIGHBOURS,
    p: float | None = None,
    p_range: tuple[float, float] = REWIRED,
) -> SparseGraph:
    """A connected small world: a ring in which each node is joined to its k nearest, with some edges rewired.

    Edges go round the ring, nearest neighbours first. With probability p the far end of an edge moves to a uniform node
    that is not yet a neighbour.

    Args:
        num_nodes: More than k.
        rng: Where the randomness comes from.
        k: An even number, or several to choose from.
        p: The probability.
        p_range: Where p is drawn from, uniformly, if it is not given.

    Raises:
        InputError: Too few or too many nodes, k is odd or less than 2, or p is no probability.

    References:
        Watts and Strogatz, Collective dynamics of small-world networks, Nature 1998.
    """
    choices = [k] if isinstance(k, int | np.integer) else list(k)
    for neighbours in choices:
        if isinstance(neighbours, bool) or not isinstance(neighbours, int | np.integer):
            raise InputError(f"k cannot be {neighbours!r}", hint="k is an even number from 2, or several")
        if neighbours < 2 or neighbours % 2:
            raise InputError(f"k cannot be {neighbours}", hint="half of the k neighbours lie on each side: k is even")
    if not choices:
        raise InputError("k has no numbers to choose from", hint="pass k=4, or several")
    _require_nodes(num_nodes, max(choices) + 1, f"a ring with k = {max(choices)} has at least {max(choices) + 1}")
    k = int(rng.choice(choices))
    p = _probability(p, p_range, rng)
    _require_edges("a Watts-Strogatz graph", num_nodes, num_nodes * k // 2)
    return _first_connected(lambda: _rewired_ring(num_nodes, k, p, rng), num_nodes, f"k = {k} and p = {p:.4g}")


def delaunay(num_nodes: int, rng: np.random.Generator) -> SparseGraph:
    """The Delaunay triangulation of uniform points in the unit square, which is planar and connected.

    Args:
        num_nodes: At least 3.
        rng: Where the randomness comes from.

    Raises:
        InputError: Too few or too many nodes.
    """
    from scipy.spatial import Delaunay

    _require_nodes(num_nodes, 3, "a triangulation has at least 3 points")
    _require_edges("a Delaunay graph", num_nodes, 3 * num_nodes)

    def triangulate() -> np.ndarray:
        triangles = Delaunay(rng.random((num_nodes, 2))).simplices
        sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        return np.unique(np.sort(sides, axis=1), axis=0).T

    return _first_connected(triangulate, num_nodes, "points that coincide")


GENERATORS: dict[str, Callable[..., SparseGraph]] = {
    "er": erdos_renyi,
    "ws": watts_strogatz,
    "delaunay": delaunay,
}
"""Random graphs by the benchmark's names."""


def draw_graph(kind: str, num_nodes: int, rng: np.random.Generator, **options: Any) -> SparseGraph:
    """A random graph of a kind of `GENERATORS`, with the options of its function.

    Raises:
        UnknownNameError: There is no such kind.
        InputError: The number of nodes or an option is not valid.
    """
    require_name("graph generator", kind)
    if kind not in GENERATORS:
        raise UnknownNameError("graph generator", kind, GENERATORS)
    generator = GENERATORS[kind]
    names = list(inspect.signature(generator).parameters)[2:]
    unknown = [name for name in options if name not in names]
    if unknown:
        raise InputError(
            f"graphs of kind {kind} have no option {', '.join(unknown)}", hint=f"options: {', '.join(names) or 'none'}"
        )
    return generator(num_nodes, rng, **options)


def draw_weights(graph: SparseGraph, rng: np.random.Generator) -> np.ndarray:
    """Weights sqrt(u v + 1e-3), u and v uniform in [0, 1); both directions of an edge have the same, `[E]`.

    The same distribution as that of `graphlab.algorithms.instances.weighted_graph`.
    """
    ends = np.sort(graph.edge_index, axis=0)
    edge = np.unique(ends[0] * graph.num_nodes + ends[1], return_inverse=True)[1].ravel()
    uniform = rng.random((2, graph.num_edges))
    return np.sqrt(uniform[0] * uniform[1] + 1e-3)[edge]


def _require_nodes(num_nodes: object, least: int, hint: str) -> None:
    require_count("the number of nodes", num_nodes, hint)
    if not least <= int(num_nodes) <= MOST_NODES:  # pyright: ignore[reportArgumentType]: a count
        raise InputError(f"a graph cannot have {num_nodes:,} nodes", hint=f"{hint}, and {MOST_NODES:,} at most")


def _probability(p: float | None, p_range: Sequence[float], rng: np.random.Generator) -> float:
    """p if it is given, or else one from the range."""
    if p is None and (not isinstance(p_range, tuple | list) or len(p_range) != 2):
        raise InputError(f"p_range cannot be {p_range!r}", hint="pass the least and the largest p")
    for bound in p_range if p is None else (p,):
        if not isinstance(bound, Real):
            raise InputError(f"p cannot be {bound!r}", hint="the probability of an edge is in [0, 1]")
        require_probability(float(bound))
    if p is not None:
        return float(p)
    least, most = p_range
    if least > most:
        raise InputError(f"p_range cannot be {p_range!r}", hint="pass the least and the largest p")
    return float(rng.uniform(least, most))


def _require_edges(what: str, num_nodes: int, num_edges: int) -> None:
    require_memory(
        f"{what} of {num_nodes:,} nodes and about {num_edges:,} edges",
        BYTES_AN_EDGE * num_edges,
        available_memory(),
        "use fewer nodes or a smaller p",
    )


def _first_connected(draw: Callable[[], np.ndarray], num_nodes: int, what: str) -> SparseGraph:
    """The first connected graph of those drawn, `[2, edges]` with one direction of each edge."""
    for _ in range(MOST_TRIES):
        pairs = draw()
        if pairs.shape[1] < num_nodes - 1:
            continue
        edges = np.concatenate([pairs, pairs[::-1]], axis=1)
        graph = SparseGraph(num_nodes, edges[:, np.lexsort(edges[::-1])])
        if graph.is_connected():
            return graph
    raise InputError(
        f"none of {MOST_TRIES:,} graphs of {num_nodes:,} nodes with {what} is connected",
        hint="use a larger p; graphs are connected from about p = ln n / n on",
    )


def _hits(num_trials: int, p: float, rng: np.random.Generator) -> np.ndarray:
    """Which of the trials succeed, each with probability p, in time of the successes."""
    if p == 0:
        return np.zeros(0, np.int64)
    count = int(p * num_trials + 10 * math.sqrt(p * num_trials) + 10)
    hits, last = [], -1
    while last < num_trials:
        waits = np.minimum(rng.geometric(p, count), num_trials + 1)
        hits.append(last + np.cumsum(waits))
        last = int(hits[-1][-1])
    places = np.concatenate(hits)
    return places[places < num_trials]


def _pairs(places: np.ndarray) -> np.ndarray:
    """Pairs u < v, `[2, ...]`, by their places in the order (0, 1), (0, 2), (1, 2), (0, 3), ...; exact up to 2**50."""
    larger = ((1 + np.sqrt(1 + 8 * places)) / 2).astype(np.int64)
    return np.stack([places - larger * (larger - 1) // 2, larger])


def _rewired_ring(num_nodes: int, k: int, p: float, rng: np.random.Generator) -> np.ndarray:
    neighbours: list[set[int]] = [set() for _ in range(num_nodes)]
    ring = [(node, (node + step) % num_nodes) for step in range(1, k // 2 + 1) for node in range(num_nodes)]
    for source, target in ring:
        neighbours[source].add(target)
        neighbours[target].add(source)
    for moved, (source, target) in zip(rng.random(len(ring)) < p, ring, strict=True):
        if not moved or len(neighbours[source]) == num_nodes - 1:
            continue
        new = source
        while new == source or new in neighbours[source]:
            new = int(rng.integers(num_nodes))
        neighbours[source].remove(target)
        neighbours[target].remove(source)
        neighbours[source].add(new)
        neighbours[new].add(source)
    return np.array([(node, other) for node in range(num_nodes) for other in neighbours[node] if node < other]).T
