"""Runs of imported weights: how they are written, and evaluated later."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from graphlab.core import environment
from graphlab.core.errors import DivergenceError, InputError, StoreError
from graphlab.core.files import hash_file
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import Plan
from graphlab.experiment.restore import find_record, restore
from graphlab.experiment.runs import Runs
from graphlab.model.weight_format import WEIGHTS
from graphlab.records.record import Result, RunRecord
from graphlab.records.store import RunFolder, Store
from graphlab.task.base import Learner
from graphlab.training.distributed import pick_device
from graphlab.training.loop import Fit, fit


def evaluate(
    run: RunRecord | Runs | str, store: str | os.PathLike[str] | None = None, device: str = "auto"
) -> RunRecord:
    """The record of a run with its metrics, which are measured now if the run is of weights that were imported without.

    Raises:
        UnknownNameError, InputError, StoreError: As `restore` does, and for a run that has not finished.
    """
    store = run.store if store is None and isinstance(run, Runs) else store
    record = find_record(run, store)
    if record.result.test:
        return record
    if WEIGHTS not in record.spec.components or record.result.status != "finished":
        raise InputError(f"run {record.id} has no weights to evaluate", hint=f"its status is {record.result.status}")
    started, trained = time.monotonic(), restore(record, store)
    learner = trained.learner.to(pick_device(device))
    extra = {key: record.environment[key] for key in ("file", "check") if key in record.environment}
    return write_import(trained.plan, record.seed, learner, Store(store).folder(record.spec), True, extra, started)


def require_held_out(plan: Plan, seed: int) -> None:
    """See that weights can be evaluated. Raises InputError where nothing is held out for it."""
    empty = [name for name, items in plan.dataset.split(seed).parts() if name != "train" and not len(items)]
    if empty:
        raise InputError(
            f"the {' and '.join(empty)} of {plan.dataset.name} are empty, so that nothing can be evaluated",
            hint="answers need none: import with evaluate=False, or ask with graphlab predict --weights",
        )


def write_import(
    plan: Plan, seed: int, learner: Learner, folder: RunFolder, evaluate: bool, extra: Mapping[str, Any], started: float
) -> RunRecord:
    """Write weights as the run of a plan, evaluated or not, under the run's claim.

    Args:
        extra: What is recorded beside the environment: the file's name and what its check came to.
        started: When the import began, by the monotonic clock.

    Raises:
        StoreError: Another process is at the run, or there is no space.
        InputError: There is nothing to evaluate them on, or a metric is not finite.
    """
    if evaluate:
        require_held_out(plan, seed)
    device = next(learner.parameters()).device
    task = plan.make_task(seed, device)
    weights = {name: tensor.detach().clone() for name, tensor in learner.state_dict().items()}
    with folder.claim() as claimed:
        if not claimed:
            raise StoreError(f"another process works on run {folder.path.name}", hint="try again when it has ended")
        folder.begin()
        if evaluate:
            outcome = fit(learner, task, plan.training, SeedStream(seed).child("sampling"), folder)
        else:
            outcome = Fit(epochs=0, best_epoch=0, curve=(), seconds=0.0)
            folder.save_checkpoint("best", {"model": weights, "epoch": 0})
        if isinstance(outcome.error, DivergenceError):
            raise InputError(f"the weights cannot be evaluated: {outcome.error.message}", hint="are they of this data?")
        record = _record(
            plan, seed, learner, outcome, folder, {"device": str(device), "processes": 1, **extra}, started
        )
        folder.finish(record)
    return record


def _record(
    plan: Plan,
    seed: int,
    learner: Learner,
    outcome: Fit,
    folder: RunFolder,
    ran_on: Mapping[str, Any],
    started: float,
) -> RunRecord:
    metric, direction = plan.selection
    assert plan.dataset.origin is not None
    return RunRecord(
        plan.spec(seed),
        Result(
            "finished",
            metric,
            direction,
            learner.num_parameters,
            0,
            0,
            validation=outcome.validation,
            test=outcome.test,
        ),
        time.monotonic() - started,
        environment.capture() | dict(ran_on),
        notices=plan.notices,
        code=plan.imported_code,
        content=plan.dataset.origin.content,
        files={"best.pt": hash_file(folder.path / "best.pt")},
    )
