"""Negatives that are hard to tell from a link, as HeaRT has them. Li et al., NeurIPS 2023, "Evaluating Graph Neural
Networks for Link Prediction: Current Pitfalls and New Benchmarking", section 4.

Each end of a link gets negatives of its own: nodes that take the other end's place. Those are chosen that look most
like a neighbour by scores on the training graph:

    ra(u, v)      = sum over w in N(u) and N(v) of 1 / degree(w)              resource allocation
    ppr(u, v)     = personalised PageRank from u, restart .15
    cosine(u, v)  = x_u x_v / (|x_u| |x_v|)                                   where nodes have features

By one score the best candidates have the rank 1, and any other 1 more for each candidate that scores no less than it
and less than the best; score zero ranks behind the rest. Ranks are combined by their minimum or their mean. Many
candidates are tied at the minimum, since score zero by one score outranks low scores by another: these are ordered by
the mean, which is ours, and then at random. Candidates that score zero throughout come last.

The published negatives differ from the definition: as resource allocation they take the number of common neighbours
over the candidate's degree, cosines of a node are overwritten by ranks once it has been an end, PageRank is stopped
early, tied candidates are left to the sort, and those that score zero throughout are drawn with replacement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.walks import adjacency_matrix, personalised_pagerank

Combination = Literal["min", "mean"]

RESTART = 0.15

DECIMALS = 12
"""Scores that agree to so many decimals are tied, and smaller ones are zero: sums of the same numbers in another order
differ in their last bits."""

BLOCK = 2**21
"""Scores of a kind that are held at once, but for one node that has more."""

DENSE = 0.2
"""Share of features that are not zero from which they are multiplied as a dense matrix."""


class Heuristics:
    """The scores of nodes with all others.

    Args:
        graph: What they are computed on: the training links.
        x: Features `[num_nodes, d]`; None where nodes have none.

    Raises:
        InputError: Features of another number of nodes, or that are not finite.
    """

    def __init__(self, graph: Adjacency, x: np.ndarray | None = None) -> None:
        self.graph = graph
        self._adjacency = adjacency_matrix(graph)
        self._weighed = sparse.diags(1 / np.maximum(graph.degree, 1)) @ self._adjacency
        self._unit = None if x is None else _unit_rows(x, graph.num_nodes)

    def rows(self, nodes: np.ndarray) -> np.ndarray:
        """float64 `[2 or 3, B, num_nodes]` of nodes `[B]`: resource allocation, PageRank and, with features, cosine."""
        scores = [(self._adjacency[nodes] @ self._weighed).toarray()]
        scores.append(personalised_pagerank(self.graph, nodes, RESTART))
        if self._unit is not None:
            cosine = self._unit[nodes] @ self._unit.T
            scores.append(cosine if isinstance(cosine, np.ndarray) else cosine.toarray())
        return np.stack(scores).round(DECIMALS).clip(min=0.0)

    def blocks(self, nodes: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """The rows of nodes, a few at a time: the place of the first, and `[2 or 3, few, num_nodes]`."""
        size = max(1, BLOCK // max(self.graph.num_nodes, 1))
        for first in range(0, len(nodes), size):
            yield first, self.rows(nodes[first : first + size])


def _unit_rows(x: np.ndarray, num_nodes: int) -> np.ndarray | sparse.csr_matrix:
    if x.ndim != 2 or len(x) != num_nodes or not np.isfinite(x).all():
        raise InputError(
            f"features of the shape {x.shape} for {num_nodes:,} nodes, or some that are not finite",
            hint="give a row of finite numbers for each node, or none",
        )
    rows = x.astype(np.float64)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(length > 0, length, 1.0)
    return rows if np.count_nonzero(rows) > DENSE * rows.size else sparse.csr_matrix(rows)


def score_ranks(scores: np.ndarray) -> np.ndarray:
    """The ranks of candidates by one score, see the module's text.

    Args:
        scores: float64 `[candidates]`, not negative.

    Returns:
        int64 `[candidates]`.
    """
    positive = scores > 0
    ascending = np.sort(scores[positive])
    if not len(ascending):
        return np.ones(len(scores), np.int64)
    below_best = np.searchsorted(ascending, ascending[-1])
    ranks = np.full(len(scores), below_best + 2, np.int64)
    ranks[positive] = below_best + 1 - np.searchsorted(ascending, scores[positive])
    return ranks


def combined_ranks(scores: np.ndarray, combination: Combination = "min") -> np.ndarray:
    """The ranks of candidates by several scores together, float64 `[candidates]` of `[kinds, candidates]`."""
    return _combine(_ranks(scores), combination)


def choose(scores: np.ndarray, count: int, combination: Combination, random: np.random.Generator) -> np.ndarray:
    """The places of the candidates `[count]` that rank best by their scores `[kinds, candidates]`, the best first."""
    ranks = _ranks(scores)
    is_zero = ~(scores > 0).any(axis=0)
    chance = random.permutation(scores.shape[1])
    return np.lexsort((chance, ranks.mean(axis=0), is_zero, _combine(ranks, combination)))[:count]


def _ranks(scores: np.ndarray) -> np.ndarray:
    return np.stack([score_ranks(each) for each in scores]).astype(np.float64)


def _combine(ranks: np.ndarray, combination: Combination) -> np.ndarray:
    return ranks.min(axis=0) if combination == "min" else ranks.mean(axis=0)


def hard_negatives(
    links: Tensor,
    heuristics: Heuristics,
    excluded: Adjacency,
    count: int,
    stream: SeedStream,
    combination: Combination = "min",
) -> Tensor:
    """Hard negatives of links.

    Args:
        links: int64 `[L, 2]`.
        heuristics: The scores.
        excluded: Links that are no negatives: for links of validation those of training, for links of test those of
            training and validation. Other links of the same part are not excluded, as in the publication.
        count: Negatives of each end.
        stream: Where the order of tied candidates is drawn from, for each link by itself.
        combination: How ranks are combined.

    Returns:
        int64 `[L, 2, count]`: nodes in place of the second end, then nodes in place of the first; the best rank first.

    Raises:
        InputError: An end has fewer candidates than negatives are asked for.
    """
    ends = links.numpy(force=True)
    nodes, row = np.unique(ends, return_inverse=True)
    row = row.reshape(ends.shape)
    negatives = np.empty((len(ends), 2, count), np.int64)
    for first, scores in heuristics.blocks(nodes):
        inside = (row >= first) & (row < first + scores.shape[1])
        for place, end in np.argwhere(inside):
            u, v = int(ends[place, end]), int(ends[place, 1 - end])
            candidates = _candidates(excluded, u, v)
            if len(candidates) < count:
                raise InputError(
                    f"node {u} has {len(candidates):,} candidates for {count:,} hard negatives: the graph has "
                    f"{excluded.num_nodes:,} nodes, of which {excluded.degree[u]:,} are its neighbours",
                    hint=f"ask for {2 * len(candidates):,} negatives a link or fewer: task.num_hard_negatives",
                )
            random = stream.child(u, v).numpy()
            own = scores[:, row[place, end] - first, candidates]
            negatives[place, end] = candidates[choose(own, count, combination, random)]
    return torch.from_numpy(negatives)


def _candidates(excluded: Adjacency, u: int, v: int) -> np.ndarray:
    """The nodes that may stand for v as an end of the link from u, ascending."""
    free = np.ones(excluded.num_nodes, bool)
    free[excluded.neighbour[excluded.start[u] : excluded.start[u + 1]]] = False
    free[[u, v]] = False
    return np.flatnonzero(free)
