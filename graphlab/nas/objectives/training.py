"""Architectures evaluated by training them, as a user would."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch

from graphlab.core.errors import DivergenceError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.experiment.execute import attempt
from graphlab.experiment.plan import Plan, plan_on
from graphlab.model.transform import TRANSFORM, begin_epoch, is_settled
from graphlab.nas.core.fidelity import Fidelity
from graphlab.nas.core.objective import OnStep
from graphlab.nas.core.outcome import EPOCHS, LOWEST_RUNG, Evaluation
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.objectives import NetworkObjective
from graphlab.nas.objectives.inner import has_report
from graphlab.nas.registry import PROXIES, find_proxy
from graphlab.records.record import RunRecord, RunSpec
from graphlab.records.store import Store
from graphlab.task.base import Learner, Shard, Task
from graphlab.training.distributed import pick_device
from graphlab.training.interrupt import PausedError

POLL_SECONDS = 0.1
TIMED_PASSES = 5
MEASURED = ("validation", "parameters", "bits", "memory", "latency")
VALIDATION = "validation"
REPORT = "report"
"""A metric: that of the part of the data that nothing is selected on."""


@dataclass(frozen=True)
class Trained:
    """One training of an architecture.

    epochs  that it took
    report  the metric on the part that nothing is selected on; None where there is none, or training is not over
    extra   further metrics
    runs    its id, where it is a run of the store
    """

    validation: float
    parameters: int
    epochs: float
    report: float | None = None
    extra: Mapping[str, float] = field(default_factory=dict)
    runs: tuple[str, ...] = ()


class TrainingObjective(NetworkObjective):
    """Trains an architecture once a seed, through the same loop and store as `gl.run`.

    validation  the task's metric on the part that is searched on, the mean over seeds
    parameters  trainable ones
    bits        that these take as they are stored, in the formats of the transform `quantize`
    memory      bits of the weights and of what is computed for one batch of training, as `gl.quantized_bits` counts
    latency     seconds of one pass over that part, the median of a few, on this machine and its device
    epochs      that the trainings took together
    report      the task's metric on the part that nothing is selected on, the mean over seeds, where there is one
    any proxy   of the untrained weights of the first seed, as `synflow`; more is taken for better

    All but the first is measured before training, if it is asked for; what breaks a limit there is not trained.
    Intermediate values are the metric by epoch of the first seed, then the mean over the seeds so far.
    """

    def __init__(
        self,
        dataset: Dataset,
        space: Space,
        store: Store,
        *,
        seeds: Sequence[int] = (0,),
        names: tuple[str, ...] = ("validation",),
        constraints: Mapping[str, float] | None = None,
        settings: Mapping[str, Any] | None = None,
        device: str = "cpu",
    ) -> None:
        self.dataset, self.space, self.store, self.seeds = dataset, space, store, tuple(seeds)
        self.names, self.settings = names, dict(settings or {})
        self.has_report = has_report(dataset)
        plan = self.plan(space.sample(SeedStream(0).numpy()))
        self.code = plan.code
        self.versions = {name: version for name, version in plan.versions.items() if version > 1}
        if "bits" in names and TRANSFORM in plan.components:
            self.versions["bits"] = 2  # of rounded weights in their formats, not in floats
        self.metric, direction = plan.selection
        better = "maximize" if direction == "max" else "minimize"
        self.directions = {
            **dict.fromkeys(PROXIES.names(), "maximize"),
            "validation": better,
            "parameters": "minimize",
            "bits": "minimize",
            "memory": "minimize",
            "latency": "minimize",
        }
        self.device = pick_device(device)
        self.check_names()
        self.limit(constraints or {})
        needed = dict.fromkeys((*names, *(limit.metric for limit in self.limits)))
        self.proxies = {name: find_proxy(name) for name in needed if name not in MEASURED}
        self._before_training = [name for name in needed if name != "validation"]
        for proxy in self.proxies.values():
            proxy.check(plan.task)

    @property
    def identity(self) -> Mapping[str, Any]:
        assert self.dataset.origin is not None
        return {
            "dataset": self.dataset.name,
            "data": self.dataset.origin.content,
            "seeds": list(self.seeds),
            "settings": self.settings,
            "objectives": list(self.names),
            **({"code": self.code} if self.code else {}),
            **({"versions": self.versions} if self.versions else {}),
            **({"device": self.device.type} if "latency" in self._before_training else {}),
        }

    @property
    def data(self) -> str:
        return self.dataset.name.partition("@")[0]

    def plan(self, values: Mapping[str, Any]) -> Plan:
        model, settings = self.space.settings(values)
        return replace(plan_on(self.dataset, model, {**self.settings, **settings}), kind="trial")

    def evaluate(self, values: Architecture, on_step: OnStep) -> Evaluation:
        plan = self.plan(values)
        return self.over_seeds(plan, on_step, lambda seed, on_step: self._run(plan, seed, on_step))

    def over_seeds(self, plan: Plan, on_step: OnStep, train: Callable[[int, OnStep], Trained]) -> Evaluation:
        """What an architecture comes to if `train` trains it with a seed and tells of its epochs; no more than what is
        known beforehand, if that breaks a limit."""
        known = self._untrained(plan)
        if not self.is_allowed(known):
            return Evaluation(known)
        trained: list[Trained] = []
        several = len(self.seeds) > 1
        for seed in self.seeds:
            trained.append(train(seed, (lambda step, value: None) if trained else on_step))
            if several:
                mean = statistics.fmean(result.validation for result in trained)
                on_step(plan.training.epochs + len(trained), mean)
        metrics = {
            "validation": statistics.fmean(result.validation for result in trained),
            "parameters": float(trained[0].parameters),
            EPOCHS: sum(result.epochs for result in trained),
            **_reported([result.report for result in trained]),
            **{name: statistics.fmean(result.extra[name] for result in trained) for name in trained[0].extra},
            **known,
        }
        return Evaluation(metrics, tuple(run for result in trained for run in result.runs))

    @property
    def whole_cost(self) -> float:
        """Of a training of the most epochs that the space or the settings allow."""
        return self._most_epochs

    @cached_property
    def _most_epochs(self) -> float:
        random = SeedStream(0).numpy()
        options = (decision.options for decision in self.space.decisions if decision.name.endswith(EPOCHS))
        drawn = self.space.sample(random)
        return float(max(self.plan(drawn).training.epochs, *(max(values) for values in options), 1))

    def evaluate_at(self, values: Architecture, fidelity: Fidelity, on_step: OnStep) -> Evaluation:
        """Train one seed up to a share of its epochs, from where the same training stopped before.

        Of a new architecture, what is asked for of its untrained weights is measured first, and how good it was at the
        end of the lowest rung is among the metrics.
        """
        plan = self.plan(values)
        known = self._untrained(plan) if fidelity.is_new else {}
        if not self.is_allowed(known):
            return Evaluation(known | {EPOCHS: 0.0})
        epochs = plan.training.epochs
        curve: dict[int, float] = {}

        def note(step: int, value: float) -> None:
            curve[step] = value
            on_step(step, value)

        trained = self._run(plan, self.seeds[fidelity.seed], note, fidelity.epochs(epochs))
        metrics = {
            "validation": trained.validation,
            "parameters": float(trained.parameters),
            EPOCHS: max(0.0, trained.epochs - fidelity.epochs(epochs, fidelity.before)),
            **_reported([trained.report]),
            **known,
        }
        if fidelity.is_new:
            best = max if self.directions["validation"] == "maximize" else min
            last = max(fidelity.epochs(epochs, fidelity.lowest), min(curve))
            metrics[LOWEST_RUNG] = best(value for step, value in curve.items() if step <= last)
        return Evaluation(metrics, trained.runs)

    def _run(self, plan: Plan, seed: int, on_step: OnStep, pause_after: int | None = None) -> Trained:
        """One run of the store, or the part of it up to an epoch."""
        spec = plan.spec(seed)
        folder, steps = self.store.folder(spec), _Steps(on_step, self.metric)
        try:
            while not (record := attempt(plan, spec, folder, self.device, Shard(), steps, pause_after)):
                time.sleep(POLL_SECONDS)
        except PausedError as paused:
            return Trained(paused.validation[self.metric], paused.num_parameters, paused.epoch, runs=(spec.id,))
        for row in record.curve:  # of a run that was over before
            steps.epoch(spec, int(row["epoch"]), plan.training.epochs, dict(row))
        result = record.result
        if result.error:
            raise DivergenceError(result.error["message"])
        report = result.test.get(self.metric) if self.has_report else None
        return Trained(result.validation[self.metric], result.num_parameters, result.epochs, report, runs=(record.id,))

    def _untrained(self, plan: Plan) -> dict[str, float]:
        """What is asked for of the first seed's weights as they start."""
        if not self._before_training:
            return {}
        task = plan.make_task(self.seeds[0], self.device)
        learner = plan.make_learner(task, self.seeds[0])
        found = {name: self._measured(name, plan, learner, task) for name in self._before_training}
        for name, value in found.items():
            if not math.isfinite(value):
                raise DivergenceError(f"{name} of the untrained weights is {value}")
        return found

    def _settled(self, plan: Plan, task: Task[Any], learner: Learner) -> Learner:
        """The learner as its transform has it in the end, as far as that is known before training: pruned by the
        magnitudes that its weights start with."""
        if not is_settled(learner):
            learner = plan.make_learner(task, self.seeds[0])
            begin_epoch(learner, 1, 1)
        return learner

    def _measured(self, name: str, plan: Plan, learner: Learner, task: Task[Any]) -> float:
        match name:
            case "parameters":
                return float(learner.num_parameters)
            case "bits":
                return float(self._settled(plan, task, learner).num_bits)
            case "memory":
                from graphlab.experiment.quantized import memory_bits  # which few searches need

                return float(memory_bits(plan, task, self.seeds[0]))
            case "latency":
                return _latency(learner, task)
            case _:
                return self.proxies[name](learner, task)


def _reported(values: Sequence[float | None]) -> dict[str, float]:
    known = [value for value in values if value is not None]
    return {REPORT: statistics.fmean(known)} if len(known) == len(values) else {}


def _latency(learner: Learner, task: Task[Any]) -> float:
    """The median seconds of a few passes."""
    learner.eval()
    seconds = []
    with torch.no_grad():
        for _ in range(TIMED_PASSES + 1):
            started = time.perf_counter()
            task.predict(learner, "validation")
            if task.device.type == "cuda":
                torch.cuda.synchronize(task.device)  # what has only been asked for is not done
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])


class _Steps:
    """Passes the metric of each evaluated epoch on, once."""

    def __init__(self, on_step: OnStep, metric: str) -> None:
        self._on_step, self._column, self._told = on_step, f"validation_{metric}", 0

    def epoch(self, spec: RunSpec, epoch: int, epochs: int, row: dict[str, float]) -> None:
        if epoch > self._told and row.get(self._column) is not None:
            self._told = epoch
            self._on_step(epoch, row[self._column])

    def finished(self, record: RunRecord) -> None:
        pass
