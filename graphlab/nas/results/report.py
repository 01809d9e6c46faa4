"""What a search's answer is worth, and what it cost.

The validation of a choice among many flatters it, and so does the choice of an epoch. A search therefore keeps a part
of the data on which nothing is selected, see `graphlab.nas.objectives.inner`: the answer's metric there is what it is
worth, and what its validation is above that is what choosing has added. Hand-set networks stand beside it with the same
trainings, and, if asked for, a random search that takes as many epochs.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from graphlab.nas.core.outcome import EPOCHS, Outcome
from graphlab.nas.objectives.training import REPORT
from graphlab.records.statistics import LEVEL, Interval, interval_around, sample_std

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.nas.results.result import Search

MEANS_OF_ITEMS = {"accuracy", "mrr", "hits@1", "hits@3", "hits@10"}
"""Metrics that are a mean over items of values between 0 and 1, whose spread is at most that of a share."""


@dataclass(frozen=True)
class Worth:
    """One network of a report.

    Attributes:
        network: What it is: the answer, a hand-set network's name, or the answer of the random search.
        architecture: In a line.
        seeds: It was trained with so many.
        validation: On what the search selected on, the mean over seeds.
        validation_interval: 95 % over seeds; None for one seed.
        report: On what nothing was selected on, the mean over seeds; None where there is no such part.
        report_interval: 95 %, over seeds and over the items of this part and of the official test part: where the value
            of an official test is to be expected. None where that is not known.
        drop: By how much validation is better than report: what is to be expected to be lost on test.
        epochs: That it took, in the search; of a search's answer those of the whole search.
        seconds: Likewise.
    """

    network: str
    architecture: str
    seeds: int
    validation: float
    validation_interval: Interval | None
    report: float | None
    report_interval: Interval | None
    drop: float | None
    epochs: float
    seconds: float


@dataclass(frozen=True, repr=False)
class SearchReport:
    """The answer of a search, hand-set networks, and a random search.

    Attributes:
        search: The search's strategy, data set and space, in a line.
        metric: What validation and report are of.
        rows: The answer first.
    """

    search: str
    metric: str
    rows: tuple[Worth, ...]

    @property
    def df(self) -> pd.DataFrame:
        """One row a network."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows])

    @property
    def text(self) -> str:
        answer = self.rows[0]
        lines = [f"{self.search}: the answer has {self.metric} {answer.validation:.4f} on what was selected on"]
        if answer.report is not None and answer.drop is not None:
            lines[0] += f", {answer.report:.4f} on what was not (a drop of {answer.drop:.4f})"
        if answer.report_interval:
            low, high = answer.report_interval
            lines[0] += f"; expect between {low:.4f} and {high:.4f} on test"
        return lines[0] + f". It took {answer.epochs:,.0f} epochs and {answer.seconds:,.0f} seconds."

    def to_json(self) -> dict[str, Any]:
        return {"metric": self.metric, "networks": [asdict(row) for row in self.rows]}

    def __repr__(self) -> str:
        return f"{self.text}\n{self.df.drop(columns='architecture').to_string(index=False)}"

    def _repr_html_(self) -> str:
        from html import escape

        from graphlab.experiment.views import table_html

        cells = [[escape(_cell(value)) for value in asdict(row).values()] for row in self.rows]
        return table_html(self.text, list(asdict(self.rows[0])), cells)


def report_of(search: Search, random: Search | None = None) -> SearchReport:
    """The report of a search, and of a random search beside it.

    Raises:
        NothingFoundError: The search has no answer.
        InputError: It trained nothing, or has several objectives.
    """
    rows = [_whole(search, "answer")]
    rows += [_worth(search, outcome, outcome.start) for outcome in search.finished if outcome.start]
    if random is not None:
        rows.append(_whole(random, "random search"))
    plan = search.plan
    name = f"{plan.spec.strategy} on {search.dataset}, space {plan.space.name}"
    return SearchReport(name, plan.selection, tuple(rows))


def report_interval(values: Sequence[float], items: int, test_items: int, metric: str) -> Interval | None:
    """Where the mean of a metric on the official test part is to be expected, from its values on another part.

    A mean p over m items of values between 0 and 1 has a variance of at most p (1 - p) / m, and the n seeds add
    s^2 / n; both together are that of a share of m' <= m items. With Jeffreys' prior the share of the test part's items
    is then beta-binomial.

    Args:
        values: Of each seed.
        items: Of the part that they are from.
        test_items: Of the official test part.
        metric: Its name.

    Returns:
        The 95 % interval; None for a metric that is no mean over items.

    References:
        Bhatia and Davis, American Mathematical Monthly 2000, for the bound; Brown, Cai and DasGupta, Statistical
        Science 2001, for the prior.
    """
    from scipy.stats import betabinom

    if metric not in MEANS_OF_ITEMS or not values:
        return None
    mean = min(1.0, max(0.0, statistics.fmean(values)))
    most, spread = mean * (1 - mean), (sample_std(values) or 0.0) ** 2 / len(values)
    effective = most / (most / items + spread) if most else float(items)
    ends = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low, high = betabinom.ppf(ends, test_items, mean * effective + 0.5, (1 - mean) * effective + 0.5)
    return float(low) / test_items, float(high) / test_items


def _whole(search: Search, name: str) -> Worth:
    """The answer, with the cost of the search."""
    cost = {EPOCHS: sum(outcome.epochs for outcome in search.outcomes)}
    worth = _worth(search, search.best, name)
    return replace(worth, epochs=cost[EPOCHS], seconds=sum(outcome.seconds for outcome in search.outcomes))


def _worth(search: Search, outcome: Outcome, name: str) -> Worth:
    values = search.seed_values(outcome)
    validation, report = values["validation"], values[REPORT]
    std = sample_std(validation)
    interval = None
    if std is not None:
        interval = interval_around(statistics.fmean(validation), std / math.sqrt(len(validation)), len(validation) - 1)
    sign = 1.0 if search.maximizes else -1.0
    mean, reported = statistics.fmean(validation), statistics.fmean(report) if report else None
    return Worth(
        network=name,
        architecture=search.plan.space.spelt(outcome.values),
        seeds=len(validation),
        validation=mean,
        validation_interval=interval,
        report=reported,
        report_interval=report_interval(report, *search.plan.report_items, search.plan.selection) if report else None,
        drop=None if reported is None else sign * (mean - reported),
        epochs=outcome.epochs,
        seconds=outcome.seconds,
    )


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return " to ".join(map(_cell, value))
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
