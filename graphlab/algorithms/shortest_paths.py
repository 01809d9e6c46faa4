"""Breadth-first search, Bellman-Ford, Dijkstra and Floyd-Warshall.

Cormen et al., Introduction to Algorithms, chapters 22.2, 24 and 25. Breadth-first search and Bellman-Ford go in rounds:
a round reads only what the rounds before it wrote.
"""

from __future__ import annotations

import numpy as np

from graphlab.algorithms.algorithm import Algorithm, Arrays, Steps, Values, probes_of
from graphlab.algorithms.instances import (
    Random,
    sample_weighted,
    sample_weighted_source,
    source,
    undirected_graph,
)
from graphlab.algorithms.requirements import not_negative
from graphlab.core.errors import InputError

GRAPH = {"node value": "pos", "edge value": "A", "edge mask": "adj"}
ROOTED = GRAPH | {"node mask-one": "s"}


def sample_bfs(size: int, rng: Random, p: float = 0.5) -> Values:
    """An undirected graph and a source."""
    return {"A": undirected_graph(size, rng, p), "s": source(size, rng)}


def trace_bfs(inputs: Arrays) -> Steps:
    """A node that a round reaches points at the least of the nodes that reach it.

    The round that reaches nobody is no step.
    """
    edges, source = inputs["A"] != 0, int(inputs["s"].argmax())
    nodes = np.arange(len(edges))
    parents, reached = nodes.copy(), nodes == source
    while True:
        yield {"reach_h": reached, "pi_h": parents}
        offered = edges & reached[:, None]
        fresh = offered.any(0) & ~reached
        if not fresh.any():
            return {"pi": parents}
        parents[fresh] = offered.argmax(0)[fresh]
        reached = reached | fresh


def trace_bellman_ford(inputs: Arrays) -> Steps:
    """Distances of nodes that are not reached yet are 0. The round that shortens nothing is no step."""
    weights, source = inputs["A"], int(inputs["s"].argmax())
    nodes = np.arange(len(weights))
    parents, distances, reached = nodes.copy(), np.zeros(len(nodes)), nodes == source
    for _ in range(len(nodes) + 1):
        yield {"pi_h": parents, "d": distances, "msk": reached}
        usable = (weights != 0) & reached[:, None]
        through = np.where(usable, distances[:, None] + weights, np.inf)
        nearest = through.argmin(0)
        shortest = through[nearest, nodes]
        better = shortest < np.where(reached, distances, np.inf)
        if not better.any():
            return {"pi": parents}
        parents[better] = nearest[better]
        distances, reached = np.where(better, shortest, distances), reached | better
    raise InputError("the source reaches a cycle of negative weight", hint="there are no shortest paths around it")


def grow_tree(inputs: Arrays, name: str, along: float) -> Steps:
    """Takes the nearest node off the queue, and queues its neighbours or brings them nearer.

    Args:
        inputs: Of the algorithm.
        name: What the hint of the nearness is called.
        along: 1 if the nearness is the distance from the source, 0 if it is the weight of the last edge.
    """
    weights, source = inputs["A"], int(inputs["s"].argmax())
    nodes = np.arange(len(weights))
    parents, nearness = nodes.copy(), np.zeros(len(nodes))
    marked, queued, node = np.zeros(len(nodes), bool), nodes == source, source
    yield {"pi_h": parents, name: nearness, "mark": marked, "in_queue": queued, "u": node}
    while queued.any():
        node = int(np.where(queued, nearness, np.inf).argmin())
        marked[node], queued[node] = True, False
        offered = along * nearness[node] + weights[node]
        better = (weights[node] != 0) & ~marked & (~queued | (offered < nearness))
        parents[better], nearness[better] = node, offered[better]
        queued |= better
        yield {"pi_h": parents, name: nearness, "mark": marked, "in_queue": queued, "u": node}
    return {"pi": parents}


def trace_dijkstra(inputs: Arrays) -> Steps:
    """The queue holds the nodes that are reached and not finished; distances of nodes outside it are 0 at first."""
    return grow_tree(inputs, "d", 1)


def trace_floyd_warshall(inputs: Arrays) -> Steps:
    """A step is what stands before node k is let in.

    The distance of a node from itself starts as the weight of its self-loop, as in the reference, so that a cheaper way
    out and back replaces it.
    """
    weights, present = inputs["A"].copy(), inputs["adj"] != 0
    parents = np.repeat(np.arange(len(weights))[:, None], len(weights), axis=1)
    for node in range(len(weights)):
        yield {"Pi_h": parents, "D": weights, "msk": present, "k": node}
        through = weights[:, node, None] + weights[node]
        usable = present[:, node, None] & present[node]
        better = usable & (~present | (through < weights))
        parents = np.where(better, parents[node], parents)
        weights = np.where(better, through, weights)
        present = present | better
    return {"Pi": parents}


ALGORITHMS = (
    Algorithm(
        "bfs",
        probes_of(
            input=ROOTED,
            output={"node pointer": "pi"},
            hint={"node mask": "reach_h", "node pointer": "pi_h"},
        ),
        trace_bfs,
        sample_bfs,
    ),
    Algorithm(
        "bellman_ford",
        probes_of(
            input=ROOTED,
            output={"node pointer": "pi"},
            hint={"node pointer": "pi_h", "node value": "d", "node mask": "msk"},
        ),
        trace_bellman_ford,
        sample_weighted_source,
    ),
    Algorithm(
        "dijkstra",
        probes_of(
            input=ROOTED,
            output={"node pointer": "pi"},
            hint={"node pointer": "pi_h", "node value": "d", "node mask": "mark in_queue", "node mask-one": "u"},
        ),
        trace_dijkstra,
        sample_weighted_source,
        requires=(not_negative,),
    ),
    Algorithm(
        "floyd_warshall",
        probes_of(
            input=GRAPH,
            output={"edge pointer": "Pi"},
            hint={"edge pointer": "Pi_h", "edge value": "D", "edge mask": "msk", "node mask-one": "k"},
        ),
        trace_floyd_warshall,
        sample_weighted,
    ),
)
