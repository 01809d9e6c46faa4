"""Personalised PageRank near a source, by pushes. Andersen, Chung and Lang, FOCS 2006, without the lazy half of their
walk.

Of each node there is an estimate p and a residual r, such that at any time pi_s = p + sum over u of r(u) pi_u. A push
at u keeps the share `restart` of r(u) in p(u) and sends the rest on, in proportion to the weights of edges; what
leaves a dangling node returns to the source. Nodes are pushed, first come first served, while r(u) >= epsilon
strength(u), where strength is the sum of the weights that leave u, 1 for a dangling node. The mass of all residuals
is the L1 distance from the exact scores. On undirected graphs, where sum over u of strength(u) pi_u(v) = strength(v),

    0 <= pi_s(v) - p(v) <= epsilon strength(v),

and the work is at most 1 / (epsilon restart) edges, for graphs of any size, where all weights are 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphlab.ops.compiled import compiled
from graphlab.ops.personalised_pagerank.checks import (
    Progress,
    Sources,
    checked_sources,
    require_positive,
    require_restart,
    require_room,
)
from graphlab.ops.personalised_pagerank.scores import SparseScores
from graphlab.ops.personalised_pagerank.transition import Transition
from graphlab.ops.threads import for_each, shares


@dataclass(frozen=True, eq=False)
class PushedScores:
    """What pushes from each source have reached.

    Attributes:
        scores: The estimates p, from below.
        residual: The mass that was left, float64 `[S]`: the L1 distance of a source's scores from the exact ones.
    """

    scores: SparseScores
    residual: np.ndarray


def forward_push(
    transition: Transition,
    sources: Sources,
    epsilon: float,
    *,
    restart: float = 0.15,
    progress: Progress | None = None,
) -> PushedScores:
    """Estimates of the personalised PageRank of each source, in time and memory for the nodes that pushes reach.

    Args:
        transition: The walk.
        sources: Nodes `[S]`.
        epsilon: Residual, for each unit of weight that leaves a node, under which the node is not pushed.
        restart: The probability that a walk returns to its source instead of taking a step.
        progress: Called after each source, by the thread that did it, with the sources that are done and the number of
            all.

    Raises:
        InputError: A source is not there, the restart is not between 0 and 1, or epsilon is not above 0.
    """
    nodes = checked_sources(sources, transition.num_nodes)
    require_restart(restart)
    require_positive("epsilon", epsilon)
    parts = shares(len(nodes))
    require_room("work space of threads", 21 * len(parts) * transition.num_nodes, "use fewer threads")
    edges, is_weighted = (transition.start, transition.target), transition.probability is not None
    probability = transition.probability if is_weighted else np.empty(0)
    rows: list[tuple[np.ndarray, np.ndarray]] = [(np.empty(0, np.int32), np.empty(0))] * len(nodes)
    residual, finished = np.empty(len(nodes)), []

    def run(part: tuple[int, int]) -> None:
        space = _Space.of(transition.num_nodes)
        arrays = (space.estimate, space.left, space.queue, space.state, space.touched)
        for i in range(*part):
            walk = (*edges, probability, is_weighted, transition.strength)
            count, residual[i] = _push(*walk, nodes[i], restart, epsilon, *arrays)
            reached = np.sort(space.touched[:count])
            scores = space.estimate[reached]
            space.clear(reached)
            rows[i] = reached[scores > 0], scores[scores > 0]
            finished.append(i)
            if progress:
                progress(len(finished), len(nodes))

    for_each(run, parts)
    return PushedScores(SparseScores.joined(rows, transition.num_nodes), residual)


@dataclass(frozen=True, eq=False)
class _Space:
    """What one thread pushes in; zero everywhere between sources."""

    estimate: np.ndarray
    left: np.ndarray
    queue: np.ndarray
    state: np.ndarray
    touched: np.ndarray

    @classmethod
    def of(cls, size: int) -> _Space:
        queue, touched = np.empty(size, np.int32), np.empty(size, np.int32)
        return cls(np.zeros(size), np.zeros(size), queue, np.zeros(size, np.uint8), touched)

    def clear(self, reached: np.ndarray) -> None:
        for array in (self.estimate, self.left, self.state):
            array[reached] = 0


@compiled
def _push(
    start,
    target,
    probability,
    is_weighted,
    strength,
    source,
    restart,
    epsilon,
    estimate,
    left,
    queue,
    state,
    touched,
):
    """Pushes from one source; how many nodes were reached, which are in `touched`, and the mass that is left.

    The state of a node is 0 before it is reached, 2 in the queue and 1 out of it. The queue is a ring: a node is in
    it at most once.
    """
    keep, size = 1.0 - restart, len(queue)
    left[source] = 1.0
    state[source] = 1
    touched[0] = source
    reached, head, waiting = 1, 0, 0
    if start[source] == start[source + 1]:
        estimate[source], left[source] = 1.0, 0.0
    elif epsilon * strength[source] <= 1.0:
        queue[0], waiting = source, 1
        state[source] = 2
    while waiting:
        u = queue[head]
        head = head + 1 if head + 1 < size else 0
        waiting -= 1
        state[u] = 1
        amount = left[u]
        left[u] = 0.0
        estimate[u] += restart * amount
        first, last = start[u], start[u + 1]
        if first == last:
            left[source] += keep * amount
            if state[source] == 1 and left[source] >= epsilon * strength[source]:
                state[source] = 2
                place = head + waiting
                queue[place if place < size else place - size] = source
                waiting += 1
            continue
        alike = keep * amount / (last - first)
        for e in range(first, last):
            v = target[e]
            left[v] += keep * amount * probability[e] if is_weighted else alike
            if state[v] == 0:
                touched[reached] = v
                reached += 1
                state[v] = 1
            if state[v] == 1:
                limit = strength[v] if start[v] < start[v + 1] else 1.0
                if left[v] >= epsilon * limit:
                    state[v] = 2
                    place = head + waiting
                    queue[place if place < size else place - size] = v
                    waiting += 1
    rest = 0.0
    for i in range(reached):
        rest += left[touched[i]]
    return reached, rest


def reference(
    transition: Transition, source: int, epsilon: float, restart: float = 0.15
) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and residuals of one source, by plain loops over rounds of all nodes that are over the threshold."""
    estimate, left = np.zeros(transition.num_nodes), np.zeros(transition.num_nodes)
    limit = epsilon * np.where(transition.degree > 0, transition.strength, 1)
    left[source] = 1
    if source in transition.dangling:
        return left, estimate
    while (over := np.flatnonzero(left >= limit)).size:
        for u in over:
            amount, left[u] = left[u], 0
            estimate[u] += restart * amount
            part = slice(transition.start[u], transition.start[u + 1])
            if part.start == part.stop:
                left[source] += (1 - restart) * amount
            np.add.at(left, transition.target[part], (1 - restart) * amount * transition.edge_probability[part])
    return estimate, left
