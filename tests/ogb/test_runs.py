"""Runs on data sets of ogb: what models see, what the reported numbers are, and what is written for the evaluator."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import graphlab as gl
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.data.links import unordered
from graphlab.experiment.plan import make_plan
from graphlab.task.ogb_evaluator import LINKS, _module
from tests.ogb.stand_in import LAYOUTS

RUNS = {
    "ogbl/collab": ("common-neighbours", {}),
    "ogbl/ppa": ("link-encoder", {"epochs": 2}),
    "ogbl/ddi": ("gae", {"epochs": 2}),
    "ogbl/citation2": ("ncn", {"epochs": 2}),
    "ogbn/arxiv": ("gcn", {"epochs": 2}),
    "ogbn/products": ("sage", {"epochs": 2, "task.batch_size": 8, "task.fan_outs": [5, 5]}),
}


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.mark.parametrize("name", RUNS)
def test_the_reported_number_is_that_of_the_evaluator_on_the_submission(ogb, store, cli, tmp_path, name):
    ogb(name)
    model, settings = RUNS[name]
    runs = gl.run(model, name, **settings)
    (record,) = runs.records
    assert record.result.status == "finished", record.result.error
    official = LAYOUTS[name].name
    assert record.spec.protocol["evaluator"] == official
    path = gl.submission(runs, tmp_path / "submission.npz")
    done = cli("submission", record.id, "--out", tmp_path / "other.npz", "--json")
    assert done.code == 0 and done.json == {"submission": str(tmp_path / "other.npz")}
    with np.load(path, allow_pickle=False) as stored, np.load(tmp_path / "other.npz", allow_pickle=False) as other:
        arrays = dict(stored)
        assert arrays.keys() == other.keys() and all(np.array_equal(arrays[key], other[key]) for key in arrays)
    data = gl.load(name)
    if name.startswith("ogbn"):
        truth = data.graph.y[data.split().test].numpy()[:, None]
        assert arrays["y_pred"].dtype == np.int64 and arrays["y_pred"].shape == truth.shape
        score = _module("nodeproppred").Evaluator(official).eval({"y_true": truth, **arrays})["acc"]
        assert runs.metric == "accuracy"
    else:
        num_links = int((data.split().test[:, 2] == 1).sum())
        own = LINKS[official] == "mrr"
        assert arrays["y_pred_pos"].shape == (num_links,)
        assert arrays["y_pred_neg"].shape == ((num_links, 30) if own else (120,))
        tensors = {key: torch.from_numpy(array) for key, array in arrays.items()}
        scores = _module("linkproppred").Evaluator(official).eval(tensors)
        score = scores["mrr_list"].mean().item() if own else scores[LINKS[official]]
        assert runs.metric == LINKS[official]
    assert record.result.test[runs.metric] == score


def test_common_neighbours_of_the_training_graph(ogb, store):
    """Counted by hand on the links of training, those that are listed twice once."""
    ogb("ogbl/collab")
    data = gl.load("ogbl/collab")
    near = torch.zeros(40, 40, dtype=torch.int64)
    u, v = data.split().train[:, :2].t()
    near[u, v] = near[v, u] = 1
    near.fill_diagonal_(0)
    plan = make_plan("common-neighbours", "ogbl/collab")
    task = plan.make_task(0)
    scores = task.predict(plan.make_learner(task, 0), "test")
    pairs = data.split().test
    assert scores.tolist() == (near @ near)[pairs[:, 0], pairs[:, 1]].tolist()
    assert len(unordered(data.split().train[:, :2].t())) == task.num_links == 122


def test_models_see_training_links_alone_unless_the_rules_allow_more(ogb, store):
    ogb("ogbl/collab")
    split = gl.load("ogbl/collab").split()
    train = unordered(split.train[:, :2].t())
    held_out = split.validation[split.validation[:, 2] == 1]
    both = unordered(torch.cat([split.train, held_out])[:, :2].t())
    assert len(both) > len(train)
    for settings, at_test in (({}, train), ({"task.input_at_test": "training and validation"}, both)):
        plan = make_plan("common-neighbours", "ogbl/collab", settings)
        task = plan.make_task(0)
        learner = plan.make_learner(task, 0)
        seen, encode = [], learner.model.encode
        learner.model.encode = lambda graph, seen=seen, encode=encode: seen.append(graph) or encode(graph)
        for part in ("validation", "test"):
            task.predict(learner, part)
        assert torch.equal(unordered(seen[0].edge_index), train) and torch.equal(unordered(seen[1].edge_index), at_test)
        assert seen[1].edge_index.shape[1] == 2 * len(at_test), "each link once in each direction"


def test_validation_links_at_test_are_another_protocol(ogb, store):
    ogb("ogbl/collab")
    without = gl.run("common-neighbours", "ogbl/collab").records[0]
    more = gl.run("common-neighbours", "ogbl/collab", input_at_test="training and validation").records[0]
    assert without.id != more.id
    assert without.spec.protocol["input at test"] == "training"
    assert more.spec.protocol["input at test"] == "training and validation"
    assert without.result.validation == more.result.validation and without.result.test != more.result.test


@pytest.mark.parametrize("name", ["ogbl/ppa", "ogbl/ddi", "ogbl/citation2"])
def test_validation_links_at_test_are_against_the_rules_of_others(ogb, store, cli, name):
    ogb(name)
    done = cli("run", "common-neighbours", name, "--set", "input_at_test=training and validation")
    assert done.code == 2 and f"the rules of {LAYOUTS[name].name} allow no validation links" in done.err
    assert not store.exists()


def test_settings_of_other_negatives_are_not_there(ogb, store):
    ogb("ogbl/ddi")
    with pytest.raises(InputError, match="negatives"):
        gl.run("common-neighbours", "ogbl/ddi", **{"task.negatives": "uniform"})


def test_a_submission_needs_an_official_evaluator(store, cli, tmp_path):
    runs = gl.run("mlp", "karate", epochs=1)
    with pytest.raises(IncompatibleError, match="karate has no official evaluator"):
        gl.submission(runs, tmp_path / "file.npz")
    done = cli("submission", runs.records[0].id, "--json")
    assert done.code == 2 and json.loads(done.out)["error"]["kind"] == "incompatible"
    assert not (tmp_path / "file.npz").exists()


def test_a_submission_that_cannot_be_written_is_one_error(ogb, store, tmp_path):
    ogb("ogbl/ddi")
    runs = gl.run("common-neighbours", "ogbl/ddi")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        gl.submission(runs, tmp_path / "file" / "submission.npz")


@pytest.mark.parametrize("name", ["ogbl/ddi", "ogbl/citation2", "ogbn/arxiv"])
def test_pages_and_pictures_of_runs(ogb, store, tmp_path, name):
    ogb(name)
    runs = gl.run(RUNS[name][0], name, epochs=1)
    assert gl.report(runs, tmp_path / "run.html").read_text().startswith("<!DOCTYPE html>")
    assert LAYOUTS[name].name.partition("-")[0] in gl.load(name)._repr_html_()
    gl.load(name).plot()
