"""What a trained run answers, and what a probe says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlab.cli.options import Head, Json, Relation, RunId, StorePath, Tail
from graphlab.cli.output import console, print_frame, print_json, say


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
        print_json({"run": record.id, "head": head, "relation": relation, "tail": tail, "answers": rows})
    else:
        print_frame(frame, as_json=False)


def paths(
    run: RunId,
    head: Annotated[str, typer.Option("--head", help="An entity, by name; by id if no name is digits.")],
    relation: Relation,
    tail: Annotated[str, typer.Option("--tail", help="An entity, by name; by id if no name is digits.")],
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
