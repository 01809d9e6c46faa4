"""Runs and leaderboards as HTML tables, for notebooks and reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from graphlab.comparison.compare import Row
from graphlab.comparison.export import mean_std
from graphlab.comparison.rows import settings_text

if TYPE_CHECKING:
    from graphlab.experiment.runs import Runs


def table_html(caption: str, headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table with a caption; the first cell of a line is its heading. Cells are HTML already."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in lines
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def runs_html(runs: Runs) -> str:
    """The summary of runs over seeds and a line for each seed."""
    if not runs.records:
        return "<p>no runs</p>"
    summary = runs.summary()
    interval = f", 95 % interval of the mean {summary.ci95[0]:.3f} to {summary.ci95[1]:.3f}" if summary.ci95 else ""
    failed = f", {summary.failed} failed" if summary.failed else ""
    caption = (
        f"{runs.model} on {runs.dataset}: test {runs.metric} {_known(summary.mean, summary.std)}{interval}{failed}"
    )
    lines = [
        (
            str(record.seed),
            escape(record.result.status),
            "" if record.result.best_epoch is None else str(record.result.best_epoch),
            _known(record.result.validation.get(runs.metric)),
            _known(record.test_value),
            f"{record.seconds:.1f}",
            escape(record.result.error["message"]) if record.result.error else "",
        )
        for record in runs.records
    ]
    headings = ["seed", "status", "best epoch", f"validation {runs.metric}", f"test {runs.metric}", "seconds", "error"]
    if not any(line[-1] for line in lines):
        headings, lines = headings[:-1], [line[:-1] for line in lines]
    return table_html(caption, headings, lines)


def leaderboard_html(dataset: str, rows: Sequence[Row]) -> str:
    """Published numbers beside ours; columns for what is published only where something is."""
    cited = any(row.published for row in rows)
    headings = ["model", "metric", *(["published"] if cited else []), "ours"]
    headings += ["difference", "verdict", "source"] if cited else []
    caption = f"{dataset}: test, mean ± sample standard deviation (runs)"
    return table_html(caption, headings, [_cells(row, cited) for row in rows])


def _cells(row: Row, cited: bool) -> list[str]:
    number, ours = row.published, row.ours
    settings = settings_text(row)
    model = escape(row.model) + (f"<br><small>{escape(settings)}</small>" if settings else "")
    mine = mean_std(ours.mean, ours.std, ours.n) if ours else ""
    if not cited:
        return [model, escape(row.metric), mine]
    source = f'<a href="{escape(number.source.url)}">{escape(number.reference)}</a>' if number else ""
    if number and number.certainty == "recalled":
        source += "<br><small>from memory, to be checked</small>"
    return [
        model,
        escape(row.metric),
        mean_std(number.mean, number.std, number.n) if number else "",
        mine,
        "" if row.difference is None else f"{row.difference:+.3f}",
        f'<span class="{row.verdict.replace(" ", "-")}">{row.verdict}</span><br><small>{escape(row.why)}</small>',
        source,
    ]


def _known(mean: float | None, std: float | None = None) -> str:
    return mean_std(mean, std)
