"""A search from the first trial to its result, with as many processes as were asked for."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn

from graphlab.core.config import plain
from graphlab.core.errors import InputError, require_count, require_name
from graphlab.core.seeds import parse_seeds
from graphlab.data.dataset import Dataset
from graphlab.data.own import keep
from graphlab.data.paths import store_root
from graphlab.experiment.plan import find_data
from graphlab.experiment.progress import counted
from graphlab.model.own import keep_model
from graphlab.nas.core.loop import OnOutcome
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.race import Ladder
from graphlab.nas.objectives.inner import Part
from graphlab.nas.optuna.storage import AN_ADDRESS
from graphlab.nas.plan import FOLDER, STRATEGY, SearchPlan, SearchSpec, Start
from graphlab.nas.results.result import Search
from graphlab.nas.settings_space import model_of, read_space
from graphlab.nas.workers import find_launcher

DEFAULT_TRIALS = 100
"""Of a search without a budget."""

RACED_SEEDS = 10
"""Of a race without seeds of its own."""


def search(
    strategy: str,
    dataset: str | os.PathLike[str] | Dataset,
    *,
    space: str | os.PathLike[str] | Mapping[str, Any] | type[nn.Module] | None = None,
    trials: int | None = None,
    total_epochs: float | None = None,
    total_seconds: float | None = None,
    racing: Ladder | None = None,
    start: Start = True,
    seed: int = 0,
    objectives: str | Sequence[str] = "validation",
    constraints: Mapping[str, float] | None = None,
    on: Part = "train",
    seeds: int | str | Sequence[int] | None = None,
    prune: bool = False,
    sharing: int | None = None,
    store: str | os.PathLike[str] | None = None,
    storage: str | None = None,
    workers: int = 1,
    launcher: str = "processes",
    device: str = "auto",
    progress: bool | None = None,
    **settings: Any,
) -> Search:
    """Search for the architecture that is best on a data set, or in a table of trained ones.

    strategy    as `gl.strategies()` lists them
    dataset     a data set's name or a loaded Dataset; or a table's name, as nas-bench-graph/cora, or its file
    space       a search space's name, or a model's for the space that its settings declare; or settings of a model with
                the values to try, as `{"model": "gcn", "hidden_dim": [8, 16], "lr": (1e-4, 1e-1, "log")}`, or a YAML
                file of these; default gnn-micro, and of a table its own
    trials      evaluations of different architectures, or in a race of its rungs; 100 if there is no other budget
    total_epochs   of all trainings together, at most
    total_seconds  of all evaluations together, of every worker
    racing      `asha` or `hyperband`: many architectures are trained for few epochs on one seed, few of them for all
                epochs on many seeds, and the answer is the best of the leaders by an estimate over seeds; settings of
                the race as `**{"race.eta": 2}`, see `graphlab.nas.core.race`. None evaluates each whole, at once
    start       whether the networks that people take, as the space or the model's recipe names them, are evaluated
                first; or some of them by name; or architectures of one's own by name
    objectives  `validation`, `parameters`, `bits` of the weights, `memory` (bits of weights and of what is computed),
                `latency`, or a proxy of untrained weights, as `gl.proxies()` lists them; several give a front
    constraints the worst that is allowed, by metric, as `{"parameters": 50_000, "validation": 0.7}`: at most so much of
                what is minimised, at least so much of what is maximised. What breaks one counts as a trial, is never
                the best nor on the front, and is not trained if that is known before
    on          what is searched on: "train", of which a part is held out, or the official "validation"
    seeds       seeds that each architecture is trained with, as in `gl.run`, 1 if none are named; in a race those that
                leaders are trained with, 10 if none are named
    prune       stop evaluations that are worse than the median of others at the same epoch
    sharing     epochs that an architecture is trained which inherits weights of earlier ones, instead of a whole
                training, in a space that says which may pass: gnn-micro; or whose networks grow: elastic-gcn and the
                like. Weights lie in the store. None shares nothing
    store       folder of runs and studies; default `$GRAPHLAB_STORE`, else `./runs`
    storage     address of a PostgreSQL database that keeps the study in the place of the store, for a team
    workers     processes that share the trials
    launcher    where they are: processes of this machine, or ray, on a cluster
    settings    settings of training and task as in `gl.run`, and of the strategy as `**{"strategy.population": 50}`

    A search that was stopped goes on where it stood; asking for more trials continues it, asking for fewer gives the
    first of them. Raises InputError for what cannot be searched, StoreError and DataError for broken files.
    """
    started = time.monotonic()
    require_count("workers", workers, "one worker is this process alone")
    if isinstance(dataset, os.PathLike):
        dataset = os.fspath(dataset)
    elif not isinstance(dataset, Dataset):
        require_name("data set", dataset)
    if constraints is not None and not isinstance(constraints, Mapping):
        raise InputError(f"constraints cannot be {constraints!r}", hint='name what is limited: {"parameters": 50_000}')
    for metric in constraints or ():
        require_name("metric", metric)
    require_name("launcher", launcher)
    launch = find_launcher(launcher)
    if storage is not None and "://" not in storage:
        raise InputError(f"{storage!r} is no address of a database", hint=f"write it as {AN_ADDRESS}, or name a store")
    folder = store_root(store)
    if isinstance(dataset, Dataset):
        dataset = find_data(dataset)
    listed = read_space(space)
    spec = SearchSpec(
        strategy=strategy,
        dataset=dataset if isinstance(dataset, str) else dataset.name,
        space=listed,
        trials=DEFAULT_TRIALS if trials is total_epochs is total_seconds is None else trials,
        total_epochs=total_epochs,
        total_seconds=total_seconds,
        racing=racing,
        start=start if isinstance(start, bool) else plain(start),
        seed=parse_seeds([seed])[0],
        objectives=_names_of(objectives),
        constraints=_plain(constraints or {}),
        on=on,
        seeds=parse_seeds((RACED_SEEDS if racing else 1) if seeds is None else seeds),
        prune=prune,
        sharing=sharing,
        settings=_plain(settings),
        where=storage or str(folder / FOLDER),
        store=str(folder),
        device=device,
    )
    plan = SearchPlan(spec, dataset if isinstance(dataset, Dataset) else None)
    loop = plan.loop(spec.where)
    if isinstance(dataset, Dataset) and (dataset.splits.draw is None or workers > 1):
        keep(dataset, folder)
    keep_model(model_of(listed), folder)
    with launch(spec, workers - 1), progress_bar(plan, progress) as on_outcome:
        loop.run(on_outcome)
    outcomes = tuple(
        loop.outcomes if spec.total_epochs is spec.total_seconds is None else spec.budget.within(loop.outcomes)
    )
    return Search(
        plan,
        loop.history,
        outcomes,
        sum(count for index, count in loop.history.repeats.items() if index < spec.budget.count),
        time.monotonic() - started,
    )


def random_like(found: Search, progress: bool | None = None) -> Search:
    """A random search that may take as many epochs as another took, under its protocol, without hand-set networks."""
    spec, plan = found.plan.spec, found.plan
    settings = {name: value for name, value in spec.settings.items() if not name.startswith(STRATEGY)}
    return search(
        "random",
        spec.dataset if plan.is_named else plan.data,
        space=spec.space,
        total_epochs=sum(outcome.epochs for outcome in found.outcomes),
        racing=spec.racing,
        start=False,
        seed=spec.seed,
        constraints=spec.constraints,
        on=spec.on,
        seeds=spec.seeds,
        store=spec.store,
        storage=spec.where if spec.where and "://" in spec.where else None,
        device=spec.device,
        progress=progress,
        **settings,
    )


@contextmanager
def progress_bar(plan: SearchPlan, show: bool | None) -> Iterator[OnOutcome]:
    """A bar on standard error; `show` None shows it on a terminal."""
    spec = plan.spec
    total = spec.trials or math.ceil(spec.total_epochs or spec.total_seconds or 0)
    with counted(f"{spec.strategy} on {spec.dataset}", total, show) as tell:
        name, done = plan.objective.names[0], 0
        best: Outcome | None = None

        def on_outcome(outcome: Outcome, number: int) -> None:
            nonlocal best, done
            done = number if spec.trials else min(total, done + _taken(outcome, spec))
            if outcome.score is not None and (best is None or outcome.score > (best.score or 0.0)):
                best = outcome
            tell(done, f"best {name} {best.objectives[0]:.4f}" if best else "")

        def on_work(what: str, part: int, count: int) -> None:
            tell(done, f"{what} {part} of {count}")

        plan.objective.on_work = on_work
        yield on_outcome


def _taken(outcome: Outcome, spec: SearchSpec) -> int:
    """Of a budget of epochs or seconds."""
    return round(outcome.epochs if spec.total_epochs else outcome.seconds)


def _names_of(objectives: object) -> tuple[str, ...]:
    listed = (objectives,) if isinstance(objectives, str) else objectives
    if not isinstance(listed, Iterable):
        raise InputError(
            f"objectives cannot be {objectives!r}", hint='name one, or several as ("validation", "latency")'
        )
    names = tuple(listed)
    for name in names:
        require_name("metric", name)
    return names


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in values.items()}
