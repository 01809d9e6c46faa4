"""One run: taken if nobody else is at it, trained, recorded."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch

from graphlab.core import environment
from graphlab.core.errors import DivergenceError, GraphLabError, InputError, StoreError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import Plan
from graphlab.experiment.progress import Reporter
from graphlab.records.record import Result, RunRecord, RunSpec
from graphlab.records.store import RunFolder
from graphlab.task.base import Learner, Shard
from graphlab.training.distributed import from_rank_zero
from graphlab.training.loop import Fit, fit


class OutOfMemoryError(GraphLabError):
    """A run that needs more memory than the device has."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory was too small, of a device or of the machine, for which PyTorch has no exception of its own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


class FailedStartError(DivergenceError):
    """A run whose start failed: it fails too, and the others go on."""


def load_start(learner: Learner, start: str, folder: RunFolder, device: torch.device) -> None:
    """Give the learner the weights that the run `start`, beside this one in its store, selected.

    Raises InputError if there is no such run, it has not finished, or its model is another, StoreError if its weights
    are damaged or gone, FailedStartError if it failed.
    """
    other = folder.beside(start)
    record = other.read_finished()
    if record and record.result.error:
        raise FailedStartError(f"its start, run {start}, failed: {record.result.error['message']}")
    if record is None:
        found = "has not finished" if other.path.exists() else "is not there"
        raise InputError(
            f"run {folder.spec.id} starts from run {start}, which {found} in {folder.path.parent}",
            hint="graphlab runs lists the runs of a store; do that one first",
        )
    saved: dict[str, Any] = {}
    if not other.restore_checkpoint("best", device, saved.update):
        raise StoreError(
            f"run {folder.spec.id} starts from run {start}, whose weights are gone from {other.path}",
            hint="delete that folder and do its run again",
        )
    try:
        learner.load_state_dict(saved["model"])
    except RuntimeError as error:
        raise InputError(
            f"the weights of run {start} ({record.spec.model} on {record.spec.dataset}) do not fit "
            f"{folder.spec.model} on {folder.spec.dataset}",
            hint="start from a run of the same model and model settings, whose weights belong to no data set",
        ) from error


def attempt(
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
        if plan.training.start:
            load_start(learner, plan.training.start, folder, task.device)
        outcome = fit(
            learner,
            task,
            plan.training,
            SeedStream(spec.seed).child("sampling"),
            folder,
            lambda epoch, epochs, row: report.epoch(spec, epoch, epochs, row),
        )
    except FailedStartError as error:
        outcome = Fit(epochs=0, best_epoch=None, curve=(), seconds=0.0, error=error)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(
            f"run {spec.id} does not fit into memory: {error}", hint="lower task.batch_size"
        ) from None
    result = Result(
        status="failed" if outcome.error else "finished",
        metric=task.metric,
        direction=task.direction,
        num_parameters=learner.num_parameters,
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
