"""The six algorithms of SALSA-CLRS on edge lists.

A tracer takes the probes of the inputs and, beside them, `edge_index`. It goes through the neighbours of the nodes it
visits alone, so that a run without hints takes about as long as the graph has edges, times a logarithm. Outputs, hints
and lengths of `bfs`, `dfs`, `dijkstra` and `mst_prim` are those of `graphlab.algorithms.registry` on the same graph.

References:
    Minder et al., SALSA-CLRS: A Sparse and Scalable Benchmark for Algorithmic Reasoning, LoG 2023.
"""

from __future__ import annotations

import heapq
from itertools import pairwise

import numpy as np

from graphlab.algorithms.algorithm import Algorithm, Arrays, Probe, Steps, Values, probes_of
from graphlab.algorithms.depth_first import Walk
from graphlab.algorithms.instances import one_hot
from graphlab.algorithms.registry import algorithm as dense_algorithm
from graphlab.algorithms.requirements import not_negative
from graphlab.algorithms.sparse.graphs import Rows, SparseGraph, draw_weights
from graphlab.core.errors import InputError, UnknownNameError, require_name


def undirected(name: str, inputs: Arrays) -> None:
    """Each edge is listed in both directions, with the same weight if it has one."""
    edges = inputs["edge_index"]
    forward, backward = np.lexsort(edges[::-1]), np.lexsort(edges)
    if not np.array_equal(edges[:, forward], edges[::-1, backward]):
        raise InputError(f"{name} needs an undirected graph", hint="list each edge in both directions")
    if "A" in inputs and not np.array_equal(inputs["A"][forward], inputs["A"][backward]):
        raise InputError(f"{name} needs an undirected graph", hint="give both directions of an edge the same weight")


def _rows(inputs: Arrays) -> Rows:
    return Rows(len(inputs["pos"]), inputs["edge_index"])


def _reach(edge_index: np.ndarray, rows: Rows, frontier: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """Places in the edge list of the edges by which the frontier, in ascending order, reaches new nodes.

    There is one edge to each new node, from the least of the nodes that reach it; new nodes are in ascending order.
    """
    places = rows.edges_of(frontier)
    targets = edge_index[1, places]
    places, targets = places[~reached[targets]], targets[~reached[targets]]
    return places[np.unique(targets, return_index=True)[1]]


def trace_bfs(inputs: Arrays) -> Steps:
    """A node that a round reaches points at the least of the nodes that reach it.

    The round that reaches nobody is no step.
    """
    edges, rows, source = inputs["edge_index"], _rows(inputs), int(inputs["s"].argmax())
    parents, reached = np.arange(len(inputs["pos"])), inputs["s"] != 0
    frontier = np.array([source])
    while True:
        yield {"reach_h": reached, "pi_h": parents}
        places = _reach(edges, rows, frontier, reached)
        if not places.size:
            return {"pi": parents}
        frontier = edges[1, places]
        parents[frontier], reached[frontier] = edges[0, places], True


def trace_dfs(inputs: Arrays) -> Steps:
    """Neighbours are visited in the order of their numbers, roots as well."""
    rows = _rows(inputs)
    targets = inputs["edge_index"][1, rows.order].tolist()
    bounds = rows.start.tolist()
    walk = Walk([targets[start:end] for start, end in pairwise(bounds)])
    for _ in walk.visit(range(len(inputs["pos"]))):
        yield walk.timed_hints() | {"pi_h": walk.parents}
    return {"pi": walk.parents}


def grow_tree(inputs: Arrays, name: str, along: float) -> Steps:
    """Takes the nearest node off the queue, and queues its neighbours or brings them nearer.

    The heap also holds what a node was queued with before it came nearer; such entries are passed over.

    Args:
        inputs: Of the algorithm.
        name: What the hint of the nearness is called.
        along: 1 if the nearness is the distance from the source, 0 if it is the weight of the last edge.
    """
    edges, rows, weights, source = inputs["edge_index"], _rows(inputs), inputs["A"], int(inputs["s"].argmax())
    num_nodes = len(inputs["pos"])
    parents, nearness = np.arange(num_nodes), np.zeros(num_nodes)
    marked, queued = np.zeros(num_nodes, bool), inputs["s"] != 0
    yield {"pi_h": parents, name: nearness, "mark": marked, "in_queue": queued, "u": source}
    heap = [(0.0, source)]
    while heap:
        _, node = heapq.heappop(heap)
        if marked[node]:
            continue
        marked[node], queued[node] = True, False
        places = rows.edges_of(np.array([node]))
        targets, offered = edges[1, places], along * nearness[node] + weights[places]
        better = ~marked[targets] & (~queued[targets] | (offered < nearness[targets]))
        targets, offered = targets[better], offered[better]
        parents[targets], nearness[targets], queued[targets] = node, offered, True
        for entry in zip(offered.tolist(), targets.tolist(), strict=True):
            heapq.heappush(heap, entry)
        yield {"pi_h": parents, name: nearness, "mark": marked, "in_queue": queued, "u": node}
    return {"pi": parents}


def trace_dijkstra(inputs: Arrays) -> Steps:
    """The queue holds the nodes that are reached and not finished; distances of nodes outside it are 0 at first."""
    return grow_tree(inputs, "d", 1)


def trace_mst_prim(inputs: Arrays) -> Steps:
    """The tree of the source's component. The queue holds the nodes beside the tree; keys of others are 0 at first."""
    return grow_tree(inputs, "key", 0)


def trace_fast_mis(inputs: Arrays) -> Steps:
    """A maximal independent set in rounds, the set of Luby's algorithm with one random number a node for all rounds.

    In each round the living nodes whose number is less than those of all living neighbours join the set; they and their
    neighbours die. Of equal numbers that of the smaller node is less. The set is the one that a greedy choice in the
    order of the numbers makes. Self-loops do not count. A step is what stands before each round, and at the end.

    References:
        Luby, A simple parallel algorithm for the maximal independent set problem, 1986.
    """
    num_nodes = len(inputs["pos"])
    rank = np.empty(num_nodes, np.int64)
    rank[np.argsort(inputs["randomness"], kind="stable")] = np.arange(num_nodes)
    sources, targets = inputs["edge_index"]
    chosen, alive = np.zeros(num_nodes, bool), np.ones(num_nodes, bool)
    living_edges = sources != targets
    while True:
        yield {"inmis_h": chosen, "alive_h": alive, "Ain_h": living_edges}
        if not alive.any():
            return {"inmis": chosen}
        least = np.full(num_nodes, num_nodes)
        np.minimum.at(least, targets[living_edges], rank[sources[living_edges]])
        joins = alive & (rank < least)
        chosen |= joins
        alive &= ~joins
        alive[targets[living_edges & joins[sources]]] = False
        living_edges &= alive[sources] & alive[targets]


def trace_eccentricity(inputs: Arrays) -> Steps:
    """The largest distance from the source, in edges, by a flood and its echo; of the nodes that it reaches.

    In each round the flood goes one edge further, as in `trace_bfs`, and gives each new node its depth. A node that
    found no new node, or whose children have all sent their echo in earlier rounds, sends to its parent the largest
    depth that it has heard of, at least its own. The last step is the echo of the source: a source of eccentricity e
    takes 2 e + 2 steps. `tree_h` marks the edges along which an echo is awaited.
    """
    edges, rows, source = inputs["edge_index"], _rows(inputs), int(inputs["s"].argmax())
    num_nodes = len(inputs["pos"])
    visited, sent = inputs["s"] != 0, np.zeros(num_nodes, bool)
    depth, heard, awaited = (np.zeros(num_nodes, np.int64) for _ in range(3))
    awaiting, from_parent = np.zeros(edges.shape[1], bool), np.full(num_nodes, -1)
    frontier, distance = np.array([source]), 0
    while True:
        yield {
            "visited_h": visited,
            "floodstate_h": depth,
            "msgphase_h": sent,
            "echostate_h": heard,
            "tree_h": awaiting,
            "eccentricity_h": heard[source],
        }
        if sent[source]:
            return {"eccentricity": heard[source]}
        were_visited, distance = visited.copy(), distance + 1
        places = _reach(edges, rows, frontier, visited)
        frontier = edges[1, places]
        visited[frontier], depth[frontier] = True, distance
        from_parent[frontier], awaiting[places] = places, True
        np.add.at(awaited, edges[0, places], 1)
        senders = np.flatnonzero(were_visited & ~sent & (awaited == 0))
        sent[senders], heard[senders] = True, np.maximum(heard[senders], depth[senders])
        senders = senders[senders != source]
        parents = edges[0, from_parent[senders]]
        np.maximum.at(heard, parents, heard[senders])
        np.subtract.at(awaited, parents, 1)
        awaiting[from_parent[senders]] = False


def _sample_source(graph: SparseGraph, rng: np.random.Generator) -> Values:
    return {"s": one_hot(int(rng.integers(graph.num_nodes)), graph.num_nodes)}


def _sample_weighted_source(graph: SparseGraph, rng: np.random.Generator) -> Values:
    return {"A": draw_weights(graph, rng), **_sample_source(graph, rng)}


def _sample_nothing(graph: SparseGraph, rng: np.random.Generator) -> Values:
    return {}


def _sample_randomness(graph: SparseGraph, rng: np.random.Generator) -> Values:
    return {"randomness": rng.random(graph.num_nodes)}


def _as_dense(name: str, *without: str) -> tuple[Probe, ...]:
    """The probes of the dense algorithm of that name, but for some inputs that the edge list has the place of."""
    return tuple(probe for probe in dense_algorithm(name).probes if probe.name not in without)


ALGORITHMS = {
    chosen.name: chosen
    for chosen in (
        Algorithm("bfs", _as_dense("bfs", "A", "adj"), trace_bfs, _sample_source),
        Algorithm("dfs", _as_dense("dfs", "A", "adj"), trace_dfs, _sample_nothing),
        Algorithm(
            "dijkstra",
            _as_dense("dijkstra", "adj"),
            trace_dijkstra,
            _sample_weighted_source,
            requires=(not_negative,),
        ),
        Algorithm(
            "mst_prim",
            _as_dense("mst_prim", "adj"),
            trace_mst_prim,
            _sample_weighted_source,
            requires=(undirected,),
        ),
        Algorithm(
            "fast_mis",
            probes_of(
                input={"node value": "pos randomness"},
                output={"node mask": "inmis"},
                hint={"node mask": "inmis_h alive_h", "edge mask": "Ain_h"},
            ),
            trace_fast_mis,
            _sample_randomness,
            requires=(undirected,),
        ),
        Algorithm(
            "eccentricity",
            probes_of(
                input={"node value": "pos", "node mask-one": "s"},
                output={"graph value": "eccentricity"},
                hint={
                    "node mask": "visited_h msgphase_h",
                    "node value": "floodstate_h echostate_h",
                    "edge mask": "tree_h",
                    "graph value": "eccentricity_h",
                },
            ),
            trace_eccentricity,
            _sample_source,
        ),
    )
}
"""The algorithms by name. `trace` takes the probes of the inputs and `edge_index`, `sample` a graph and a generator."""


def algorithm(name: str) -> Algorithm:
    """The sparse algorithm of that name. Raises UnknownNameError with the nearest names."""
    require_name("algorithm", name)
    if name not in ALGORITHMS:
        raise UnknownNameError("sparse algorithm", name, ALGORITHMS)
    return ALGORITHMS[name]
