"""The `graphlab` command: a thin shell over the public API.

Every command takes --json (machine-readable on standard output) and exits 0, 1 (the work failed) or
2 (bad input). Torch is loaded by the commands that need it, not by `--help`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from graphlab.core.errors import GraphLabError

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    help="Graph neural networks from a data set's name to a table beside the published numbers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

UsageError: Any = typer.BadParameter.__bases__[0]
"""Click's base of all complaints about the words of a command, from whichever click typer brings along."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
StorePath = Annotated[Path | None, typer.Option("--store", help="Folder of runs [$GRAPHLAB_STORE, else ./runs].")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, ...")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, its beginning, or latest; see graphlab runs.")]
Head = Annotated[str | None, typer.Option("--head", help="An entity, by name or id.")]
Tail = Annotated[str | None, typer.Option("--tail", help="An entity, by name or id.")]
Relation = Annotated[str, typer.Option("--relation", help="A relation, by name or id.")]
Seeds = Annotated[str, typer.Option("--seeds", help="A count from 0 (10), a range (3:8) or a list (1,4,7).")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="A setting, as model.hidden_dim=64; may be repeated.")
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes that share the runs.")]


@app.command()
def datasets(as_json: Json = False) -> None:
    """List the data sets."""
    from graphlab import api

    frame = api.datasets()
    shown = ("name", "task", "num_nodes", "num_edges", "splits")
    _print_frame(frame, as_json, hide=tuple(column for column in frame if column not in shown))


@app.command()
def models(as_json: Json = False) -> None:
    """List the models."""
    from graphlab import api

    _print_frame(api.models(), as_json, hide=("citation",))


@app.command()
def tasks(as_json: Json = False) -> None:
    """List the tasks."""
    from graphlab import api

    _print_frame(api.tasks(), as_json)


@app.command()
def run(
    model: str,
    dataset: str,
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
        _print_json(runs.to_json())
    else:
        from graphlab.experiment.views import runs_table

        _console().print(runs_table(runs))
    for record in runs.records:
        if record.result.error:
            _say(f"seed {record.seed} failed: {record.result.error['message']}")
    if runs.summary().failed:
        raise typer.Exit(1)


@app.command()
def discriminate(
    model: str,
    dataset: Annotated[str, typer.Argument()] = "brec",
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
        _print_json(found.to_json())
    else:
        _console().print(found.text, highlight=False)
        _print_frame(found.brief(), as_json=False)
    if found.num_failed:
        raise typer.Exit(1)


@app.command()
def reproduce(
    experiment: Path,
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
        _print_json(comparison.to_json())
    else:
        from graphlab.experiment.views import print_comparison

        print_comparison(comparison, _console())
    if report:
        from graphlab.analysis.report import write_report

        _say(f"report: {write_report(comparison, report)}")
    if not comparison.ok:
        raise typer.Exit(1)


@app.command()
def strategies(as_json: Json = False) -> None:
    """List the search strategies."""
    from graphlab import api

    _print_frame(api.strategies(), as_json, hide=("citation",))


@app.command()
def proxies(as_json: Json = False) -> None:
    """List the proxies of untrained networks."""
    from graphlab import api

    _print_frame(api.proxies(), as_json, hide=("citation",))


@app.command()
def search(
    strategy: str,
    dataset: Annotated[str, typer.Argument(help="A data set, or a table such as nas-bench-graph/cora or its file.")],
    space: Annotated[str | None, typer.Option("--space", help="A search space, or a model for its settings.")] = None,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Different architectures to evaluate.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the search itself.")] = 0,
    objectives: Annotated[
        str, typer.Option("--objectives", help="validation, parameters, bits, latency; several give a front.")
    ] = "validation",
    constraint: Annotated[
        list[str] | None,
        typer.Option("--constraint", help="The worst that is allowed, as parameters=50000; may be repeated."),
    ] = None,
    on: Annotated[str, typer.Option("--on", help="train (a part held out) or validation.")] = "train",
    seeds: Seeds = "1",
    prune: Annotated[bool, typer.Option("--prune", help="Stop what is worse than the median at its epoch.")] = False,
    sharing: Annotated[
        int | None,
        typer.Option("--sharing", min=1, help="Epochs of an architecture that inherits weights; gnn-micro only."),
    ] = None,
    settings: Settings = None,
    store: StorePath = None,
    storage: Annotated[
        str | None, typer.Option("--storage", help="A PostgreSQL database that keeps the study, for a team.")
    ] = None,
    workers: Workers = 1,
    launcher: Annotated[str, typer.Option("--launcher", help="Where workers are: processes, or ray.")] = "processes",
    device: Device = "auto",
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw the curve or the front into this file.")] = None,
    as_json: Json = False,
) -> None:
    """Search with STRATEGY for the architecture that is best on DATASET; what was stopped goes on."""
    from graphlab import api
    from graphlab.experiment.plan import parse_setting
    from graphlab.nas.limit import parse_limits

    overrides = dict(parse_setting(text) for text in settings or [])
    found = api.search(
        strategy,
        dataset,
        space=space,
        trials=trials,
        seed=seed,
        objectives=tuple(name.strip() for name in objectives.split(",")),
        constraints=parse_limits(constraint or []),
        on=on,  # pyright: ignore[reportArgumentType]
        seeds=seeds,
        prune=prune,
        sharing=sharing,
        store=store,
        storage=storage,
        workers=workers,
        launcher=launcher,
        device=device,
        **overrides,
    )
    if plot:
        _say(f"figure: {found.plot().save(plot)}")
    if as_json:
        _print_json(found.to_json())
    else:
        _console().print(found.text, highlight=False)
        if len(found.front) > 1:
            _print_frame(found.pareto(), as_json=False, hide=("key", "state", "seconds"))


@app.command()
def predict(
    run: RunId,
    relation: Relation,
    head: Head = None,
    tail: Tail = None,
    k: Annotated[int, typer.Option("-k", help="How many answers.")] = 10,
    exclude: Annotated[str, typer.Option("--exclude", help="nothing, facts or known: what not to list.")] = "nothing",
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """The likeliest tails of --head and --relation, or heads of --relation and --tail, as trained RUN sees them."""
    from graphlab import api
    from graphlab.experiment.restore import find_record

    record = find_record(run, store)
    frame = api.answers(record, store).predict(head, relation, k, tail=tail, exclude=exclude)  # pyright: ignore[reportArgumentType]
    if as_json:
        rows = frame.astype(object).to_dict(orient="records")
        _print_json({"run": record.id, "head": head, "relation": relation, "tail": tail, "answers": rows})
    else:
        _print_frame(frame, as_json=False)


@app.command()
def paths(
    run: RunId,
    head: Annotated[str, typer.Option("--head", help="An entity, by name or id.")],
    relation: Relation,
    tail: Annotated[str, typer.Option("--tail", help="An entity, by name or id.")],
    k: Annotated[int, typer.Option("-k", help="How many paths.")] = 10,
    scales: Annotated[int, typer.Option("--scales", help="Edge weights over which the gradient is averaged.")] = 1,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw them into this .svg or .png file.")] = None,
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """The paths that the score of a triple rests on in path-based RUN, the most important first."""
    from graphlab import api
    from graphlab.experiment.restore import find_record

    record = find_record(run, store)
    found = api.answers(record, store).paths(head, relation, tail, k, scales=scales)
    if plot:
        _say(f"drawn: {found.plot().save(plot)}")
    if as_json:
        _print_json({"run": record.id, **found.to_json()})
    else:
        _print_frame(found.df.drop(columns="relations"), as_json=False)


@app.command()
def analyze(
    probe: str,
    subject: Annotated[str, typer.Argument(help="A data set, or for expressiveness a model.")],
    dataset: Annotated[str | None, typer.Argument(help="With a model: the data set to ask about.")] = None,
    tests: Annotated[
        str | None,
        typer.Option("--tests", help="Of expressiveness and biconnectivity: all, or names such as 1-WL,FWL(2)."),
    ] = None,
    properties: Annotated[
        str | None,
        typer.Option("--properties", help="Of biconnectivity: all, or names such as 'cut vertex, distance'."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the model, as policy=resistance; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put PROBE to a data set, as inverse-relations to kg/wn18rr, expressiveness to csl or biconnectivity to atlas; or
    to a model, as expressiveness to subgraph/sswl-plus, alone or on a data set."""
    from graphlab import api
    from graphlab.experiment.plan import parse_setting

    options = {
        "tests": tests,
        "properties": properties,
        "settings": dict(parse_setting(text.removeprefix("model.")) for text in settings) if settings else None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    found = api.analyze(probe, subject, dataset, **given)
    if as_json:
        _print_json(found.to_json())
    else:
        _console().print(found.text, highlight=False)
        if found.rows:
            _print_frame(found.df, as_json=False)


@app.command()
def runs(store: StorePath = None, as_json: Json = False) -> None:
    """List the runs of a store."""
    from graphlab import api

    frame = api.runs(store)
    detail = tuple(column for column in frame if column.startswith("validation/") or column.endswith("/loss"))
    _print_frame(frame, as_json, hide=("num_parameters", "error", *detail))


@app.command()
def leaderboard(dataset: str, store: StorePath = None, as_json: Json = False) -> None:
    """Published numbers on DATASET beside those of the store's runs."""
    from graphlab.comparison import leaderboard_json, leaderboard_table
    from graphlab.records.store import Store

    records = Store(store).records()
    if as_json:
        _print_json(leaderboard_json(dataset, records))
    else:
        _console().print(leaderboard_table(dataset, records))


@app.command()
def export(
    dataset: str,
    to: Annotated[str, typer.Option("--format", help="csv, markdown, latex, json or bibtex.")] = "markdown",
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Print the leaderboard of DATASET in a format for papers and spreadsheets; --json is --format json."""
    from graphlab.comparison import export_leaderboard
    from graphlab.records.store import Store

    typer.echo(export_leaderboard(dataset, Store(store).records(), "json" if as_json else to))


@app.command()
def doctor(store: StorePath = None, as_json: Json = False) -> None:
    """Say what this machine has: versions, devices, reachable data, health of the store."""
    from graphlab.doctor import examine, print_examination

    found = examine(store)
    if as_json:
        _print_json(found)
    else:
        print_examination(found, _console())
    if not found["ok"]:
        raise typer.Exit(1)


def main() -> NoReturn:
    """Entry point. Of the processes that torchrun starts, the first speaks for all."""
    with Path(os.devnull).open("w") as nowhere:
        first = os.environ.get("RANK", "0") == "0"
        with redirect_stdout(sys.stdout if first else nowhere):
            code = _exit_code()
    sys.exit(code)


def _exit_code() -> int:
    """Do what the command line says: one clear message for whatever goes wrong, and the code that belongs to it."""
    as_json = "--json" in sys.argv
    try:
        return app(standalone_mode=False) or 0
    except UsageError as error:
        detail = {"kind": "usage", "message": error.format_message(), "hint": _usage_hint(error)}
        return _fail({"error": detail}, 2, as_json)
    except GraphLabError as error:
        return _fail(error.to_json(), error.exit_code, as_json)
    except (KeyboardInterrupt, typer.Abort):
        hint = "give the same command again to go on from there"
        return _fail({"error": {"kind": "interrupted", "message": "interrupted", "hint": hint}}, 1, as_json)
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _usage_hint(error: Any) -> str | None:
    context = getattr(error, "ctx", None)
    return f"see {context.command_path} --help" if context else None


def _fail(error: dict[str, dict[str, Any]], code: int, as_json: bool) -> int:
    if as_json:
        _print_json(error)
    detail = error["error"]
    _say(f"error: {detail['message']}" + (f"\n  hint: {detail['hint']}" if detail["hint"] else ""))
    return code


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, allow_nan=False))


def _print_frame(frame: pd.DataFrame, as_json: bool, hide: tuple[str, ...] = ()) -> None:
    if as_json:
        typer.echo(frame.to_json(orient="records", indent=1))
        return
    import pandas as pd
    from rich.table import Table

    shown = frame.drop(columns=[c for c in hide if c in frame])
    table = Table(box=None, header_style="bold")
    lines = [list(map(_cell, row)) for row in shown.itertuples(index=False)]
    for index, column in enumerate(shown.columns):
        justify = "right" if pd.api.types.is_numeric_dtype(shown[column]) else "left"
        longest = max((len(word) for line in lines for word in line[index].split()), default=0)
        table.add_column(str(column).removeprefix("num_"), justify=justify, min_width=longest, overflow="fold")
    for line in lines:
        table.add_row(*line)
    _console().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return f"{int(value):,}"
    return f"{value:.4f}" if isinstance(value, float) and value == value else ""


def _console() -> Any:
    """A console as wide as the terminal; what goes to a file or a pipe is not squeezed into 80 columns."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=120)
