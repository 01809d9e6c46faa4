"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from graphlab.core.errors import ConfigError

Model = Annotated[str, typer.Argument(help="A model, as graphlab models lists them.")]
DatasetName = Annotated[
    str, typer.Argument(help="A data set, as graphlab datasets lists them; planetoid/cora@random names a split.")
]
DatasetOrData = Annotated[
    str | None,
    typer.Argument(
        metavar="DATASET",
        help="A data set, as graphlab datasets lists them, planetoid/cora@random names a split; or --data.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="PATH", help="Data of your own: an edge-list file, or a folder of triples."),
]
DataOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--data-option",
        metavar="KEY=VALUE",
        help="Of your own data, as directed=false or split=random-60/20/20; may be repeated.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
StorePath = Annotated[Path | None, typer.Option("--store", help="Folder of runs [$GRAPHLAB_STORE, else ./runs].")]
Trials = Annotated[bool, typer.Option("--trials", help="Also what searches trained, which are no results.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, ...")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, its beginning, or latest; see graphlab runs.")]
Weights = Annotated[
    Path | None, typer.Option("--weights", metavar="FILE", help="Weights that others trained, in place of a run.")
]
Format = Annotated[str | None, typer.Option("--format", help="Of --weights, as graphlab weight-formats lists them.")]
WeightsModel = Annotated[
    str | None, typer.Option("--model", help="Where the weights do not tell which model they are of.")
]
RunOrData = Annotated[
    str | None,
    typer.Argument(metavar="[RUN]", help="A run's id, its beginning, or latest; with --weights a data set, or --data."),
]
Head = Annotated[str | None, typer.Option("--head", help="An entity, by name; by id if no name is digits.")]
Tail = Annotated[str | None, typer.Option("--tail", help="An entity, by name; by id if no name is digits.")]
Relation = Annotated[str, typer.Option("--relation", help="A relation, by name; by id if no name is digits.")]
Seeds = Annotated[str, typer.Option("--seeds", help="A count from 0 (10), a range (3:8) or a list (1,4,7).")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="A setting, as model.hidden_dim=64; may be repeated.")
]
PreTransform = Annotated[
    str | None,
    typer.Option(
        "--pre-transform", help="What makes features of nodes beforehand, as graphlab pre-transforms lists them."
    ),
]
Transform = Annotated[
    str | None,
    typer.Option("--transform", help="What changes the learner before training, as graphlab transforms lists them."),
]
Quantize = Annotated[
    str | None,
    typer.Option("--quantize", metavar="SCHEME", help="Number formats that training rounds to, as w8a8 or w4a8."),
]
SPARSITY = "Share of weights that training sets to zero, as 0.9, lamp:0.9 or polarised:0.9; with --quantize both."
Prune = Annotated[str | None, typer.Option("--prune", metavar="[METHOD:]SPARSITY", help=SPARSITY)]
PruneWeights = Annotated[str | None, typer.Option("--prune-weights", metavar="[METHOD:]SPARSITY", help=SPARSITY)]
"""Of a search, of which `--prune` ends trials."""

Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes that share the runs.")]


def read_overrides(
    settings: list[str] | None,
    pre_transform: str | None = None,
    transform: str | None = None,
    quantize: str | None = None,
    prune: str | None = None,
) -> dict[str, Any]:
    """What `--set`, `--pre-transform`, `--transform`, `--quantize` and `--prune` change. Raises ConfigError where two
    name one thing differently, and for a sparsity that is no number."""
    from graphlab.experiment.settings import parse_settings

    overrides = parse_settings(settings)
    of_options: list[tuple[str, str, Any]] = [
        ("pre_transform", "--pre-transform", pre_transform),
        ("transform", "--transform", transform),
    ]
    if prune is not None:
        of_options += [(key, "--prune", value) for key, value in read_prune(prune).items()]
    elif quantize is not None:
        of_options += [("transform", "--quantize", "quantize")]
    if quantize is not None:
        of_options += [("transform.scheme", "--quantize", quantize)]
    for key, option, name in of_options:
        if name is not None and overrides.setdefault(key, name) != name:
            raise ConfigError(f"{key} is set to {overrides[key]!r} and to {name!r}", hint=f"give {option} alone")
    return overrides


def read_prune(text: str) -> dict[str, Any]:
    """The settings of `--prune`: a sparsity, and the method before it, `global` where there is none.

    Raises:
        ConfigError: The sparsity is no number.
    """
    method, _, sparsity = text.rpartition(":")
    try:
        share = float(sparsity)
    except ValueError:
        raise ConfigError(
            f"--prune {text} names no sparsity", hint="write --prune 0.9, or the method before it, as lamp:0.9"
        ) from None
    own = {"transform.method": method} if method else {}
    return {"transform": "prune", "transform.sparsity": share, **own}
