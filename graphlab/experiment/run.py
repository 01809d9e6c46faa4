"""Running plans over seeds: skip what is done, continue what is not, share the work with other processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphlab.core.errors import require_count
from graphlab.core.seeds import parse_seeds
from graphlab.data.own import keep
from graphlab.experiment.done import Request
from graphlab.experiment.progress import reporter
from graphlab.experiment.runs import Runs
from graphlab.records.record import RunRecord
from graphlab.records.store import Store

if TYPE_CHECKING:
    from torch import nn

    from graphlab.data.dataset import Dataset
    from graphlab.experiment.plan import Plan

POLL_SECONDS = 0.1


def run(
    model: str | type[nn.Module],
    dataset: str | Dataset,
    *,
    task: str | None = None,
    seeds: int | str | Iterable[int] = 1,
    store: str | os.PathLike[str] | None = None,
    device: str = "auto",
    workers: int = 1,
    progress: bool | None = None,
    **overrides: Any,
) -> Runs:
    """Train and test a model on a data set under the task's protocol, once a seed.

    model           a name, as `gl.models()` lists them, or a torch.nn.Module class of your own; see
                    `graphlab.model.own`
    dataset         a name, as `gl.datasets()` lists them, or a Dataset in memory
    task            where several fit: "link-prediction" on "cora" predicts links in place of the classes of nodes
    seeds           a count from 0, a range "3:8" or a list
    store           folder of runs; default `$GRAPHLAB_STORE`, else `./runs`
    workers         processes that share the seeds
    progress        show progress; default: where there is a terminal or a notebook
    overrides       settings that differ from the model's published recipe for this data set, as
                    `hidden_dim=64` or `**{"training.lr": 0.005}`

    Runs that the store has are not repeated, and get the notices of the data as they are now; interrupted ones go on.
    A seed that diverges is recorded as failed.

    Raises InputError for a request that cannot be met, StoreError and DataError for broken files.
    """
    chosen = parse_seeds(seeds)
    require_count("workers", workers, "one worker is this process alone")
    request = Request(model, dataset, task, overrides)
    if done := request.done(chosen, store, device):
        return done
    request.require_names()

    from graphlab.experiment.plan import make_plan

    plan = make_plan(model, dataset, overrides, store, task)
    request.keep(plan)
    return run_plans([plan], chosen, Store(store), device=device, workers=workers, progress=progress)[0]


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
    from graphlab.experiment.execute import attempt
    from graphlab.experiment.workers import helpers
    from graphlab.model.own import keep_model
    from graphlab.training.distributed import join_processes, pick_device
    from graphlab.training.optim import check_precision

    require_count("workers", workers, "one worker is this process alone")
    where = pick_device(device)
    for plan in plans:
        check_precision(plan.training.precision, where)
    for dataset in dict.fromkeys(plan.dataset for plan in plans):
        if dataset.splits.draw is None or workers > 1:
            keep(dataset, store.path)
    for name in dict.fromkeys(plan.model.name for plan in plans):
        keep_model(name, store.path)
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
    return [
        Runs(
            tuple(replace(done[plan.spec(seed).id], notices=plan.notices) for seed in seeds),
            store.path,
            plan.imported_code,
        )
        for plan in plans
    ]
