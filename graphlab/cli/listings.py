"""What there is: data sets, models, tasks, strategies, proxies, runs, and the machine."""

from __future__ import annotations

import typer

from graphlab.cli.options import Json, StorePath
from graphlab.cli.output import console, print_frame, print_json


def datasets(as_json: Json = False) -> None:
    """List the data sets."""
    from graphlab import api

    frame = api.datasets()
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


def strategies(as_json: Json = False) -> None:
    """List the search strategies."""
    from graphlab import api

    print_frame(api.strategies(), as_json, hide=("citation",))


def proxies(as_json: Json = False) -> None:
    """List the proxies of untrained networks."""
    from graphlab import api

    print_frame(api.proxies(), as_json, hide=("citation",))


def runs(store: StorePath = None, as_json: Json = False) -> None:
    """List the runs of a store."""
    from graphlab import api

    frame = api.runs(store)
    detail = tuple(column for column in frame if column.startswith("validation/") or column.endswith("/loss"))
    print_frame(frame, as_json, hide=("num_parameters", "error", *detail))


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
