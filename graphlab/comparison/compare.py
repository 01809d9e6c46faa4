"""Published numbers and ours, side by side, with the test that says whether they differ.

Where mean, standard deviation and number of runs are published, the test is Welch's t-test (Welch 1947); where one of
the latter is not, it is the one-sample t-test against the mean. Both are two-sided at `ALPHA`. Where neither side has a
spread, the values are compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from graphlab.comparison.configurations import Configuration, configurations, follows_recipe
from graphlab.comparison.numbers import PublishedNumber
from graphlab.records.record import RunRecord
from graphlab.records.statistics import Summary

ALPHA = 0.05

Verdict = Literal["agrees", "above", "below", "not comparable", "not eligible"]


@dataclass(frozen=True)
class Row:
    """One line of a leaderboard.

    values      our seeds' values, those that finished
    settings    what sets our configuration apart from others of the same model; empty if there is one only
    difference  our mean less the published one
    verdict     above: our mean is significantly higher; below: significantly lower; agrees: neither. Whether higher
                is better is the metric's affair. not eligible: how ours came about is against a leaderboard's rules
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
    p_value: float | None = None

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
            "published": number and {"mean": number.mean, "std": number.std, "source": number.reference},
            "ours": ours and {"mean": ours.mean, "std": ours.std, "n": ours.n},
            "difference": self.difference,
            "p_value": self.p_value,
            "verdict": self.verdict,
            "why": self.why,
            "settings": dict(self.settings),
        }


def compare(
    numbers: Sequence[PublishedNumber], records: Iterable[RunRecord], known: Iterable[RunRecord] = ()
) -> list[Row]:
    """Every published number beside each configuration that it could be about, then what only one side has.

    A number is about the configurations that follow the model's published recipe; if none is known to, about all of
    the model's. Configurations are never mixed in one mean. `known` are the runs that others may have started from.
    """
    groups = configurations(records, known)
    rows: list[Row] = []
    for number in numbers:
        rows += [compare_one(number, group) for group in _meant(groups, number.model)] or [_published_only(number)]
    told = {(row.model, row.metric, _key(row.settings)) for row in rows}
    for group in groups:
        if (group.spec.model, group.selecting_metric, _key(group.settings)) not in told:
            rows.append(_ours_only(group, known=any(number.model == group.spec.model for number in numbers)))
    return rows


def compare_one(number: PublishedNumber, group: Configuration) -> Row:
    """One published number beside one configuration."""
    ours = group.summary(number.metric)
    difference = None if ours.mean is None else ours.mean - number.mean
    verdict, why, p_value = _judge(number, group, ours)
    return Row(
        model=group.spec.model,
        metric=number.metric,
        verdict=verdict,
        why=why,
        published=number,
        ours=ours,
        values=group.values(number.metric),
        settings=group.settings,
        difference=difference,
        p_value=p_value,
    )


def p_value_of(number: PublishedNumber, mean: float, std: float, n: int) -> tuple[float, str]:
    """Two-sided p-value of the test that fits what is published, and the test's name. Needs n >= 2 and a std > 0 on one
    side."""
    from scipy import stats

    if number.std is not None and number.n is not None and number.n >= 2:
        welch = stats.ttest_ind_from_stats(mean, std, n, number.mean, number.std, number.n, equal_var=False)
        return float(welch.pvalue), "Welch's t-test"
    t = (mean - number.mean) / (std / math.sqrt(n))
    unknown = "no spread" if number.std is None else "no number of runs"
    return float(2 * stats.t.sf(abs(t), n - 1)), f"one-sample t-test; {unknown} is published"


def _judge(number: PublishedNumber, group: Configuration, ours: Summary) -> tuple[Verdict, str, float | None]:
    if group.eligibility:
        return "not eligible", group.eligibility, None
    obstacle = _mismatch(number, group) or _too_few(number, group, ours)
    return ("not comparable", obstacle, None) if obstacle else _test(number, ours)


def _test(number: PublishedNumber, ours: Summary) -> tuple[Verdict, str, float | None]:
    assert ours.mean is not None and ours.std is not None
    difference = ours.mean - number.mean
    direction: Verdict = "above" if difference > 0 else "below"
    within_rounding = abs(difference) <= number.rounding * (1 + 1e-9)
    if ours.std == 0 and not (number.std and number.n and number.n >= 2):
        if within_rounding:
            return "agrees", f"all our {ours.n} runs give the published value", None
        return direction, f"all our {ours.n} runs give one value, and it is not the published one", None
    p, test = p_value_of(number, ours.mean, ours.std, ours.n)
    told = f"{test}, {format_p(p)}, alpha = {ALPHA:g}"
    if p >= ALPHA:
        return "agrees", f"no significant difference ({told})", p
    if within_rounding:
        return "agrees", f"the difference is within the rounding of the published value ({told})", p
    return direction, f"our mean is significantly {'higher' if difference > 0 else 'lower'} ({told})", p


def _mismatch(number: PublishedNumber, group: Configuration) -> str:
    """Where the number's protocol and ours part; empty if they do not."""
    for name, value in number.protocol.items():
        have = group.spec.protocol.get(name)
        if have is None:
            return f"published with {name}={value}, which our protocol does not state"
        if have != value:
            return f"published with {name}={value}, ours {name}={have}"
    return ""


def _too_few(number: PublishedNumber, group: Configuration, ours: Summary) -> str:
    """Why there is nothing to test; empty if there are two values or more."""
    if ours.failed == len(group.records):
        return f"all {ours.failed} runs failed"
    if ours.n == 0:
        return f"our runs do not report {number.metric}"
    return "one run has no spread" if ours.n == 1 else ""


def _meant(groups: list[Configuration], model: str | None) -> list[Configuration]:
    ours = [group for group in groups if group.spec.model == model]
    if len(ours) < 2:
        return ours
    return [group for group in ours if follows_recipe(group.spec)] or ours


def _published_only(number: PublishedNumber) -> Row:
    why = "no run of ours" if number.model else f"{number.method} is not one of our models"
    return Row(number.name, number.metric, "not comparable", why, number)


def _ours_only(group: Configuration, known: bool) -> Row:
    metric = group.selecting_metric
    why = f"nothing published for this {'configuration' if known else 'model'} that we know of"
    return Row(
        group.spec.model,
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
