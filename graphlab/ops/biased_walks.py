"""Random walks of second order, which remember the node that they come from, and nodes drawn by their weights.

With t the node before v and w the weights of edges, the walk of Grover and Leskovec (KDD 2016, section 3.2.2) goes from
v to x with a probability in proportion to

    alpha(t, x) w(v, x),    alpha(t, x) = 1 / p  where x = t
                                          1      where an edge leads from t to x
                                          1 / q  elsewhere

and takes its first step in proportion to the weights. With p = q = 1 it is the walk of DeepWalk (Perozzi, Al-Rfou and
Skiena, KDD 2014).

A step is drawn by rejection: an edge of v is proposed by its weight, from an alias table, and taken with the
probability alpha(t, x) / max(1, 1 / q); what going back is worth above that is proposed apart. After a few proposals
that were not taken the step is drawn from its exact probabilities, so that its time is bounded for any p and q; both
ways give the same distribution, and so do they together. Tables take memory in proportion to the edges, where tables of
each pair (t, v) take that of all paths of two steps.

Random numbers are those of `personalised_pagerank.random_walks`: functions of the stream, the node that a walk starts
from and its number among the walks of that node. Walks do not depend on threads, or on which others there are.

References:
    Grover and Leskovec, node2vec: Scalable Feature Learning for Networks, KDD 2016.
    Yang et al., KnightKing: A Fast Distributed Graph Random Walk Engine, SOSP 2019, for the rejection.
"""

from __future__ import annotations

import numpy as np

from graphlab.core.errors import InputError, require_count
from graphlab.core.seeds import SeedStream
from graphlab.ops.compiled import compiled, inlined
from graphlab.ops.personalised_pagerank.checks import Sources, checked_sources, require_positive, require_room
from graphlab.ops.personalised_pagerank.random_walks import WalkTable, edge_of, next_state, uniform, walk_state
from graphlab.ops.personalised_pagerank.transition import Transition
from graphlab.ops.threads import for_each, ranges

ENDED = -1
"""In the place of the nodes of a walk that could not go on."""

PROPOSALS = 32
"""Edges that are proposed before a step is drawn from its exact probabilities."""


class BiasedWalks:
    """The walks of second order on a graph.

    A walk ends at a node that no edge leaves.

    Args:
        transition: The edges and their weights, directed or in both directions.
        p: The return parameter; the larger, the less a walk goes straight back.
        q: The in-out parameter; the larger, the more a walk stays near the node that it comes from.

    Raises:
        InputError: p or q is not above 0 and finite.
    """

    def __init__(self, transition: Transition, p: float = 1.0, q: float = 1.0) -> None:
        require_positive("the return parameter p", p)
        require_positive("the in-out parameter q", q)
        self.transition = _sorted(transition)
        self.p, self.q = float(p), float(q)
        probability = self.transition.probability
        self._probability = np.empty(0) if probability is None else probability
        self._table = WalkTable.of(self.transition)

    def walk(self, starts: Sources, length: int, num_walks: int = 1, *, stream: SeedStream) -> np.ndarray:
        """Walks from some nodes, on all threads.

        Args:
            starts: Nodes `[S]`.
            length: Nodes of a walk, the first included.
            num_walks: Walks from each of the nodes.
            stream: What the random numbers are drawn from.

        Returns:
            int32 `[S * num_walks, length]`, those of a node one after the other; ENDED after the last node of a walk
            that could not go on.

        Raises:
            InputError: A node is not there, a number is no whole number from 1, or the walks do not fit in memory.
        """
        nodes = checked_sources(starts, self.transition.num_nodes)
        require_count("the length of a walk", length, "a whole number of nodes from 1")
        require_count("the number of walks of a node", num_walks, "a whole number from 1")
        count = len(nodes) * num_walks
        require_room(f"{count:,} walks of {length:,} nodes", 4 * count * length, "ask for fewer or shorter walks")
        out = np.empty((count, length), np.int32)
        key = np.uint64(stream.integer())
        bias = 1 / self.p, 1 / self.q, PROPOSALS
        for_each(
            lambda part: _walk(*self._table.arrays, self._probability, key, nodes, num_walks, *bias, *part, out),
            ranges(count),
        )
        return out


class NodeTable:
    """Nodes, to be drawn in proportion to weights.

    Args:
        weight: Numbers from 0 `[num_nodes]`, not all of them 0.

    Raises:
        InputError: The weights are negative, not finite, or all 0.
    """

    def __init__(self, weight: np.ndarray) -> None:
        num_nodes = len(weight)
        if not np.any(weight):
            raise InputError(f"none of {num_nodes:,} nodes has a weight", hint="give a weight above 0 to one of them")
        edges = np.stack([np.zeros(num_nodes, np.int64), np.arange(num_nodes)])
        self._table = WalkTable.of(Transition.of(edges, num_nodes, np.asarray(weight)))
        self.num_nodes = num_nodes

    def draw(self, starts: Sources, count: int, num_walks: int = 1, *, stream: SeedStream) -> np.ndarray:
        """Nodes for the walks from some nodes, int32 `[S * num_walks, count]`; of a walk the same, whichever others
        there are.

        Args:
            starts: Nodes `[S]` that walks start from.
            count: Nodes for each walk.
            num_walks: Walks from each of the nodes.
            stream: What the random numbers are drawn from.

        Raises:
            InputError: A node is not there, a number is no whole number from 1, or the result does not fit in memory.
        """
        nodes = checked_sources(starts, self.num_nodes)
        require_count("the number of nodes of a walk", count, "a whole number from 1")
        require_count("the number of walks of a node", num_walks, "a whole number from 1")
        rows = len(nodes) * num_walks
        require_room(f"{count:,} nodes for {rows:,} walks", 4 * rows * count, "ask for fewer")
        out = np.empty((rows, count), np.int32)
        key = np.uint64(stream.integer())
        for_each(lambda part: _draw(*self._table.arrays, key, nodes, num_walks, *part, out), ranges(rows))
        return out


def reference(transition: Transition, previous: int | None, node: int, p: float = 1.0, q: float = 1.0) -> np.ndarray:
    """The exact probabilities of a step from a node, slowly; of a first step where `previous` is None.

    Returns:
        float64 `[num_nodes]`, which sum to 1, or to 0 where no edge leaves the node.
    """
    weight = np.zeros(transition.num_nodes)
    edges = slice(transition.start[node], transition.start[node + 1])
    np.add.at(weight, transition.target[edges], transition.edge_probability[edges])
    if previous is not None:
        near = transition.target[transition.start[previous] : transition.start[previous + 1]]
        bias = np.full(transition.num_nodes, 1 / q)
        bias[near] = 1.0
        bias[previous] = 1 / p
        weight *= bias
    return weight / weight.sum() if weight.any() else weight


def _sorted(transition: Transition) -> Transition:
    """The same edges, those of a node by where they lead."""
    source = np.repeat(np.arange(transition.num_nodes), transition.degree)
    order = np.lexsort((transition.target, source))
    if np.array_equal(order, np.arange(len(order))):
        return transition
    probability = None if transition.probability is None else transition.probability[order]
    return Transition(transition.start, transition.target[order], probability, transition.strength)


@inlined
def _first_edge(start, target, source, node):
    """The first edge from a source to a node, by bisection; where there is none, an edge to another or the end."""
    low, high = start[source], start[source + 1]
    while low < high:
        middle = (low + high) >> 1
        if target[middle] < node:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _leads(start, target, source, node):
    edge = _first_edge(start, target, source, node)
    return edge < start[source + 1] and target[edge] == node


@inlined
def _share_back(start, target, probability, source, node):
    """The probability that a step by weights alone leads from a source to a node."""
    edge, end = _first_edge(start, target, source, node), start[source + 1]
    share = 0.0
    while edge < end and target[edge] == node:
        share += probability[edge] if len(probability) else 1.0 / (end - start[source])
        edge += 1
    return share


@inlined
def _worth(start, target, probability, edge, previous, back, away):
    """alpha times the weight of an edge."""
    node = np.int64(target[edge])
    bias = back if node == previous else (1.0 if _leads(start, target, previous, node) else away)
    return bias * probability[edge] if len(probability) else bias


@compiled
def _walk(
    start, target, threshold, alias, probability, key, starts, num_walks, back, away, proposals, first, last, walks
):
    """The walks `[first, last)`; `back` is 1 / p and `away` 1 / q."""
    length = walks.shape[1]
    least, most = min(1.0, away), max(1.0, away)
    excess = max(0.0, back - most)
    is_biased = back != 1.0 or away != 1.0
    for row in range(first, last):
        at = starts[row // num_walks]
        state = walk_state(key, at, row % num_walks)
        previous = np.int64(-1)
        walks[row, 0] = at
        for step in range(1, length):
            begin, degree = start[at], start[at + 1] - start[at]
            if degree == 0:
                for rest in range(step, length):
                    walks[row, rest] = -1
                break
            following = np.int64(-1)
            if previous < 0 or not is_biased:
                state = next_state(state)
                following = np.int64(target[edge_of(state, begin, degree, threshold, alias)])
            else:
                # what returning is worth above the others is proposed apart: else a small p has all others refused
                extra = excess * _share_back(start, target, probability, at, previous) if excess else 0.0
                for _ in range(proposals):
                    state = next_state(state)
                    height = uniform(state) * (most + extra)
                    if height >= most:
                        following = previous
                        break
                    state = next_state(state)
                    node = np.int64(target[edge_of(state, begin, degree, threshold, alias)])
                    if node == previous:
                        is_taken = height < back
                    elif height < least:
                        is_taken = True
                    else:
                        is_taken = _leads(start, target, previous, node) == (away < 1.0)
                    if is_taken:
                        following = node
                        break
            if following < 0:
                total = 0.0
                for e in range(begin, begin + degree):
                    total += _worth(start, target, probability, e, previous, back, away)
                state = next_state(state)
                left = uniform(state) * total
                for e in range(begin, begin + degree):
                    following = np.int64(target[e])
                    left -= _worth(start, target, probability, e, previous, back, away)
                    if left < 0:
                        break
            previous, at = at, following
            walks[row, step] = at


@compiled
def _draw(start, target, threshold, alias, key, starts, num_walks, first, last, out):
    for row in range(first, last):
        state = walk_state(key, starts[row // num_walks], row % num_walks)
        for k in range(out.shape[1]):
            state = next_state(state)
            out[row, k] = target[edge_of(state, start[0], start[1] - start[0], threshold, alias)]
