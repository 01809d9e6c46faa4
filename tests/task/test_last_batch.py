"""A single item that is left of an epoch joins the batch before it, of whose rows batch norm takes statistics."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from itertools import count

import pytest
import torch
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.experiment.plan import make_plan
from graphlab.model.registry import MODELS, find_model
from graphlab.records.store import CheckpointFolder
from graphlab.task.base import Shard, Steps
from graphlab.testing.examples import example
from graphlab.training.loop import fit
from graphlab.training.optim import Engine

STREAM = SeedStream(0).child("epoch", 0)
GRAPH_MODELS = [name for name in MODELS.names() if "graph-prediction" in find_model(name).cls.tasks]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 50])
@pytest.mark.parametrize("number", [0, 1, 2, 3, 8, 9, 13])
def test_steps_hold_every_item_once_and_none_alone(number, size):
    steps, items = Steps(number, size), torch.arange(number)
    parts = [steps.of(items, step) for step in range(len(steps))]
    assert torch.cat([*parts, items[:0]]).equal(items)
    assert all(len(part) in (size, size + 1) for part in parts[:-1]) or number <= size
    if number > 1 and size > 1:
        assert all(len(part) > 1 for part in parts)
    with pytest.raises(IndexError):
        steps.of(items, len(steps))


def single_nodes(train: int) -> Dataset:
    """Graphs of one node each, which give one row each."""
    data = example("graph-regression")
    graphs = tuple(
        Data(x=graph.x[:1], edge_index=torch.empty(2, 0, dtype=torch.long), y=graph.y, num_nodes=1)
        for graph in data.graphs
    )
    split = Split(range(train), range(12, 18), range(18, 24))
    return replace(data, graphs=graphs, splits=Splits("mine", fixed=(split,)))


@pytest.mark.parametrize("model", GRAPH_MODELS)
def test_every_model_trains_where_one_graph_is_left(model):
    plan = make_plan(model, single_nodes(9), {"task.batch_size": 4})
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0).train()
    batches = task.batches(STREAM)
    assert [len(batches[step].y) for step in range(len(batches))] == [4, 5]
    for step in range(len(batches)):
        loss = task.loss(learner, batches[step])
        loss.backward()
        assert loss.isfinite()


def test_training_on_one_row_is_one_error():
    plan = make_plan("gin", single_nodes(1))
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0).train()
    engine = Engine(learner, plan.training, task.direction, task.device)
    with pytest.raises(IncompatibleError, match="a training batch has a single row") as caught, engine.forward():
        task.loss(learner, task.batches(STREAM)[0])
    assert "batch_size" in str(caught.value.hint)


def test_other_errors_of_a_forward_pass_stay_what_they_are():
    plan = make_plan("gin", single_nodes(9))
    task = plan.make_task(0)
    engine = Engine(plan.make_learner(task, 0), plan.training, task.direction, task.device)
    with pytest.raises(ValueError, match="another"), engine.forward():
        raise ValueError("another")


def test_queries_that_are_left_join_too():
    """conve has batch norm over queries; of 36 triples 35 and 1 made it raise."""
    plan = make_plan("conve", example("kg-transductive"), {"task.objective": "one-vs-all", "task.batch_size": 71})
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0).train()
    batches = task.batches(STREAM)
    assert [len(batches[step].head) for step in range(len(batches))] == [72]
    assert task.loss(learner, batches[0]).isfinite()


def test_shards_of_the_last_batch_are_the_whole():
    plan = make_plan("mlp", example("graph-regression"), {"task.batch_size": 11, "model.dropout": 0.0})
    whole = plan.make_task(0)
    learner = plan.make_learner(whole, 0)
    batches = whole.batches(STREAM)
    assert [len(batches[step].y) for step in range(len(batches))] == [12]
    shards = [plan.make_task(0, shard=Shard(rank, 5)) for rank in range(5)]
    total = sum(
        task.loss(learner, batch).item() * task.weight(batch) / 5
        for task, batch in ((task, task.batches(STREAM)[0]) for task in shards)
    )
    assert total == pytest.approx(whole.loss(learner, batches[0]).item(), rel=1e-5)


def trained(folder: CheckpointFolder, stop_after: int | None) -> list[torch.Tensor] | None:
    """The weights after two epochs of steps of 4 and 5 graphs; None where SIGINT came in a step, from 1."""
    plan = make_plan("gin", single_nodes(9), {"task.batch_size": 4, "training.epochs": 2})
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)
    real, steps = task.loss, count(1)

    def loss(learner, batch):
        if next(steps) == stop_after:
            os.kill(os.getpid(), signal.SIGINT)
        return real(learner, batch)

    task.loss = loss
    try:
        fit(learner, task, plan.training, SeedStream(0).child("fit"), folder)
    except KeyboardInterrupt:
        return None
    return [value.detach().clone() for value in learner.state_dict().values()]


def test_a_run_goes_on_within_an_epoch_that_ends_so(tmp_path):
    """Stopped in each step in turn, training ends with the same weights, to the bit."""
    whole = trained(CheckpointFolder(tmp_path / "whole"), None)
    assert whole
    for stop in (1, 2, 3):
        folder = CheckpointFolder(tmp_path / f"stopped{stop}")
        assert trained(folder, stop) is None
        again = trained(folder, None)
        assert again and all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))
