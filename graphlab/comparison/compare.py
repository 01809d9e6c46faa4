"""Published numbers and ours, side by side, and what the difference of the two says.

A number is about runs of the published recipe alone. The difference of the means has a 95 % interval. Where mean,
standard deviation and number of runs are published, the published mean counts with its standard error, as in Welch's
t-test; degrees of freedom are those of the smaller sample, with which errors are no more frequent than stated however
few the runs are (Mickey and Brown, Annals of Mathematical Statistics 1966), while Welch's own are wrong up to twice as
often. Elsewhere it counts as exact, and the test is the one-sample t-test.

A published deviation of the population (n) counts as that of a sample (n - 1).

What the interval says is measured by a margin: two published standard deviations, else 2 % of the published value, and
no less than the rounding of its last digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from graphlab.comparison.configurations import Configuration, configurations
from graphlab.comparison.numbers import PublishedNumber
from graphlab.records.record import RunRecord
from graphlab.records.statistics import Interval, Summary, interval_around, t_p_value

ALPHA = 0.05

MARGIN_DEVIATIONS = 2.0
MARGIN_SHARE = 0.02

EQUAL_RUNS = 6
"""So many equal values are taken for what a method always gives: had they a spread that
hides a verdict, all six would lie on one side of the true value in one case of 32 (2 / 2 ** 6)."""

MOST_SEEDS = 100_000
"""Beyond which a number of seeds is no advice."""

Verdict = Literal["agrees", "above", "below", "undecided", "not comparable", "not eligible"]

MEANINGS: Mapping[Verdict, str] = {
    "agrees": "the difference lies within the margin",
    "above": "our mean is significantly higher",
    "below": "our mean is significantly lower",
    "undecided": "neither agreement nor a difference is shown",
}


@dataclass(frozen=True)
class Row:
    """One line of a leaderboard.

    values      our seeds' values, those that finished
    settings    what sets our configuration apart from others of the same model; empty if there is one only
    difference  our mean less the published one
    interval    95 % interval of the difference
    margin      differences up to it are agreement
    p_value     two-sided, of no difference
    deciding_n  seeds with which the verdict would not be `undecided` if mean and spread stayed as they are
    verdict     agrees: the interval lies within the margin; above, below: it does not, and excludes zero; undecided:
                neither. Whether higher is better is the metric's affair. not comparable: another protocol or another
                recipe; not eligible: how ours came about is against a leaderboard's rules
    why         the verdict's reason, in a sentence
    """

    model: str
    metric: str
    verdict: Verdict
    why: str
    published: PublishedNumber | None = None
    ours: Summary | None = None
    values: tuple[float, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    difference: float | None = None
    interval: Interval | None = None
    margin: float | None = None
    p_value: float | None = None
    deciding_n: int | None = None

    @property
    def is_judged(self) -> bool:
        """Whether the verdict says more than that one side is missing."""
        return self.verdict == "not eligible" or bool(self.published and self.ours)

    @property
    def decimals(self) -> int:
        """Decimals to show values with: three, or as many as are published."""
        return max(3, self.published.decimals) if self.published else 3

    def to_json(self) -> dict[str, Any]:
        number, ours = self.published, self.ours
        return {
            "model": self.model,
            "metric": self.metric,
            "published": number and _published_json(number),
            "ours": ours and {"mean": ours.mean, "std": ours.std, "n": ours.n},
            "difference": self.difference,
            "interval": list(self.interval) if self.interval else None,
            "margin": self.margin,
            "p_value": self.p_value,
            "deciding_n": self.deciding_n,
            "verdict": self.verdict,
            "why": self.why,
            "settings": dict(self.settings),
        }


def _published_json(number: PublishedNumber) -> dict[str, Any]:
    return {
        "mean": number.mean,
        "std": number.std,
        "std_of": number.std_of,
        "source": number.reference,
        "certainty": number.certainty,
    }


class Difference(NamedTuple):
    """The difference of our mean and a published one. `test` names the test and how the published mean counts."""

    value: float
    interval: Interval
    p_value: float | None
    test: str

    def verdict(self, margin: float) -> Verdict:
        """What the interval says, measured by a margin."""
        low, high = self.interval
        if max(-low, high) <= margin * (1 + 1e-9):
            return "agrees"
        return "above" if low > 0 else "below" if high < 0 else "undecided"


def compare(
    numbers: Sequence[PublishedNumber], records: Iterable[RunRecord], known: Iterable[RunRecord] = ()
) -> list[Row]:
    """Every published number beside each configuration that it could be about, then what only one side has.

    A number is about the configurations that follow the model's published recipe. If none does, it stands beside all of
    the model's, which are not comparable. Configurations are never mixed in one mean. `known` are the runs that others
    may have started from.
    """
    groups = configurations(records, known)
    rows: list[Row] = []
    for number in numbers:
        rows += [compare_one(number, group) for group in _meant(groups, number.model)] or [_published_only(number)]
    shown = {(row.model, row.metric, _key(row.settings)) for row in rows}
    for group in groups:
        if (group.model, group.selecting_metric, _key(group.settings)) not in shown:
            rows.append(_ours_only(group, known=any(number.model == group.spec.model for number in numbers)))
    return rows


def compare_one(number: PublishedNumber, group: Configuration) -> Row:
    """One published number beside one configuration."""
    ours = group.summary(number.metric)

    def row(verdict: Verdict, why: str, **more: Any) -> Row:
        return Row(
            model=group.model,
            metric=number.metric,
            verdict=verdict,
            why=why,
            published=number,
            ours=ours,
            values=group.values(number.metric),
            settings=group.settings,
            difference=None if ours.mean is None else ours.mean - number.mean,
            **more,
        )

    if group.eligibility:
        return row("not eligible", group.eligibility)
    obstacle = _mismatch(number, group) or group.recipe.obstacle or _no_values(number, group, ours)
    return row("not comparable", obstacle) if obstacle else _judged(row, number, ours, group.recipe.ours)


def margin_of(number: PublishedNumber) -> tuple[float, str]:
    """The difference up to which a mean agrees with a published one, and what it is of it."""
    if number.sample_std:
        margin, meaning = MARGIN_DEVIATIONS * number.sample_std, "two published standard deviations"
    else:
        margin, meaning = MARGIN_SHARE * abs(number.mean), f"{100 * MARGIN_SHARE:g} % of the published value"
    return (margin, meaning) if margin >= number.rounding else (number.rounding, "the rounding of the published value")


def difference_from(number: PublishedNumber, mean: float, std: float, n: int) -> Difference:
    """The difference of a mean over n >= 2 runs from a published one."""
    value = mean - number.mean
    ours = std**2 / n
    theirs = published_variance(number)
    if theirs is None:
        freedom = n - 1
        unknown = "no spread" if number.std is None else "no number of runs"
        test = f"one-sample t-test; the published mean counts as exact, since {unknown} is published"
    else:
        assert number.n is not None
        freedom = min(n, number.n) - 1
        test = "two-sample t-test; the published mean counts with its standard error"
    error = math.sqrt(ours + (theirs or 0.0))
    p_value = t_p_value(value, error, freedom) if error else None
    return Difference(value, interval_around(value, error, freedom, 1 - ALPHA), p_value, test)


def published_variance(number: PublishedNumber) -> float | None:
    """The square of the published mean's standard error; None where deviation or number of runs is not published."""
    if number.sample_std is None or number.n is None or number.n < 2:
        return None
    return number.sample_std**2 / number.n


def seeds_to_decide(number: PublishedNumber, mean: float, std: float, n: int) -> int | None:
    """The fewest seeds, more than n, that would decide if mean and spread stayed as they are.

    None if even `MOST_SEEDS` would not: the published mean is not known well enough.
    """
    margin, _ = margin_of(number)

    def decides(seeds: int) -> bool:
        return difference_from(number, mean, std, seeds).verdict(margin) != "undecided"

    low, high = n, n + 1
    while not decides(high):
        low, high = high, 2 * high
        if high > MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def _judged(row: Callable[..., Row], number: PublishedNumber, ours: Summary, own: Mapping[str, Any]) -> Row:
    """The row of runs that a number is about, at least one of which has a value; `own` are settings of ours."""
    settings = f"; with settings of ours: {', '.join(f'{name}={value}' for name, value in own.items())}" if own else ""
    margin, meaning = margin_of(number)
    if ours.mean is None or ours.std is None:
        return row("undecided", f"one run has no spread; run two seeds or more{settings}")
    equal = f"all our {ours.n} runs give one value, which" if ours.std == 0 else ""
    if equal and ours.n < EQUAL_RUNS:
        why = f"{equal} shows no spread; {EQUAL_RUNS} equal ones would count as exact{settings}"
        return row("undecided", why, margin=margin, deciding_n=EQUAL_RUNS)
    difference = difference_from(number, ours.mean, ours.std, ours.n)
    p_value = f", {format_p(difference.p_value)}" if difference.p_value is not None else ""
    details = f"margin: {meaning}; {f'{equal} counts as exact; ' if equal else ''}{difference.test}{p_value}{settings}"
    verdict, seeds = difference.verdict(margin), None
    if verdict == "undecided":
        seeds = seeds_to_decide(number, ours.mean, ours.std, ours.n)
        advice = f"about {seeds} seeds would decide" if seeds else "the published mean is known too loosely to decide"
        details = f"{advice}; {details}"
    return row(
        verdict,
        f"{MEANINGS[verdict]} ({details})",
        interval=difference.interval,
        margin=margin,
        p_value=difference.p_value,
        deciding_n=seeds,
    )


def _mismatch(number: PublishedNumber, group: Configuration) -> str:
    """Where the number's protocol and ours part; empty if they do not."""
    for name, value in number.protocol.items():
        have = group.spec.protocol.get(name)
        if have is None:
            return f"published with {name}={value}, which our protocol does not state"
        if have != value:
            return f"published with {name}={value}, ours {name}={have}"
    return ""


def _no_values(number: PublishedNumber, group: Configuration, ours: Summary) -> str:
    """Why there is nothing to compare; empty if there is a value or more."""
    if ours.failed == len(group.records):
        return f"all {ours.failed} runs failed"
    return f"our runs do not report {number.metric}" if ours.n == 0 else ""


def _meant(groups: list[Configuration], model: str | None) -> list[Configuration]:
    ours = [group for group in groups if group.spec.model == model]
    return [group for group in ours if group.recipe.is_followed] or ours


def _published_only(number: PublishedNumber) -> Row:
    why = "no run of ours" if number.model else f"{number.method} is not one of our models"
    return Row(number.name, number.metric, "not comparable", why, number)


def _ours_only(group: Configuration, known: bool) -> Row:
    metric = group.selecting_metric
    nothing = f"nothing published for this {'configuration' if known else 'model'} that we know of"
    why = f"{nothing}: it {group.recipe.obstacle}" if known and group.recipe.departures else nothing
    return Row(
        group.model,
        metric,
        "not eligible" if group.eligibility else "not comparable",
        group.eligibility or why,
        ours=group.summary(metric),
        values=group.values(metric),
        settings=group.settings,
    )


def _key(settings: Mapping[str, Any]) -> str:
    return repr(sorted(settings.items()))


def format_p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
