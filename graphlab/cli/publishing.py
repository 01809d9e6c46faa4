"""Numbers beside those that were published."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlab.cli.options import DatasetName, Json, StorePath, Trials
from graphlab.cli.output import console, one_format, print_json, say


def leaderboard(dataset: DatasetName, store: StorePath = None, trials: Trials = False, as_json: Json = False) -> None:
    """Published numbers on DATASET beside those of the store's runs."""
    from graphlab.comparison import leaderboard_json, leaderboard_table, stored_runs

    board = stored_runs(dataset, store, trials=trials)
    if as_json:
        print_json(leaderboard_json(*board))
    else:
        console().print(leaderboard_table(*board))


def export(
    dataset: DatasetName,
    to: Annotated[
        str | None, typer.Option("--format", help="csv, markdown, latex, json or bibtex. [default: markdown]")
    ] = None,
    store: StorePath = None,
    trials: Trials = False,
    as_json: Json = False,
) -> None:
    """Print the leaderboard of DATASET in a format for papers and spreadsheets; --json is --format json."""
    from graphlab import api

    text = api.export(dataset, one_format(to, as_json, "markdown"), store, trials=trials)
    if not text.strip():
        say(f"nothing is published on {dataset} that we know of")
    typer.echo(text.rstrip("\n"))


def submission(
    run: Annotated[str, typer.Argument(help='A run\'s id or its beginning, or "latest".')],
    to: Annotated[Path, typer.Option("--out", "-o", help="The .npz file.")] = Path("submission.npz"),
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Write what RUN predicts on test for the official evaluator, as that of the Open Graph Benchmark."""
    from graphlab import api

    path = api.submission(run, to, store)
    if as_json:
        print_json({"submission": str(path)})
    else:
        say(f"written: {path}")


def report(
    run: Annotated[str, typer.Argument(help='A run\'s id or its beginning, or "latest".')],
    to: Annotated[Path, typer.Option("--out", "-o", help="The HTML file.")] = Path("report.html"),
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Write a page about RUN and the other seeds of its configuration: curves, predictions, settings."""
    from graphlab import api

    path = api.report(run, to, store)
    if as_json:
        print_json({"report": str(path)})
    else:
        say(f"written: {path}")
