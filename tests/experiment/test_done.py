"""Runs that are done are read from the store without planning, and planned as ever where anything has changed.

The process of these tests has imported torch and so reads no index; a dictionary stands for it.
"""

from __future__ import annotations

import numpy as np
import pytest

import graphlab as gl
from graphlab.core import index
from graphlab.core.errors import ConfigError, DataError, InputError, UnknownNameError
from graphlab.experiment import done, plan
from graphlab.experiment.done import Request

QUICK = {"epochs": 1}
FILES = "sbm/directed-h0.1"


class PlannedError(Exception):
    pass


@pytest.fixture
def kept(monkeypatch):
    """The sections that are kept, by name."""
    sections = {}
    monkeypatch.setattr(index, "is_read", lambda: True)
    monkeypatch.setattr(index, "read", sections.get)
    monkeypatch.setattr(index, "keep", sections.__setitem__)
    return sections


@pytest.fixture
def planning(monkeypatch):
    """Call it to have any planning from then on raise PlannedError."""

    def forbid():
        def make_plan(*_, **__):
            raise PlannedError

        monkeypatch.setattr(plan, "make_plan", make_plan)

    return forbid


@pytest.fixture
def again(kept, planning, tmp_path):
    """Runs `gcn` with one and two seeds; what it gives does the same again, with changes, where planning raises."""
    first = gl.run("gcn", FILES, seeds=2, store=tmp_path / "runs", progress=False, **QUICK)
    assert len(kept) == 1
    planning()

    def run(model="gcn", dataset=FILES, **changes):
        return gl.run(model, dataset, **{"seeds": 2, "store": tmp_path / "runs", "progress": False, **QUICK, **changes})

    run.first = first
    return run


def test_they_are_the_runs_that_planning_gives(again):
    runs = again()
    assert runs == again.first
    assert (runs.store, runs.code) == (again.first.store, again.first.code)
    assert runs.to_json() == again.first.to_json() and str(runs) == str(again.first)
    assert again(seeds=[1]).records == again.first.records[1:]
    assert again(epochs=np.int64(1), workers=2, device="cpu").records == again.first.records


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": 3},
        {"model": "GCN"},
        {"model": "mlp"},
        {"dataset": "sbm/directed-h0.9"},
        {"task": "node-classification"},
        {"epochs": 2},
        {"epochs": True},
        {"epochs": 1.0},
        {"training.epochs": 1},
        {"precision": "bf16"},
        {"device": "cuda"},
        {"store": "elsewhere"},
        {"transform": "quantize"},
    ],
    ids=str,
)
def test_another_request_is_planned(again, change, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlannedError):
        again(**change)


def test_of_several_processes_each_plans(again, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(PlannedError):
        again()


@pytest.mark.parametrize("part", ["", "spec.json", "result.json", "metrics.json", "environment.json"])
@pytest.mark.parametrize("damage", ["gone", "{"])
def test_runs_that_are_gone_or_damaged_are_planned(again, tmp_path, part, damage):
    folder = tmp_path / "runs" / again.first[1].id
    if not part:
        folder.rename(tmp_path / "away")
    elif damage == "gone":
        (folder / part).unlink()
    else:
        (folder / part).write_text(damage)
    with pytest.raises(PlannedError):
        again()
    assert again(seeds=1).records == again.first.records[:1]


def test_a_raw_file_that_changed_is_told(again, tmp_path, shared_data_root, monkeypatch):
    """In the words of planning."""
    files = sorted(path for path in (shared_data_root / "sbm").glob("*") if path.suffix == ".tsv")
    copies = tmp_path / "mirror" / "sbm"
    copies.mkdir(parents=True)
    for path in files:
        (copies / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("GRAPHLAB_MIRROR", str(copies.parent))
    assert again() == again.first
    with (copies / "nodes.tsv").open("a") as file:
        file.write("1\n")
    with pytest.raises(DataError, match="is not the file it should be"):
        again()


@pytest.mark.parametrize("changed", [2, "1"])
def test_data_of_another_version_are_planned(again, monkeypatch, changed):
    monkeypatch.setattr("graphlab.data.identity.find_version", lambda adapter: changed)
    with pytest.raises(PlannedError):
        again()


def test_the_precision_that_a_device_may_lack_is_left_to_torch(kept, planning, tmp_path):
    options = {"store": tmp_path, "progress": False, "precision": "bf16", **QUICK}
    gl.run("gcn", "karate", **options)
    planning()
    with pytest.raises(PlannedError):
        gl.run("gcn", "karate", **options)


def test_failures_that_may_not_come_back_are_planned(again, monkeypatch, tmp_path):
    monkeypatch.setattr("graphlab.records.record.Result.is_settled", False)
    with pytest.raises(PlannedError):
        again()


@pytest.mark.parametrize(
    ("model", "dataset", "settings"),
    [
        ("gcn", "own/mine", {}),
        ("own/mine", "karate", {}),
        (object, "karate", {}),
        ("gcn", np.zeros(2), {}),
        ("gcn", "karate", {"lr": object()}),
        ("gcn", "karate", {"lr": float("nan")}),
    ],
    ids=["own data", "own model", "a class", "an array", "an object", "no number"],
)
def test_what_has_no_name_is_not_kept(kept, model, dataset, settings):
    request = Request(model, dataset, None, settings)
    assert request.section == ""
    assert request.done([0], None, "auto") is None
    request.require_names()


@pytest.mark.parametrize(
    ("model", "dataset", "task", "error"),
    [
        ("gnc", "karate", None, "no model is named 'gnc'"),
        ("gcn", "karte", None, "no dataset is named 'karte'"),
        ("gcn", "karate@foo", None, "karate has no split 'foo'"),
        ("gcn", "karate", "nodes", "no task is named 'nodes'"),
        ("gnc", "karte", "nodes", "no task is named 'nodes'"),
        ("gnc", "karte", None, "no dataset is named 'karte'"),
    ],
)
def test_names_are_looked_up_before_planning(kept, planning, model, dataset, task, error):
    planning()
    with pytest.raises((UnknownNameError, InputError), match=error):
        gl.run(model, dataset, task=task)


def test_what_is_not_to_be_planned_is_not_kept(kept, tmp_path):
    with pytest.raises(ConfigError):
        gl.run("gcn", "karate", store=tmp_path, learning_rate=1)
    assert not kept and done.Request("gcn", "karate", None, {}).section
