"""What a trained run answers, and what a probe says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlab.cli.importing import run_or_weights
from graphlab.cli.options import (
    Data,
    DataOptions,
    Format,
    Head,
    Json,
    Relation,
    RunOrData,
    Settings,
    StorePath,
    Tail,
    Weights,
    WeightsModel,
)
from graphlab.cli.output import console, print_frame, print_json, say


def predict(
    relation: Relation,
    run: RunOrData = None,
    head: Head = None,
    tail: Tail = None,
    k: Annotated[int, typer.Option("-k", help="How many answers.")] = 10,
    exclude: Annotated[str, typer.Option("--exclude", help="nothing, facts or known: what not to list.")] = "nothing",
    with_paths: Annotated[int, typer.Option("--paths", help="So many paths behind each answer too.")] = 0,
    weights: Weights = None,
    format: Format = None,  # noqa: A002
    model: WeightsModel = None,
    data: Data = None,
    data_options: DataOptions = None,
    settings: Settings = None,
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """The likeliest tails of --head and --relation, or heads of --relation and --tail, as trained RUN sees them, or the
    weights in a file that others trained."""
    from graphlab import api
    from graphlab.experiment.restore import find_record

    record = find_record(run_or_weights(run, weights, format, model, data, data_options, settings, store), store)
    answers = api.answers(record, store)
    frame = answers.predict(head, relation, k, tail=tail, exclude=exclude)  # pyright: ignore[reportArgumentType]
    if with_paths:
        ends = [(head, end) if tail is None else (end, tail) for end in frame["tail" if tail is None else "head"]]
        behind = [answers.paths(start, relation, end, with_paths).df["path"].tolist() for start, end in ends]  # pyright: ignore[reportArgumentType]
        frame["paths"] = behind if as_json else ["; ".join(each) for each in behind]
    if as_json:
        rows = frame.astype(object).to_dict(orient="records")
        print_json({"run": record.id, "head": head, "relation": relation, "tail": tail, "answers": rows})
    else:
        print_frame(frame, as_json=False)


def paths(
    head: Annotated[str, typer.Option("--head", help="An entity, by name; by id if no name is digits.")],
    relation: Relation,
    tail: Annotated[str, typer.Option("--tail", help="An entity, by name; by id if no name is digits.")],
    run: RunOrData = None,
    k: Annotated[int, typer.Option("-k", help="How many paths.")] = 10,
    scales: Annotated[int, typer.Option("--scales", help="Edge weights over which the gradient is averaged.")] = 1,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw them into this .svg or .png file.")] = None,
    weights: Weights = None,
    format: Format = None,  # noqa: A002
    model: WeightsModel = None,
    data: Data = None,
    data_options: DataOptions = None,
    settings: Settings = None,
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """The paths that the score of a triple rests on in path-based RUN, the most important first."""
    from graphlab import api
    from graphlab.experiment.restore import find_record

    record = find_record(run_or_weights(run, weights, format, model, data, data_options, settings, store), store)
    found = api.answers(record, store).paths(head, relation, tail, k, scales=scales)
    if plot:
        say(f"drawn: {found.plot().save(plot)}")
    if as_json:
        print_json({"run": record.id, **found.to_json()})
    else:
        print_frame(found.df.drop(columns="relations"), as_json=False)


def analyze(
    probe: Annotated[str, typer.Argument(help="A probe, as graphlab probes lists them.")],
    subject: Annotated[
        str, typer.Argument(help="A data set, for expressiveness also a model, for topology also a run's id.")
    ],
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
    hops: Annotated[int | None, typer.Option("--hops", help="Of topology: steps of walks, 1 by default.")] = None,
    method: Annotated[str | None, typer.Option("--method", help="Of topology: exact or projection.")] = None,
    pagerank: Annotated[
        bool | None,
        typer.Option(
            "--pagerank/--no-pagerank",
            help="Of topology: measure the PageRank of all nodes; by default where it takes seconds.",
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Of topology: write this HTML page.")] = None,
    patterns: Annotated[
        str | None, typer.Option("--patterns", help='Of homophily: all, or names such as "A,AA\',S".')
    ] = None,
    self_pairs: Annotated[
        bool | None, typer.Option("--self-pairs", help="Of homophily: count self-loops among edges.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help="Of directedness: classes of train, the default, or of all nodes.")
    ] = None,
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Put PROBE to a data set, to a model, alone or on a data set, or to a run.

    As inverse-relations to kg/wn18rr, biconnectivity to atlas, expressiveness to csl or to subgraph/sswl-plus,
    homophily and directedness to wiki/chameleon, and topology to cora@links or to latest.
    """
    from graphlab import api
    from graphlab.analysis.topology.study import LinkStudy
    from graphlab.core.errors import InputError
    from graphlab.experiment.settings import parse_settings

    options = {
        "tests": tests,
        "properties": properties,
        "settings": parse_settings(text.removeprefix("model.") for text in settings) if settings else None,
        "hops": hops,
        "method": method,
        "pagerank": pagerank,
        "patterns": patterns,
        "self_pairs": self_pairs,
        "labels": labels,
    }
    given = {name: value for name, value in options.items() if value is not None}
    found = api.analyze(probe, subject, dataset, store=store, **given)
    if report is not None:
        if not isinstance(found, LinkStudy):
            raise InputError(f"{probe} writes no report", hint="leave --report out")
        say(f"written: {found.report(report)}")
    if as_json:
        print_json(found.to_json())
    else:
        console().print(found.text, highlight=False, markup=False)
        if found.rows:
            print_frame(found.df, as_json=False)
