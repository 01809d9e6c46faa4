"""Statistics over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from graphlab.records.record import RunRecord

BOOTSTRAP_RESAMPLES = 10_000


@dataclass(frozen=True)
class Summary:
    """Mean over the finished seeds of the selecting metric on test.

    n       finished seeds; failed ones are counted in `failed` and are in no mean
    std     sample standard deviation (n - 1); None for one seed
    ci95    percentile bootstrap interval of the mean; None for one seed
    """

    n: int
    failed: int
    mean: float | None
    std: float | None
    ci95: tuple[float, float] | None

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
    mean = statistics.mean(values)
    if len(values) == 1:
        return Summary(1, failed, mean, None, None)
    return Summary(len(values), failed, mean, statistics.stdev(values), bootstrap_interval(values))


def bootstrap_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron and Tibshirani 1993, ch. 13); the same for the same values."""
    if len(set(values)) == 1:
        return values[0], values[0]
    data = np.asarray(values, dtype=float)
    picks = np.random.default_rng(0).integers(0, len(data), size=(BOOTSTRAP_RESAMPLES, len(data)))
    low, high = np.quantile(data[picks].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
