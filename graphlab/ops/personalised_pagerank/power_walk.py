"""Queries of personalised PageRank by fingerprints of nodes. Liu, Li, Lui and Cheng, "PowerWalk", CIKM 2016.

With x_u the solution of x_u = e_u + c P0^T x_u, of which pi_u is a multiple (see `sparse_lu`), k steps from a source
give

    x_s = sum over t < k of c^t (P0^T)^t e_s + sum over u of f(u) x_u        f = c^k (P0^T)^k e_s

The steps are exact. Of the few nodes that hold the mass f that remains, fingerprints stand for x_u. Their errors are
independent of each other, so that the error falls with the walks of a node as 1 / sqrt(R), and with every step by c
or more. Sources of a batch are rows of one sparse matrix: a step is one product for all, and so is the sum of the
fingerprints.

On graphs without dangling nodes the estimate is unbiased, and rows sum to 1 in expectation. With dangling nodes the
sum of x is not known beforehand, and rows are divided by their sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.core.errors import InputError, require_count
from graphlab.ops.personalised_pagerank.checks import Progress, Sources, checked_sources
from graphlab.ops.personalised_pagerank.fingerprints import Fingerprints
from graphlab.ops.personalised_pagerank.scores import SparseScores
from graphlab.ops.personalised_pagerank.transition import Transition

if TYPE_CHECKING:
    from scipy.sparse import csr_array

BATCH, BATCH_BYTES = 256, 2**28
"""Sources of a batch at most, and the bytes that its rows may take were they dense."""


class PowerWalk:
    """A graph with its fingerprints, for queries.

    Args:
        transition: The walk.
        fingerprints: Those of the same graph.

    Raises:
        InputError: The fingerprints are of another graph.
    """

    def __init__(self, transition: Transition, fingerprints: Fingerprints) -> None:
        from scipy.sparse import csr_array

        if fingerprints.graph != transition.digest:
            raise InputError(
                "the fingerprints are of another graph", hint="walk anew by Fingerprints.of(transition, num_walks)"
            )
        self.restart, self.num_nodes = fingerprints.restart, transition.num_nodes
        self._sums_to_one = not len(transition.dangling)
        self._step: Any = transition.matrix() * (1 - self.restart)
        values = fingerprints.count.astype(np.float32) / fingerprints.num_walks
        shape = (self.num_nodes, self.num_nodes)
        self._visits: Any = csr_array((values, fingerprints.node, fingerprints.start), shape=shape)

    def query(self, sources: Sources, *, steps: int = 2, progress: Progress | None = None) -> SparseScores:
        """Estimates of the personalised PageRank of each source.

        Args:
            sources: Nodes `[S]`.
            steps: Exact steps from a source before its fingerprints are summed.
            progress: Called after each batch with the sources that are done and the number of all.

        Raises:
            InputError: A source is not there, or steps are no whole number from 1.
        """
        require_count("the number of steps", steps, "a whole number from 1")
        nodes = checked_sources(sources, self.num_nodes)
        batch = min(BATCH, max(1, BATCH_BYTES // max(1, 12 * self.num_nodes)))
        rows: list[tuple[np.ndarray, np.ndarray]] = []
        for first in range(0, len(nodes), batch):
            scores = self._batch(nodes[first : first + batch], steps)
            cuts = scores.indptr[1:-1]
            parts = np.split(scores.indices.astype(np.int32), cuts), np.split(scores.data, cuts)
            rows.extend(zip(*parts, strict=True))
            if progress:
                progress(len(rows), len(nodes))
        return SparseScores.joined(rows, self.num_nodes)

    def _batch(self, nodes: np.ndarray, steps: int) -> csr_array:
        from scipy.sparse import csr_array

        shape = (len(nodes), self.num_nodes)
        left: Any = csr_array((np.ones(len(nodes)), (np.arange(len(nodes)), nodes)), shape=shape)
        done: Any = csr_array(shape)
        for _ in range(steps):
            done = done + left
            left = left @ self._step
        scores = done + left @ self._visits
        scores.sort_indices()
        size = np.diff(scores.indptr)
        total = 1 / self.restart if self._sums_to_one else np.repeat(scores.sum(1), size)
        scores.data /= total
        return scores


def reference(transition: Transition, fingerprints: Fingerprints, source: int, steps: int) -> np.ndarray:
    """The same for one source, dense."""
    step = (1 - fingerprints.restart) * transition.matrix().toarray().T
    left, scores = np.zeros(transition.num_nodes), np.zeros(transition.num_nodes)
    left[source] = 1
    for _ in range(steps):
        scores += left
        left = step @ left
    for u in np.flatnonzero(left):
        part = slice(fingerprints.start[u], fingerprints.start[u + 1])
        scores[fingerprints.node[part]] += left[u] * fingerprints.count[part] / fingerprints.num_walks
    return scores / scores.sum() if len(transition.dangling) else scores * fingerprints.restart
