"""A leaderboard in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from graphlab.comparison.compare import Row
from graphlab.comparison.export import HEADINGS, cells

STYLES = {"agrees": "green", "above": "cyan", "below": "red", "not comparable": "dim"}
NUMERIC = {"Published", "Ours", "Difference", "p"}


def leaderboard_table(dataset: str, rows: Sequence[Row]) -> Table:
    """Values as fractions, mean ± sample standard deviation (runs), the verdict in its colour."""
    table = Table(title=dataset, title_justify="left", caption=legend(rows), caption_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in NUMERIC else "left", overflow="fold")
    for row in rows:
        line = dict(zip(HEADINGS, map(Text, cells(row)), strict=True))
        line["Verdict"].stylize(STYLES[row.verdict])
        table.add_row(*line.values())
    return table


def legend(rows: Sequence[Row]) -> Text:
    """Why rows are not comparable, each reason once."""
    reasons = {
        f"{row.model}: {row.why}" for row in rows if row.verdict == "not comparable" and row.published and row.ours
    }
    return Text("\n".join(["mean ± sample standard deviation (runs)", *sorted(reasons)]))
