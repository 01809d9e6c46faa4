"""Scores of nodes for many sources, without the zeros or with the best alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphlab.ops.personalised_pagerank.checks import require_room, require_top


@dataclass(frozen=True, eq=False)
class TopNodes:
    """The best nodes of each source, the best first, of equal ones that with the smaller number.

    Attributes:
        node: int64 `[S, k]`.
        score: float64 `[S, k]`.
    """

    node: np.ndarray
    score: np.ndarray


@dataclass(frozen=True, eq=False)
class SparseScores:
    """For each source the nodes whose score is not 0, in ascending order.

    Attributes:
        start: Where the nodes of each source begin, int64 `[S + 1]`.
        node: int32 `[N]`.
        score: float64 `[N]`.
        num_nodes: Number of nodes of the graph.
    """

    start: np.ndarray
    node: np.ndarray
    score: np.ndarray
    num_nodes: int

    @classmethod
    def joined(cls, rows: Sequence[tuple[np.ndarray, np.ndarray]], num_nodes: int) -> SparseScores:
        """From the nodes and scores of each source."""
        start = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(node) for node, _ in rows], out=start[1:])
        nodes = [np.empty(0, np.int32), *(node for node, _ in rows)]
        scores = [np.empty(0), *(score for _, score in rows)]
        return cls(start, np.concatenate(nodes), np.concatenate(scores), num_nodes)

    def __len__(self) -> int:
        return len(self.start) - 1

    def row(self, source: int) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and scores of the source at this place."""
        part = slice(self.start[source], self.start[source + 1])
        return self.node[part], self.score[part]

    def dense(self) -> np.ndarray:
        """float64 `[S, num_nodes]`; raises InputError where that does not fit in memory."""
        size = (len(self), self.num_nodes)
        require_room(f"scores {size[0]:,} x {size[1]:,}", 8 * size[0] * size[1], "ask for fewer sources, or top()")
        rows = np.zeros(size)
        rows[np.repeat(np.arange(len(self)), np.diff(self.start)), self.node] = self.score
        return rows

    def top(self, count: int) -> TopNodes:
        """The best nodes of each source; those of score 0 come in the order of their numbers."""
        require_top(count)
        count = min(count, self.num_nodes)
        nodes, scores = np.empty((len(self), count), np.int64), np.zeros((len(self), count))
        for i in range(len(self)):
            node, score = self.row(i)
            best = np.lexsort((node, -score))[:count]
            size = len(best)
            nodes[i, :size], scores[i, :size] = node[best], score[best]
            if size < count:
                others = np.setdiff1d(np.arange(min(self.num_nodes, count + size)), node)
                nodes[i, size:] = others[: count - size]
        return TopNodes(nodes, scores)


def best_of(rows: np.ndarray, count: int) -> TopNodes:
    """The best nodes of dense scores `[S, num_nodes]`."""
    count = min(count, rows.shape[1])
    nodes = np.empty((len(rows), count), np.int64)
    for i, row in enumerate(rows):
        least = np.partition(row, len(row) - count)[len(row) - count] if count else 0.0
        among = np.flatnonzero(row >= least)
        nodes[i] = among[np.lexsort((among, -row[among]))[:count]]
    return TopNodes(nodes, np.take_along_axis(rows, nodes, axis=1))
