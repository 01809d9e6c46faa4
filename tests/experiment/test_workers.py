"""Several workers at the same runs come to the same records as one."""

import json

import pytest

from graphlab.core.errors import InputError
from graphlab.experiment import workers as module
from graphlab.experiment.plan import make_plan
from graphlab.experiment.run import run, run_plans
from graphlab.records.store import Store
from graphlab.testing.examples import example

SETTINGS = {"training.epochs": 30}


def plans():
    return [make_plan(model, "karate", SETTINGS) for model in ("gcn", "mlp")]


def test_workers_come_to_what_one_comes_to(tmp_path):
    alone = run_plans(plans(), (0, 1, 2), Store(tmp_path / "alone"), device="cpu", progress=False)
    shared = run_plans(plans(), (0, 1, 2), Store(tmp_path / "shared"), device="cpu", workers=2, progress=False)
    assert [[r.result for r in runs.records] for runs in shared] == [[r.result for r in runs.records] for runs in alone]
    assert [[r.curve for r in runs.records] for runs in shared] == [[r.curve for r in runs.records] for runs in alone]


def test_a_helper_does_what_it_is_told_and_no_more(tmp_path):
    store = Store(tmp_path / "store")
    (plan, _) = plans()
    specs = [plan.spec(seed) for seed in (0, 3)]
    with store.folder(specs[0]).claim() as mine:
        assert mine
        order = {"store": str(store.path), "device": "cpu", "specs": [spec.to_json() for spec in specs]}
        module.help_with(json.loads(json.dumps(order)))
    assert [store.folder(spec).read_finished() is not None for spec in specs] == [False, True]


def test_nothing_to_share_starts_no_helper(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_start", lambda *_: pytest.fail("started a helper"))
    run("gcn", "karate", seeds=1, store=tmp_path, workers=4, device="cpu", progress=False, **SETTINGS)
    run("gcn", "karate", seeds=1, store=tmp_path, workers=4, device="cpu", progress=False, **SETTINGS)


def test_a_helper_that_is_gone_at_once_is_no_loss(monkeypatch):
    """Its pipe is closed in the middle of an order that it has no room for."""
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    assert module._start("x" * 1_000_000, 1).wait() == 1


def test_workers_share_what_was_in_memory_through_the_store(tmp_path):
    runs = run("gcn", example("node-classification"), seeds=3, workers=2, store=tmp_path, progress=False, **SETTINGS)
    alone = run("gcn", example("node-classification"), seeds=3, store=tmp_path / "alone", progress=False, **SETTINGS)
    assert [record.result for record in runs] == [record.result for record in alone]


def test_no_workers_is_no_number(tmp_path):
    with pytest.raises(InputError, match="workers cannot be 0"):
        run("gcn", "karate", workers=0, store=tmp_path)
