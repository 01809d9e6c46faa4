"""`gl.compare`: one's own runs against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from graphlab.comparison.configurations import departures
from graphlab.comparison.paired import ALPHA, Contrast, Group, contrasts
from graphlab.comparison.rows import LOWER_IS_BETTER, said
from graphlab.core.errors import InputError
from graphlab.experiment.runs import Runs
from graphlab.records.record import RunRecord

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Pairwise:
    """What `gl.compare` gives: every pair of configurations, tested, corrected for their number by Holm's method.

    contrasts  a pair each; see `graphlab.comparison.paired.Contrast`
    metric     on test
    direction  max where higher is better, else min
    """

    contrasts: tuple[Contrast, ...]
    metric: str
    direction: str

    @cached_property
    def df(self) -> pd.DataFrame:
        """One row a pair."""
        import pandas as pd

        return pd.DataFrame([_row(contrast, self.direction) for contrast in self.contrasts])

    def to_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "direction": self.direction,
            "alpha": ALPHA,
            "correction": "Holm",
            "contrasts": [
                contrast.to_json() | {"better": contrast.better(self.direction)} for contrast in self.contrasts
            ],
        }

    def __repr__(self) -> str:
        lines = [contrast_text(contrast) for contrast in self.contrasts]
        return "\n".join([f"test {self.metric}, p-values corrected by Holm's method", *lines])

    def _repr_html_(self) -> str:
        from graphlab.experiment.views import contrasts_html

        return contrasts_html(self.contrasts)

    def __len__(self) -> int:
        return len(self.contrasts)


def compare(*runs: Runs | Sequence[Runs], metric: str | None = None) -> Pairwise:
    """Hold runs of two or more configurations against each other, every pair of them.

    Args:
        runs: What `gl.run` gives, one by one or in a list.
        metric: A metric on test that all of them report; the one that selects unless given.

    Pairs that share data, split and seeds are compared by the paired t-test over the seeds that finished on both sides,
    others by Welch's t-test; each says which. p-values are corrected by Holm's method over all pairs.

    Raises InputError for fewer than two, the same runs twice, runs of other metrics, or a metric that is not reported.
    """
    configurations = [each for item in runs for each in ([item] if isinstance(item, Runs) else _listed(item))]
    if len(configurations) < 2:
        raise InputError("a comparison needs two configurations or more", hint="gl.compare(gl.run(...), gl.run(...))")
    selecting = {each.metric: each.direction for each in configurations}
    chosen = metric or next(iter(selecting))
    if metric is None and len(selecting) > 1:
        raise InputError(
            f"these runs have no metric in common: they are selected by {' and '.join(selecting)}",
            hint="compare runs of one task, or name a metric that all report, as metric='mrr'",
        )
    groups = [Group(label, each.records) for label, each in zip(labels_of(configurations), configurations, strict=True)]
    for group in groups:
        _require_metric(group, chosen)
    direction = selecting.get(chosen) or ("min" if chosen in LOWER_IS_BETTER else "max")
    return Pairwise(tuple(contrasts(groups, chosen)), chosen, direction)


def labels_of(runs: Sequence[Runs]) -> list[str]:
    """A label for each: the model, with the settings that set it apart and the data set where these differ.

    Raises InputError if two of them are the same runs.
    """
    firsts = [each.records[0] for each in runs]
    settings = departures(firsts)
    several = len({record.spec.dataset for record in firsts}) > 1
    labels = [_label(record, settings[record.id], several) for record in firsts]
    for label in labels:
        if labels.count(label) > 1:
            raise InputError(f"{label} is there twice", hint="name each configuration once, with all its seeds")
    return labels


def contrast_text(contrast: Contrast) -> str:
    """A pair in one line."""
    if contrast.p_corrected is None or contrast.difference is None:
        return f"{contrast.first} and {contrast.second}: {contrast.test}{_dropped(contrast)}"
    if contrast.conclusion == "undecided":
        conclusion = f"{contrast.first} and {contrast.second}: undecided"
    else:
        conclusion = f"{contrast.first} is {contrast.conclusion} {contrast.second}"
    interval = f" [{contrast.interval[0]:+.4f}, {contrast.interval[1]:+.4f}]" if contrast.interval else ""
    evidence = f"p = {contrast.p_corrected:.2g}, {count_text(contrast)}, {contrast.test}{_dropped(contrast)}"
    return f"{conclusion}: {contrast.difference:+.4f}{interval}, {evidence}"


def count_text(contrast: Contrast) -> str:
    """How many values there are: `n = 5`, or `n = 5 and 3`."""
    return f"n = {contrast.n[0]}" if contrast.n[0] == contrast.n[1] else f"n = {contrast.n[0]} and {contrast.n[1]}"


def _dropped(contrast: Contrast) -> str:
    return f", {contrast.dropped} failed and dropped" if contrast.dropped else ""


def _label(record: RunRecord, settings: dict[str, Any], several: bool) -> str:
    own = f" ({said(settings)})" if settings else ""
    return f"{record.spec.model}{own}{f' on {record.spec.dataset}' if several else ''}"


def _listed(item: Any) -> list[Runs]:
    if isinstance(item, list | tuple) and all(isinstance(each, Runs) for each in item):
        return list(item)
    raise InputError(f"runs are compared, not {item!r:.60}", hint="pass what gl.run gives")


def _require_metric(group: Group, metric: str) -> None:
    reported = {name for record in group.records for name in record.result.test}
    if reported and metric not in reported:
        raise InputError(
            f"the runs of {group.label} do not report {metric!r}", hint=f"they report {', '.join(sorted(reported))}"
        )


def _row(contrast: Contrast, direction: str) -> dict[str, Any]:
    low, high = contrast.interval or (None, None)
    return {
        "first": contrast.first,
        "second": contrast.second,
        "difference": contrast.difference,
        "low": low,
        "high": high,
        "p_value": contrast.p_value,
        "p_corrected": contrast.p_corrected,
        "n_first": contrast.n[0],
        "n_second": contrast.n[1],
        "dropped": contrast.dropped,
        "test": contrast.test,
        "conclusion": contrast.conclusion,
        "better": contrast.better(direction),
    }
