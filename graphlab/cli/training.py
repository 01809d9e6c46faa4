"""Commands that train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlab.cli.options import DatasetName, Device, Json, Model, Seeds, Settings, StorePath, Workers
from graphlab.cli.output import console, print_frame, print_json, say


def run(
    model: Model,
    dataset: DatasetName,
    seeds: Seeds = "1",
    settings: Settings = None,
    store: StorePath = None,
    device: Device = "auto",
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """Train MODEL on DATASET under its task's protocol, once a seed; runs that are done are not repeated."""
    from graphlab import api
    from graphlab.experiment.plan import parse_setting

    overrides = dict(parse_setting(text) for text in settings or [])
    runs = api.run(model, dataset, seeds=seeds, store=store, device=device, workers=workers, **overrides)
    if as_json:
        print_json(runs.to_json())
    else:
        from graphlab.experiment.views import runs_table

        console().print(runs_table(runs))
    for record in runs.records:
        if record.result.error:
            say(f"seed {record.seed} failed: {record.result.error['message']}")
    for notice in runs.notices:
        say(f"notice: {notice}")
    if runs.summary().failed:
        raise typer.Exit(1)


def discriminate(
    model: Model,
    dataset: DatasetName = "brec",
    pairs: Annotated[
        str, typer.Option("--pairs", help="all, or numbers, ranges and categories: 3,5,60:110,CFI.")
    ] = "all",
    seeds: Seeds = "1",
    settings: Settings = None,
    store: StorePath = None,
    device: Device = "auto",
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """Train MODEL afresh on each pair of graphs of DATASET: which it tells apart, and which its class can."""
    from graphlab import api
    from graphlab.experiment.plan import parse_setting

    overrides = dict(parse_setting(text) for text in settings or [])
    found = api.discriminate(
        model, dataset, pairs=pairs, seeds=seeds, store=store, device=device, workers=workers, **overrides
    )
    if as_json:
        print_json(found.to_json())
    else:
        console().print(found.text, highlight=False, markup=False)
        print_frame(found.brief(), as_json=False)
    if found.num_failed:
        raise typer.Exit(1)


def reproduce(
    experiment: Annotated[Path, typer.Argument(help="A YAML file, as those in experiments/.")],
    store: StorePath = None,
    device: Device = "auto",
    workers: Workers = 1,
    report: Annotated[Path | None, typer.Option("--report", help="Write an HTML report to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Run an experiment file and set what comes out beside the published numbers and its claims."""
    from graphlab import api

    comparison = api.reproduce(experiment, store=store, device=device, workers=workers)
    if as_json:
        print_json(comparison.to_json())
    else:
        from graphlab.experiment.views import print_comparison

        print_comparison(comparison, console())
    if report:
        from graphlab.analysis.report import write_report

        say(f"report: {write_report(comparison, report)}")
    if not comparison.ok:
        raise typer.Exit(1)
