"""Fingerprints of nodes: the nodes that a few random walks from each have visited, and how often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphlab.ops.compiled import compiled
from graphlab.ops.personalised_pagerank.checks import Progress, require_restart, require_room, require_walks
from graphlab.ops.personalised_pagerank.random_walks import (
    WalkTable,
    balanced,
    edge_of,
    next_state,
    random_key,
    uniform,
    walk_state,
)
from graphlab.ops.personalised_pagerank.transition import Transition
from graphlab.ops.threads import for_each


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Visits of the walks of each node, its first node included, until the walk ends or leaves a dangling node.

    Visits over walks are an unbiased estimate of x in x = e_u + c P0^T x (see `sparse_lu`), of which personalised
    PageRank is a multiple.

    Attributes:
        start: Where the visited nodes of each node begin, int64 `[num_nodes + 1]`.
        node: These, ascending for each node, int32.
        count: Visits of them, uint16 or uint32.
        num_walks: Walks of a node.
        restart: The probability that a walk ends before a step.
        graph: The digest of the graph's `Transition`.
    """

    start: np.ndarray
    node: np.ndarray
    count: np.ndarray
    num_walks: int
    restart: float
    graph: str

    @classmethod
    def of(
        cls,
        transition: Transition,
        num_walks: int,
        *,
        restart: float = 0.15,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Fingerprints:
        """Walk from every node, on all threads. The numbers do not depend on how many these are.

        Args:
            transition: The walk.
            num_walks: Walks of a node.
            restart: The probability that a walk returns to its source instead of taking a step.
            seed: Decides all random numbers.
            progress: Called after each range of nodes, by the thread that did it, with the nodes that are done and the
                number of all.

        Raises:
            InputError: Walks or restart are out of range, or the visits do not fit in memory.
        """
        require_walks(num_walks)
        require_restart(restart)
        size = transition.num_nodes
        num_visits = size * num_walks / restart
        require_room(f"{num_visits:,.0f} visits of {size:,} nodes", int(20 * num_visits), "ask for fewer walks")
        table, key = WalkTable.of(transition), random_key(seed, "fingerprints")
        parts = balanced(np.ones(size, np.int64))
        visited: dict[tuple[int, int], tuple[np.ndarray, ...]] = {}

        def run(part: tuple[int, int]) -> None:
            visited[part] = _visit(*table.arrays, key, num_walks, restart, *part)
            if progress:
                progress(sum(last - first for first, last in tuple(visited)), size)

        for_each(run, parts)
        nothing = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.uint32)
        columns = zip(nothing, *(visited.pop(part) for part in parts), strict=True)
        sizes, node, count = (np.concatenate(column) for column in columns)
        start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        count = count.astype(np.uint16) if count.max(initial=0) < 2**16 else count
        return cls(start, node, count, num_walks, restart, transition.digest)

    @property
    def num_nodes(self) -> int:
        return len(self.start) - 1

    @property
    def num_bytes(self) -> int:
        return self.start.nbytes + self.node.nbytes + self.count.nbytes


@compiled
def _visit(start, target, threshold, alias, key, num_walks, restart, first, last):
    """Number of visited nodes of the nodes `[first, last)`, these nodes, and their visits."""
    room = np.int64((last - first) * num_walks)
    sizes = np.empty(last - first, np.int64)
    node, count = np.empty(room, np.int32), np.empty(room, np.uint32)
    visits = np.empty(num_walks, np.int32)
    filled = 0
    for source in range(first, last):
        length = 0
        for number in range(num_walks):
            state = walk_state(key, source, number)
            at = np.int64(source)
            while True:
                if length == len(visits):
                    longer = np.empty(2 * length, np.int32)
                    longer[:length] = visits
                    visits = longer
                visits[length] = at
                length += 1
                state = next_state(state)
                begin, degree = start[at], start[at + 1] - start[at]
                if degree == 0 or uniform(state) < restart:
                    break
                state = next_state(state)
                at = np.int64(target[edge_of(state, begin, degree, threshold, alias)])
        ordered = np.sort(visits[:length])
        if filled + length > len(node):
            room = max(2 * len(node), filled + length)
            more, counts = np.empty(room, np.int32), np.empty(room, np.uint32)
            more[:filled], counts[:filled] = node[:filled], count[:filled]
            node, count = more, counts
        begin = filled
        for i in range(length):
            if i and ordered[i] == ordered[i - 1]:
                count[filled - 1] += np.uint32(1)
            else:
                node[filled], count[filled] = ordered[i], np.uint32(1)
                filled += 1
        sizes[source - first] = filled - begin
    return sizes, node[:filled].copy(), count[:filled].copy()
