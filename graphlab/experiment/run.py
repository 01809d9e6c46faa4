"""Running a plan over seeds: skip what is done, continue what is not, share the work with other processes."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch

from graphlab.core import environment
from graphlab.core.errors import GraphLabError
from graphlab.core.seeds import SeedStream, parse_seeds
from graphlab.data.dataset import Dataset
from graphlab.experiment.plan import Plan, make_plan
from graphlab.experiment.progress import Reporter, reporter
from graphlab.experiment.runs import Runs
from graphlab.records.record import Result, RunRecord, RunSpec
from graphlab.records.store import RunFolder, Store
from graphlab.task.base import Shard
from graphlab.training.distributed import from_rank_zero, join_processes, pick_device
from graphlab.training.loop import fit
from graphlab.training.optim import check_precision

POLL_SECONDS = 0.1


class OutOfMemoryError(GraphLabError):
    """A run that needs more memory than the device has."""


def run(
    model: str,
    dataset: str | Dataset,
    *,
    seeds: int | str | Sequence[int] = 1,
    store: str | os.PathLike[str] | None = None,
    device: str = "auto",
    progress: bool | None = None,
    **overrides: Any,
) -> Runs:
    """Train and test a model on a data set under the task's protocol, once a seed.

    model, dataset  names, as `gl.models()` and `gl.datasets()` list them; a loaded Dataset will do
    seeds           a count from 0, a range "3:8" or a list
    store           folder of runs; default `$GRAPHLAB_STORE`, else `./runs`
    progress        show progress; default: where there is a terminal or a notebook
    overrides       settings that differ from the model's published recipe for this data set, as
                    `hidden_dim=64` or `**{"training.lr": 0.005}`

    Runs that the store has are not repeated; interrupted ones go on. A seed that diverges is recorded as
    failed. Raises InputError for a request that cannot be met, StoreError and DataError for broken files.
    """
    chosen = parse_seeds(seeds)
    plan = make_plan(model, dataset, overrides)
    return run_plan(plan, chosen, Store(store), device, progress)


def run_plan(
    plan: Plan, seeds: Sequence[int], store: Store, device: str = "auto", progress: bool | None = None
) -> Runs:
    """Run every seed of a plan; with other processes at the same work, each run is done by one of them."""
    where = pick_device(device)
    check_precision(plan.training.precision, where)
    specs = [plan.spec(seed) for seed in seeds]
    done: dict[int, RunRecord] = {}
    shard = join_processes(where)
    with reporter(progress if shard.rank == 0 else False, specs) as report:
        while pending := [spec for spec in specs if spec.seed not in done]:
            for spec in pending:
                record = _attempt(plan, spec, store.folder(spec), where, shard, report)
                if record:
                    done[spec.seed] = record
                    report.finished(record)
            if all(spec.seed not in done for spec in pending):
                time.sleep(POLL_SECONDS)
    return Runs(tuple(done[seed] for seed in seeds))


def _attempt(
    plan: Plan, spec: RunSpec, folder: RunFolder, device: torch.device, shard: Shard, report: Reporter
) -> RunRecord | None:
    """The run's record, trained now unless it was before; None if another process is at it."""
    record = from_rank_zero(folder.read_finished, shard)
    if record:
        return record
    with folder.claim() if shard.rank == 0 else nullcontext(False) as claimed:
        mine, record = from_rank_zero(lambda: (claimed, folder.read_finished()), shard)
        if record or not mine:
            return record
        return _execute(plan, spec, folder, device, shard, report)


def _execute(
    plan: Plan, spec: RunSpec, folder: RunFolder, device: torch.device, shard: Shard, report: Reporter
) -> RunRecord:
    if shard.rank == 0:
        folder.begin()
    task = plan.make_task(spec.seed, device, shard)
    learner = plan.make_learner(task, spec.seed)
    try:
        outcome = fit(
            learner,
            task,
            plan.training,
            SeedStream(spec.seed).child("sampling"),
            folder,
            lambda epoch, epochs, row: report.epoch(spec, epoch, epochs, row),
        )
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"run {spec.id} does not fit into memory: {error}", hint="lower task.batch_size"
        ) from None
    result = Result(
        status="failed" if outcome.error else "finished",
        metric=task.metric,
        direction=task.direction,
        num_parameters=sum(p.numel() for p in learner.parameters() if p.requires_grad),
        epochs=outcome.epochs,
        best_epoch=outcome.best_epoch,
        validation=outcome.validation,
        test=outcome.test,
        error={"kind": outcome.error.kind, "message": outcome.error.message} if outcome.error else None,
    )
    ran_on = environment.capture() | {"device": str(device), "processes": shard.world}
    record = RunRecord(spec, result, outcome.seconds, ran_on, outcome.curve)
    if shard.rank == 0:
        folder.finish(record)
    return record
