"""A data set that several tasks fit: which one, by name of the split or of the task."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch_geometric.data import Data

import graphlab as gl
from graphlab.core.errors import IncompatibleError, InputError, UnknownNameError
from graphlab.data.dataset import Split, Splits
from graphlab.data.identity import identify
from graphlab.data.load import load, with_task
from graphlab.data.spec import LINK, DataSpec
from graphlab.experiment.plan import make_plan
from graphlab.experiment.run import run_plans
from graphlab.records.store import Store
from graphlab.testing.examples import example

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


def test_another_task_is_about_the_same_data():
    data = load("karate")
    other = with_task(data, "graph-prediction")
    assert identify(other).name == "karate" and identify(other).origin.identity == data.origin.identity
    other.graph.x = other.graph.x * 2
    assert identify(other).name.startswith("own/karate-")


def test_on_the_command_line(cli, tmp_path):
    done = cli("run", "gae", "karate", "--task", "link-prediction", "--store", tmp_path, "--json")
    assert done.code == 2 and "about node pairs" in done.json["error"]["message"]


def test_what_cannot_be_trained_leaves_nothing_behind(tmp_path):
    """All pairs of six nodes are links of the training part, so that no negative can be drawn."""
    edge_index = (~torch.eye(6, dtype=torch.bool)).nonzero().T.contiguous()
    pairs = torch.combinations(torch.arange(6), 2)
    rows = torch.cat([pairs, torch.ones(len(pairs), 1, dtype=torch.int64)], dim=1)
    nothing = rows[:0]
    data = replace(
        example("links-without-features"),
        graphs=(Data(edge_index=edge_index, num_nodes=6),),
        splits=Splits("fixed", fixed=(Split(rows, nothing, nothing),)),
        spec=DataSpec("node-pairs", (LINK,), num_entities=6),
    )
    plan = make_plan("gae", example("links-without-features"))
    plan = replace(plan, dataset=identify(data))
    with pytest.raises(InputError):
        run_plans([plan], [0], Store(tmp_path), progress=False)
    assert not list(tmp_path.glob("*/spec.json"))
