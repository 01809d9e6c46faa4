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
Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes that share the runs.")]


def read_overrides(
    settings: list[str] | None,
    pre_transform: str | None = None,
    transform: str | None = None,
    quantize: str | None = None,
) -> dict[str, Any]:
    """What `--set`, `--pre-transform`, `--transform` and `--quantize` change. Raises ConfigError where two name one
    thing differently."""
    from graphlab.experiment.settings import parse_settings

    overrides = parse_settings(settings)
    of_options = [("pre_transform", "--pre-transform", pre_transform), ("transform", "--transform", transform)]
    if quantize is not None:
        of_options += [("transform", "--quantize", "quantize"), ("transform.scheme", "--quantize", quantize)]
    for key, option, name in of_options:
        if name is not None and overrides.setdefault(key, name) != name:
            raise ConfigError(f"{key} is set to {overrides[key]!r} and to {name!r}", hint=f"give {option} alone")
    return overrides
