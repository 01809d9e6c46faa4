"""Katz's index of a directed graph, as the product of two thin matrices. Ou, Cui, Pei, Zhang and Zhu, KDD 2016, eq. 8.

    S = (I - beta A)^-1 beta A = sum over t >= 1 of beta^t A^t  ~  U diag(s) V^T

S[u, v] counts the walks from u to v, beta^t for one of t edges. It is never laid out: the singular triplets come from
products of S and S^T with vectors, each of which is a product with A and the solution of a sparse system.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, SuperLU, splu, svds

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream

MOST_STEPS = 10_000
"""Of the iteration that bounds the spectral radius."""

MOST_RESTARTS = 100
"""Of the iteration for singular triplets."""


class RadiusBounds(NamedTuple):
    """Two numbers between which the spectral radius of a matrix lies."""

    lower: float
    upper: float


class SingularTriplets(NamedTuple):
    """The largest singular values of a matrix `[n, n]`, descending, and their vectors.

    Attributes:
        left: float64 `[n, k]`.
        values: float64 `[k]`.
        right: float64 `[n, k]`.
    """

    left: np.ndarray
    values: np.ndarray
    right: np.ndarray


def adjacency(edge_index: np.ndarray, num_nodes: int) -> sparse.csr_matrix:
    """A[u, v] = 1 where an edge leads from u to v, for edges int64 `[2, E]`; float64 `[num_nodes, num_nodes]`."""
    source, target = np.unique(edge_index, axis=1)
    return sparse.csr_matrix((np.ones(len(source)), (source, target)), shape=(num_nodes, num_nodes))


def radius_bounds(matrix: sparse.csr_matrix, limit: float) -> RadiusBounds:
    """Bounds of the spectral radius of a non-negative matrix, both below a limit, or both at it or above and equal to
    six digits. A radius that is not told from the limit in `MOST_STEPS` steps has bounds on both sides.

    The radius is the largest of those of the strongly connected parts. For any x > 0, the smallest and the largest of
    (B x)_i / x_i bound the radius of a part B (Collatz, 1942; Wielandt, 1950); with I added to each part, they
    converge to it under x <- B x.
    """
    size = _size_of(matrix)
    if not size:
        return RadiusBounds(0.0, 0.0)
    count, part = connected_components(matrix, directed=True, connection="strong")
    entries = matrix.tocoo()
    inside = part[entries.row] == part[entries.col]
    own = sparse.csr_matrix((entries.data[inside], (entries.row[inside], entries.col[inside])), (size, size))
    x, bounds = np.ones(size), RadiusBounds(0.0, np.inf)
    for _ in range(MOST_STEPS):
        image = own @ x + x
        ratio = image / x
        low, high, largest = np.full(count, np.inf), np.zeros(count), np.zeros(count)
        np.minimum.at(low, part, ratio)
        np.maximum.at(high, part, ratio)
        np.maximum.at(largest, part, image)
        bounds = RadiusBounds(max(bounds.lower, float(low.max()) - 1), min(bounds.upper, float(high.max()) - 1))
        if bounds.upper < limit or (bounds.lower >= limit and bounds.upper <= bounds.lower * (1 + 1e-6)):
            return bounds
        x = image / largest[part]
    return bounds


def require_finite_sum(matrix: sparse.csr_matrix, beta: float) -> None:
    """Raises InputError where beta is not below 1 / spectral radius, so that the sum over walks is infinite."""
    bounds = radius_bounds(matrix, 1 / beta)
    if bounds.upper < 1 / beta:
        return
    radius = (bounds.lower + bounds.upper) / 2
    raise InputError(
        f"Katz's sum over walks is infinite for beta = {beta:g}: on this graph it must be below 1 / {radius:.6g}, "
        f"which is {1 / radius:.6g}",
        hint=f"choose a smaller beta, as {0.5 / radius:.2g}; 1 over the spectral radius of the adjacency is the bound",
    )


def katz_triplets(matrix: sparse.csr_matrix, beta: float, count: int) -> SingularTriplets:
    """The `count` largest singular triplets of S, or as many as there are nodes.

    Args:
        matrix: A, float64 `[n, n]`, entries from 0.
        beta: Weight of an edge, below 1 / spectral radius.
        count: k. From n on S is no larger than what is asked for, and is laid out.

    Raises:
        InputError: The sum over walks is infinite, or the iteration for singular triplets does not converge.
    """
    size = _size_of(matrix)
    require_finite_sum(matrix, beta)
    if not matrix.nnz:
        count = min(count, size)
        return SingularTriplets(np.zeros((size, count)), np.zeros(count), np.zeros((size, count)))
    factors = splu((sparse.identity(size, format="csc") - beta * matrix).tocsc())
    if count >= size:
        left, values, right = np.linalg.svd(factors.solve(beta * matrix.toarray()))
        return SingularTriplets(left, values, right.T)
    start = SeedStream(0).child("singular triplets").numpy().standard_normal(size)
    try:
        left, values, right = svds(_Katz(matrix, beta, factors), k=count, v0=start, maxiter=MOST_RESTARTS)
    except ArpackNoConvergence:
        raise InputError(
            f"the {count:,} largest singular values of Katz's index are too close to others to be told apart",
            hint="choose another model.embedding_dim; long paths without branches have no few largest ones",
        ) from None
    assert left is not None and right is not None
    order = np.argsort(-values)
    return SingularTriplets(left[:, order], values[order], right[order].T)


class _Katz(LinearOperator):
    """S and its transpose, `factors` those of I - beta A."""

    def __init__(self, matrix: sparse.csr_matrix, beta: float, factors: SuperLU) -> None:
        super().__init__(np.float64, matrix.shape)
        self._matrix, self._transposed = beta * matrix, (beta * matrix).T.tocsr()
        self._factors = factors

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        return self._factors.solve(self._matrix @ x)

    def _rmatvec(self, x: np.ndarray) -> np.ndarray:
        return self._transposed @ self._factors.solve(x, trans="T")


def _size_of(matrix: sparse.csr_matrix) -> int:
    return len(matrix.indptr) - 1
