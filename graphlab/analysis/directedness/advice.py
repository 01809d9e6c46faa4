"""Whether a graph is better modelled with the direction of its edges or without: a score after AMUD.

Of all pairs of nodes whose classes may be looked at, let s be 1 where the two classes are equal. Two edges over a third
node join a pair along their direction (AA or A'A'), over a common successor (AA') or over a common predecessor (A'A),
each of which may be so or not: eight kinds of pairs. Who does not see directions sees two kinds: pairs with a node
between them, SS, and others. With N pairs, a share p of which has equal classes, and N_k of kind k with the share p_k,

    R_directed = sum over the eight kinds of N_k (p_k - p)^2 / (N p (1 - p)),    R_undirected the same of the two

is the share of the variance of s that the kind of a pair explains, the correlation ratio of Pearson. Of two kinds it is
the square of the correlation. The eight kinds divide the two, so that the gap R_directed - R_undirected is no less
than 0:

    S = (R_directed - R_undirected) / R_directed

is the share of what is explained that takes directions. Kinds that are drawn by chance explain something too: the gap
counts if it is larger than each of 19 with the classes dealt out anew, which has a chance of .05. The advice is to keep
the direction where the gap counts and S is at least .25.

Sun et al., ICDE 2024, name the idea: correlations of node profiles with the directed patterns of two edges, and the
gaps of their squares. Their formula was not to be had; the statistic, its threshold and its test are GraphLab's own,
and the threshold was chosen with the data sets of docs/DIRECTED.md in view.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

from graphlab.analysis.directedness.patterns import two_step_blocks
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import UNLABELLED

THRESHOLD = 0.25
"""The score from which on direction is to be kept."""

PERMUTATIONS = 19

KINDS = {"AA": 1, "AA'": 2, "A'A": 4}
"""The bit of each pattern in the kind of a pair; AA stands for A'A' too, which is the same pair from its other end."""

BLOCK = 1 << 20
"""Pairs whose classes are compared at once."""


@dataclass(frozen=True)
class Evidence:
    """What one pattern says of classes.

    Attributes:
        pattern: AA, AA', A'A, or SS, which has no direction and is any of them.
        num_pairs: Pairs that it joins.
        num_same: Those of one class among them.
        correlation: Of being joined with having one class; 0 where either is constant.
    """

    pattern: str
    num_pairs: int
    num_same: int
    correlation: float


@dataclass(frozen=True)
class Advice:
    """Whether to keep the direction, and why.

    Attributes:
        score: S; 0 where nothing is explained.
        directed, undirected: R_directed and R_undirected.
        gaps: Gaps with the classes dealt out anew, `[PERMUTATIONS]`.
        num_labelled: Nodes whose classes were looked at.
        evidence: Of each pattern.
    """

    directed: float
    undirected: float
    gaps: tuple[float, ...]
    num_labelled: int
    evidence: tuple[Evidence, ...]

    @property
    def gap(self) -> float:
        return self.directed - self.undirected

    @property
    def score(self) -> float:
        return self.gap / self.directed if self.directed > 0 else 0.0

    @property
    def counts(self) -> bool:
        """Whether the gap is larger than by chance."""
        return self.gap > max(self.gaps)

    @property
    def keeps_direction(self) -> bool:
        return self.counts and self.score >= THRESHOLD


def advise(adjacency: csr_matrix, y: np.ndarray, labelled: np.ndarray) -> Advice:
    """The score of a graph and what it is made of, in blocks of bounded memory.

    Args:
        adjacency: As `adjacency_of` gives it; all edges count, whatever is known of their ends.
        y: Classes, int64 `[num_nodes]`, `UNLABELLED` where not known.
        labelled: Nodes whose classes may be looked at, bool `[num_nodes]`.
    """
    nodes = np.flatnonzero(labelled & (y != UNLABELLED))
    random = SeedStream(0, ("directedness",)).numpy()
    dealt = np.stack([y[nodes], *(random.permutation(y[nodes]) for _ in range(PERMUTATIONS))], axis=1)
    pairs, same = np.zeros(8, np.int64), np.zeros((8, 1 + PERMUTATIONS), np.int64)
    for u, v, kind in two_step_blocks(adjacency, nodes):
        pairs += np.bincount(kind, minlength=8)
        for first, last in pairwise([*range(0, len(u), BLOCK), len(u)]):
            equal = dealt[u[first:last]] == dealt[v[first:last]]
            for each in np.unique(kind[first:last]):
                same[each] += equal[kind[first:last] == each].sum(axis=0)
    counts = np.unique(y[nodes], return_counts=True)[1]
    num_pairs, num_same = len(nodes) * (len(nodes) - 1) // 2, int((counts * (counts - 1) // 2).sum())
    pairs[0], same[0] = num_pairs - pairs.sum(), num_same - same.sum(axis=0)
    joined = np.array([pairs[0], pairs[1:].sum()]), np.stack([same[0], same[1:].sum(axis=0)])
    directed, undirected = explained(pairs, same), explained(*joined)
    evidence = [
        _evidence(name, np.array([bool(kind & bit) for kind in range(8)]), pairs, same) for name, bit in KINDS.items()
    ]
    evidence.append(_evidence("SS", np.arange(8) > 0, pairs, same))
    gaps = tuple(float(gap) for gap in (directed - undirected)[1:])
    return Advice(float(directed[0]), float(undirected[0]), gaps, len(nodes), tuple(evidence))


def explained(pairs: np.ndarray, same: np.ndarray) -> np.ndarray:
    """The correlation ratio of a yes-or-no variable; 0 where it is constant.

    Args:
        pairs: Cases of each kind, int64 `[kinds]`.
        same: Those with a yes, int64 `[kinds, draws]`, as many in all draws.

    Returns:
        float64 `[draws]`.
    """
    total = pairs.sum()
    share = same.sum(axis=0) / max(1, total)
    of_kind = same / np.maximum(1, pairs)[:, None]
    spread = total * share * (1 - share)
    between = (pairs[:, None] * (of_kind - share) ** 2).sum(axis=0)
    return np.divide(between, spread, out=np.zeros_like(between), where=spread > 0)


def _evidence(name: str, is_joined: np.ndarray, pairs: np.ndarray, same: np.ndarray) -> Evidence:
    """Of the pattern that joins pairs of these kinds."""
    num_pairs, num_same = int(pairs[is_joined].sum()), int(same[is_joined, 0].sum())
    of_two = np.array([pairs.sum() - num_pairs, num_pairs]), np.array([[same[:, 0].sum() - num_same], [num_same]])
    size = float(np.sqrt(explained(*of_two)[0]))
    is_more = num_same * int(pairs.sum()) >= num_pairs * int(same[:, 0].sum())
    return Evidence(name, num_pairs, num_same, size if is_more else -size)
