"""The random walk of a graph: for each node the nodes that a step may lead to, with their probabilities."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.adjacency import MOST_NODES, Adjacency
from graphlab.ops.compiled import counting_sort

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Transition:
    """Edges by the node they leave. A step takes an edge in proportion to its weight.

    A node that no edge leaves is dangling: from it a step returns to the source of the walk.

    Attributes:
        start: Where the edges of each node begin, int64 `[num_nodes + 1]`.
        target: Where they lead, int32 `[E]`.
        probability: That a step takes the edge, float64 `[E]`; None where the edges of a node are equally likely.
        strength: The weights that leave a node, summed, float64 `[num_nodes]`; without weights its number of edges.
    """

    start: np.ndarray
    target: np.ndarray
    probability: np.ndarray | None
    strength: np.ndarray

    @classmethod
    def of(
        cls,
        edge_index: np.ndarray | Tensor,
        num_nodes: int,
        weight: np.ndarray | Tensor | None = None,
        *,
        directed: bool = True,
    ) -> Transition:
        """The walk along listed edges.

        An edge that is listed twice counts twice. An edge of weight 0 is left out.

        Args:
            edge_index: Whole numbers `[2, E]`, sources and targets.
            num_nodes: Number of nodes.
            weight: `[E]`, from 0 and finite; None where all edges count alike.
            directed: Whether an edge leads from its source to its target alone. If not, each is listed in one direction
                and leads in both; an `edge_index` with both directions, as PyG's, is passed as a directed one.

        Raises:
            InputError: Edges of another shape or of nodes that are not there, or weights that are negative or not
            finite.
        """
        edges = np.asarray(edge_index.cpu() if isinstance(edge_index, Tensor) else edge_index)
        weights = (
            None if weight is None else np.asarray(weight.detach().cpu() if isinstance(weight, Tensor) else weight)
        )
        _require_edges(edges, num_nodes)
        if weights is not None:
            weights = _checked_weights(weights, edges)
            edges, weights = edges[:, weights > 0], weights[weights > 0]
        source, target = edges.astype(np.int64)
        if not directed:
            turned = source != target
            source, target = np.concatenate([source, target[turned]]), np.concatenate([target, source[turned]])
            weights = None if weights is None else np.concatenate([weights, weights[turned]])
        start, order = counting_sort(source, num_nodes)
        neighbour = target[order].astype(np.int32)
        if weights is None:
            return cls(start, neighbour, None, np.diff(start).astype(np.float64))
        strength = np.bincount(source, weights, num_nodes).astype(np.float64)
        if not np.isfinite(strength).all():
            raise InputError("the weights of a node are too large to be summed", hint="divide all by the largest")
        return cls(start, neighbour, (weights / strength[source])[order], strength)

    @classmethod
    def of_adjacency(cls, graph: Adjacency) -> Transition:
        """The walk on an undirected graph without weights."""
        return cls(graph.start, graph.neighbour, None, graph.degree.astype(np.float64))

    @property
    def num_nodes(self) -> int:
        return len(self.start) - 1

    @property
    def num_edges(self) -> int:
        """Number of directed edges."""
        return len(self.target)

    @cached_property
    def degree(self) -> np.ndarray:
        """Number of edges that leave each node, int64 `[num_nodes]`."""
        return np.diff(self.start)

    @cached_property
    def dangling(self) -> np.ndarray:
        """Nodes that no edge leaves, int64."""
        return np.flatnonzero(self.degree == 0)

    @cached_property
    def by_target(self) -> InEdges:
        """The same edges by the node that they lead to."""
        start, order = counting_sort(self.target, self.num_nodes)
        source = np.repeat(np.arange(self.num_nodes, dtype=np.int32), self.degree)[order]
        return InEdges(start, source, None if self.probability is None else self.probability[order])

    @cached_property
    def edge_probability(self) -> np.ndarray:
        """The probability of each edge, float64 `[E]`, where all of a node are equally likely too."""
        if self.probability is not None:
            return self.probability
        return np.repeat(1 / np.maximum(self.degree, 1), self.degree)

    @cached_property
    def is_undirected(self) -> bool:
        """Whether the weight from a node to another is that of the way back, but for rounding."""
        from scipy.sparse import csr_array

        values = self.edge_probability * np.repeat(self.strength, self.degree)
        weights = csr_array((values, self.target, self.start), shape=(self.num_nodes, self.num_nodes), copy=True)
        weights.sum_duplicates()
        back = weights.T.tocsr()
        back.sort_indices()
        if not (np.array_equal(weights.indptr, back.indptr) and np.array_equal(weights.indices, back.indices)):
            return False
        return bool(np.allclose(weights.data, back.data, rtol=1e-15 * 8, atol=0))

    def matrix(self) -> csr_array:
        """The probabilities as a matrix `[num_nodes, num_nodes]`, whose rows of dangling nodes are 0."""
        from scipy.sparse import csr_array

        size = (self.num_nodes, self.num_nodes)
        return csr_array((self.edge_probability, self.target, self.start), shape=size, copy=True)

    @cached_property
    def digest(self) -> str:
        """sha256 of the edges and their probabilities, in hexadecimal."""
        content = hashlib.sha256()
        for array in (self.start, self.target, self.probability):
            content.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
            content.update(b"|")
        return content.hexdigest()


@dataclass(frozen=True, eq=False)
class InEdges:
    """Edges by the node that they lead to.

    Attributes:
        start: Where the edges into each node begin, int64 `[num_nodes + 1]`.
        source: Where they come from, int32 `[E]`.
        probability: float64 `[E]`, or None where the edges that leave a node are equally likely.
    """

    start: np.ndarray
    source: np.ndarray
    probability: np.ndarray | None


def _require_edges(edges: np.ndarray, num_nodes: int) -> None:
    if edges.ndim != 2 or edges.shape[0] != 2 or (edges.size and edges.dtype.kind not in "iu"):
        raise InputError(
            f"edge_index has shape {edges.shape} and holds {edges.dtype}", hint="pass whole numbers [2, edges]"
        )
    if not 0 <= num_nodes <= MOST_NODES:
        raise InputError(f"a graph cannot have {num_nodes:,} nodes", hint=f"0 to {MOST_NODES:,} nodes")
    if edges.size and not 0 <= edges.min() <= edges.max() < num_nodes:
        raise InputError(f"an edge names a node that is not among {num_nodes:,}", hint="nodes are counted from 0")


def _checked_weights(weights: np.ndarray, edges: np.ndarray) -> np.ndarray:
    if weights.shape != (edges.shape[1],) or weights.dtype.kind not in "iufb":
        raise InputError(
            f"weights have shape {weights.shape} and hold {weights.dtype}",
            hint=f"give a number for each of {edges.shape[1]:,} edges",
        )
    weights = weights.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise InputError(
            f"the weight of edge {wrong[0]} is {weights[wrong[0]]}", hint="weights are finite numbers from 0"
        )
    return weights
