"""Instances of the symmetric travelling salesman problem, drawn or explicit, checked before they are used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from graphlab.core.errors import InputError, require_count
from graphlab.core.memory import require_memory

MIN_NODES = 3
"""A tour of fewer nodes would use an edge twice."""

MEMORY_LIMIT = 2**31
"""Bytes that one call may allocate by default, 2 GiB."""

LARGER = "use fewer nodes, or pass a larger memory_limit"
"""What helps where a limit is exceeded."""

LARGEST_WEIGHT = 2**40
"""Sums of integer weights up to this are exact in float64, on up to 2**13 nodes."""


@dataclass(frozen=True, eq=False)
class TourInstance:
    """A complete graph with costs on edges, of `from_points`, `from_costs`, `draw_points`, `draw_weights`.

    Args:
        costs: float64 `[n, n]`, symmetric, finite, not negative, zero on the diagonal; not to be written to.
        points: float64 `[n, 2]` where costs are the distances of points, otherwise None.
    """

    costs: np.ndarray
    points: np.ndarray | None = None

    @property
    def num_nodes(self) -> int:
        return len(self.costs)

    @cached_property
    def is_integral(self) -> bool:
        """Whether all costs are whole numbers, so that lengths of tours are exact."""
        return bool((self.costs == np.rint(self.costs)).all())


def from_points(points: ArrayLike, *, memory_limit: int = MEMORY_LIMIT) -> TourInstance:
    """The instance of the Euclidean distances of points in the unit square.

    Args:
        points: `[n, 2]`, at least three points, coordinates from 0 to 1.
        memory_limit: bytes that may be allocated.

    Raises:
        InputError: for another shape, coordinates that are not numbers from 0 to 1, or too many points.
    """
    points = _numbers("points", points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise InputError(f"points cannot have the shape {points.shape}", hint="points are rows of two: [n, 2]")
    _require_nodes(len(points))
    if not np.isfinite(points).all():
        raise InputError("points hold NaN or infinity", hint="remove the rows for which np.isfinite is False")
    if points.min() < 0 or points.max() > 1:
        raise InputError(
            f"coordinates lie between {points.min():g} and {points.max():g}, outside of the unit square",
            hint="subtract the least coordinate and divide by the width; lengths then scale by that width",
        )
    _require_matrix_memory(len(points), memory_limit)
    difference = points[:, None, :] - points[None, :, :]
    return TourInstance(np.hypot(difference[..., 0], difference[..., 1]), points)


def from_costs(costs: ArrayLike) -> TourInstance:
    """The instance of an explicit matrix, which may violate the triangle inequality.

    Args:
        costs: `[n, n]`, at least three nodes.

    Raises:
        InputError: for a matrix that is not square, finite, non-negative and symmetric with a zero diagonal.
    """
    costs = _numbers("costs", costs)
    if costs.ndim != 2 or costs.shape[0] != costs.shape[1]:
        raise InputError(f"costs cannot have the shape {costs.shape}", hint="costs are a square matrix: [n, n]")
    _require_nodes(len(costs))
    if not np.isfinite(costs).all():
        raise InputError(
            f"costs hold NaN or infinity, first at {_first(~np.isfinite(costs))}",
            hint="an edge that may not be used takes a finite cost above that of any tour",
        )
    if (costs < 0).any():
        raise InputError(
            f"costs hold negative numbers, first at {_first(costs < 0)}",
            hint="add one constant to all edges: each tour has n of them, so the best tours stay the best",
        )
    if (costs != costs.T).any():
        raise InputError(
            f"costs are not symmetric, first at {_first(costs != costs.T)}",
            hint="pass (costs + costs.T) / 2 if rounding is the cause; tours with a direction are not supported",
        )
    if costs.diagonal().any():
        raise InputError("costs are not zero on the diagonal", hint="np.fill_diagonal(costs, 0)")
    if costs.max() > np.finfo(np.float64).max / (4 * len(costs)):
        raise InputError(f"lengths of tours overflow: the largest cost is {costs.max():g}", hint="scale the costs down")
    return TourInstance(costs)


def draw_points(num_nodes: int, rng: np.random.Generator, *, memory_limit: int = MEMORY_LIMIT) -> TourInstance:
    """A metric instance: points independent and uniform in the unit square, Euclidean distances.

    Raises:
        InputError: for fewer than three nodes, or for more than memory_limit has room for.
    """
    _require_drawable(num_nodes, memory_limit)
    return from_points(rng.random((num_nodes, 2)), memory_limit=memory_limit)


def draw_weights(
    num_nodes: int, rng: np.random.Generator, low: int = 1, high: int = 200, *, memory_limit: int = MEMORY_LIMIT
) -> TourInstance:
    """A non-metric instance: the weight of each pair is independent and uniform on the integers low, ..., high.

    Raises:
        InputError: for fewer than three nodes, a range that is empty or negative, or too many nodes for memory_limit.
    """
    _require_drawable(num_nodes, memory_limit)
    if not 0 <= low <= high <= LARGEST_WEIGHT:
        raise InputError(f"weights cannot range from {low} to {high}", hint=f"0 <= low <= high <= {LARGEST_WEIGHT}")
    costs = np.zeros((num_nodes, num_nodes))
    rows, columns = np.triu_indices(num_nodes, 1)
    costs[rows, columns] = rng.integers(low, high, len(rows), endpoint=True)
    return TourInstance(costs + costs.T)


def _require_drawable(num_nodes: int, memory_limit: int) -> None:
    require_count("the number of nodes", num_nodes, hint=f"a whole number from {MIN_NODES}")
    _require_nodes(num_nodes)
    _require_matrix_memory(num_nodes, memory_limit)


def _require_matrix_memory(num_nodes: int, limit: int) -> None:
    """While an instance is made, five matrices of its size are alive at most."""
    require_memory(f"an instance of {num_nodes:,} nodes", 5 * 8 * num_nodes**2, limit, LARGER)


def _require_nodes(num_nodes: int) -> None:
    if num_nodes < MIN_NODES:
        raise InputError(f"no tour has {num_nodes} nodes", hint=f"an instance has at least {MIN_NODES} nodes")


def _numbers(what: str, values: ArrayLike) -> np.ndarray:
    """A contiguous float64 copy."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"{what} are rows of different lengths", hint="each row has one number a column") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{what} cannot be of dtype {array.dtype}", hint="integers or floats")
    return np.array(array, np.float64, order="C")


def _first(mask: np.ndarray) -> str:
    row, column = np.unravel_index(int(mask.argmax()), mask.shape)
    return f"[{row}, {column}]"
