"""Pairs of nodes that edges join: by one edge, or by two over a third node, along or against their direction.

With A the adjacency, A[u, v] = 1 where an edge leads from u to v, and A' its transpose:

    A      u -> v                  A'     u <- v
    AA     u -> w -> v             A'A'   u <- w <- v
    AA'    u -> w <- v             A'A    u <- w -> v
    S      u - v, either way       SS     u - w - v, either way

A pair belongs to a pattern if there is such an edge or such a w, and counts once however many there are. Pairs (u, u)
are left out of all, and so are self-loops as steps of two; `self_pairs` keeps self-loops in A, A' and S.

References:
    Sun et al., Breaking the Entanglement of Homophily and Heterophily in Semi-supervised Node Classification, ICDE
    2024: the directed patterns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
from scipy.sparse import csr_matrix
from torch import Tensor

from graphlab.core.errors import InputError

Pattern = Literal["A", "A'", "AA", "AA'", "A'A", "A'A'", "S", "SS"]

PATTERNS: tuple[Pattern, ...] = get_args(Pattern)

BUDGET = 1 << 23
"""Paths of two edges that a block of rows may have, unless one row alone has more."""


def adjacency_of(edge_index: Tensor, num_nodes: int) -> csr_matrix:
    """The adjacency, float32 `[num_nodes, num_nodes]` of 0 and 1: repeated edges count once."""
    source, target = edge_index.cpu().numpy()
    shape = (num_nodes, num_nodes)
    adjacency = csr_matrix((np.ones(len(source), dtype=np.float32), (source, target)), shape=shape)
    adjacency.data[:] = 1
    return adjacency


def reciprocity(adjacency: csr_matrix) -> float | None:
    """The share of edges whose reverse is there too; self-loops do not count. None for a graph without edges.

    References:
        Newman, Forrest and Balthrop, Email Networks and the Spread of Computer Viruses, Physical Review E 66, 2002.
    """
    edges = _without_loops(adjacency)
    return edges.multiply(edges.T).nnz / edges.nnz if edges.nnz else None


def pattern_blocks(
    adjacency: csr_matrix, pattern: str, *, self_pairs: bool = False, budget: int = BUDGET
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pairs (u, v) of a pattern, in blocks of whole rows u in ascending order.

    Args:
        adjacency: As `adjacency_of` gives it.
        pattern: One of `PATTERNS`.
        self_pairs: Whether self-loops are pairs of A, A' and S.
        budget: Paths of two edges in a block. Memory grows with it and with the paths of the largest row.

    Yields:
        u, v: int64 `[pairs]`.

    Raises:
        InputError: There is no such pattern.
    """
    require_pattern(pattern)
    loopless = _without_loops(adjacency)
    forms = {True: (loopless, loopless.T.tocsr())}
    if self_pairs:
        forms[False] = (adjacency, adjacency.T.tocsr())
    one_step = pattern in ("A", "A'", "S")
    forward, backward = forms[not (self_pairs and one_step)]
    either = (forward + backward).tocsr()
    steps = {"A": forward, "'": backward, "S": either}
    names = pattern.replace("A'", "'")
    left, right = steps[names[0]], steps[names[-1]] if len(names) == 2 else None
    if right is None:
        rows = np.repeat(np.arange(left.shape[0]), np.diff(left.indptr))
        yield rows.astype(np.int64), left.indices.astype(np.int64)
        return
    paths = left @ np.diff(right.indptr).astype(np.float64)
    for first, last in _ranges(paths, budget):
        block = (left[first:last] @ right).tocoo()
        source = block.row.astype(np.int64) + first
        target = block.col.astype(np.int64)
        apart = source != target
        yield source[apart], target[apart]


def two_step_blocks(
    adjacency: csr_matrix, nodes: np.ndarray, budget: int = BUDGET
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Which patterns of two edges join two of some nodes, over any third node, in blocks of whole rows.

    Args:
        adjacency: As `adjacency_of` gives it; self-loops are left out.
        nodes: Ids, int64 `[M]`, each once.
        budget: As of `pattern_blocks`.

    Yields:
        u, v: places in `nodes`, u < v, int64 `[pairs]`; no pair is there twice, and all that are joined are.
        code: 1 where AA or A'A' joins them, plus 2 where AA' does, plus 4 where A'A does; int64 `[pairs]`.
    """
    forward = _without_loops(adjacency)
    backward = forward.T.tocsr()
    to_nodes, from_nodes = forward[:, nodes].tocsr(), backward[:, nodes].tocsr()
    steps = np.diff(to_nodes.indptr).astype(np.float64) + np.diff(from_nodes.indptr)
    paths = (forward[nodes] + backward[nodes]) @ steps
    for first, last in _ranges(paths, budget):
        out, into = forward[nodes[first:last]], backward[nodes[first:last]]
        along, over_successor, over_predecessor = out @ to_nodes + into @ from_nodes, out @ from_nodes, into @ to_nodes
        for bit, joined in enumerate((along, over_successor, over_predecessor)):
            joined.data[:] = 1 << bit
        block = (along + over_successor + over_predecessor).tocoo()
        u, v = block.row.astype(np.int64) + first, block.col.astype(np.int64)
        once = u < v
        yield u[once], v[once], block.data[once].astype(np.int64)


def require_pattern(pattern: object) -> None:
    """Raises InputError for what is no pattern."""
    if pattern not in PATTERNS:
        raise InputError(f"there is no pattern {pattern!r:.60}", hint=f"it is one of {', '.join(PATTERNS)}")


def _without_loops(adjacency: csr_matrix) -> csr_matrix:
    matrix = adjacency.tocoo()
    apart = matrix.row != matrix.col
    return csr_matrix((matrix.data[apart], (matrix.row[apart], matrix.col[apart])), shape=matrix.shape)


def _ranges(costs: np.ndarray, budget: int) -> Iterator[tuple[int, int]]:
    """Consecutive ranges of rows, each of a cost within the budget or of one row."""
    total, first = np.concatenate([[0.0], np.cumsum(costs)]), 0
    while first < len(costs):
        last = int(np.searchsorted(total, total[first] + budget, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last
