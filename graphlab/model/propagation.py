"""Features that are passed along patterns of directed edges before training, and kept.

A pattern is a product of A, A[u, v] the weight of the edge from u to v, and its transpose: `a`, `at`, `aa`, `aat`,
`ata`, `atat`; `s` is A + A^T. Its operator is D^(r-1) G D^-r, G the product, of `a`, `at` and `s` with a loop of weight
1 a node, and D the sums of its rows; a zero sum to a power other than 0 is zero (Sun et al., ICDE 2024, eq. 1, as
released). Rows are passed along each factor in turn, so that no product of matrices is ever made:

    D^(r-1) A (A^T (D^-r x)),    D = A (A^T 1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.model.directed import require_nonnegative
from graphlab.ops.directed_operators import with_loops
from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum

PROPAGATED = "propagated"
"""The tensor of a prepared graph, `[num_nodes, patterns, hops, d]`."""

FACTORS = {
    "a": ("out",),
    "at": ("in",),
    "s": ("both",),
    "aa": ("out", "out"),
    "aat": ("out", "in"),
    "ata": ("in", "out"),
    "atat": ("in", "in"),
}
"""The factors of each pattern, the first of the product first: along edges that leave a node, or enter it."""

LARGEST = 2**34
"""Bytes of propagated features that are made at most."""


@dataclass(frozen=True)
class Propagation:
    """x_l = M (c_l x_(l-1)) for l = 1 to `hops`, for the operator M of each pattern and x_0 the features.

    Attributes:
        patterns: Names of `FACTORS`.
        hops: How often features are passed on.
        exponent: r, .5 for the symmetric scaling and 0 for means.
        coefficients: c_l, one a hop.
    """

    version: ClassVar[int] = 1
    patterns: tuple[str, ...]
    hops: int
    exponent: float
    coefficients: tuple[float, ...]

    def prepare(self, graphs: Sequence[Data]) -> Sequence[Data]:
        return [self.restore(graph, {PROPAGATED: self.propagated(graph)}) for graph in graphs]

    def restore(self, graph: Data, added: Mapping[str, Tensor]) -> Data:
        prepared = copy(graph)
        prepared[PROPAGATED] = added[PROPAGATED]
        return prepared

    def propagated(self, graph: Data) -> Tensor:
        """Features passed on, `[num_nodes, patterns, hops, d]`, in the dtype of `graph.x`.

        Raises InputError where they would take over 16 GiB, and IncompatibleError where a weight is negative.
        """
        x: Tensor = graph["x"]
        needed = x.numel() * x.element_size() * len(self.patterns) * self.hops
        if needed > LARGEST:
            raise InputError(
                f"features of {len(x):,} nodes, passed on {self.hops} times along {len(self.patterns)} patterns, take "
                f"{needed / 2**30:.0f} GiB",
                hint="ask for fewer hops, or make features narrower by a pre_transform or a transform",
            )
        require_nonnegative(graph.get("edge_weight"), "a propagation of features")
        edges = Directions(graph["edge_index"], graph.get("edge_weight"), len(x))
        out = x.new_empty(len(x), len(self.patterns), self.hops, x.shape[1])
        for place, pattern in enumerate(self.patterns):
            operator = PatternOperator(edges, pattern, self.exponent)
            rows = x
            for hop, coefficient in enumerate(self.coefficients):
                rows = operator(rows * coefficient)
                out[:, place, hop] = rows
        return out


class Directions:
    """A graph's edges in each direction, with and without loops.

    Args:
        edge_index: int64 `[2, E]`.
        weight: `[E]`, or None.
        num_nodes: Number of nodes.
    """

    def __init__(self, edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> None:
        self.edge_index, self.weight, self.num_nodes = edge_index, weight, num_nodes
        self._sorted: dict[tuple[str, bool], tuple[Neighbours, Tensor | None]] = {}

    def sum(self, rows: Tensor, direction: str, loops: bool) -> Tensor:
        """Sums of weighted rows along edges that leave each node (`out`), enter it (`in`), or both."""
        if (direction, loops) not in self._sorted:
            self._sorted[direction, loops] = self._edges(direction, loops)
        neighbours, weight = self._sorted[direction, loops]
        return neighbour_sum(neighbours, rows, None if weight is None else weight.to(rows.dtype))

    def _edges(self, direction: str, loops: bool) -> tuple[Neighbours, Tensor | None]:
        forward, weight = self.edge_index, self.weight
        if direction == "both":
            forward = torch.cat([forward, forward.flip(0)], dim=1)
            weight = None if weight is None else weight.repeat(2)
        if loops:
            forward, weight = with_loops(forward, weight, self.num_nodes)
        edges = forward if direction == "in" else forward.flip(0)
        return Neighbours(edges, self.num_nodes, self.num_nodes), weight


class PatternOperator:
    """D^(r-1) G D^-r of a pattern, on rows `[num_nodes, d]`.

    Args:
        edges: The graph.
        pattern: A name of `FACTORS`.
        exponent: r.
    """

    def __init__(self, edges: Directions, pattern: str, exponent: float) -> None:
        self.edges, self.factors = edges, FACTORS[pattern]
        degree = self._product(torch.ones(edges.num_nodes, 1, dtype=torch.float64, device=edges.edge_index.device))
        self.left, self.right = _power(degree, exponent - 1), _power(degree, -exponent)

    def __call__(self, rows: Tensor) -> Tensor:
        return self.left.to(rows.dtype) * self._product(self.right.to(rows.dtype) * rows)

    def _product(self, rows: Tensor) -> Tensor:
        for direction in reversed(self.factors):
            rows = self.edges.sum(rows, direction, loops=len(self.factors) == 1)
        return rows


def _power(degree: Tensor, exponent: float) -> Tensor:
    """`degree ** exponent`, 0 where the degree is 0 and the exponent is not."""
    if not exponent:
        return torch.ones_like(degree)
    return torch.where(degree > 0, degree.clamp(min=torch.finfo(degree.dtype).tiny) ** exponent, 0)
