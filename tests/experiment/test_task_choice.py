"""A data set that several tasks fit: which one, by name of the split or of the task."""

from __future__ import annotations

import pytest

import graphlab as gl
from graphlab.core.errors import IncompatibleError, UnknownNameError
from graphlab.experiment.plan import make_plan

QUICK = {"training.epochs": 1}


@pytest.mark.real_data
def test_nodes_and_links_of_cora_are_one_data_set(tmp_path):
    (by_task,) = gl.run("gae", "cora", task="link-prediction", store=tmp_path, progress=False, **QUICK)
    (by_split,) = gl.run("gae", "planetoid/cora@links", store=tmp_path, progress=False, **QUICK)
    assert by_task.id == by_split.id and by_task.spec.dataset == "planetoid/cora@links"
    assert set(by_task.result.test) == {"auroc", "ap"}
    assert gl.restore(by_task, tmp_path).dataset.spec.node.dim == 1433
    assert make_plan("gcn", "cora").dataset.name == "planetoid/cora"


def test_a_task_that_is_not_about_the_data_is_refused():
    with pytest.raises(UnknownNameError, match="no task is named 'ranking'"):
        make_plan("gcn", "karate", task="ranking")
    with pytest.raises(IncompatibleError, match="link-prediction"):
        make_plan("gae", "karate", task="link-prediction")


def test_on_the_command_line(cli, tmp_path):
    done = cli("run", "gae", "karate", "--task", "link-prediction", "--store", tmp_path, "--json")
    assert done.code == 2 and "about node pairs" in done.json["error"]["message"]
