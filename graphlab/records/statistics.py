"""Statistics over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from graphlab.records.record import RunRecord

LEVEL = 0.95
"""Of every interval."""

RELATIVE_SPREAD = 1e-12
"""Values that differ by less than this share of their size are equal: the rest is rounding."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Summary:
    """Mean over the finished seeds of the selecting metric on test.

    n       finished seeds; failed ones are counted in `failed` and are in no mean
    std     sample standard deviation (n - 1); None for one seed
    ci95    95 % interval of the mean by Student's t, which may reach beyond the metric's range; None for one seed
    """

    n: int
    failed: int
    mean: float | None
    std: float | None
    ci95: Interval | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"ci95": list(self.ci95) if self.ci95 else None}


def summarise(records: Iterable[RunRecord]) -> Summary:
    """The summary of runs that differ in their seed alone."""
    runs = list(records)
    values = [run.test_value for run in runs if run.result.status == "finished"]
    return summarise_values([v for v in values if v is not None], failed=sum(r.result.status == "failed" for r in runs))


def summarise_values(values: Sequence[float], failed: int = 0) -> Summary:
    if not values:
        return Summary(0, failed, None, None, None)
    mean = values[0] if are_equal(values) else statistics.mean(values)
    std = sample_std(values)
    if std is None:
        return Summary(1, failed, mean, None, None)
    return Summary(len(values), failed, mean, std, interval_around(mean, std / math.sqrt(len(values)), len(values) - 1))


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """The interval of the mean by Student's t (Student, Biometrika 1908); None for fewer than two values."""
    std = sample_std(values)
    if std is None:
        return None
    return interval_around(statistics.mean(values), std / math.sqrt(len(values)), len(values) - 1, level)


def sample_std(values: Sequence[float]) -> float | None:
    """With n - 1 in the denominator; 0 for values that are equal but for rounding, None for fewer than two."""
    if len(values) < 2:
        return None
    return 0.0 if are_equal(values) else statistics.stdev(values)


def are_equal(values: Sequence[float]) -> bool:
    """Whether values are the same but for rounding."""
    return max(values) - min(values) <= RELATIVE_SPREAD * max(map(abs, values))


def interval_around(centre: float, error: float, freedom: float, level: float = LEVEL) -> Interval:
    """The interval of a mean whose standard error has so many degrees of freedom."""
    reach = t_quantile((1 + level) / 2, freedom) * error if error else 0.0
    return centre - reach, centre + reach


def t_quantile(probability: float, freedom: float) -> float:
    """Of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def t_p_value(centre: float, error: float, freedom: float) -> float:
    """Two-sided p-value of a mean of zero."""
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, -abs(centre) / error))


def welch_freedom(first: float, n_first: int, second: float, n_second: int) -> float:
    """Degrees of freedom of the difference of two means (Welch, Biometrika 1947), from the squares of their standard
    errors, of which one may be zero."""
    return (first + second) ** 2 / (first**2 / (n_first - 1) + second**2 / (n_second - 1))
