"""Maximum bipartite matching, as a flow along shortest augmenting paths.

Cormen et al., Introduction to Algorithms, chapter 26. Beside the thirty algorithms of the benchmark.
"""

from __future__ import annotations

import numpy as np

from graphlab.algorithms.algorithm import MASKED, Algorithm, Arrays, Steps, Values, probes_of
from graphlab.algorithms.instances import Random, one_hot, require_probability
from graphlab.algorithms.requirements import unit_network
from graphlab.core.errors import InputError


def sample_bipartite(size: int, rng: Random, second: int | None = None, p: float = 0.3) -> Values:
    """A network from a source by the nodes of two sides to a sink, all of capacity 1.

    Args:
        size: Nodes of both sides.
        rng: Where the randomness comes from.
        second: Nodes of the second side; by default half of the size.
        p: Probability of an edge from the first side to the second.
    """
    require_probability(p)
    second = size // 2 if second is None else second
    if not 0 < second < size:
        raise InputError(f"{second} of {size} nodes cannot be on the second side", hint="leave nodes on both sides")
    sink = size + 1
    left, right = np.arange(1, size - second + 1), np.arange(size - second + 1, sink)
    network = np.zeros((size + 2, size + 2))
    network[0, left] = network[right, sink] = 1
    network[np.ix_(left, right)] = rng.binomial(1, p, (len(left), second))
    return {"A": network, "s": one_hot(0, size + 2), "t": one_hot(sink, size + 2)}


def trace_bipartite_matching(inputs: Arrays) -> Steps:
    """Searches the residual network in rounds until the sink is reached, then turns the edges of the path around.

    The round that reaches the sink is shown by its pointers alone. Pairs that are no edge in either direction are
    masked, and nodes are matched with themselves.
    """
    weights, present = inputs["A"].copy(), inputs["adj"].copy()
    source, sink = int(inputs["s"].argmax()), int(inputs["t"].argmax())
    nodes = np.arange(len(weights))
    matching = np.where((present != 0) | (present.T != 0), 0, MASKED)
    np.fill_diagonal(matching, 1)
    node, parents, distances, reached = sink, nodes, np.zeros(len(nodes)), nodes == source

    def step(phase: int) -> Values:
        return {
            "in_matching_h": matching,
            "A_h": weights,
            "adj_h": present,
            "d": distances,
            "msk": reached,
            "pi": parents,
            "u": node,
            "phase": phase,
        }

    while True:
        parents, distances, reached = nodes.copy(), np.zeros(len(nodes)), nodes == source
        yield step(0)
        node = sink
        while True:
            usable = (weights != 0) & reached[:, None]
            through = np.where(usable, distances[:, None] + weights, np.inf)
            nearest = through.argmin(0)
            shortest = through[nearest, nodes]
            better = shortest < np.where(reached, distances, np.inf)
            parents[better] = nearest[better]
            if better[sink]:
                break
            if not better.any():
                return {"in_matching": matching}
            distances, reached = np.where(better, shortest, distances), reached | better
            yield step(0)
        yield step(1)
        while node != source:
            parent = int(parents[node])
            if matching[node, parent] == 1:
                matching[node, parent] = 0
            else:
                matching[parent, node] = 1
            weights[node, parent], weights[parent, node] = weights[parent, node], 0
            present[node, parent], present[parent, node] = present[parent, node], 0
            node = parent
            yield step(1)


ALGORITHMS = (
    Algorithm(
        "bipartite_matching",
        probes_of(
            input={"node value": "pos", "edge value": "A", "edge mask": "adj", "node mask-one": "s t"},
            output={"edge mask": "in_matching"},
            hint={
                "edge mask": "in_matching_h adj_h",
                "edge value": "A_h",
                "node value": "d",
                "node mask": "msk",
                "node pointer": "pi",
                "node mask-one": "u",
                "graph mask": "phase",
            },
        ),
        trace_bipartite_matching,
        sample_bipartite,
        requires=(unit_network,),
    ),
)
