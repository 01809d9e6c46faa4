"""Runs whose learner is transformed before it is trained: who they are, what they show, and that they go on."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
import torch

import graphlab as gl
from graphlab.comparison.recipe import check_recipe, settings_of
from graphlab.core.errors import ConfigError, IncompatibleError, UnknownNameError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import make_plan, plan_of
from graphlab.experiment.run import run_plans
from graphlab.records.record import RunSpec
from graphlab.records.store import Store
from graphlab.training import loop

QUANTISED = {"transform": "quantize", "transform.scheme": "weight=int4-symmetric-channel"}
SHORT = {"training.epochs": 3, "model.hidden_dim": 8}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def runs(store):
    return gl.run("gcn", "karate", store=store, **SHORT, **QUANTISED)


@pytest.fixture(scope="module")
def plain(store):
    return gl.run("gcn", "karate", store=store, **SHORT)


def test_a_run_states_its_transform_and_a_run_without_one_does_not(runs, plain):
    spec, other = runs[0].spec, plain[0].spec
    assert (
        spec.identity["transform"] == "quantize"
        and spec.identity["settings"]["transform.scheme"] == QUANTISED["transform.scheme"]
    )
    assert spec.versions["transform"] == 2 and spec.settings["transform"]["scheme"] == QUANTISED["transform.scheme"]
    assert spec.id != other.id
    assert not [part for part in json.dumps(other.to_json()).split('"') if part.startswith("transform")]
    assert RunSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_ids_of_runs_without_a_transform_are_what_they_were():
    """Their identity has no part that is new; the stored results hold the ids themselves."""
    assert make_plan("gcn", "karate").spec(0).identity.keys() == {
        "model", "dataset", "task", "seed", "data", "versions", "settings"
    }  # fmt: skip


def test_it_is_never_shown_as_the_plain_model(runs, plain, store):
    assert "gcn (quantize)" in repr(runs) and "gcn (quantize)" in repr(runs[0])
    assert "gcn (quantize)" in runs._repr_html_() and runs.to_json()["transform"] == "quantize"
    assert "quantize" not in repr(plain) and "transform" not in plain.to_json()
    frame = gl.runs(store)
    assert dict(zip(frame["id"], frame["settings"], strict=True))[runs[0].id].startswith("transform=quantize")
    board = gl.leaderboard("karate", store)
    assert sorted("transform=quantize" in settings for settings in board["settings"]) == [False, True]
    assert "transform=quantize" in repr(gl.compare(gl.run("mlp", "karate", store=store, seeds=2, **SHORT),
        gl.run("gcn", "karate", store=store, seeds=2, **SHORT, **QUANTISED)))  # fmt: skip
    table = gl.table(["gcn"], ["karate"], store=store, train=False, **SHORT, **QUANTISED)
    assert table.models == ("gcn (quantize)",)
    assert "transform=quantize" in gl.leaderboard("karate", store).to_string()


def test_it_departs_from_the_published_recipe():
    spec = make_plan("gcn", "karate").spec(0)
    quantised = make_plan("gcn", "karate", {"transform": "quantize"}).spec(0)
    cora = {"dataset": "planetoid/cora"}
    assert check_recipe(RunSpec(**{**vars_of(spec), **cora})).is_followed
    checked = check_recipe(RunSpec(**{**vars_of(quantised), **cora}))
    assert not checked.is_followed and checked.obstacle.startswith("departs in transform=quantize")
    shown = {row.name: row.mark for row in settings_of(quantised)}
    assert shown["transform"] == shown["transform.scheme"] == "departs"


def vars_of(spec):
    return {name: getattr(spec, name) for name in RunSpec.__dataclass_fields__} | {
        "training": make_plan("gcn", "karate", {"weight_decay": 5e-4, "epochs": 200, "lr": 0.01}).spec(0).training
    }


def test_it_is_restored_with_rounded_weights(runs, store):
    trained = gl.restore(runs)
    weight = trained.model.convs[0].lin.weight
    original = trained.model.convs[0].lin.parametrizations.weight.original
    step = original.abs().amax(1, keepdim=True) / 7
    torch.testing.assert_close(weight / step, (original / step).round())
    assert not torch.allclose(weight, original, atol=1e-3)
    assert plan_of(runs[0].spec, store=store).spec(0) == runs[0].spec
    scores = trained.task.evaluate(trained.learner, "test")
    assert scores["accuracy"] == runs[0].result.test["accuracy"]


@pytest.mark.parametrize("scheme", [QUANTISED["transform.scheme"], "w4a8"])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(monkeypatch, scheme):
    settings = {**QUANTISED, "transform.scheme": scheme, "training.epochs": 5, "model.hidden_dim": 8}
    plan = make_plan("gat", "karate", settings)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)

    def outcome(*stops: int):
        saved = Memory()
        for stop in (*stops, None):
            task = plan.make_task(0)

            def on_epoch(epoch, epochs, row, stop=stop):
                if epoch == stop:
                    raise KeyboardInterrupt

            try:
                done = loop.fit(plan.make_learner(task, 0), task, plan.training, SeedStream(0), saved, on_epoch)
            except KeyboardInterrupt:
                continue
        return done, saved.states

    whole, states = outcome()
    stopped, other = outcome(2, 4)
    assert (stopped.curve, stopped.test) == (whole.curve, whole.test)
    assert all(torch.equal(tensor, other["last"]["model"][key]) for key, tensor in states["last"]["model"].items())
    assert any("observers" in key for key in states["best"]["model"]) == (scheme == "w4a8")


class Memory:
    def __init__(self):
        self.states = {}

    def save_checkpoint(self, name, state):
        self.states[name] = torch.load(self._bytes(state), weights_only=True)

    def restore_checkpoint(self, name, device, restore):
        if name in self.states:
            restore(self.states[name])
        return name in self.states

    def _bytes(self, state):
        file = io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        return file


def test_training_starts_from_the_weights_of_a_run_without_a_transform(plain, store):
    plan = make_plan("gcn", "karate", {**SHORT, **QUANTISED, "training.epochs": 0}, store)
    start = make_plan("gcn", "karate", SHORT, store)
    found = run_plans([replace(plan, start=start)], [0], Store(store), device="cpu", progress=False)[0]
    trained, float_weights = gl.restore(found), gl.restore(plain).model.convs[0].lin.weight
    assert torch.equal(trained.model.convs[0].lin.parametrizations.weight.original, float_weights)
    again = replace(make_plan("gcn", "karate", {**SHORT, **QUANTISED}, store), start=replace(plan, start=start))
    more = run_plans([again], [0], Store(store), device="cpu", progress=False)[0]
    assert more[0].result.status == "finished"


def test_workers_and_searches_have_it(store):
    runs = gl.run("mlp", "karate", seeds=2, workers=2, store=store, **SHORT, **QUANTISED)
    assert [record.result.status for record in runs] == ["finished", "finished"]
    space = {"model": "gcn", "transform": "quantize", "transform.scheme": ["w2a8", "w8a8"], "hidden_dim": [8]}
    found = gl.search("random", "karate", space=space, trials=2, on="validation", store=store, **{"training.epochs": 2})
    trials = [r for r in Store(store).records(trials=True) if r.spec.kind == "trial"]
    assert sorted(record.spec.component_configs["transform"]["scheme"] for record in trials) == ["w2a8", "w8a8"]
    assert len(found.df) == 2
    found = gl.search("random", "karate", space="gcn", trials=1, on="validation", store=store, epochs=2, **QUANTISED)
    retrained = found.retrain(seeds=1)[found.best.key]
    assert retrained[0].spec.components == {"transform": "quantize"}


def test_what_cannot_be_is_refused_with_the_way_out(store):
    with pytest.raises(ConfigError, match=r"transform\.scheme is a setting of a transform") as caught:
        make_plan("gcn", "karate", {"transform.scheme": "w8a8"})
    assert "as transform=" in caught.value.hint
    with pytest.raises(UnknownNameError, match="quantise"):
        make_plan("gcn", "karate", {"transform": "quantise"})
    with pytest.raises(ConfigError, match="int9"):
        make_plan("gcn", "karate", {**QUANTISED, "transform.scheme": "w1a9"})
    with pytest.raises(IncompatibleError, match="no weight"):
        make_plan("label-propagation", "karate", QUANTISED)
    with pytest.raises(IncompatibleError, match="supernet"):
        gl.search("darts", "karate", space="gnn-micro", trials=1, store=store, **QUANTISED)


def test_commands(cli, store):
    words = ["run", "gcn", "karate", "--transform", "quantize", "--set", "scheme=w4a4", "--set", "epochs=3"]
    done = cli(*words, "--set", "hidden_dim=8", "--store", str(store), "--json")
    assert done.code == 0 and json.loads(done.out)["transform"] == "quantize"
    listed = json.loads(cli("transforms", "--json").out)
    assert "quantize" in json.dumps(listed)
    described = cli("describe", "quantize").out
    assert "scheme" in described and "transform quantize" in described
    twice = cli("run", "gcn", "karate", "--transform", "quantize", "--set", "transform=other", "--store", str(store))
    assert twice.code == 2 and "transform" in twice.err
