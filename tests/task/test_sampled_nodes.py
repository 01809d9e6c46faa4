"""Node classification in sampled mini-batches: what a step holds, what it is worth, and what is refused."""

from __future__ import annotations

import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import make_plan
from graphlab.experiment.restore import restore
from graphlab.model.registry import MODELS, find_model
from graphlab.records.store import Store
from graphlab.task.base import Shard
from graphlab.testing.examples import example
from graphlab.testing.small_models import SMALL

STREAM = SeedStream(3).child("epoch", 1)
SAMPLED = {"task.batch_size": 5, "task.fan_outs": (3, 2)}
ALL_AT_ONCE = {"task.batch_size": 100, "task.fan_outs": (-1, -1)}
NODE_MODELS = [name for name in MODELS.names() if "node-classification" in find_model(name).cls.tasks]
SAMPLED_MODELS = {
    "gat",
    "gat-sep",
    "gcn",
    "gin",
    "gin-chain",
    "gnn-micro",
    "mlp",
    "nas-bench-graph",
    "sage",
    "sage-sep",
}


def start(model="sage", shard=None, **settings):
    plan = make_plan(model, example("node-classification"), {"model.dropout": 0.0, **settings})
    task = plan.make_task(0, shard=shard)
    return task, plan.make_learner(task, 0)


def same(a, b):
    assert set(a.keys()) == set(b.keys())
    return all(torch.equal(a[k], b[k]) if torch.is_tensor(a[k]) else a[k] == b[k] for k in a.keys())  # noqa: SIM118


def test_the_default_is_the_whole_graph_and_no_part_of_a_runs_identity():
    plan = make_plan("sage", example("node-classification"))
    assert len(plan.make_task(0).batches(STREAM)) == 1
    assert not any(name.startswith("task.") for name in plan.spec(0).departures)
    sampled = make_plan("sage", example("node-classification"), SAMPLED).spec(0)
    assert sampled.departures["task.fan_outs"] == [3, 2]
    assert sampled.id != plan.spec(0).id


def test_an_epoch_trains_each_node_once_on_its_own_label_and_any_step_can_be_first():
    task, _ = start(**SAMPLED)
    data, train = example("node-classification"), task.split.train
    epoch = task.batches(STREAM)
    steps = [epoch[k] for k in range(len(epoch))]
    assert [batch.batch_size for batch in steps] == [5, 5, 2]
    assert sorted(v for batch in steps for v in batch.n_id[: batch.batch_size].tolist()) == sorted(train.tolist())
    for k in (2, 0, 1):
        assert same(task.batches(STREAM)[k], steps[k])
    assert not same(task.batches(SeedStream(4))[0], steps[0])
    with pytest.raises(IndexError):
        epoch[3]
    for batch in steps:
        seeds = batch.n_id[: batch.batch_size]
        assert torch.equal(task._sampler.labels_of(batch), data.graph.y[seeds])
        assert torch.equal(batch.x, data.graph.x[batch.n_id])
        assert torch.equal(batch.n_id[batch.edge_index], data.graph.edge_index[:, batch.e_id])
        assert "y" not in batch


def test_known_labels_are_those_of_the_training_nodes_as_on_the_whole_graph():
    batch, whole = (start(**settings)[0].batches(STREAM)[0] for settings in (SAMPLED, {}))
    assert torch.equal(batch.known_labels, whole.known_labels[batch.n_id])
    assert batch.known_labels[: batch.batch_size].sum() == batch.batch_size


def test_the_loss_of_all_training_nodes_with_all_neighbours_is_that_of_the_whole_graph():
    losses = []
    for settings in ({}, ALL_AT_ONCE):
        task, learner = start(**settings)
        loss = task.loss(learner, task.batches(STREAM)[0])
        losses.append((loss, *torch.autograd.grad(loss, list(learner.parameters()))))
    for ours, theirs in zip(*losses, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("model", ["sage", "gat"])
def test_shards_come_to_what_one_process_comes_to(model, world):
    """The last batch of two nodes leaves the third of three processes without any."""
    task, learner = start(model, **SAMPLED)
    shards = [start(model, Shard(rank, world), **SAMPLED)[0] for rank in range(world)]
    for k in range(3):
        expected = task.loss(learner, task.batches(STREAM)[k])
        batches = [shard.batches(STREAM)[k] for shard in shards]
        losses = [s.weight(b) * s.loss(learner, b) / world for s, b in zip(shards, batches, strict=True)]
        torch.testing.assert_close(sum(losses), expected)
        weights = [shard.weight(batch) for shard, batch in zip(shards, batches, strict=True)]
        assert sum(weights) == pytest.approx(world)
    assert weights[-1] == (0.0 if world == 3 else 1.0)


@pytest.mark.parametrize("model", NODE_MODELS)
def test_every_model_trains_on_samples_or_is_refused(model):
    fields = find_model(model).config.model_fields
    settings = {f"model.{key}": value for key, value in SMALL.items() if key in fields}
    if model not in SAMPLED_MODELS:
        with pytest.raises(IncompatibleError, match="needs the whole graph") as caught:
            make_plan(model, example("node-classification"), {**settings, **SAMPLED})
        assert "task.batch_size" in caught.value.hint
        return
    plan = make_plan(model, example("node-classification"), {**settings, **SAMPLED})
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)
    task.loss(learner, task.batches(STREAM)[0]).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in learner.parameters())
    scores = task.evaluate(learner, "validation")
    whole = make_plan(model, example("node-classification"), settings).make_task(0)
    assert scores == pytest.approx(whole.evaluate(learner, "validation"), abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task.batch_size": 5}, "batch_size needs fan_outs"),
        ({"task.fan_outs": [5, 5]}, "need batch_size"),
        ({"task.batch_size": 5, "task.fan_outs": [5, 0]}, "fan_outs"),
        ({"task.batch_size": 5, "task.fan_outs": [5, -2]}, "fan_outs"),
        ({"task.batch_size": 0, "task.fan_outs": [5, 5]}, "batch_size"),
        ({"task.batch_size": 5, "task.fan_outs": 5}, "fan_outs"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        make_plan("sage", example("node-classification"), settings)


@pytest.mark.parametrize("fan_outs", [(), (3,), (3, 2, 2)])
@pytest.mark.parametrize("model", ["sage", "gcn", "gat"])
def test_fan_outs_are_as_many_as_layers(model, fan_outs):
    with pytest.raises(IncompatibleError, match=rf"2 layers, and task.fan_outs has {len(fan_outs)}"):
        make_plan(model, example("node-classification"), SAMPLED | {"task.fan_outs": fan_outs})


def test_run_restore_and_predictions(tmp_path):
    settings = SAMPLED | {"training.epochs": 3}
    runs = gl.run("sage", example("node-classification"), store=tmp_path, progress=False, **settings)
    trained = restore(runs)
    rows = gl.predictions(runs)
    torch.testing.assert_close(rows, trained.model(trained.dataset.graph).detach(), rtol=1e-6, atol=1e-6)
    again = gl.run("sage", example("node-classification"), store=tmp_path, **settings | {"task.fan_outs": [3, 2]})
    assert [record.id for record in again.records] == [record.id for record in runs.records]


def test_the_command_line_takes_fan_outs_as_a_list(cli, tmp_path):
    words = ("run", "sage", "karate", "--store", tmp_path, "--json", "--set", "training.epochs=2")
    done = cli(*words, "--set", "task.batch_size=8", "--set", "task.fan_outs=[4,-1]")
    assert done.code == 0, done.err
    (record,) = Store(tmp_path).records()
    assert record.spec.task_config == {"metric": None, "batch_size": 8, "fan_outs": [4, -1]}
