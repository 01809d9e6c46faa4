"""Personalised PageRank by factors of the matrix, for small graphs and many sources.

With P0 the probabilities of steps, rows of dangling nodes 0, and c = 1 - restart, pi_s is proportional to the
solution of

    x = e_s + c P0^T x

for what leaves dangling nodes returns to the source and does no more than scale x. So the same factors of I - c P0^T
serve all sources.
"""

from __future__ import annotations

import numpy as np

from graphlab.ops.personalised_pagerank.checks import Sources, checked_sources, require_restart, require_room
from graphlab.ops.personalised_pagerank.transition import Transition

COLUMNS = 256
"""Sources that are solved for together."""


class Factors:
    """The factors of a graph's matrix, for any sources.

    Args:
        transition: The walk.
        restart: The probability that a walk returns to its source instead of taking a step.

    Raises:
        InputError: The restart is not between 0 and 1, or the factors might not fit in memory.
    """

    def __init__(self, transition: Transition, restart: float = 0.15) -> None:
        from scipy.sparse import csc_array, eye_array
        from scipy.sparse.linalg import splu

        require_restart(restart)
        size = self.num_nodes = transition.num_nodes
        require_room(
            f"factors of {size:,} nodes, which can be dense,", 12 * size * size, "use power_iteration on large graphs"
        )
        matrix = csc_array(eye_array(size) - (1 - restart) * transition.matrix().T)
        self._factors = splu(matrix) if size else None

    def scores(self, sources: Sources) -> np.ndarray:
        """The personalised PageRank of each source.

        Args:
            sources: Nodes `[S]`.

        Returns:
            float64 `[S, num_nodes]`; rows sum to 1.

        Raises:
            InputError: A source is not there, or the scores do not fit in memory.
        """
        nodes = checked_sources(sources, self.num_nodes)
        shape = (len(nodes), self.num_nodes)
        require_room(f"scores {shape[0]:,} x {shape[1]:,}", 8 * shape[0] * shape[1], "ask for fewer sources")
        out = np.empty(shape)
        for first in range(0, len(nodes), COLUMNS):
            assert self._factors is not None
            part = nodes[first : first + COLUMNS]
            ones = np.zeros((self.num_nodes, len(part)))
            ones[part, np.arange(len(part))] = 1
            solved = np.maximum(self._factors.solve(ones), 0).T
            out[first : first + len(part)] = solved / solved.sum(1, keepdims=True)
        return out


def reference(transition: Transition, sources: Sources, restart: float = 0.15) -> np.ndarray:
    """The same by a dense matrix for each source, whose dangling nodes lead to that source."""
    rows = []
    for source in checked_sources(sources, transition.num_nodes):
        step = np.zeros((transition.num_nodes, transition.num_nodes))
        origin = np.repeat(np.arange(transition.num_nodes), transition.degree)
        np.add.at(step, (origin, transition.target), transition.edge_probability)
        step[transition.dangling, source] = 1
        start = np.zeros(transition.num_nodes)
        start[source] = restart
        rows.append(np.linalg.solve(np.eye(transition.num_nodes) - (1 - restart) * step.T, start))
    return np.array(rows).reshape(-1, transition.num_nodes)
