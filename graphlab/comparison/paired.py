"""Configurations of one's own against each other: a test for each pair, corrected for their number.

Runs that share data, split and seeds are paired seed by seed: Student's paired t-test, from which drops out what a seed
does to both sides. Others are compared by Welch's t-test (Biometrika 1947). p-values are corrected by Holm's method
(Scandinavian Journal of Statistics 1979), so that with no difference anywhere the chance of any conclusion is 5 %.
Where nothing varies, t-tests say nothing and exact tests stand in for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import mean
from typing import Any, Literal

from graphlab.records.record import RunRecord
from graphlab.records.statistics import (
    RELATIVE_SPREAD,
    Interval,
    are_equal,
    interval_around,
    sample_std,
    t_p_value,
    welch_freedom,
)

ALPHA = 0.05

Conclusion = Literal["above", "below", "undecided", "not tested"]


@dataclass(frozen=True)
class Group:
    """The runs of one configuration, under the label that tables show."""

    label: str
    records: tuple[RunRecord, ...]

    def values(self, metric: str) -> dict[int, float | None]:
        """The metric on test by seed; None where the seed failed or does not report it."""
        return {record.seed: record.result.test.get(metric) for record in self.records}


@dataclass(frozen=True)
class Contrast:
    """Two configurations held against each other.

    difference   mean of the first less that of the second, over the seeds that are tested
    interval     95 % interval of the difference, of this pair on its own
    p_value      two-sided, of no difference, of this pair on its own
    p_corrected  the same, corrected for all pairs of the comparison; it decides
    n            values of the first and of the second; of paired ones both are the number of pairs
    dropped      seeds that failed on either side
    test         which test it is, and why if not the paired one
    """

    first: str
    second: str
    metric: str
    difference: float | None
    interval: Interval | None
    p_value: float | None
    n: tuple[int, int]
    dropped: int
    test: str
    p_corrected: float | None = None

    @property
    def conclusion(self) -> Conclusion:
        """Whether the first is above or below the second; whether that is better is the metric's affair."""
        if self.p_corrected is None or self.difference is None:
            return "not tested"
        if self.p_corrected >= ALPHA:
            return "undecided"
        return "above" if self.difference > 0 else "below"

    def better(self, direction: str) -> str:
        """The label of the better one; empty if that is not decided."""
        if self.conclusion not in ("above", "below"):
            return ""
        return self.first if (self.conclusion == "above") == (direction != "min") else self.second

    def to_json(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "second": self.second,
            "metric": self.metric,
            "difference": self.difference,
            "interval": list(self.interval) if self.interval else None,
            "p_value": self.p_value,
            "p_corrected": self.p_corrected,
            "n": list(self.n),
            "dropped": self.dropped,
            "test": self.test,
            "conclusion": self.conclusion,
        }


def contrasts(groups: Sequence[Group], metric: str, pairs: Iterable[tuple[int, int]] | None = None) -> list[Contrast]:
    """Every pair of groups, or those named by place, tested and corrected for their number."""
    chosen = combinations(range(len(groups)), 2) if pairs is None else pairs
    tested = [contrast(groups[i], groups[j], metric) for i, j in chosen]
    corrected = iter(holm([pair.p_value for pair in tested if pair.p_value is not None]))
    return [replace(pair, p_corrected=next(corrected)) if pair.p_value is not None else pair for pair in tested]


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected by Holm's method, in their order: the k-th smallest of m times m - k + 1, never falling."""
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def contrast(first: Group, second: Group, metric: str) -> Contrast:
    """Two groups, not yet corrected."""
    ours, theirs = first.values(metric), second.values(metric)
    why_not = _not_shared(first, second)
    if why_not:
        dropped = sum(value is None for value in (*ours.values(), *theirs.values()))
        result = _welch(_there(ours), _there(theirs), why_not)
    else:
        shared = [(ours[seed], theirs[seed]) for seed in ours if seed in theirs]
        both = [(a, b) for a, b in shared if a is not None and b is not None]
        dropped = len(shared) - len(both)
        result = _paired(both)
    return Contrast(first.label, second.label, metric, dropped=dropped, **result)


def _there(values: Mapping[int, float | None]) -> list[float]:
    return [value for value in values.values() if value is not None]


def _not_shared(first: Group, second: Group) -> str:
    """Why runs cannot be paired; empty if they can."""
    a, b = first.records[0].spec, second.records[0].spec
    if a.dataset != b.dataset or a.data != b.data:
        return f"other data: {a.dataset} and {b.dataset}" if a.dataset != b.dataset else "the data changed"
    if a.protocol.get("split") != b.protocol.get("split"):
        return "other splits"
    shared = {record.seed for record in first.records} & {record.seed for record in second.records}
    if len(shared) < 2 and (len(first.records) > 1 or len(second.records) > 1):
        return "fewer than two shared seeds"
    return ""


def _paired(pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    n = len(pairs)
    if n < 2:
        value = pairs[0][0] - pairs[0][1] if pairs else None
        return _untested(value, (n, n), "one pair has no spread" if n else "no seed finished on both sides")
    differences = [a - b for a, b in pairs]
    value, size = mean(differences), max(abs(value) for pair in pairs for value in pair)
    if max(map(abs, differences)) <= RELATIVE_SPREAD * size:
        return _exact(0.0, (n, n), 1.0, "every seed gives both the same value")
    if are_equal(differences):
        return _exact(value, (n, n), 2 * 0.5**n, "sign test; the difference is the same with every seed")
    error = (sample_std(differences) or 0.0) / math.sqrt(n)
    return {
        "difference": value,
        "interval": interval_around(value, error, n - 1),
        "p_value": t_p_value(value, error, n - 1),
        "n": (n, n),
        "test": "paired t-test",
    }


def _welch(first: Sequence[float], second: Sequence[float], why: str) -> dict[str, Any]:
    n = len(first), len(second)
    value = mean(first) - mean(second) if all(n) else None
    stds = sample_std(first), sample_std(second)
    if value is None or stds[0] is None or stds[1] is None:
        return _untested(value, n, f"{why}, and fewer than two values on a side")
    if not any(stds):
        arrangements = math.comb(sum(n), n[0])
        p_value = 2 / arrangements if value else 1.0
        return _exact(value, n, p_value, f"permutation test ({why}); each side gives one value")
    squares = stds[0] ** 2 / n[0], stds[1] ** 2 / n[1]
    error, freedom = math.sqrt(sum(squares)), welch_freedom(squares[0], n[0], squares[1], n[1])
    return {
        "difference": value,
        "interval": interval_around(value, error, freedom),
        "p_value": t_p_value(value, error, freedom),
        "n": n,
        "test": f"Welch's t-test ({why})",
    }


def _exact(value: float, n: tuple[int, int], p_value: float, test: str) -> dict[str, Any]:
    """Where nothing varies; the interval is the value once the test could decide at all."""
    interval = (value, value) if p_value < ALPHA or not value else None
    return {"difference": value, "interval": interval, "p_value": min(1.0, p_value), "n": n, "test": test}


def _untested(value: float | None, n: tuple[int, int], why: str) -> dict[str, Any]:
    return {"difference": value, "interval": None, "p_value": None, "n": n, "test": f"not tested: {why}"}
