"""What goes with what over nodes: correlations with intervals, and means over bins.

References:
    Fisher, On the probable error of a coefficient of correlation, 1921.
    Bonett and Wright, Sample size requirements for estimating Pearson, Kendall and Spearman correlations, 2000.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphlab.core.errors import InputError, require_count

Kind = Literal["pearson", "spearman"]
ROUNDING = 1e-12
LEAST_NODES = 4
"""Nodes that an interval needs: its width divides by the square root of three less."""


@dataclass(frozen=True)
class Correlation:
    """A coefficient with its interval.

    Attributes:
        kind: "pearson" or "spearman".
        value: In [-1, 1]; None where it is not defined: a side is constant but for rounding, or there are fewer than
            four nodes.
        low, high: The interval, None where the value is.
        num_nodes: How many nodes it is over.
    """

    kind: Kind
    value: float | None
    low: float | None
    high: float | None
    num_nodes: int


def correlation(first: np.ndarray, second: np.ndarray, kind: Kind = "pearson", level: float = 0.95) -> Correlation:
    """The correlation of two values of each node, with an interval by Fisher's transformation.

    The variance of the transformed coefficient is 1 / (n - 3), for Spearman's (1 + r^2 / 2) / (n - 3). It takes nodes
    for independent, which neighbours are not: read an interval as the least that is uncertain.

    Shapes:
        both: `[n]`

    Raises:
        InputError: Shapes differ, values are not finite, the kind is unknown, or the level is not in (0, 1).
    """
    from scipy.stats import norm, rankdata

    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.shape != second.shape or first.ndim != 1:
        raise InputError(f"values of shapes {first.shape} and {second.shape}", hint="give one of each node in both")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("a value is not a finite number", hint="leave out nodes without a value")
    if kind not in ("pearson", "spearman"):
        raise InputError(f"there is no correlation {kind!r:.40}", hint="pearson or spearman")
    if not 0 < level < 1:
        raise InputError(f"the level cannot be {level}", hint="such as 0.95")
    count = len(first)
    if count < LEAST_NODES or _is_constant(first) or _is_constant(second):
        return Correlation(kind, None, None, None, count)
    first, second = (rankdata(each) if kind == "spearman" else _of_size_one(each) for each in (first, second))
    value = float(np.clip(np.corrcoef(first, second)[0, 1], -1, 1))
    if abs(value) == 1:
        return Correlation(kind, value, value, value, count)
    spread = math.sqrt((1 + (value**2 / 2 if kind == "spearman" else 0)) / (count - 3))
    half = float(norm.ppf((1 + level) / 2)) * spread
    centre = math.atanh(value)
    return Correlation(kind, value, math.tanh(centre - half), math.tanh(centre + half), count)


def _of_size_one(values: np.ndarray) -> np.ndarray:
    """Over a power of two, which changes no bit and spares squares that are too small or too large for a number."""
    return np.ldexp(values, -np.frexp(np.abs(values).max())[1])


def _is_constant(values: np.ndarray) -> bool:
    """But for rounding, which differs between nodes that are alike."""
    return bool(np.ptp(values) <= ROUNDING * np.abs(values).max())


def correlations(
    topology: Mapping[str, np.ndarray], performance: Mapping[str, np.ndarray], kind: Kind = "pearson"
) -> dict[tuple[str, str], Correlation]:
    """The correlation of each topological value with each metric, by their names; see `correlation`."""
    return {
        (name, metric): correlation(values, results, kind)
        for name, values in topology.items()
        for metric, results in performance.items()
    }


@dataclass(frozen=True, eq=False)
class Curve:
    """Means over nodes of like values.

    Attributes:
        low, high: The least and the largest value of each bin, `[bins]`.
        mean: The mean result of each bin, `[bins]`.
        error: Its standard error, `[bins]`; 0 for a bin of one node.
        count: Nodes in each bin, `[bins]`.
    """

    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    error: np.ndarray
    count: np.ndarray


def binned(values: np.ndarray, results: np.ndarray, bins: int = 10) -> Curve:
    """Mean results over bins of about equally many nodes; nodes of equal values are in one bin.

    Shapes:
        values, results: `[n]`

    Raises:
        InputError: Shapes differ, there are no nodes, or the number of bins is no whole number from 1.
    """
    values, results = np.asarray(values, float), np.asarray(results, float)
    require_count("the number of bins", bins, "at least 1")
    if values.shape != results.shape or values.ndim != 1 or not len(values):
        raise InputError(
            f"values of shapes {values.shape} and {results.shape}", hint="give one of each node in both, and some nodes"
        )
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf"))
    members = np.searchsorted(edges, values, side="left")
    groups = [np.flatnonzero(members == place) for place in np.unique(members)]
    deviation = [results[group].std(ddof=1) / math.sqrt(len(group)) if len(group) > 1 else 0.0 for group in groups]
    return Curve(
        np.array([values[group].min() for group in groups]),
        np.array([values[group].max() for group in groups]),
        np.array([results[group].mean() for group in groups]),
        np.array(deviation),
        np.array([len(group) for group in groups]),
    )
