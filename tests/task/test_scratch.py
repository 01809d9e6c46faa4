"""Tasks that another package would add: under contract, run, searched, resumed, described, predicted from, reported."""

from __future__ import annotations

import math
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

import graphlab as gl
from graphlab.core.registry import PLUGINS
from graphlab.task.registry import TASKS
from graphlab.testing.tasks import TASK_CHECKS, TaskReference
from graphlab.training import loop
from tests.task.references import cross_entropy, log_sigmoid, mean, with_split, with_target
from tests.task.scratch import breadth_first, direction_classes, node_labels, tours

MODULES = (direction_classes, breadth_first, tours, node_labels)
SMALL = {"num_layers": 2, "hidden_dim": 8, "model.dropout": 0.0}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setenv(PLUGINS, os.environ.get(PLUGINS, ""))
    for module in MODULES:
        gl.register(module, module.__name__.rpartition(".")[2])
    yield
    del TASKS.families


class Directions(TaskReference):
    model = "gin"
    settings = SMALL
    best = {"accuracy": 1.0, "macro_f1": 1.0}

    def loss(self, task, learner, batch):
        with torch.no_grad():
            logits = learner.head(learner.model(batch), batch)
        return mean(cross_entropy(row, int(c)) for row, c in zip(logits, task.split.train[:, 2], strict=True))

    def score(self, task, rows, part):
        classes = getattr(task.split, part)[:, 2].tolist()
        return {"accuracy": mean(int(row.argmax()) == c for row, c in zip(rows, classes, strict=True))}

    def perfect(self, task, part):
        return 9.0 * torch.eye(3)[getattr(task.split, part)[:, 2]]

    def damaged(self, dataset):
        test = dataset.split().test
        yield with_split(dataset, test=test + torch.tensor([0, 0, 3]))
        yield with_split(dataset, test=test + torch.tensor([24, 0, 0]))
        yield with_split(dataset, test=torch.cat([test, test[:1]]))


class Searches(TaskReference):
    model = "gin"
    settings = {**SMALL, "task.batch_size": 5}
    best = {"parents": 1.0}

    def loss(self, task, learner, batch):
        with torch.no_grad():
            source, target, scores, hints = learner.head(learner.model(batch), batch)
        parents = []
        for node in range(batch.num_nodes):
            first = int(batch.ptr[batch.batch[node]])
            values = {int(source[e]): float(scores[e]) for e in range(len(scores)) if int(target[e]) == node}
            wanted = int(batch.parent[node]) + first
            parents.append(math.log(sum(map(math.exp, values.values()))) - values[wanted])
        pairs = zip(hints.flatten().tolist(), batch.reached.flatten().tolist(), strict=True)
        return mean(parents) + 0.5 * mean(-log_sigmoid(h if y else -h) for h, y in pairs)

    def score(self, task, rows, part):
        hits = []
        for row, i in zip(rows, getattr(task.split, part).tolist(), strict=True):
            parents = task.dataset.graphs[i].parent.tolist()
            hits += [int(p) == q for p, q in zip(row.tolist(), parents, strict=False)]
        return {"parents": mean(hits)}

    def perfect(self, task, part):
        rows = torch.full((len(getattr(task.split, part)), 8), -1.0)
        for row, i in zip(rows, getattr(task.split, part).tolist(), strict=True):
            row[: task.dataset.graphs[i].num_nodes] = task.dataset.graphs[i].parent.float()
        return rows

    def damaged(self, dataset):
        yield with_target(dataset, 1, dataset.graphs[1].parent + 20)
        graph = dataset.graphs[2].clone()
        graph.reached = graph.reached[:, 0]
        yield replace(dataset, graphs=(*dataset.graphs[:2], graph, *dataset.graphs[3:]))
        graph = dataset.graphs[2].clone()
        graph.start = torch.ones_like(graph.start)
        yield replace(dataset, graphs=(*dataset.graphs[:2], graph, *dataset.graphs[3:]))


class Tours(TaskReference):
    model = "gin"
    settings = {**SMALL, "task.batch_size": 3}
    best = {"gap": 0.0, "valid": 1.0}

    def loss(self, task, learner, batch):
        with torch.no_grad():
            scores = learner.head(learner.model(batch), batch)
        source, target = batch.edge_index.tolist()
        losses = []
        for node in range(batch.num_nodes):
            first = int(batch.ptr[batch.batch[node]])
            values = {t: float(s) for s, u, t in zip(scores, source, target, strict=True) if u == node}
            wanted = int(batch.after[node]) + first
            losses.append(math.log(sum(map(math.exp, values.values()))) - values[wanted])
        return mean(losses)

    def score(self, task, rows, part):
        gaps = []
        for row, i in zip(rows, getattr(task.split, part).tolist(), strict=True):
            x = task.dataset.graphs[i].x.double().numpy()
            length = lambda after, x=x: sum(np.hypot(*(x[k] - x[int(t)])) for k, t in enumerate(after))  # noqa: E731
            gaps.append(length(row) / length(task.dataset.graphs[i].after) - 1)
        return {"gap": mean(gaps)}

    def perfect(self, task, part):
        return torch.stack([task.dataset.graphs[i].after.float() for i in getattr(task.split, part).tolist()])

    def constant(self, task, part):
        """In the order of the nodes."""
        return torch.tensor([1.0, 2, 3, 4, 5, 0]).repeat(len(getattr(task.split, part)), 1)

    def damaged(self, dataset):
        yield with_target(dataset, 0, torch.zeros(6, dtype=torch.int64))
        yield with_target(dataset, 0, dataset.graphs[0].after + 1)
        yield with_target(dataset, 0, dataset.graphs[0].after.float())


class Labels(TaskReference):
    model = "gcn"
    settings = SMALL
    best = {"auroc": 1.0, "ap": 1.0, "micro_f1": 1.0}

    def pairs(self, rows, targets):
        return zip(rows.flatten().tolist(), targets.flatten().tolist(), strict=True)

    def loss(self, task, learner, batch):
        with torch.no_grad():
            logits = learner.head(learner.model(batch), batch)[task.split.train]
        labels = task.dataset.graph.labels[task.split.train]
        return mean(-log_sigmoid(h if y else -h) for h, y in self.pairs(logits, labels))

    def score(self, task, rows, part):
        labels = task.dataset.graph.labels[getattr(task.split, part)]
        aurocs = []
        for scores, truth in zip(rows.T.tolist(), labels.T.tolist(), strict=True):
            positive = [s for s, y in zip(scores, truth, strict=True) if y]
            negative = [s for s, y in zip(scores, truth, strict=True) if not y]
            aurocs.append(mean((p > n) + 0.5 * (p == n) for p in positive for n in negative))
        return {
            "auroc": mean(aurocs),
            "loss": mean(-log_sigmoid(h if y else -h) for h, y in self.pairs(rows, labels)),
        }

    def perfect(self, task, part):
        return 9.0 * (2 * task.dataset.graph.labels[getattr(task.split, part)] - 1)

    def damaged(self, dataset):
        labels = dataset.graph.labels
        yield with_target(dataset, 0, labels + 0.5)
        yield with_target(dataset, 0, labels[:, :2])
        yield with_target(dataset, 0, labels[:-1])


CASES = {
    "direction-classes": ("directions", Directions()),
    "breadth-first": ("searches", Searches()),
    "tours": ("tours", Tours()),
    "node-labels": ("labels", Labels()),
}


@pytest.mark.parametrize("task", CASES)
@pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_contract(check, task):
    check(task, *CASES[task])


def example_of(task):
    return TASKS.resolve(task).module.examples()[CASES[task][0]]


@pytest.mark.parametrize("task", CASES)
def test_from_a_run_to_a_report(task, tmp_path):
    data, model = example_of(task), CASES[task][1].model
    runs = gl.run(model, data, seeds=2, store=tmp_path / "runs", progress=False, epochs=4, **SMALL)
    assert not runs.summary().failed
    trained = gl.restore(runs, tmp_path / "runs")
    with torch.no_grad():
        rows = trained.task.predict(trained.learner, "test")
    assert trained.task.score(rows, "test") == pytest.approx(trained.record.result.test, rel=1e-5)
    described = gl.describe(task, "task")
    assert model in described.facts["models"] and described.about
    name = runs.records[0].spec.dataset
    settings = "{training.epochs: 4, model.num_layers: 2, model.hidden_dim: 8, model.dropout: 0.0}"
    file = tmp_path / "mine.yaml"
    file.write_text(f"title: Mine\nseeds: 2\nruns:\n  - {{model: {model}, dataset: '{name}', settings: {settings}}}\n")
    comparison = gl.reproduce(file, store=tmp_path / "runs", progress=False)
    assert comparison.runs[0].records == runs.records
    page = comparison.report(tmp_path / "mine.html").read_text()
    assert trained.task.metric in page and name in page
    assert data.plot().axes and data._repr_html_()


@pytest.mark.parametrize("task", CASES)
def test_a_search(task, tmp_path):
    space = {"model": CASES[task][1].model, "hidden_dim": [4, 8], "lr": (1e-3, 1e-1, "log")}
    found = gl.search(
        "random",
        example_of(task),
        space=space,
        on="validation",
        trials=3,
        store=tmp_path,
        progress=False,
        **{"training.epochs": 2},
    )
    assert len(found.df) == 3 and found.df["validation"].notna().all()


@pytest.mark.parametrize("task", CASES)
def test_a_run_that_is_stopped_goes_on_to_the_same_bits(task, tmp_path, monkeypatch):
    data, settings = example_of(task), {"epochs": 5, **SMALL}
    whole = gl.run(CASES[task][1].model, data, store=tmp_path / "whole", progress=False, **settings)
    original, steps = loop.evaluate, []

    def stopping(*arguments):
        steps.append(1)
        if len(steps) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments)

    monkeypatch.setattr(loop, "evaluate", stopping)
    with pytest.raises(KeyboardInterrupt):
        gl.run(CASES[task][1].model, data, store=tmp_path / "stopped", progress=False, **settings)
    monkeypatch.setattr(loop, "evaluate", original)
    resumed = gl.run(CASES[task][1].model, data, store=tmp_path / "stopped", progress=False, **settings)
    assert resumed.records[0].curve == whole.records[0].curve
    assert resumed.records[0].result == whole.records[0].result
