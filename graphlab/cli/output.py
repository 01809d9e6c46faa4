"""How commands speak: tables and JSON on standard output, all else on standard error."""

from __future__ import annotations

import json
from numbers import Integral
from typing import TYPE_CHECKING, Any

import typer

from graphlab.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


SMALL = 1e-3
"""Numbers below it are shown by their first digits, the others to four places."""


def say(text: str) -> None:
    typer.echo(text, err=True)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, allow_nan=False))


def one_format(said: str | None, as_json: bool, default: str) -> str:
    """The format of `--format` or `--json`. Raises InputError for two."""
    if as_json and said not in (None, "json"):
        raise InputError(f"--format {said} and --json are two formats", hint="leave one of them out")
    return said or ("json" if as_json else default)


def print_frame(frame: pd.DataFrame, as_json: bool, hide: tuple[str, ...] = ()) -> None:
    if as_json:
        typer.echo(frame.to_json(orient="records", indent=1))
        return
    import pandas as pd
    from rich.table import Table
    from rich.text import Text

    shown = frame.drop(columns=[c for c in hide if c in frame])
    table = Table(box=None, header_style="bold")
    lines = [list(map(_cell, row)) for row in shown.itertuples(index=False)]
    for index, column in enumerate(shown.columns):
        justify = "right" if pd.api.types.is_numeric_dtype(shown[column]) else "left"
        longest = max((len(word) for line in lines for word in line[index].split()), default=0)
        table.add_column(str(column).removeprefix("num_"), justify=justify, min_width=longest, overflow="fold")
    for line in lines:
        table.add_row(*map(Text, line))  # what is in brackets is no markup
    console().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, str | bool):
        return str(value)
    if isinstance(value, Integral):
        return f"{int(value):,}"
    if not isinstance(value, float) or value != value:
        return ""
    return f"{value:.4f}" if abs(value) >= SMALL or not value else f"{value:.3g}"


def console() -> Any:
    """A console as wide as the terminal; what goes to a file or a pipe is not squeezed into 80 columns."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=120)
