"""AUROC of node classification: which data are judged by it, and that it is scikit-learn's."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from sklearn.metrics import roc_auc_score

from graphlab.core.errors import InputError
from graphlab.data.dataset import Dataset
from graphlab.data.identity import identify
from graphlab.data.load import load
from graphlab.experiment.plan import make_plan, plan_on
from graphlab.task.kinds.node_classification import Config, NodeClassification

AUROC = {"task.metric": "auroc"}


def test_it_is_that_of_scikit_learn_and_selects():
    plan = make_plan("gcn", "karate", AUROC)
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)
    scores = task.evaluate(learner, "test")
    with torch.no_grad():
        rows = task.predict(learner.eval(), "test").softmax(dim=1)[:, 1]
    truth = task.dataset.graph.y[task.split.test]
    assert scores["auroc"] == pytest.approx(roc_auc_score(truth.numpy(), rows.numpy()), abs=1e-12)
    assert set(scores) == {"accuracy", "auroc", "loss"}
    assert (task.metric, task.direction) == ("auroc", "max")


def test_perfect_and_reversed_rankings():
    task = make_plan("gcn", "karate", AUROC).make_task(0)
    labels = task.dataset.graph.y[task.split.test].float()
    ranked = torch.stack([-labels, labels], dim=1) * 0.1 - 3  # all of class 0 by the sign, and well ranked all the same
    assert task.score(ranked, "test")["auroc"] == 1.0
    assert task.score(ranked.flip(1), "test")["auroc"] == 0.0


def test_runs_without_it_are_what_they_were():
    dataset = load("karate")
    assert Config().metric is None
    assert NodeClassification.metrics(Config(), dataset) == ("accuracy", "loss")
    assert NodeClassification.protocol(Config(), dataset) == {
        "metric": "accuracy",
        "split": "leaders",
        "selection": "best validation accuracy, ties by lower validation loss",
    }
    auroc = NodeClassification.protocol(Config(metric="auroc"), dataset)
    assert auroc["metric"] == "auroc" and "AUROC" in auroc["selection"]
    assert make_plan("gcn", "karate", AUROC).task_config.metric == "auroc"


def judged_by_auroc() -> Dataset:
    """Karate, whose card says so."""
    dataset = load("karate")
    return replace(dataset, card=replace(dataset.card, metrics={"": "auroc"}))


def test_a_card_says_what_its_data_are_judged_by():
    dataset = judged_by_auroc()
    assert plan_on(dataset, "gcn", {}).selection[0] == "auroc"
    assert plan_on(dataset, "gcn", {"task.metric": "accuracy"}).selection[0] == "accuracy"
    graph = dataset.graph.clone()
    graph.x = graph.x + 1
    changed = identify(replace(dataset, graphs=(graph,)))
    assert changed.name.startswith("own/") and changed.metric == "auroc"


@pytest.mark.real_data
def test_tolokers_is_judged_by_auroc():
    assert make_plan("mlp", "heterophilous/tolokers", {}).selection[0] == "auroc"


def test_more_than_two_classes_are_refused():
    with pytest.raises(
        InputError, match=r"task\.metric=auroc is about two classes, and sbm/directed-h0\.1 has 4"
    ) as bad:
        make_plan("gcn", "sbm/directed-h0.1", AUROC)
    assert "task.metric=accuracy" in bad.value.hint
