"""A leaderboard in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from graphlab.comparison.compare import Row
from graphlab.comparison.export import mean_std
from graphlab.comparison.rows import SPREAD, difference_text, full_name, leaderboard_rows, settings_text, spread_notes
from graphlab.records.record import RunRecord

STYLES = {
    "agrees": "green",
    "above": "cyan",
    "below": "red",
    "undecided": "magenta",
    "not comparable": "dim",
    "not eligible": "yellow",
}
DECIDED = {"agrees", "above", "below"}
INTERVALS = "difference [95 % interval of the difference], margin of agreement"
NUMERIC = {"published", "ours", "difference", "p"}


def leaderboard_table(dataset: str, records: Sequence[RunRecord]) -> Group:
    """The leaderboard of a data set; see `rows_table`."""
    name = full_name(dataset, records)
    return rows_table(name, leaderboard_rows(name, records))


def rows_table(dataset: str, rows: Sequence[Row]) -> Group:
    """Values as fractions, mean ± sample standard deviation (runs), the verdict in its colour.

    What nothing is published on has no columns for it; one metric shared by all rows stands in the title. Title and
    notes are as wide as the terminal and not as the table, which may be narrow.
    """
    metrics = list(dict.fromkeys(row.metric for row in rows))
    sources = list(dict.fromkeys(row.published.reference for row in rows if row.published))
    title = f"{dataset}, {metrics[0]} on test" if len(metrics) == 1 else f"{dataset}, on test"
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    lines = [_cells(row, sources) for row in rows]
    for column in _columns(lines, len(metrics) > 1):
        table.add_column(
            column,
            justify="right" if column in NUMERIC else "left",
            no_wrap=column in NUMERIC,
            overflow="fold",
            min_width=len("comparable") if column == "verdict" else None,
        )
    for line in lines:
        table.add_row(*(line[str(column.header)] for column in table.columns))
    return Group(Text(title, style="bold"), table, _notes(rows, sources))


def _columns(lines: list[dict[str, Text]], several_metrics: bool) -> list[str]:
    columns = ["model", *(["metric"] if several_metrics else []), "published", "ours", "difference", "p", "verdict"]
    always = {"model", "metric", "ours"}
    return [column for column in columns if column in always or any(line[column].plain for line in lines)]


def _cells(row: Row, sources: list[str]) -> dict[str, Text]:
    number, ours = row.published, row.ours
    settings = settings_text(row)
    p = "" if row.p_value is None else "<.001" if row.p_value < 0.001 else f"{row.p_value:.3f}"
    return {
        "model": Text(f"{row.model} ({settings})" if settings else row.model),
        "metric": Text(row.metric),
        "published": Text(
            f"{mean_std(number.mean, number.std, decimals=row.decimals)} [{sources.index(number.reference) + 1}]"
            if number
            else ""
        ),
        "ours": Text(mean_std(ours.mean, ours.std, ours.n, row.decimals) if ours else ""),
        "difference": Text(difference_text(row)),
        "p": Text(p),
        "verdict": Text(row.verdict if row.is_judged else "", style=STYLES[row.verdict]),
    }


def _notes(rows: Sequence[Row], sources: list[str]) -> Text:
    """The sources by number, what the interval and the margin are, and why a verdict is none."""
    cited = [f"[{index}] {source}" for index, source in enumerate(sources, start=1)]
    reasons = {f"{r.model}: {r.why}" for r in rows if r.verdict not in DECIDED and r.is_judged}
    intervals = [INTERVALS] if any(row.interval for row in rows) else []
    return Text("\n".join([SPREAD, *spread_notes(rows), *intervals, *cited, *sorted(reasons)]), style="dim")
