"""What every task keeps to, on its own examples, held to slow calculations that whoever adds the task writes.

In a package that adds one, this is the whole test:

    class Reference(TaskReference):
        model = "gin"
        best = {"accuracy": 1.0}
        def loss(self, task, learner, batch): ...
        def score(self, task, rows, part): ...
        def perfect(self, task, part): ...
        def damaged(self, dataset): ...

    @pytest.mark.parametrize("check", TASK_CHECKS)
    @pytest.mark.parametrize("example", examples_of("my-task"))
    def test_contract(check, example): check("my-task", example, Reference())
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from graphlab.core.errors import GraphLabError
from graphlab.core.seeds import SeedStream
from graphlab.data.check import check
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.experiment.plan import Plan, make_plan
from graphlab.task.base import Learner, Part, Shard, Task
from graphlab.task.registry import find_task
from graphlab.testing.examples import examples_of

assert_close = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-6)

PARTS: tuple[Part, ...] = ("validation", "test")


class TaskReference(ABC):
    """Slow calculations of what a task computes, from the data and by loops, that share no code with it.

    Attributes:
        model: A registered model that does the task.
        settings: Settings of model and task that keep the checks quick.
        best: What `perfect` predictions of test score; metrics that have no best value are left out.
        rows_are_items: Whether predictions have a row an item, in the order of the split.
    """

    model: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]] = {}
    best: ClassVar[Mapping[str, float]]
    rows_are_items: ClassVar[bool] = True

    @abstractmethod
    def loss(self, task: Task[Any], learner: Learner, batch: Any) -> float:
        """The loss of a training batch."""

    @abstractmethod
    def score(self, task: Task[Any], rows: Tensor, part: Part) -> Mapping[str, float]:
        """The metrics of predictions; those that are left out are not compared."""

    @abstractmethod
    def perfect(self, task: Task[Any], part: Part) -> Tensor:
        """Predictions of who knows the answers."""

    def constant(self, task: Task[Any], part: Part) -> Tensor:
        """Predictions of who says the same of every item."""
        return torch.ones_like(self.perfect(task, part))

    @abstractmethod
    def damaged(self, dataset: Dataset) -> Iterator[Dataset]:
        """The data set with targets or items that cannot be right."""


def check_example(name: str, example: str, reference: TaskReference) -> None:
    """The example is a data set of the task as a check leaves it, and its protocol and metrics are plain."""
    data = examples_of(name)[example]
    assert data.task == name, f"{example} is an example of {data.task}"
    assert check(data).graphs == data.graphs, f"{example} is converted by the check"
    assert data.fingerprint == examples_of(name)[example].fingerprint, f"{example} is not the same each time"
    plan = _plan(data, reference)
    protocol = dict(plan.task.protocol(plan.task_config, data))
    assert json.loads(json.dumps(protocol)) == protocol, f"the protocol of {name} is not plain"
    assert protocol == dict(plan.task.protocol(plan.task_config, examples_of(name)[example]))
    metric, direction = plan.selection
    assert direction in ("max", "min"), f"{name} selects by {metric}, {direction}"
    assert plan.task.__doc__, f"{name} has no docstring"


def check_score(name: str, example: str, reference: TaskReference) -> None:
    """Predictions of an untrained model score what the slow calculation says, by the names that the task tells."""
    plan, task, learner = _built(name, example, reference)
    for part in PARTS:
        with torch.no_grad():
            rows = task.predict(learner.eval(), part)
        scores = task.score(rows, part)
        if part == "test":
            assert list(scores) == list(plan.metrics), f"{name} scores {list(scores)} and tells {list(plan.metrics)}"
        assert plan.selection[0] in scores, f"{name} selects by {plan.selection[0]}, which it does not score"
        _compare(scores, reference.score(task, rows, part), f"{name} on {part}")


def check_loss(name: str, example: str, reference: TaskReference) -> None:
    """The loss of each step of an epoch is that of the slow calculation, and has a gradient."""
    _, task, learner = _built(name, example, reference)
    batches = task.batches(SeedStream(0))
    for step in range(len(batches)):
        loss = task.loss(learner.eval(), batches[step])
        assert loss.shape == (), f"the loss of {name} has the shape {tuple(loss.shape)}"
        slow = reference.loss(task, learner, batches[step])
        assert _is_near(loss.item(), slow), f"the loss of step {step} is {loss.item()}, calculated slowly {slow}"
        loss.backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in learner.parameters()), "no gradient"


def check_perfect(name: str, example: str, reference: TaskReference) -> None:
    """Who knows the answers scores what there is to score, and a constant no more."""
    plan, task, _ = _built(name, example, reference)
    rows = reference.constant(task, "test")
    perfect, constant = task.score(reference.perfect(task, "test"), "test"), task.score(rows, "test")
    assert reference.best, f"{name} says nothing of what is best"
    for metric, value in reference.best.items():
        assert _is_near(perfect[metric], value), f"{metric} of perfect predictions is {perfect[metric]}, not {value}"
    metric, direction = plan.selection
    sign = 1 if direction == "max" else -1
    if metric in reference.best:
        assert sign * constant[metric] < sign * perfect[metric], f"a constant has {metric} {constant[metric]}"
    _compare(constant, reference.score(task, rows, "test"), f"{name} of a constant")


def check_item_order(name: str, example: str, reference: TaskReference) -> None:
    """Items in another order have other rows and the same scores."""
    if not reference.rows_are_items:
        return
    data = examples_of(name)[example]
    _, task, learner = _built(name, example, reference)
    stream = SeedStream(3)
    orders = {part: _order(len(getattr(task.split, part)), stream.child(part)) for part in PARTS}
    negatives = {
        part: nodes[_order_of_links(getattr(task.split, part), orders[part])]
        for part, nodes in task.split.negatives.items()
    }
    parts = (getattr(task.split, part)[orders[part]] for part in PARTS)
    split = Split(task.split.train, *parts, negatives=negatives)
    other = _plan(replace(data, splits=Splits(data.splits.name, fixed=(split,))), reference).make_task(0)
    for part in PARTS:
        with torch.no_grad():
            rows = task.predict(learner.eval(), part)
            assert_close(other.predict(learner, part), rows[orders[part]])
        _compare(other.score(rows[orders[part]], part), task.score(rows, part), f"{name}, items in another order")


def check_shards(name: str, example: str, reference: TaskReference) -> None:
    """What several processes predict is, put together, what one does; their weighted losses are its loss."""
    plan, task, learner = _built(name, example, reference)
    world = 3
    shards = [plan.make_task(0, shard=Shard(rank, world)) for rank in range(world)]
    learner.eval()
    with torch.no_grad():
        for part in PARTS:
            whole = task.predict(learner, part)
            shares = [shard.predict(learner, part) for shard in shards]
            assert sum(map(len, shares)) == len(whole), f"{part} has {len(whole)} rows, shards {list(map(len, shares))}"
            if reference.rows_are_items:
                joined = torch.empty_like(whole)
                for rank, rows in enumerate(shares):
                    joined[rank::world] = rows
                assert_close(joined, whole)
        for step in range(len(task.batches(SeedStream(0)))):
            batches = [shard.batches(SeedStream(0))[step] for shard in shards]
            losses = [
                shard.loss(learner, batch).item() * shard.weight(batch)
                for shard, batch in zip(shards, batches, strict=True)
            ]
            whole = task.loss(learner, task.batches(SeedStream(0))[step]).item()
            joined = sum(losses) / world
            assert _is_near(joined, whole), f"the loss of step {step} is {whole}, that of shards {joined}"


def check_refusals(name: str, example: str, reference: TaskReference) -> None:
    """Data that cannot be right are one error, before anything is trained."""
    data = examples_of(name)[example]
    count = 0
    for damaged in reference.damaged(data):
        count += 1
        try:
            plan = _plan(damaged, reference)
            plan.make_task(0)
        except GraphLabError as error:
            assert error.message and error.hint, f"damage {count} of {example} has no hint"
        else:
            raise AssertionError(f"damage {count} of {example} is not refused")
    assert count, f"{name} shows no data that cannot be right"


def _plan(data: Dataset, reference: TaskReference) -> Plan:
    return make_plan(reference.model, data, reference.settings)


def _built(name: str, example: str, reference: TaskReference) -> tuple[Plan, Task[Any], Learner]:
    plan = _plan(examples_of(name)[example], reference)
    assert plan.task is find_task(name), f"{example} is done by {plan.task.name}"
    task = plan.make_task(0)
    return plan, task, plan.make_learner(task, 0)


def _order_of_links(items: Tensor, order: Tensor) -> Tensor:
    """The order that the rows labelled 1 have among themselves, of which each has negatives."""
    is_link = items[:, 2] == 1
    return (is_link.cumsum(0) - 1)[order][is_link[order]]


def _order(size: int, stream: SeedStream) -> Tensor:
    return torch.randperm(size, generator=stream.torch())


def _is_near(value: float, other: float) -> bool:
    """Whether two numbers are equal within 1e-5 of their size, or both are none."""
    if math.isnan(value) or math.isnan(other):
        return math.isnan(value) and math.isnan(other)
    return math.isclose(value, other, rel_tol=1e-5, abs_tol=1e-6)


def _compare(scores: Mapping[str, float], expected: Mapping[str, float], what: str) -> None:
    assert expected, f"{what}: nothing is compared"
    different = {
        key: (scores.get(key), value)
        for key, value in expected.items()
        if key not in scores or not _is_near(scores[key], value)
    }
    assert not different, f"{what}: (scored, calculated slowly) differ: {different}"


TaskCheck = Callable[[str, str, TaskReference], None]

TASK_CHECKS: tuple[TaskCheck, ...] = (
    check_example,
    check_score,
    check_loss,
    check_perfect,
    check_item_order,
    check_shards,
    check_refusals,
)
