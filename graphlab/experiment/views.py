"""Runs, leaderboards and experiments as they are shown: tables in the terminal, HTML in notebooks and reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from graphlab.comparison.compare import Row
from graphlab.comparison.export import mean_std
from graphlab.comparison.rows import SPREAD, difference_text, settings_text, spread_notes

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table

    from graphlab.comparison.paired import Contrast
    from graphlab.experiment.reproduce import Claim, Comparison
    from graphlab.experiment.runs import Runs
    from graphlab.experiment.table import ResultTable


def caption_html(caption: str) -> str:
    """A caption on one line at the left, where notebooks would centre and break it."""
    return f'<caption style="text-align: left; white-space: nowrap">{escape(caption)}</caption>'


def table_html(caption: str, headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table with a caption; the first cell of a line is its heading. Cells are HTML already."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in lines
    )
    return f"<table>{caption_html(caption)}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def runs_table(runs: Runs) -> Table:
    """The runs of all seeds for the terminal, their summary below."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(f"{runs.title} on {runs.dataset}", style="bold"),
        title_justify="left",
        caption=summary_text(runs),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for heading in _headings(runs):
        table.add_column(heading, justify="left" if heading in ("status", "error") else "right")
    for line in _lines(runs):
        table.add_row(*(Text(cell) for cell in line[: len(table.columns)]))
    return table


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Leaderboards, refusals, claims and the summary of an experiment."""
    from rich.text import Text

    from graphlab.comparison.render import rows_table

    console.print(Text(comparison.experiment.title, style="bold"))
    for name, rows in comparison.leaderboards.items():
        console.print(rows_table(name, rows))
    for refusal in comparison.refusals:
        console.print(Text(f"{refusal.model} on {refusal.dataset} was refused: {refusal.message}"))
    for claim in comparison.claims:
        mark = Text("held  ", style="green") if claim.held else Text("failed", style="bold red")
        console.print(Text.assemble(mark, f"  {claim.model} on {claim.dataset}: {claim.text} ({claim.detail})"))
    console.print(Text(comparison.summary()))


def runs_html(runs: Runs) -> str:
    """The runs of all seeds as an HTML table, captioned with their summary."""
    headings = _headings(runs)
    lines = [[escape(cell) for cell in line[: len(headings)]] for line in _lines(runs)]
    notices = "".join(f"<p>notice: {escape(notice)}</p>" for notice in runs.notices)
    return table_html(f"{runs.title} on {runs.dataset}: {summary_text(runs)}", headings, lines) + notices


def claims_html(claims: Iterable[Claim]) -> str:
    """What an experiment claims, whether it held, and what was found."""
    lines = [
        (
            escape(claim.model),
            escape(claim.dataset),
            escape(claim.text),
            '<span class="held">held</span>' if claim.held else '<span class="missed">did not hold</span>',
            f'<span class="long">{escape(claim.detail)}</span>',
        )
        for claim in claims
    ]
    return table_html("What the experiment file claims", ["model", "data set", "claim", "", "found"], lines)


def result_table_html(table: ResultTable) -> str:
    """Models by data sets; the best, and what is not found worse, bold."""
    lines = []
    for model in table.models:
        shown = [
            (escape(_unbroken(table.text(model, c.dataset))), table.cells[model, c.dataset].is_bold)
            for c in table.columns
        ]
        lines.append([escape(model), *(f"<strong>{text}</strong>" if is_bold else text for text, is_bold in shown)])
    return table_html(table.caption, ["model", *table.headings], lines)


def result_table(table: ResultTable) -> Group:
    """The same for the terminal, its caption below."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("model", overflow="fold")
    for heading in table.headings:
        shown.add_column(Text(heading), justify="right", overflow="fold")
    for model in table.models:
        styles = ["bold" if table.cells[model, column.dataset].is_bold else "" for column in table.columns]
        texts = [table.text(model, column.dataset) for column in table.columns]
        shown.add_row(Text(model), *(Text(text, style=style) for text, style in zip(texts, styles, strict=True)))
    return Group(shown, Text(table.caption, style="dim"))


def contrasts_html(rows: Iterable[Contrast], caption: str = "") -> str:
    """Pairs of configurations with their tests, corrected for their number."""
    lines = [
        (
            escape(row.first),
            escape(row.second),
            "" if row.difference is None else f"{row.difference:+.4f}",
            "" if row.interval is None else _unbroken(f"{row.interval[0]:+.4f} to {row.interval[1]:+.4f}"),
            "" if row.p_corrected is None else f"{row.p_corrected:.2g}",
            str(row.n[0]) if row.n[0] == row.n[1] else f"{row.n[0]}, {row.n[1]}",
            f'<span class="{row.conclusion.replace(" ", "-")}">{row.conclusion}</span><br>'
            f'<small class="long">{escape(row.test)}{_dropped(row)}</small>',
        )
        for row in rows
    ]
    headings = ["first", "second", "difference", "95 % interval", "p, corrected", "n", "first is"]
    return table_html(caption or "Differences on test, p-values corrected by Holm's method", headings, lines)


def _dropped(row: Contrast) -> str:
    return f", {row.dropped} failed and dropped" if row.dropped else ""


def leaderboard_html(dataset: str, rows: Sequence[Row]) -> str:
    """Published numbers beside ours; columns for what is published only where something is."""
    cited = any(row.published or row.is_judged for row in rows)
    headings = ["model", "metric", *(["published"] if cited else []), "ours"]
    headings += ["difference", "verdict", "source"] if cited else []
    caption = ". ".join([f"{dataset}: test, {SPREAD}", *spread_notes(rows)])
    return table_html(caption, headings, [_cells(row, cited) for row in rows])


def _cells(row: Row, cited: bool) -> list[str]:
    number, ours = row.published, row.ours
    settings = settings_text(row)
    model = escape(row.model) + (f"<br><small>{escape(settings)}</small>" if settings else "")
    mine = _unbroken(mean_std(ours.mean, ours.std, ours.n, row.decimals)) if ours else ""
    if not cited:
        return [model, escape(row.metric), mine]
    source = f'<a href="{escape(number.source.url)}">{escape(number.reference)}</a>' if number else ""
    if number and number.certainty == "recalled":
        source += "<br><small>recalled, to be checked</small>"
    return [
        model,
        escape(row.metric),
        _unbroken(mean_std(number.mean, number.std, number.n, row.decimals)) if number else "",
        mine,
        _unbroken(difference_text(row)).replace("[", "<br>[").replace("],", "],<br>"),
        f'<span class="{row.verdict.replace(" ", "-")}">{row.verdict}</span><br>'
        f'<small class="long">{escape(row.why)}</small>',
        source,
    ]


def _unbroken(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def summary_text(runs: Runs) -> str:
    """Mean, spread, interval and failures in one line."""
    summary = runs.summary()
    if summary.mean is None:
        return f"no seed finished, {summary.failed} failed"
    interval = f", 95 % interval of the mean {summary.ci95[0]:.3f} to {summary.ci95[1]:.3f}" if summary.ci95 else ""
    failed = f", {summary.failed} failed" if summary.failed else ""
    eligibility = f"; {runs.records[0].eligibility}" if runs.records[0].eligibility else ""
    return f"test {runs.metric} {mean_std(summary.mean, summary.std, summary.n)}{interval}{failed}{eligibility}"


def _headings(runs: Runs) -> list[str]:
    headings = ["seed", "status", "best epoch", f"validation {runs.metric}", f"test {runs.metric}", "seconds"]
    return [*headings, "error"] if any(record.result.error for record in runs.records) else headings


def _lines(runs: Runs) -> list[list[str]]:
    """A line a seed: a cell for each heading that there can be."""
    return [
        [
            str(record.seed),
            record.result.status,
            "" if record.result.best_epoch is None else str(record.result.best_epoch),
            mean_std(record.result.validation.get(runs.metric), None),
            mean_std(record.test_value, None),
            f"{record.seconds:.1f}",
            record.result.error["message"] if record.result.error else "",
        ]
        for record in runs.records
    ]
