"""What there is: data sets, models, tasks, pre-transforms, transforms, strategies, spaces, proxies, probes; all of one
name; runs; the machine."""

from __future__ import annotations

from typing import Annotated

import typer

from graphlab.cli.options import Json, StorePath, Trials
from graphlab.cli.output import console, print_frame, print_json, say


def datasets(store: StorePath = None, as_json: Json = False) -> None:
    """List the data sets: those that are registered, then your own in the store."""
    from graphlab import api

    frame = api.datasets(store)
    shown = ("name", "task", "num_nodes", "num_edges", "splits")
    print_frame(frame, as_json, hide=tuple(column for column in frame if column not in shown))


def models(as_json: Json = False) -> None:
    """List the models."""
    from graphlab import api

    print_frame(api.models(), as_json, hide=("citation",))


def tasks(as_json: Json = False) -> None:
    """List the tasks."""
    from graphlab import api

    print_frame(api.tasks(), as_json)


def pre_transforms(as_json: Json = False) -> None:
    """List the pre-transforms, which make features of nodes."""
    from graphlab import api

    print_frame(api.pre_transforms(), as_json)


def transforms(as_json: Json = False) -> None:
    """List the transforms of learners."""
    from graphlab import api

    print_frame(api.transforms(), as_json)


def weight_formats(as_json: Json = False) -> None:
    """List the formats of weights that others trained."""
    from graphlab import api

    print_frame(api.weight_formats(), as_json)


def strategies(as_json: Json = False) -> None:
    """List the search strategies."""
    from graphlab import api

    print_frame(api.strategies(), as_json, hide=("citation",))


def proxies(as_json: Json = False) -> None:
    """List the proxies of untrained networks."""
    from graphlab import api

    print_frame(api.proxies(), as_json, hide=("citation",))


def spaces(as_json: Json = False) -> None:
    """List the search spaces; each model's name is one too."""
    from graphlab import api

    print_frame(api.spaces(), as_json)


def probes(as_json: Json = False) -> None:
    """List the probes of graphlab analyze."""
    from graphlab import api

    print_frame(api.probes(), as_json)


def describe(
    name: Annotated[str, typer.Argument(help="Of a data set, model, task, transform, strategy and so on.")],
    kind: Annotated[str | None, typer.Option("--kind", help="Which, where several have the name.")] = None,
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Say all that is known of NAME: settings and their meaning, recipes, counts, splits, licence, citation."""
    from rich.table import Table
    from rich.text import Text

    from graphlab import api

    found = api.describe(name, kind, store)
    if as_json:
        print_json(found.to_json())
        return
    console().print(f"{found.kind} {found.name}\n\n{found.about}\n", highlight=False, markup=False)
    facts = Table.grid(padding=(0, 2))
    for heading, said in found.known.items():
        facts.add_row(Text(heading), Text(said))
    console().print(facts)
    if found.settings:
        typer.echo()
        print_frame(found.df, as_json=False)


def runs(store: StorePath = None, trials: Trials = False, as_json: Json = False) -> None:
    """List the runs of a store."""
    from graphlab import api
    from graphlab.data.paths import store_root

    frame = api.runs(store, trials=trials)
    if frame.empty:
        say(f"no runs in {store_root(store)}: graphlab run makes some, --store names another folder")
    detail = tuple(column for column in frame if column.startswith("validation/") or column.endswith("/loss"))
    if as_json or len(frame):
        same = () if any(frame["settings"]) else ("settings",)
        print_frame(frame, as_json, hide=("num_parameters", "error", *same, *detail))


def migrate(store: StorePath = None, as_json: Json = False) -> None:
    """Give the runs of a store that version 0.1.0 made the ids of this version."""
    from graphlab import api

    migration = api.migrate(store)
    if as_json:
        print_json(migration.to_json())
    else:
        console().print(repr(migration), highlight=False, markup=False)
    if migration.left:
        raise typer.Exit(1)


def doctor(store: StorePath = None, as_json: Json = False) -> None:
    """Say what this machine has: versions, devices, reachable data, health of the store."""
    from graphlab.doctor import examine, print_examination

    found = examine(store)
    if as_json:
        print_json(found)
    else:
        print_examination(found, console())
    if not found["ok"]:
        raise typer.Exit(1)
