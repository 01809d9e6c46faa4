"""One run: taken if nobody else is at it, trained, recorded."""

from __future__ import annotations

import traceback
from contextlib import nullcontext
from typing import Any

import torch

from graphlab.core import environment
from graphlab.core.errors import DivergenceError, GraphLabError, InputError, StoreError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import Plan
from graphlab.experiment.progress import Reporter
from graphlab.model.transform import TRANSFORM
from graphlab.model.weight_format import WEIGHTS
from graphlab.records.record import Result, RunRecord, RunSpec
from graphlab.records.store import RunFolder, require_unaltered
from graphlab.task.base import Learner, Shard, Task
from graphlab.training.distributed import from_rank_zero
from graphlab.training.interrupt import PausedError
from graphlab.training.loop import Fit, fit


class UnforeseenError(GraphLabError):
    """What nobody foresaw in one run: that run failed of it, and the others go on."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}", hint="the traceback is in the run's result.json")
        self.traceback = "".join(traceback.format_exception(error))


class OutOfMemoryError(UnforeseenError):
    """A run that needs more memory than the device has."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.message, self.hint = f"it does not fit into memory: {error}", "lower task.batch_size"


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory was too small, of a device or of the machine, for which PyTorch has no exception of its own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


FREE = ("dropout", "regularization", "regularizer", "init_scale", "recompute")
"""Settings of models that do not change what their weights compute."""


class FailedStartError(DivergenceError):
    """A run whose start failed: it fails too, and the others go on."""


def started_learner(plan: Plan, task: Task[Any], seed: int, folder: RunFolder) -> Learner:
    """The plan's learner with the weights that the run `plan.training.start`, beside this one in its store, selected.

    Weights of a run without a transform are loaded before the plan's transform is applied; those of a run with one are
    of a learner that is transformed already.

    Raises InputError if there is no such run, it has not finished, or its model is another, StoreError if its weights
    are damaged or gone, FailedStartError if it failed.
    """
    start, learner = str(plan.training.start), plan.build_learner(task, seed)
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
    require_same_meaning(plan, record)
    require_unaltered(record, other.path)
    saved: dict[str, Any] = {}
    if not other.restore_checkpoint("best", task.device, saved.update):
        raise StoreError(
            f"run {folder.spec.id} starts from run {start}, whose weights are gone from {other.path}",
            hint="delete that folder and do its run again",
        )
    is_transformed = TRANSFORM in record.spec.components
    try:
        learner = plan.transformed(learner) if is_transformed else learner
        learner.load_state_dict(saved["model"])
    except RuntimeError as error:
        raise InputError(
            f"the weights of run {start} ({record.spec.title} on {record.spec.dataset}) do not fit "
            f"{folder.spec.title} on {folder.spec.dataset}",
            hint="start from a run of the same model and model settings, whose weights belong to no data set",
        ) from error
    return learner if is_transformed else plan.transformed(learner)


def require_same_meaning(plan: Plan, start: RunRecord) -> None:
    """See that training goes on from weights of others with the model settings that they were imported with, which say
    what they mean.

    Raises:
        InputError: A setting is another one.
    """
    if WEIGHTS not in start.spec.components:
        return
    here, there = plan.model_config.to_json(), start.spec.model_config
    differing = {name: there[name] for name in here if name in there and here[name] != there[name]}
    differing = {name: value for name, value in differing.items() if name not in FREE}
    if differing:
        raise InputError(
            f"the weights of run {start.id} mean something else with {', '.join(f'{n}={here[n]}' for n in differing)}",
            hint=f"set {', '.join(f'model.{name}={value}' for name, value in differing.items())}",
        )


def attempt(
    plan: Plan,
    spec: RunSpec,
    folder: RunFolder,
    device: torch.device,
    shard: Shard,
    report: Reporter,
    pause_after: int | None = None,
) -> RunRecord | None:
    """The run's record, trained now unless it was before; None if another process is at it.

    A run that failed of something unforeseen is tried again. Raises PausedError after the epoch `pause_after` of a run
    that is not over by then.
    """
    record = from_rank_zero(folder.read_settled, shard)
    if record:
        return record
    with folder.claim() if shard.rank == 0 else nullcontext(False) as claimed:
        mine, record = from_rank_zero(lambda: (claimed, folder.read_settled()), shard)
        if record or not mine:
            return record
        return _execute(plan, spec, folder, device, shard, report, pause_after)


def _execute(
    plan: Plan,
    spec: RunSpec,
    folder: RunFolder,
    device: torch.device,
    shard: Shard,
    report: Reporter,
    pause_after: int | None,
) -> RunRecord:
    learner = None
    epochs = _EpochReporter(report, spec)
    try:
        task = plan.make_task(spec.seed, device, shard)
        start = plan.training.start
        if WEIGHTS in plan.components:
            raise InputError(
                f"weights of the format {plan.components[WEIGHTS].name} are imported, not trained",
                hint="gl.import_weights and graphlab import-weights do it; training.start goes on from such a run",
            )
        learner = started_learner(plan, task, spec.seed, folder) if start else plan.make_learner(task, spec.seed)
        if shard.rank == 0:
            folder.begin()  # what cannot be built leaves nothing behind
        outcome = fit(
            learner,
            task,
            plan.training,
            SeedStream(spec.seed).child("sampling"),
            folder,
            epochs.report_epoch,
            pause_after,
        )
    except FailedStartError as error:
        outcome = Fit(epochs=0, best_epoch=None, curve=(), seconds=0.0, error=error)
    except (StoreError, InputError, PausedError):
        raise
    except Exception as error:
        if shard.world > 1 or error is epochs.error:
            raise  # the other processes wait for this one, and are ended with it; or a search ends the run
        foreseen = error if isinstance(error, GraphLabError) else None
        failure = foreseen or (OutOfMemoryError(error) if is_out_of_memory(error) else UnforeseenError(error))
        outcome = Fit(epochs=0, best_epoch=None, curve=(), seconds=0.0, error=failure)
    metric, direction = plan.selection
    result = Result(
        status="failed" if outcome.error else "finished",
        metric=metric,
        direction=direction,
        num_parameters=learner.num_parameters if learner else 0,
        epochs=outcome.epochs,
        best_epoch=outcome.best_epoch,
        validation=outcome.validation,
        test=outcome.test,
        error=_json_of(outcome.error) if outcome.error else None,
    )
    ran_on = environment.capture() | {"device": str(device), "processes": shard.world}
    assert plan.dataset.origin is not None
    record = RunRecord(
        spec,
        result,
        outcome.seconds,
        ran_on,
        outcome.curve,
        notices=plan.notices,
        code=plan.imported_code,
        content=plan.dataset.origin.content,
    )
    if shard.rank == 0:
        folder.begin()
        folder.finish(record)
    return record


class _EpochReporter:
    """Passes epochs on, and remembers the error that a reporter raises: a search ends a run by one."""

    def __init__(self, reporter: Reporter, spec: RunSpec) -> None:
        self.reporter, self.spec = reporter, spec
        self.error: Exception | None = None

    def report_epoch(self, epoch: int, epochs: int, row: dict[str, float]) -> None:
        try:
            self.reporter.epoch(self.spec, epoch, epochs, row)
        except Exception as error:
            self.error = error
            raise


def _json_of(error: GraphLabError) -> dict[str, str]:
    traced = {"traceback": error.traceback} if isinstance(error, UnforeseenError) else {}
    return {"kind": error.kind, "message": error.message, **traced}
