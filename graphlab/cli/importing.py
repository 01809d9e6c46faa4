"""Weights that others trained, on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlab.cli.options import Data, DataOptions, Device, Format, Json, Settings, StorePath, Weights, WeightsModel
from graphlab.cli.output import console, print_json, say
from graphlab.cli.own_data import choose_data
from graphlab.core.errors import InputError

if TYPE_CHECKING:
    from graphlab.experiment.runs import Runs


def import_weights(
    format: Annotated[str, typer.Argument(help="A format, as graphlab weight-formats lists them.")],  # noqa: A002
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A .safetensors file, or one of torch.save.")],
    dataset: Annotated[str | None, typer.Argument(metavar="DATASET", help="A data set; or --data.")] = None,
    data: Data = None,
    data_options: DataOptions = None,
    model: WeightsModel = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the split, where it is drawn.")] = 0,
    sha256: Annotated[str | None, typer.Option("--sha256", help="What the file's digest must be.")] = None,
    entities: Annotated[Path | None, typer.Option("--entities", help="Names in the order of rows, one a line.")] = None,
    relations: Annotated[Path | None, typer.Option("--relations", help="The same of relations.")] = None,
    settings: Settings = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Hold them against other conventions.")] = True,
    evaluate: Annotated[bool, typer.Option("--evaluate/--no-evaluate", help="Score validation and test now.")] = True,
    store: StorePath = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Import the weights in FILE, which others trained, as a run on DATASET."""
    from graphlab import api
    from graphlab.cli.options import read_overrides

    runs = api.import_weights(
        format,
        path,
        choose_data(dataset, data, data_options),
        model=model,
        seed=seed,
        store=store,
        device=device,
        sha256=sha256,
        entities=_names(entities),
        relations=_names(relations),
        check=check,
        evaluate=evaluate,
        **read_overrides(settings),
    )
    _show(runs, as_json)


def evaluate(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run, or with --weights a data set.")] = None,
    weights: Weights = None,
    format: Format = None,  # noqa: A002
    model: WeightsModel = None,
    data: Data = None,
    data_options: DataOptions = None,
    settings: Settings = None,
    store: StorePath = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """The metrics of RUN, or of the weights in a file on a data set, measured now if they were not yet."""
    from graphlab import api
    from graphlab.experiment.runs import Runs

    chosen = run_or_weights(run, weights, format, model, data, data_options, settings, store, device)
    record = api.evaluate(chosen, store, device)
    _show(Runs((record,), chosen.store if isinstance(chosen, Runs) else None), as_json)


def run_or_weights(
    run: str | None,
    weights: Path | None,
    format: str | None,  # noqa: A002
    model: str | None,
    data: Path | None,
    data_options: list[str] | None,
    settings: list[str] | None,
    store: Path | None,
    device: str = "auto",
) -> Runs | str:
    """The run that a command is about: by its id, or that of the weights of `--weights`, imported if they were not.

    Raises:
        InputError: Neither is named, or options of the other.
    """
    from graphlab import api
    from graphlab.cli.options import read_overrides

    options: dict[str, Any] = {
        "--format": format,
        "--model": model,
        "--data": data,
        "--data-option": data_options,
        "--set": settings,
    }
    if weights is None:
        named = [name for name, value in options.items() if value]
        if named or run is None:
            problem = f"{', '.join(named)} without --weights" if named else "no run is named"
            raise InputError(
                problem, hint="name a run, as graphlab runs lists them, or say --weights FILE --format NAME"
            )
        return run
    if format is None:
        raise InputError(f"--weights {weights} has no --format", hint="graphlab weight-formats lists them")
    dataset = choose_data(run, data, data_options)
    overrides = read_overrides(settings)
    return api.import_weights(
        format, weights, dataset, model=model, store=store, device=device, evaluate=False, **overrides
    )


def _names(path: Path | None) -> list[str] | None:
    """The lines of a file. Raises InputError where it cannot be read."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", hint="give a text file with a name a line") from error


def _show(runs: Runs, as_json: bool) -> None:
    if as_json:
        print_json(runs.to_json())
        return
    from graphlab.experiment.views import runs_table

    console().print(runs_table(runs))
    for notice in runs.notices:
        say(f"notice: {notice}")
    say(f"run {runs[0].id}")
