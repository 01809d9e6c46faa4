"""A leaderboard as a file: CSV, Markdown, LaTeX (booktabs), JSON, or the BibTeX entries of what it cites.

In every format values are fractions; Markdown and LaTeX round them to three decimals, or to as many as are published.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence

from graphlab.comparison.compare import Row
from graphlab.comparison.rows import (
    SPREAD,
    difference_text,
    full_name,
    leaderboard_rows,
    rows_frame,
    rows_json,
    settings_text,
    spread_notes,
)
from graphlab.core.errors import UnknownNameError
from graphlab.core.latex import bibliography, latex_text
from graphlab.records.record import RunRecord

HEADINGS = ("Model", "Metric", "Published", "Ours", "Difference", "p", "Verdict", "Source")


def export_leaderboard(dataset: str, records: Sequence[RunRecord], form: str = "markdown") -> str:
    """The leaderboard of a data set as text in one of `FORMATS`. Raises UnknownNameError for another."""
    name = full_name(dataset, records)
    return export_rows(name, leaderboard_rows(name, records), form)


def export_rows(dataset: str, rows: Sequence[Row], form: str) -> str:
    if form not in FORMATS:
        raise UnknownNameError("export format", form, FORMATS)
    return FORMATS[form](dataset, rows)


def bibtex(rows: Iterable[Row]) -> str:
    """BibTeX entries of every source that the rows cite, by key."""
    return bibliography(row.published.source for row in rows if row.published)


def mean_std(mean: float | None, std: float | None, n: int | None = None, decimals: int = 3) -> str:
    """`0.815 ± 0.007 (10)`, as much of it as is known; empty for no mean."""
    if mean is None:
        return ""
    spread = f" ± {std:.{decimals}f}" if std is not None else ""
    return f"{mean:.{decimals}f}{spread}{f' ({n})' if n else ''}"


def cells(row: Row) -> tuple[str, ...]:
    """A row as text, a cell for each of `HEADINGS`."""
    number, ours = row.published, row.ours
    settings = settings_text(row)
    return (
        f"{row.model} ({settings})" if settings else row.model,
        row.metric,
        mean_std(number.mean, number.std, number.n, row.decimals) if number else "",
        mean_std(ours.mean, ours.std, ours.n, row.decimals) if ours else "",
        difference_text(row),
        f"{row.p_value:.3g}" if row.p_value is not None else "",
        row.verdict,
        number.reference if number else "",
    )


def _csv(dataset: str, rows: Sequence[Row]) -> str:
    frame = rows_frame(rows)
    frame.insert(0, "dataset", dataset)
    return frame.to_csv(index=False)


def _markdown(dataset: str, rows: Sequence[Row]) -> str:
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(tuple(map(markdown_text, cells(row))) for row in rows)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    notes = "".join(f"\n{markdown_text(note)}\n" for note in spread_notes(rows))
    return f"**{markdown_text(dataset)}**: {SPREAD}\n\n{table}\n{notes}"


def _latex(dataset: str, rows: Sequence[Row]) -> str:
    body = [*(" & ".join(_latex_cells(row)) + r" \\" for row in rows)]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex_text('. '.join([f'{dataset}: {SPREAD}', *spread_notes(rows)]))}.}}",
        r"\begin{tabular}{llllrrll}",
        r"\toprule",
        " & ".join(HEADINGS) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _json(dataset: str, rows: Sequence[Row]) -> str:
    return json.dumps(rows_json(dataset, rows), indent=1, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[str, Sequence[Row]], str]] = {
    "csv": _csv,
    "markdown": _markdown,
    "latex": _latex,
    "json": _json,
    "bibtex": lambda dataset, rows: bibtex(rows),
}


def markdown_text(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", text).replace("\n", " ")


def _latex_cells(row: Row) -> list[str]:
    *columns, source = map(latex_text, cells(row))
    number = row.published
    return [*columns, rf"{latex_text(number.where)} of \cite{{{number.source.key}}}" if number else source]
