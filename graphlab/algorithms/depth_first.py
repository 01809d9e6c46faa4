"""Depth-first search and what is built on it: topological order, strongly connected components, articulation points,
bridges, and shortest paths in acyclic graphs.

Cormen et al., Introduction to Algorithms, chapters 22.3 to 22.5, 24.2 and problem 22-2. All share one walk, `Walk`,
whose stack is shown as pointers: `s_prev` from a node to the one below it, `s_last` the node on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from graphlab.algorithms.algorithm import MASKED, Algorithm, Arrays, Steps, Values, probes_of
from graphlab.algorithms.instances import (
    Random,
    acyclic_graph,
    community_graph,
    directed_graph,
    source,
    undirected_graph,
)
from graphlab.algorithms.requirements import acyclic, symmetric

WHITE, GREY, BLACK = range(3)
ROOT, DISCOVER, CHILD, SEEN, FINISH = "root", "discover", "child", "seen", "finish"
TICK = 0.01
"""What the clock gains with each discovery and finish."""


def neighbour_lists(matrix: np.ndarray) -> list[list[int]]:
    """The neighbours of each node in ascending order; an edge wherever the matrix is not 0."""
    return [np.flatnonzero(row).tolist() for row in matrix]


class Walk:
    """The state of a depth-first walk; neighbours are visited in the order of their numbers.

    Args:
        neighbours: Of each node, in ascending order.
        timed: Whether nodes are stamped with times, and a step shows each discovery rather than that of roots alone.
        seen: Whether a step shows each neighbour that was reached before, but for the parent.
    """

    def __init__(self, neighbours: Sequence[Sequence[int]], *, timed: bool = True, seen: bool = False) -> None:
        num_nodes = len(neighbours)
        self.neighbours = neighbours
        self.timed, self.seen = timed, seen
        self.colors = [WHITE] * num_nodes
        self.parents = list(range(num_nodes))
        self.below = list(range(num_nodes))
        self.discovered, self.finished = [0.0] * num_nodes, [0.0] * num_nodes
        self.ticks = 0
        self.root = self.node = self.neighbour = self.top = 0

    @property
    def time(self) -> float:
        return self.ticks * TICK

    def visit(self, roots: Iterable[int]) -> Iterator[str]:
        """Walks from each root that is still white, and names each event once the state shows it."""
        for root in roots:
            if self.colors[root] == WHITE:
                self.root = self.node = self.neighbour = self.top = root
                yield ROOT
                yield from self._tree()

    def _tree(self) -> Iterator[str]:
        while True:
            node = self.node = self.top
            if self.colors[node] == WHITE or (self.timed and not self.discovered[node]):
                self.ticks += 1
                self.colors[node], self.discovered[node] = GREY, self.time
                yield DISCOVER
            yield from self._neighbours(node)
            if self.top != node:
                continue
            self.ticks += 1
            self.neighbour = len(self.colors) - 1
            self.colors[node], self.finished[node] = BLACK, self.time
            yield FINISH
            if self.below[node] == node:
                return
            self.top, self.below[node] = self.below[node], node

    def _neighbours(self, node: int) -> Iterator[str]:
        """Up to the first white neighbour, which goes on top of the stack."""
        for neighbour in self.neighbours[node]:
            if self.colors[neighbour] == WHITE:
                self.neighbour = neighbour
                self.parents[neighbour], self.colors[neighbour] = node, GREY
                self.below[neighbour], self.top = self.top, neighbour
                yield CHILD
                return
            if self.seen and neighbour != self.parents[node]:
                self.neighbour = neighbour
                yield SEEN

    def hints(self) -> Values:
        """What every algorithm here shows of the walk, but for the root."""
        return {
            "color": self.colors,
            "s_prev": self.below,
            "u": self.node,
            "v": self.neighbour,
            "s_last": self.top,
        }

    def timed_hints(self) -> Values:
        return self.hints() | {"s": self.root, "d": self.discovered, "f": self.finished, "time": self.time}

    def children(self, node: int) -> list[int]:
        """The nodes whose parent is that node."""
        return [child for child, parent in enumerate(self.parents) if parent == node and child != node]


def trace_dfs(inputs: Arrays) -> Steps:
    walk = Walk(neighbour_lists(inputs["A"]))
    for _ in walk.visit(range(len(inputs["A"]))):
        yield walk.timed_hints() | {"pi_h": walk.parents}
    return {"pi": walk.parents}


class Order:
    """A topological order as a linked list: each node points at the one behind it, the last at itself."""

    def __init__(self, num_nodes: int) -> None:
        self.behind = list(range(num_nodes))
        self.head = 0
        self.empty = True

    def push(self, node: int) -> None:
        """Puts the node in front."""
        if not self.empty:
            self.behind[node] = self.head
        self.head, self.empty = node, False

    def hints(self) -> Values:
        return {"topo_h": self.behind, "topo_head_h": self.head}


def trace_topological_sort(inputs: Arrays) -> Steps:
    """A node goes to the front of the order when it is finished."""
    walk, order = Walk(neighbour_lists(inputs["A"]), timed=False), Order(len(inputs["A"]))
    for event in walk.visit(range(len(inputs["A"]))):
        if event == FINISH:
            order.push(walk.node)
        yield walk.hints() | order.hints() | {"s": walk.root}
    return {"topo": order.behind, "topo_head": order.head}


def trace_dag_shortest_paths(inputs: Arrays) -> Steps:
    """Orders the nodes that the source reaches, then relaxes their edges in that order.

    The last node of the order has no edges, and relaxing it is no step.
    """
    weights, source = inputs["A"], int(inputs["s"].argmax())
    walk, order = Walk(neighbour_lists(weights), timed=False), Order(len(weights))
    parents, distances, marked = list(range(len(weights))), [0.0] * len(weights), [False] * len(weights)

    def step(phase: int) -> Values:
        relaxed = {"pi_h": parents, "d": distances, "mark": marked, "phase": phase}
        return walk.hints() | order.hints() | relaxed

    for event in walk.visit([source]):
        if event == FINISH:
            order.push(walk.node)
        yield step(0)
    marked[source] = True
    yield step(1)
    while order.behind[order.head] != order.head:
        node = order.head
        for neighbour in walk.neighbours[node]:
            distance = distances[node] + weights[node, neighbour]
            if not marked[neighbour] or distance < distances[neighbour]:
                parents[neighbour], distances[neighbour], marked[neighbour] = node, distance, True
        order.head = order.behind[node]
        yield step(1)
    return {"pi": parents}


def trace_strongly_connected_components(inputs: Arrays) -> Steps:
    """Kosaraju's: a walk, then one on the reversed edges from the node that finished last, whose trees are the
    components.

    A component is named by its node that finished last.
    """
    num_nodes = len(inputs["A"])
    reversed_edges = inputs["adj"].T
    components = list(range(num_nodes))
    walk = Walk(neighbour_lists(inputs["A"]))

    def step(phase: int) -> Values:
        return walk.timed_hints() | {"scc_id_h": components, "A_t": reversed_edges, "phase": phase}

    for _ in walk.visit(range(num_nodes)):
        yield step(0)
    last_first = sorted(range(num_nodes), key=walk.finished.__getitem__, reverse=True)
    walk.colors = [WHITE] * num_nodes
    walk.neighbours = [np.flatnonzero(row).tolist() for row in reversed_edges]
    for event in walk.visit(last_first):
        if event in (CHILD, FINISH):
            components[walk.node] = walk.root
        yield step(1)
    return {"scc_id": components}


class LowPoints:
    """The earliest discovery that a node's subtree reaches by one edge that is not of the tree."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.low = [0.0] * len(walk.colors)

    def update(self, event: str) -> None:
        node, discovered = self.walk.node, self.walk.discovered
        if event == DISCOVER:
            self.low[node] = discovered[node]
        elif event == SEEN:
            self.low[node] = min(self.low[node], discovered[self.walk.neighbour])
        elif event == FINISH:
            self.low[node] = min([self.low[node], *(self.low[child] for child in self.walk.children(node))])


def trace_articulation_points(inputs: Arrays) -> Steps:
    """Nodes without which the graph falls apart: a root with two children, or a node that a child's subtree does not
    reach above."""
    walk = Walk(neighbour_lists(inputs["A"]), seen=True)
    low_points = LowPoints(walk)
    num_nodes = len(inputs["A"])
    cuts, counts = [0] * num_nodes, [0.0] * num_nodes
    for event in walk.visit(range(num_nodes)):
        low_points.update(event)
        if event == CHILD:
            counts[walk.node] += TICK
        elif event == FINISH:
            cuts[walk.node] = int(_cuts(walk, low_points.low))
        yield walk.timed_hints() | {
            "pi_h": walk.parents,
            "is_cut_h": cuts,
            "low": low_points.low,
            "child_cnt": counts,
        }
    return {"is_cut": cuts}


def _cuts(walk: Walk, low: list[float]) -> bool:
    """Whether the node that is being finished is an articulation point."""
    node, children = walk.node, walk.children(walk.node)
    if walk.parents[node] == node:
        return len(children) > 1
    return any(low[child] >= walk.discovered[node] for child in children)


def trace_bridges(inputs: Arrays) -> Steps:
    """Edges without which the graph falls apart, in both directions; pairs that no edge joins are masked."""
    walk = Walk(neighbour_lists(inputs["A"]), seen=True)
    low_points = LowPoints(walk)
    bridges = np.where(inputs["adj"] != 0, 0, MASKED)
    for event in walk.visit(range(len(bridges))):
        low_points.update(event)
        if event == FINISH:
            for child in walk.children(walk.node):
                if low_points.low[child] > walk.discovered[walk.node]:
                    bridges[walk.node, child] = bridges[child, walk.node] = 1
        yield walk.timed_hints() | {"pi_h": walk.parents, "is_bridge_h": bridges, "low": low_points.low}
    return {"is_bridge": bridges}


def sample_directed(size: int, rng: Random, p: float = 0.5) -> Values:
    """A directed graph."""
    return {"A": directed_graph(size, rng, p)}


def sample_acyclic(size: int, rng: Random, p: float = 0.5) -> Values:
    """A directed acyclic graph."""
    return {"A": acyclic_graph(size, rng, p)}


def sample_acyclic_source(size: int, rng: Random, p: float = 0.5) -> Values:
    """A directed acyclic graph with weights uniform in [0, 1), and a source."""
    graph = acyclic_graph(size, rng, p)
    return {"A": graph * rng.random((size, size)), "s": source(size, rng)}


def sample_communities(size: int, rng: Random, communities: int = 4, p: float = 0.5, eps: float = 0.01) -> Values:
    """Directed communities, see `graphlab.algorithms.instances.community_graph`."""
    return {"A": community_graph(size, rng, communities, p, eps)}


def sample_sparse(size: int, rng: Random, p: float = 0.2) -> Values:
    """A sparse undirected graph."""
    return {"A": undirected_graph(size, rng, p)}


GRAPH = {"node value": "pos", "edge value": "A", "edge mask": "adj"}
WALK = {"node class 3": "color", "node pointer": "s_prev", "node mask-one": "s u v s_last"}
TIMED = WALK | {"node value": "d f", "graph value": "time"}
LOW = TIMED | {"node pointer": "pi_h s_prev", "node value": "d f low"}

ALGORITHMS = (
    Algorithm(
        "dfs",
        probes_of(input=GRAPH, output={"node pointer": "pi"}, hint=TIMED | {"node pointer": "pi_h s_prev"}),
        trace_dfs,
        sample_directed,
    ),
    Algorithm(
        "topological_sort",
        probes_of(
            input=GRAPH,
            output={"node pointer": "topo", "node mask-one": "topo_head"},
            hint=WALK | {"node pointer": "topo_h s_prev", "node mask-one": "topo_head_h s u v s_last"},
        ),
        trace_topological_sort,
        sample_acyclic,
        requires=(acyclic,),
    ),
    Algorithm(
        "strongly_connected_components",
        probes_of(
            input=GRAPH,
            output={"node pointer": "scc_id"},
            hint=TIMED | {"node pointer": "scc_id_h s_prev", "edge mask": "A_t", "graph mask": "phase"},
        ),
        trace_strongly_connected_components,
        sample_communities,
    ),
    Algorithm(
        "articulation_points",
        probes_of(
            input=GRAPH,
            output={"node mask": "is_cut"},
            hint=LOW | {"node mask": "is_cut_h", "node value": "d f low child_cnt"},
        ),
        trace_articulation_points,
        sample_sparse,
        requires=(symmetric,),
    ),
    Algorithm(
        "bridges",
        probes_of(input=GRAPH, output={"edge mask": "is_bridge"}, hint=LOW | {"edge mask": "is_bridge_h"}),
        trace_bridges,
        sample_sparse,
        requires=(symmetric,),
    ),
    Algorithm(
        "dag_shortest_paths",
        probes_of(
            input=GRAPH | {"node mask-one": "s"},
            output={"node pointer": "pi"},
            hint={
                "node pointer": "pi_h topo_h s_prev",
                "node value": "d",
                "node mask": "mark",
                "node mask-one": "topo_head_h u v s_last",
                "node class 3": "color",
                "graph mask": "phase",
            },
        ),
        trace_dag_shortest_paths,
        sample_acyclic_source,
        requires=(acyclic,),
    ),
)
