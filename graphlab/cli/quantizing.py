"""Numbers of few bits: what they cost, and trained runs as networks on integers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlab.cli.options import Json, PreTransform, RunId, Settings, StorePath, read_overrides
from graphlab.cli.output import print_frame, print_json, say


def bits(
    model: Annotated[str, typer.Argument(help="A model, as graphlab models lists them; or a run, by itself.")],
    dataset: Annotated[str | None, typer.Argument(help="A data set, as graphlab datasets lists them.")] = None,
    scheme: Annotated[
        str | None, typer.Option("--quantize", metavar="SCHEME", help="Number formats, as w8a8 or w4a8.")
    ] = None,
    settings: Settings = None,
    pre_transform: PreTransform = None,
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """What number formats cost MODEL on DATASET: bits of weights and of what is computed, and bit operations.

    With a run in place of MODEL, and no DATASET, what the run was trained with, or has learned.
    """
    from graphlab import api

    overrides = read_overrides(settings, pre_transform)
    frame = api.quantized_bits(model, dataset, scheme, store, **overrides)
    print_frame(frame.reset_index(), as_json)
    for pattern in frame.attrs["without_place"]:
        say(f"notice: {model} has no place for {pattern}")


def freeze(
    run: RunId,
    to: Annotated[Path, typer.Option("--out", "-o", help="The .safetensors file.")] = Path("frozen.safetensors"),
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Write RUN, which was trained with --quantize, as a network that runs on integers."""
    from graphlab import api

    about = api.frozen(run, to, store).about
    if as_json:
        print_json({"frozen": str(to), **about})
    else:
        for key, value in about.items():
            say(f"{key}: {value}")
        say(f"written: {to}")
