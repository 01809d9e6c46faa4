"""How well each node's links are ranked among all nodes: precision, recall, F1, NDCG, hits and reciprocal rank.

A node is scored with all others. Left out are the node itself and its links of other parts, so that only its links of
the part asked for, and nodes that it has no link to, are ranked. Equal scores are ranked in the order of their numbers.
With r_1 < r_2 < ... the ranks of the node's links and m their number,

    hits@K       1 if r_1 <= K                     precision@K  |{r <= K}| / K
    recall@K     |{r <= K}| / m                    F1@K         their harmonic mean, 0 where both are 0
    NDCG@K       sum over r <= K of 1 / log2(r + 1), over the sum for r = 1 ... min(K, m)
    MRR          1 / r_1

The code of the paper leaves the node itself in, where it is often the first; and for one data set leaves in its links
of other parts.

References:
    Wang et al., A Topological Perspective on Demystifying GNN-Based Link Prediction Performance, ICLR 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from graphlab.analysis.topology.parts import LinkParts
from graphlab.core.errors import InputError, require_count
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.compiled import compiled
from graphlab.ops.threads import for_each, ranges

CUTS = (1, 5, 10, 20, 50, 100)
"""The K of the metrics."""

AT_CUTS = ("precision", "recall", "f1", "ndcg", "hits")
"""Metrics that depend on K."""

SCORES = 16 * 2**20
"""Scores that are held at once."""


@dataclass(frozen=True, eq=False)
class NodePerformance:
    """The performance of each node that has a link in the part.

    Attributes:
        part: Whose links are ranked.
        nodes: Those with such a link, int64 `[m]`.
        cuts: The K.
        at: By metric of `AT_CUTS`, float64 `[m, len(cuts)]`.
        mrr: float64 `[m]`.
    """

    part: str
    nodes: np.ndarray
    cuts: tuple[int, ...]
    at: dict[str, np.ndarray] = field(repr=False)
    mrr: np.ndarray = field(repr=False)

    def metrics(self) -> dict[str, np.ndarray]:
        """All as `[m]`, under names such as `hits@10` and `mrr`."""
        columns = {f"{name}@{cut}": self.at[name][:, place] for name in AT_CUTS for place, cut in enumerate(self.cuts)}
        return {**columns, "mrr": self.mrr}


def node_performance(
    parts: LinkParts,
    score: Callable[[np.ndarray], np.ndarray],
    part: str = "test",
    *,
    cuts: Sequence[int] = CUTS,
    left_out: Sequence[str] | None = None,
    leave_out_self: bool = True,
    on_progress: Callable[[float], None] | None = None,
) -> NodePerformance:
    """Ranks the links of each node that has one in the part, in one pass over blocks of nodes.

    Args:
        parts: The links.
        score: From nodes int64 `[B]` to scores `[B, num_nodes]`, higher is likelier.
        part: "train", "validation" or "test".
        cuts: The K.
        left_out: Parts whose links are not ranked; by default those that come before: none for training, training for
            validation, training and validation for test.
        leave_out_self: Whether the node itself is left out.
        on_progress: Called with the part of the nodes that are done.

    Raises:
        UnknownNameError: There is no such part.
        InputError: There is no cut, or one is no whole number from 1, or scores have another shape or are not numbers.
    """
    links = parts.links(part)
    if not len(cuts):
        raise InputError("there are no cuts", hint="give at least one, such as 10")
    for cut in cuts:
        require_count("a cut", cut, "at least 1")
    order = ("train", "validation", "test")
    left_out = order[: order.index(part)] if left_out is None else left_out
    hidden = _joined([parts.links(name) for name in left_out], links)
    nodes = np.flatnonzero(links.degree)
    ranks = np.empty(int(links.degree.sum()), np.int64)
    step = max(1, SCORES // max(parts.num_nodes, 1))
    for first in range(0, len(nodes), step):
        block = nodes[first : first + step]
        scores = np.ascontiguousarray(score(block))
        if scores.shape != (len(block), parts.num_nodes):
            raise InputError(
                f"scores of {len(block)} nodes have shape {scores.shape}",
                hint=f"score each with all {parts.num_nodes:,} nodes",
            )
        if not np.isfinite(scores).all():
            raise InputError("a score is not a finite number", hint="check the model that gives the scores")

        def run(share: tuple[int, int], block=block, scores=scores) -> None:
            skipped = np.full(parts.num_nodes, -1, np.int64)
            _rank(
                scores, block, *share, links.start, links.neighbour, hidden.start, hidden.neighbour, leave_out_self,
                skipped, ranks,
            )  # fmt: skip

        for_each(run, ranges(len(block)))
        if on_progress is not None:
            on_progress(min(first + step, len(nodes)) / len(nodes))
    return _measured(part, nodes, links, ranks, tuple(int(cut) for cut in cuts))


def _joined(parts: Sequence[Adjacency], without: Adjacency) -> Adjacency:
    """The links of several parts, but for those of another."""
    num_nodes = without.num_nodes
    links = np.concatenate([np.zeros((0, 2), np.int64), *(part.links for part in parts)])
    left_out = without.links
    kept = ~np.isin(links[:, 0] * num_nodes + links[:, 1], left_out[:, 0] * num_nodes + left_out[:, 1])
    return Adjacency.of(links[kept], num_nodes)


@compiled
def _rank(scores, nodes, first, last, start, neighbour, hidden_start, hidden, leave_out_self, skipped, ranks):
    """The ranks of the links of nodes[first:last], ascending for each node, at their places in `neighbour`."""
    for row in range(first, last):
        node = nodes[row]
        for e in range(hidden_start[node], hidden_start[node + 1]):
            skipped[hidden[e]] = node
        if leave_out_self:
            skipped[node] = node
        begin, end = start[node], start[node + 1]
        count = end - begin
        true = np.empty(count, scores.dtype)
        for k in range(count):
            true[k] = scores[row, neighbour[begin + k]]
        order = np.argsort(-true, kind="mergesort")
        ahead = np.zeros(count + 1, np.int64)
        for other in range(scores.shape[1]):
            if skipped[other] == node:
                continue
            low, high = 0, count
            while low < high:
                middle = (low + high) // 2
                k = order[middle]
                value = scores[row, other]
                if true[k] < value or (true[k] == value and neighbour[begin + k] > other):
                    high = middle
                else:
                    low = middle + 1
            ahead[low] += 1
        total = 0
        for k in range(count):
            total += ahead[k]
            ranks[begin + k] = total + 1


def _measured(
    part: str, nodes: np.ndarray, links: Adjacency, ranks: np.ndarray, cuts: tuple[int, ...]
) -> NodePerformance:
    degree = links.degree[nodes]
    first = links.start[nodes]
    row = np.repeat(np.arange(len(nodes)), degree)
    gain = 1 / np.log2(ranks + 1.0)
    ideal = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(2, max(int(degree.max(initial=0)), 1) + 2)))])
    at = {name: np.zeros((len(nodes), len(cuts))) for name in AT_CUTS}
    for place, cut in enumerate(cuts):
        within = ranks <= cut
        hits = np.bincount(row, within, minlength=len(nodes))
        precision, recall = hits / cut, hits / degree
        both = precision + recall
        at["precision"][:, place], at["recall"][:, place] = precision, recall
        at["f1"][:, place] = np.divide(2 * precision * recall, both, out=np.zeros(len(nodes)), where=both > 0)
        at["ndcg"][:, place] = np.bincount(row, within * gain, minlength=len(nodes)) / ideal[np.minimum(cut, degree)]
        at["hits"][:, place] = hits > 0
    return NodePerformance(part, nodes, cuts, at, 1 / ranks[first])
