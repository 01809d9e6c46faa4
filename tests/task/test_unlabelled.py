"""Items whose class is `UNLABELLED` count neither in a loss nor in a metric, whatever the task and the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import UNLABELLED, Continuous, DataSpec, Target
from graphlab.experiment.plan import make_plan
from graphlab.task.base import Shard
from graphlab.task.example import example_dataset
from graphlab.testing.examples import example
from tests.specs import with_output

STREAM = SeedStream(0).child("epoch", 0)


def two_cliques(hidden: tuple[int, ...] = ()) -> Dataset:
    """Two cliques of eight, class by clique; labels of `hidden` nodes are not known."""
    clique = torch.arange(16) // 8
    edges = (clique[:, None] == clique) & ~torch.eye(16, dtype=torch.bool)
    y = clique.clone()
    y[list(hidden)] = UNLABELLED
    graph = Data(x=F.one_hot(clique).float(), edge_index=edges.nonzero().T.contiguous(), y=y)
    split = Split([0, 1, 2, 8, 9, 10], [3, 4, 11, 12], [5, 6, 7, 13, 14, 15])
    return example_dataset(
        "node-classification",
        (graph,),
        split,
        DataSpec("nodes", (Target("y", "node", "class", 2),), node=Continuous(2)),
    )


def test_label_propagation_does_not_give_them_to_a_class():
    """With two of the first clique's three training labels unknown, every node of it still hears its own class alone.
    Counted as the last class, they made it hear the other."""
    plan = make_plan("label-propagation", two_cliques(hidden=(1, 2)))
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)
    assert task.evaluate(learner, "test")["accuracy"] == 1.0
    known = task.batches(STREAM)[0].known_labels
    assert known.sum() == 4 and known[[1, 2]].sum() == 0


@pytest.mark.parametrize("hidden", [(5,), (5, 13, 14)])
def test_metrics_of_nodes_are_those_of_labelled_nodes(hidden):
    data = two_cliques(hidden)
    plan = make_plan("gcn", data)
    task = plan.make_task(3)
    learner = plan.make_learner(task, 3).eval()
    with torch.no_grad():
        logits = task.predict(learner, "test").numpy()
    left = [k for k, node in enumerate(data.split().test.tolist()) if node not in hidden]
    truth = (data.split().test.numpy() // 8)[left]
    score = task.score(torch.from_numpy(logits), "test")
    assert score["accuracy"] == np.mean(logits[left].argmax(1) == truth)
    odds = logits[left] - np.log(np.exp(logits[left]).sum(1, keepdims=True))
    assert score["loss"] == pytest.approx(-odds[np.arange(len(left)), truth].mean(), rel=1e-6)


def test_the_loss_of_nodes_is_that_of_labelled_nodes():
    whole = two_cliques()
    fewer = replace(whole, splits=Splits("fewer", fixed=(Split([0, 8, 9, 10], [3, 4, 11, 12], [5, 6, 7, 13]),)))
    hidden = two_cliques(hidden=(1, 2))
    losses = []
    for data in (fewer, hidden):
        plan = make_plan("gcn", data, {"model.dropout": 0.0})
        task = plan.make_task(0)
        losses.append(task.loss(plan.make_learner(task, 0), task.batches(STREAM)[0]).item())
    assert losses[0] == losses[1]


def graphs(hidden: set[int], location: str = "graph") -> Dataset:
    data = example("graph-classification")
    changed = []
    for k, graph in enumerate(data.graphs):
        copy = graph.clone()
        if location == "node":
            copy.y = (copy.x[:, 0] > 0).long()
            copy.y[: 2 * (k in hidden)] = UNLABELLED
        elif k in hidden:
            copy.y = torch.tensor([UNLABELLED])
        changed.append(copy)
    return replace(data, graphs=tuple(changed), spec=with_output(data.spec, location=location))


@pytest.mark.parametrize("location", ["graph", "node"])
def test_metrics_of_graphs_are_those_of_labelled_targets(location):
    data = graphs({0, 1, 13, 20, 21}, location)
    plan = make_plan("gin", data, {"task.batch_size": 5})
    task = plan.make_task(1)
    learner = plan.make_learner(task, 1).eval()
    with torch.no_grad():
        rows = task.predict(learner, "test")
    right, seen = {0: 0, 1: 0}, {0: 0, 1: 0}
    for row, place in zip(rows, data.split().test.tolist(), strict=True):
        y = data.graphs[place].y.tolist()
        for logits, label in zip(row.view(-1, 2)[: len(y)].tolist(), y, strict=True):
            if label >= 0:
                seen[label] += 1
                right[label] += logits[label] > logits[1 - label]
    score = task.score(rows, "test")
    assert score["accuracy"] == pytest.approx(sum(right.values()) / sum(seen.values()))
    assert score["balanced_accuracy"] == pytest.approx(np.mean([right[c] / seen[c] for c in seen if seen[c]]))


@pytest.mark.parametrize("location", ["graph", "node"])
def test_shards_of_graphs_with_unlabelled_targets_add_up(location):
    """The weighted mean of the shards' losses and gradients is that of the whole batch."""
    data = graphs({0, 1, 2, 7, 8}, location)
    plan = make_plan("mlp", data, {"task.batch_size": 4, "model.dropout": 0.0})
    whole = plan.make_task(0)
    shards = [plan.make_task(0, shard=Shard(rank, 3)) for rank in range(3)]
    learner = plan.make_learner(whole, 0)
    for step in range(len(whole.batches(STREAM))):
        batch = whole.batches(STREAM)[step]
        expected = whole.loss(learner, batch)
        total = torch.zeros(())
        for task in shards:
            mine = task.batches(STREAM)[step]
            share = task.weight(mine)
            total = total + (task.loss(learner, mine) * share / 3 if share else 0)
        assert total.item() == pytest.approx(expected.item(), rel=1e-5)


def test_graphs_without_a_label_are_not_trained_on():
    task = make_plan("gin", graphs({0, 1, 2}), {"task.batch_size": 4}).make_task(0)
    seen = sum(len(batch.y) for batch in (task.batches(STREAM)[k] for k in range(len(task.batches(STREAM)))))
    assert seen == len(task.split.train) - 3


def test_a_part_without_labels():
    with pytest.raises(InputError, match="all 12 items of the train part of example are unlabelled"):
        make_plan("gin", graphs(set(range(12))))


def test_other_words_for_unlabelled_are_refused():
    data = two_cliques()
    graph = data.graph.clone()
    graph.y[3] = -100
    with pytest.raises(InputError, match="y of -100, at node 3") as caught:
        make_plan("label-propagation", replace(data, graphs=(graph,)))
    assert caught.value.hint == "say -1 where a class is not known"
