"""Running plans over seeds: skip what is done, continue what is not, share the work with other processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

from graphlab.core.errors import InputError, require_count
from graphlab.core.seeds import parse_seeds
from graphlab.data.dataset import Dataset
from graphlab.experiment.execute import attempt
from graphlab.experiment.plan import Plan, make_plan
from graphlab.experiment.progress import reporter
from graphlab.experiment.runs import Runs
from graphlab.experiment.workers import helpers
from graphlab.records.record import RunRecord
from graphlab.records.store import Store
from graphlab.training.distributed import join_processes, pick_device
from graphlab.training.optim import check_precision

POLL_SECONDS = 0.1


def run(
    model: str,
    dataset: str | Dataset,
    *,
    seeds: int | str | Iterable[int] = 1,
    store: str | os.PathLike[str] | None = None,
    device: str = "auto",
    workers: int = 1,
    progress: bool | None = None,
    **overrides: Any,
) -> Runs:
    """Train and test a model on a data set under the task's protocol, once a seed.

    model, dataset  names, as `gl.models()` and `gl.datasets()` list them; a loaded Dataset will do
    seeds           a count from 0, a range "3:8" or a list
    store           folder of runs; default `$GRAPHLAB_STORE`, else `./runs`
    workers         processes that share the seeds
    progress        show progress; default: where there is a terminal or a notebook
    overrides       settings that differ from the model's published recipe for this data set, as
                    `hidden_dim=64` or `**{"training.lr": 0.005}`

    Runs that the store has are not repeated; interrupted ones go on. A seed that diverges is recorded as
    failed. Raises InputError for a request that cannot be met, StoreError and DataError for broken files.
    """
    chosen = parse_seeds(seeds)
    require_count("workers", workers, "one worker is this process alone")
    require_names_for_workers(workers, [dataset])
    plan = make_plan(model, dataset, overrides)
    return run_plans([plan], chosen, Store(store), device=device, workers=workers, progress=progress)[0]


def require_names_for_workers(workers: int, datasets: Iterable[str | Dataset]) -> None:
    """Raises InputError for a data set in memory where other processes have to load it."""
    if workers > 1 and any(isinstance(dataset, Dataset) for dataset in datasets):
        raise InputError("workers load data sets by name", hint="give the name, or workers=1 for a Dataset in memory")


def run_plans(
    plans: Sequence[Plan],
    seeds: Sequence[int],
    store: Store,
    *,
    device: str = "auto",
    workers: int = 1,
    progress: bool | None = None,
) -> list[Runs]:
    """Every plan over every seed; with other processes at the same work, each run is done by one of them."""
    require_count("workers", workers, "one worker is this process alone")
    where = pick_device(device)
    for plan in plans:
        check_precision(plan.training.precision, where)
    queue = [(plan.for_seed(seed), plan.spec(seed)) for plan in plans for seed in seeds]
    specs = [spec for _, spec in queue]
    done: dict[str, RunRecord] = {}
    shard = join_processes(where)
    with (
        helpers(workers - 1, specs, store, device),
        reporter(progress if shard.rank == 0 else False, specs) as report,
    ):
        while pending := [(plan, spec) for plan, spec in queue if spec.id not in done]:
            unfinished = {spec.id for _, spec in pending}
            for plan, spec in pending:
                if plan.training.start in unfinished - done.keys():
                    continue
                record = attempt(plan, spec, store.folder(spec), where, shard, report)
                if record:
                    done[spec.id] = record
                    report.finished(record)
            if all(spec.id not in done for _, spec in pending):
                time.sleep(POLL_SECONDS)
    return [Runs(tuple(done[plan.spec(seed).id] for seed in seeds), store.path) for plan in plans]
