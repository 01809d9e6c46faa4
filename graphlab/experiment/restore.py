"""The trained model of a run that the store has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphlab.core.errors import InputError, StoreError, UnknownNameError, require_name
from graphlab.data.dataset import Dataset
from graphlab.experiment.plan import Plan, plan_of
from graphlab.experiment.runs import Runs
from graphlab.model.base import Model
from graphlab.records.record import RunRecord
from graphlab.records.store import Store, require_unaltered
from graphlab.task.base import Learner, Task

LATEST = "latest"
"""Stands for the finished run that was begun last."""


@dataclass(frozen=True)
class Trained:
    """A run's record and plan, its task on the run's own split, and the learner with the selected weights."""

    record: RunRecord
    plan: Plan
    task: Task[Any]
    learner: Learner

    @property
    def model(self) -> Model:
        """The trained torch module, without the head that the task puts on it."""
        return self.learner.model

    @property
    def dataset(self) -> Dataset:
        return self.plan.dataset

    def __repr__(self) -> str:
        return f"Trained({self.plan.title} on {self.dataset.name}, {self.learner.num_parameters:,} parameters)"


def restore(run: RunRecord | Runs | str, store: str | os.PathLike[str] | None = None) -> Trained:
    """Rebuild what a finished run trained, with the weights that validation selected: `.model`, `.dataset`, `.task`.

    run    a record, `Runs` (the seed that validation likes best), a run's id or its beginning, or "latest"
    store  where the run is; default that of the `Runs`, else `$GRAPHLAB_STORE`, else `./runs`

    Raises UnknownNameError or InputError for a run that is not there, StoreError if it has no best checkpoint, or if
    the data set is no longer what it was.
    """
    if store is None and isinstance(run, Runs):
        store = run.store
    record = find_record(run, store)
    spec = record.spec
    plan = plan_of(spec, store=store)
    task = plan.make_task(spec.seed)
    learner = plan.make_learner(task, spec.seed)
    folder = Store(store).folder(spec)
    if not folder.path.exists():
        raise StoreError(f"run {record.id} is not in {folder.path.parent}", hint="say which store has it: store=...")
    require_unaltered(record, folder.path)
    if not folder.restore_checkpoint("best", task.device, lambda saved: learner.load_state_dict(saved["model"])):
        raise StoreError(f"run {record.id} has no best checkpoint", hint=f"its status is {record.result.status}")
    learner.eval()
    return Trained(record, plan, task, learner)


def find_record(run: RunRecord | Runs | str, store: str | os.PathLike[str] | None = None) -> RunRecord:
    """The run that is meant: a record, the one of several seeds that validation likes best, or by its id.

    An id may be cut short as long as one run of the store begins so; "latest" is the finished run that was begun
    last. Raises UnknownNameError or InputError.
    """
    if isinstance(run, RunRecord):
        return run
    if isinstance(run, Runs):
        return _best(run)
    require_name("run", run)
    place = Store(store)
    records = {record.id: record for record in place.records(trials=True)}
    if run == LATEST:
        return _latest(list(records.values()))
    names = {
        **{old: new for old, new in place.migrated().items() if new in records},
        **{name: name for name in records},
    }
    fitting = {identity for name, identity in names.items() if run and name.startswith(run)}
    if len(fitting) > 1:
        first, second, *_ = sorted(fitting)
        raise InputError(f"{len(fitting)} runs begin with {run!r}", hint=f"such as {first} and {second}")
    if not fitting:
        raise UnknownNameError("run", run, records)
    return records[fitting.pop()]


def _latest(records: list[RunRecord]) -> RunRecord:
    finished = [record for record in records if record.result.status == "finished" and record.spec.kind == "run"]
    if not finished:
        raise InputError("the store has no finished run", hint="graphlab run trains one")
    return finished[-1]


def _best(runs: Runs) -> RunRecord:
    finished = [record for record in runs.records if record.result.status == "finished"]
    if not finished:
        raise StoreError(f"no run of {runs.model} on {runs.dataset} has finished", hint="see runs.df for what happened")
    if len(finished) == 1:  # which may be weights that were imported and not evaluated
        return finished[0]
    sign = 1 if runs.direction == "max" else -1
    return max(finished, key=lambda record: sign * record.result.validation[runs.metric])


def predictions(run: RunRecord | Runs | str, store: str | os.PathLike[str] | None = None) -> Tensor:
    """What the trained model says of each node of the training graph: `[num_nodes, num_outputs]`.

    run, store  as in `restore`, which says what else is raised

    Raises IncompatibleError for a data set whose predictions are not about nodes.
    """
    trained = restore(run, store)
    with torch.no_grad():
        return trained.task.predictions(trained.learner)
