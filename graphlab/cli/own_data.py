"""Data of one's own on the command line: `--data PATH` in place of a name, and the command that keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlab.cli.options import DataOptions, Json, StorePath
from graphlab.cli.output import console, print_json
from graphlab.core.errors import InputError, closest

if TYPE_CHECKING:
    from graphlab.data.dataset import Dataset

TEXTS = ("name", "task", "split", "target", "labels", "validation")
"""Options of `gl.dataset` that are text even where the text looks like a number."""

OPTIONS = (*TEXTS, "split_seed", "directed", "features")
"""Those that can be said in a line; frames and cards are for Python."""

ELSEWHERE = {"nodes": "a frame of nodes", "card": "a Card"}


def keep(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="An edge-list file, or a folder of triples.")],
    options: DataOptions = None,
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Check the data in PATH and keep them in the store, so that every command takes them by name."""
    from graphlab.data.identity import identify
    from graphlab.data.own import keep as keep_in
    from graphlab.data.paths import store_root

    data = identify(read_data(path, options or []))
    keep_in(data, store_root(store))
    if as_json:
        counts = data.statistics()
        print_json({"name": data.name, "task": data.task, "counts": counts, "notices": list(data.notices)})
    else:
        console().print(f"{data!r}\nkept under its name, which every command takes", highlight=False, markup=False)


def choose_data(name: str | None, path: Path | None, options: Sequence[str] | None) -> str | Dataset:
    """What a command is about: the data set of a name, or of `--data`. Raises InputError for both or neither."""
    if path is None:
        if options:
            raise InputError("--data-option says nothing without --data", hint="say --data PATH, or leave it out")
        if name is None:
            raise InputError(
                "no data set is named", hint="name one, as graphlab datasets lists them, or say --data PATH"
            )
        return name
    if name is not None:
        raise InputError(f"the data set {name} and --data {path} are two", hint="leave one of them out")
    return read_data(path, options or [])


def read_data(path: Path, options: Sequence[str]) -> Dataset:
    """The data set of a file or folder. Raises as `gl.dataset` does, with what to say on the command line."""
    from graphlab import api
    from graphlab.experiment.settings import parse_settings

    chosen = parse_settings(options, _option)
    try:
        return api.dataset(path, **chosen)
    except InputError as error:
        error.hint = f"{error.hint}; in a command --data-option key=value says it"
        raise


def _option(text: str) -> tuple[str, Any]:
    from graphlab.experiment.settings import parse_setting

    key, value = parse_setting(text)
    if key not in OPTIONS:
        if key in ELSEWHERE:
            raise InputError(f"{ELSEWHERE[key]} cannot be said in a line", hint="use gl.dataset in Python")
        near = closest(key, OPTIONS)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(OPTIONS)}"
        raise InputError(f"data have no option {key!r}", hint=hint)
    if key in TEXTS and not isinstance(value, str | dict | None):
        value = text.partition("=")[2].strip()
    return key, value
