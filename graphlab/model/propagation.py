"""Features that are passed along patterns of directed edges before training, and kept.

A pattern is a product of A, A[u, v] the weight of the edge from u to v, and its transpose: `a`, `at`, `aa`, `aat`,
`ata`, `atat`; `s` is A + A^T. Its operator is D^(r-1) G D^-r, G the product, of `a`, `at` and `s` with a loop of weight
1 a node, and D the sums of its rows; a zero sum to a power other than 0 is zero (Sun et al., ICDE 2024, eq. 1, as
released). Rows are passed along each factor in turn, so that no product of matrices is ever made:

    D^(r-1) A (A^T (D^-r x)),    D = A (A^T 1)

`bare_a` and `bare_at` are A and A^T as they are, without loops of their own. Their operator is D^(r-1) G E^-r, E the
sums of the columns of G, which are those of its rows where edges have no direction: a node whose own row is empty is
read by others all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.model.directed import require_nonnegative
from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum

FACTORS = {
    "a": ("out",),
    "at": ("in",),
    "s": ("both",),
    "bare_a": ("out",),
    "bare_at": ("in",),
    "aa": ("out", "out"),
    "aat": ("out", "in"),
    "ata": ("in", "out"),
    "atat": ("in", "in"),
}
"""The factors of each pattern, the first of the product first: along edges that leave a node, or enter it."""

LOOPED = frozenset({"a", "at", "s"})
"""Patterns that have a loop a node."""

BARE = frozenset({"bare_a", "bare_at"})
"""Patterns that are scaled by the sums of both rows and columns."""

LARGEST = 2**34
"""Bytes of propagated features that are made at most."""


def attribute(pattern: str, hop: int) -> str:
    """The tensor of a prepared graph that holds the features of a pattern after so many hops, `[num_nodes, d]`."""
    return f"propagated_{pattern}_{hop}"


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
        return [self.restore(graph, self.propagated(graph)) for graph in graphs]

    def restore(self, graph: Data, added: Mapping[str, Tensor]) -> Data:
        prepared = copy(graph)
        for name, rows in added.items():
            prepared[name] = rows
        return prepared

    def propagated(self, graph: Data) -> dict[str, Tensor]:
        """Features passed on, `[num_nodes, d]` in the dtype of `graph.x`, by `attribute`.

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
        out: dict[str, Tensor] = {}
        for pattern in self.patterns:
            operator, rows = PatternOperator(edges, pattern, self.exponent), x
            for hop, coefficient in enumerate(self.coefficients, start=1):
                rows = operator(rows).mul_(coefficient)
                out[attribute(pattern, hop)] = rows
        return out


class Directions:
    """A graph's edges in each direction, ready for sums.

    Args:
        edge_index: int64 `[2, E]`.
        weight: `[E]`, or None.
        num_nodes: Number of nodes.
    """

    def __init__(self, edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> None:
        self.edge_index, self.num_nodes = edge_index, num_nodes
        shape, device = (edge_index.shape[1],), edge_index.device
        ones = torch.ones(shape, dtype=torch.float64, device=device)
        self.weight = ones if weight is None else weight.detach().double()

    @cached_property
    def out(self) -> Neighbours:
        """Those that leave a node."""
        return Neighbours(self.edge_index.flip(0), self.num_nodes, self.num_nodes)

    @cached_property
    def into(self) -> Neighbours:
        """Those that enter a node."""
        return self.out.transposed()

    @cached_property
    def both(self) -> Neighbours:
        edges = torch.cat([self.edge_index, self.edge_index.flip(0)], dim=1)
        return Neighbours(edges, self.num_nodes, self.num_nodes)

    def of(self, direction: str) -> tuple[Neighbours, Tensor]:
        """Edges that leave each node (`out`), enter it (`in`), or both, and their weights, float64."""
        if direction == "both":
            return self.both, self.weight.repeat(2)
        return (self.out if direction == "out" else self.into), self.weight


class PatternOperator:
    """D^(r-1) G D^-r of a pattern, D^(r-1) G E^-r of a bare one, on rows `[num_nodes, d]`. Its scales are parts of the
    weights of edges.

    Args:
        edges: The graph.
        pattern: A name of `FACTORS`.
        exponent: r.
    """

    def __init__(self, edges: Directions, pattern: str, exponent: float) -> None:
        self.factors = [edges.of(direction) for direction in FACTORS[pattern]]
        self.has_loops = pattern in LOOPED
        degree = _row_sums(self.factors, edges) + self.has_loops
        of_columns = _row_sums([edges.of(_OPPOSITE[FACTORS[pattern][0]])], edges) if pattern in BARE else degree
        left, right = _power(degree, exponent - 1), _power(of_columns, -exponent)
        (first, weight), (last, _) = self.factors[0], self.factors[-1]
        self.factors[0] = first, weight * left[first.target]
        self.factors[-1] = last, self.factors[-1][1] * right[last.source]
        self.loops = left * right

    def __call__(self, rows: Tensor) -> Tensor:
        out = rows
        for neighbours, weight in reversed(self.factors):
            out = neighbour_sum(neighbours, out, weight.to(rows.dtype))
        return out.addcmul_(self.loops.to(rows.dtype).unsqueeze(1), rows) if self.has_loops else out


_OPPOSITE = {"out": "in", "in": "out"}


def _row_sums(factors: Sequence[tuple[Neighbours, Tensor]], edges: Directions) -> Tensor:
    """The sums of the rows of a product, float64 `[num_nodes]`."""
    sums = torch.ones(edges.num_nodes, 1, dtype=torch.float64, device=edges.edge_index.device)
    for neighbours, weight in reversed(factors):
        sums = neighbour_sum(neighbours, sums, weight)
    return sums.squeeze(1)


def _power(degree: Tensor, exponent: float) -> Tensor:
    """`degree ** exponent`, 0 where the degree is 0 and the exponent is not."""
    if not exponent:
        return torch.ones_like(degree)
    return torch.where(degree > 0, degree.clamp(min=torch.finfo(degree.dtype).tiny) ** exponent, 0)
