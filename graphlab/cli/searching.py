"""The command that searches for architectures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlab.cli.options import (
    Data,
    DataOptions,
    Device,
    Json,
    PreTransform,
    PruneWeights,
    Quantize,
    Settings,
    StorePath,
    Transform,
    Workers,
    read_overrides,
)
from graphlab.cli.output import console, print_frame, print_json, say
from graphlab.cli.own_data import choose_data


def search(
    strategy: Annotated[str, typer.Argument(help="A search strategy, as graphlab strategies lists them.")],
    dataset: Annotated[
        str | None,
        typer.Argument(
            metavar="DATASET", help="A data set, or a table such as nas-bench-graph/cora or its file; or --data."
        ),
    ] = None,
    data: Data = None,
    data_options: DataOptions = None,
    space: Annotated[
        str | None,
        typer.Option("--space", help="A space, a model for its settings, or a YAML file of settings [gnn-micro]."),
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="Evaluations [100, if there is no other budget].")
    ] = None,
    total_epochs: Annotated[
        float | None, typer.Option("--total-epochs", help="Of all trainings together, at most.")
    ] = None,
    total_seconds: Annotated[
        float | None, typer.Option("--total-seconds", help="Of all evaluations together, at most.")
    ] = None,
    racing: Annotated[
        str | None,
        typer.Option("--racing", help="asha or hyperband: few epochs for many, many seeds for few; race.eta by --set."),
    ] = None,
    start: Annotated[
        str, typer.Option("--start", help="Hand-set networks to evaluate first: all, none, or names as gcn,gat.")
    ] = "all",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the search itself.")] = 0,
    objectives: Annotated[
        str,
        typer.Option(
            "--objectives", help="validation, parameters, bits, memory, latency, a proxy; several give a front."
        ),
    ] = "validation",
    constraint: Annotated[
        list[str] | None,
        typer.Option("--constraint", help="The worst that is allowed, as parameters=50000; may be repeated."),
    ] = None,
    on: Annotated[str, typer.Option("--on", help="train (a part held out) or validation.")] = "train",
    seeds: Annotated[
        str | None, typer.Option("--seeds", help="Of each training, as in run [1, in a race 10 for its leaders].")
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Stop what is worse than the median at its epoch.")] = False,
    sharing: Annotated[
        int | None,
        typer.Option("--sharing", min=1, help="Epochs of an architecture that inherits weights; gnn-micro only."),
    ] = None,
    settings: Settings = None,
    pre_transform: PreTransform = None,
    transform: Transform = None,
    quantize: Quantize = None,
    prune_weights: PruneWeights = None,
    store: StorePath = None,
    storage: Annotated[
        str | None, typer.Option("--storage", help="A PostgreSQL database that keeps the study, for a team.")
    ] = None,
    workers: Workers = 1,
    launcher: Annotated[str, typer.Option("--launcher", help="Where workers are: processes, or ray.")] = "processes",
    device: Device = "auto",
    report: Annotated[
        bool,
        typer.Option("--report", help="What the answer is worth, beside hand-set networks and a random search."),
    ] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw the curve or the front into this file.")] = None,
    as_json: Json = False,
) -> None:
    """Search with STRATEGY for the architecture that is best on DATASET, or on your own data.

    What was stopped goes on.
    """
    from graphlab import api
    from graphlab.nas.core.objective import parse_limits

    if plot:
        from graphlab.core.plot import form_of

        form_of(plot)  # before hours of search
    overrides = read_overrides(settings, pre_transform, transform, quantize, prune_weights)
    found = api.search(
        strategy,
        choose_data(dataset, data, data_options),
        space=space,
        trials=trials,
        total_epochs=total_epochs,
        total_seconds=total_seconds,
        racing=racing,  # pyright: ignore[reportArgumentType]
        start=_starts_of(start),
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
        say(f"figure: {found.plot().save(plot)}")
    reported = found.report(random=True) if report else None
    if as_json:
        print_json(found.to_json() | ({"report": reported.to_json()} if reported else {}))
    elif reported:
        console().print(found.text, highlight=False, markup=False)
        console().print(reported.text, highlight=False, markup=False)
        print_frame(reported.df, as_json=False)
    else:
        console().print(found.text, highlight=False, markup=False)
        if len(found.front) > 1:
            print_frame(found.pareto(), as_json=False, hide=("key", "state", "seconds"))


def _starts_of(text: str) -> bool | list[str]:
    """What `--start` names: all, none, or some of the hand-set networks."""
    names = [name.strip() for name in text.split(",")]
    return {"all": True, "none": False}.get(names[0], names) if len(names) == 1 else names
