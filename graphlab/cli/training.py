"""Commands that train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlab.cli.options import (
    Data,
    DataOptions,
    DatasetName,
    DatasetOrData,
    Device,
    Json,
    Model,
    PreTransform,
    Prune,
    Quantize,
    Seeds,
    Settings,
    StorePath,
    Transform,
    Workers,
    read_overrides,
)
from graphlab.cli.output import console, one_format, print_frame, print_json, say
from graphlab.cli.own_data import choose_data

if TYPE_CHECKING:
    from graphlab.experiment.table import ResultTable


def run(
    model: Model,
    dataset: DatasetOrData = None,
    data: Data = None,
    data_options: DataOptions = None,
    task: Annotated[
        str | None, typer.Option("--task", help="Where several fit, as link-prediction; graphlab tasks lists them.")
    ] = None,
    seeds: Seeds = "1",
    settings: Settings = None,
    pre_transform: PreTransform = None,
    transform: Transform = None,
    quantize: Quantize = None,
    prune: Prune = None,
    store: StorePath = None,
    device: Device = "auto",
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """Train MODEL on DATASET, or on your own data, under the task's protocol, once a seed.

    Runs that are done are not repeated.
    """
    from graphlab import api

    overrides = read_overrides(settings, pre_transform, transform, quantize, prune)
    chosen = choose_data(dataset, data, data_options)
    runs = api.run(model, chosen, task=task, seeds=seeds, store=store, device=device, workers=workers, **overrides)
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


def table(
    models: Annotated[str, typer.Argument(help="Models, with commas between them: gcn,gat.")],
    datasets: Annotated[str, typer.Argument(help="Data sets, with commas between them: karate,sbm/directed-h0.1.")],
    seeds: Seeds = "1",
    settings: Settings = None,
    pre_transform: PreTransform = None,
    transform: Transform = None,
    quantize: Quantize = None,
    prune: Prune = None,
    to: Annotated[
        str | None, typer.Option("--format", help="text, markdown, latex, csv, json or bibtex. [default: text]")
    ] = None,
    percent: Annotated[
        bool, typer.Option("--percent", help="Show fractions of which higher is better in percent.")
    ] = False,
    read: Annotated[bool, typer.Option("--read", help="Show what the store has; train nothing.")] = False,
    store: StorePath = None,
    device: Device = "auto",
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """The table of a paper, MODELS by DATASETS: mean ± standard deviation over seeds. Trains what the store lacks."""
    from graphlab import api
    from graphlab.core.errors import UnknownNameError

    to = one_format(to, as_json, "text")
    if to not in TABLE_FORMATS:
        raise UnknownNameError("table format", to, TABLE_FORMATS)
    result = api.table(
        [name.strip() for name in models.split(",")],
        [name.strip() for name in datasets.split(",")],
        seeds=seeds,
        store=store,
        device=device,
        workers=workers,
        train=not read,
        percent=percent,
        **read_overrides(settings, pre_transform, transform, quantize, prune),
    )
    TABLE_FORMATS[to](result)
    for record in result.failed:
        error = (record.result.error or {}).get("message", "")
        say(f"{record.spec.title} on {record.spec.dataset}, seed {record.seed} failed: {error}")
    if result.failed:
        raise typer.Exit(1)


def _print_table(table: ResultTable) -> None:
    from graphlab.experiment.views import result_table

    console().print(result_table(table))


TABLE_FORMATS: dict[str, Callable[[ResultTable], None]] = {
    "text": _print_table,
    "markdown": lambda table: typer.echo(table.to_markdown().rstrip("\n")),
    "latex": lambda table: typer.echo(table.to_latex().rstrip("\n")),
    "csv": lambda table: typer.echo(table.df.to_csv().rstrip("\n")),
    "json": lambda table: print_json(table.to_json()),
    "bibtex": lambda table: typer.echo(table.bibtex().rstrip("\n")),
}


def discriminate(
    model: Model,
    dataset: DatasetName = "brec",
    pairs: Annotated[
        str, typer.Option("--pairs", help="all, or numbers, ranges and categories: 3,5,60:110,CFI.")
    ] = "all",
    seeds: Seeds = "1",
    settings: Settings = None,
    pre_transform: PreTransform = None,
    transform: Transform = None,
    quantize: Quantize = None,
    prune: Prune = None,
    store: StorePath = None,
    device: Device = "auto",
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """Train MODEL afresh on each pair of graphs of DATASET: which it tells apart, and which its class can."""
    from graphlab import api

    overrides = read_overrides(settings, pre_transform, transform, quantize, prune)
    result = api.discriminate(
        model, dataset, pairs=pairs, seeds=seeds, store=store, device=device, workers=workers, **overrides
    )
    if as_json:
        print_json(result.to_json())
    else:
        console().print(result.text, highlight=False, markup=False)
        print_frame(result.brief(), as_json=False)
    if result.num_failed:
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
