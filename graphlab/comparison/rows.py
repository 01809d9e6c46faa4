"""The leaderboard of a data set: as rows, as a frame and as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphlab.comparison.compare import Row, compare
from graphlab.comparison.numbers import PublishedNumber, published
from graphlab.core.errors import require_name
from graphlab.data import load
from graphlab.data.identity import OWN
from graphlab.data.own import full_own_name
from graphlab.data.paths import store_root
from graphlab.records.record import RunRecord
from graphlab.records.store import Store

if TYPE_CHECKING:
    import pandas as pd


LOWER_IS_BETTER = frozenset({"mae", "mr", "loss"})
"""Metrics of which the lowest is best, where no run is selected by them and says so."""


def leaderboard_rows(dataset: str, records: Sequence[RunRecord]) -> list[Row]:
    """Published numbers of a data set (by its full name) and the runs on it; metric by metric, the best first."""
    mine = [record for record in records if record.spec.dataset == dataset]
    rows = compare(published(dataset), mine, records)
    metrics = list(dict.fromkeys([*(record.result.metric for record in mine), *(row.metric for row in rows)]))
    lower_is_better = LOWER_IS_BETTER | {r.result.metric for r in mine if r.result.direction == "min"}
    return sorted(rows, key=lambda row: (metrics.index(row.metric), _rank(row, row.metric in lower_is_better)))


def leaderboard(dataset: str, records: Sequence[RunRecord]) -> pd.DataFrame:
    """Published numbers on a data set beside ours, one row each; see `Row` for what the columns mean.

    Raises UnknownNameError for a data set that is neither registered nor among the records, InputError for a split that
    it does not have.
    """
    return rows_frame(leaderboard_rows(full_name(dataset, records), records))


def leaderboard_json(dataset: str, records: Sequence[RunRecord]) -> dict[str, Any]:
    """The leaderboard as `graphlab leaderboard --json` prints it."""
    name = full_name(dataset, records)
    return rows_json(name, leaderboard_rows(name, records))


def stored_runs(
    dataset: str, store: str | os.PathLike[str] | None = None, *, trials: bool = False
) -> tuple[str, list[RunRecord]]:
    """What the leaderboard of a store is made of: the data set's name, in full if it is one's own, and all runs.

    Raises UnknownNameError or InputError for data of one's own that are not there, or that are several.
    """
    require_name("dataset", dataset)
    records = Store(store).records(trials=trials)
    if dataset.startswith(OWN):
        dataset = full_own_name(dataset, store_root(store), (record.spec.dataset for record in records))
    return dataset, records


def full_name(dataset: str, records: Iterable[RunRecord]) -> str:
    """The name that runs are recorded under: `cora` is `planetoid/cora`, and the default split is not said.

    Of data of one's own the full name is wanted; see `stored_runs`.
    """
    if dataset.startswith(OWN) or any(record.spec.dataset == dataset for record in records):
        return dataset
    return load.full_name(*load.find_dataset(dataset))


def rows_frame(rows: Iterable[Row]) -> pd.DataFrame:
    import pandas as pd

    columns = ["model", "settings", "metric", "published", "published_std", "published_std_of"]
    columns += ["published_n", "source", "certainty"]
    columns += ["ours", "ours_std", "ours_n", "difference", "low", "high", "margin", "p_value", "deciding_n"]
    columns += ["verdict", "why"]
    return pd.DataFrame([_flat(row) for row in rows], columns=columns)


def rows_json(dataset: str, rows: Sequence[Row]) -> dict[str, Any]:
    return {"dataset": dataset, "rows": [row.to_json() for row in rows]}


SPREAD = "mean ± sample standard deviation (runs)"
"""What values of a table are, but for the published ones of `spread_notes`."""


def spread_notes(rows: Iterable[Row]) -> list[str]:
    """Whose published deviations are no sample's, or not known to be, and which numbers are recalled; a sentence each.

    Deviations are shown as they are published, and compared as those of a sample.
    """
    numbers = [row.published for row in rows if row.published]
    notes = {
        "published ± of the population (n), compared as sample deviations (n - 1)": [
            n for n in numbers if n.std_of == "population"
        ],
        "published ± not stated to be of n or n - 1, taken for sample deviations": [
            n for n in numbers if n.std_of == "not stated"
        ],
        "recalled, to be checked against the publication": [n for n in numbers if n.certainty == "recalled"],
    }
    return [f"{note}: {'; '.join(_references(meant))}" for note, meant in notes.items() if meant]


def _references(numbers: Iterable[PublishedNumber]) -> list[str]:
    return list(dict.fromkeys(number.reference for number in numbers))


def settings_text(row: Row) -> str:
    """What sets our configuration apart, in one line; empty if there is one only."""
    return said(row.settings)


def difference_text(row: Row) -> str:
    """`+0.002 [-0.003, +0.006], ± 0.016`: the difference, its interval and the margin, as far as they are known."""
    if row.difference is None:
        return ""
    interval = f" [{', '.join(f'{end:+.{row.decimals}f}' for end in row.interval)}]" if row.interval else ""
    margin = f", ± {row.margin:.{row.decimals}f}" if row.margin is not None and row.interval else ""
    return f"{row.difference:+.{row.decimals}f}{interval}{margin}"


def said(settings: Mapping[str, Any]) -> str:
    """Settings in one line, as they would be set."""
    return ", ".join(f"{name}={value}" for name, value in settings.items())


def _rank(row: Row, lower_is_better: bool) -> float:
    mean = row.ours.mean if row.ours and row.ours.mean is not None else row.published and row.published.mean
    if mean is None:
        return float("inf")
    return mean if lower_is_better else -mean


def _flat(row: Row) -> dict[str, Any]:
    number, ours = row.published, row.ours
    return {
        "model": row.model,
        "settings": settings_text(row),
        "metric": row.metric,
        "published": number.mean if number else None,
        "published_std": number.std if number else None,
        "published_std_of": number.std_of if number else None,
        "published_n": number.n if number else None,
        "source": number.reference if number else None,
        "certainty": number.certainty if number else None,
        "ours": ours.mean if ours else None,
        "ours_std": ours.std if ours else None,
        "ours_n": ours.n if ours else None,
        "difference": row.difference,
        "low": row.interval[0] if row.interval else None,
        "high": row.interval[1] if row.interval else None,
        "margin": row.margin,
        "p_value": row.p_value,
        "deciding_n": row.deciding_n,
        "verdict": row.verdict,
        "why": row.why,
    }
