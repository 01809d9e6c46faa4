"""Stores that version 0.1.0 wrote: read as they are, and given the ids of this version by one command."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

import graphlab as gl
from graphlab.core.errors import StoreError
from graphlab.data.load import load
from graphlab.experiment import execute
from graphlab.experiment.plan import make_plan
from graphlab.model.zoo.gcn import GCN
from graphlab.records.record import Result, RunRecord
from graphlab.records.store import RunFolder, Store

pytestmark = pytest.mark.filterwarnings("error::graphlab.records.store.UnreadableRunWarning")


@pytest.fixture(autouse=True)
def versions_of_then(monkeypatch):
    """What this version gives is what 0.1.0 gave, as far as the versions of models say."""
    monkeypatch.setattr(GCN, "version", 1)


@pytest.fixture
def untrained(monkeypatch):
    """Fails the test if anything is trained."""

    def refuse(*arguments):
        raise AssertionError("a stored run is trained again")

    monkeypatch.setattr(execute, "_execute", refuse)


def values(frame):
    return sorted(
        (row.model, row.dataset, row.seed, row["test/accuracy"], row["test/mrr"]) for _, row in frame.iterrows()
    )


def test_an_old_store_is_read_as_it_is(old_store):
    runs = gl.runs(old_store)
    assert len(runs) == 9 and (runs["status"] == "finished").all()
    assert len(gl.runs(old_store, trials=True)) == 11
    board = gl.leaderboard("karate", old_store)
    assert sorted(board["ours_n"].dropna()) == [1, 2, 2]
    first = runs[runs["model"] == "gcn"].iloc[0]
    assert gl.restore(first["id"], old_store).record.id == first["id"]


def test_old_runs_have_the_ids_of_this_version_afterwards(old_store, untrained):
    before = gl.runs(old_store).fillna(-1.0)
    migration = gl.migrate(old_store)
    assert len(migration.moved) == 11 and not migration.left
    after = gl.runs(old_store).fillna(-1.0)
    assert values(after) == values(before)
    gcn = gl.run("gcn", "karate", seeds=2, store=old_store, progress=False, **{"training.epochs": 3})
    assert {record.id for record in gcn} <= set(migration.moved.values())
    small = {"training.epochs": 1, "model.dim": 4}
    gl.run("distmult", "kinship-rules/transductive", seeds=2, store=old_store, progress=False, **small)
    assert gl.migrate(old_store).moved == {}


def test_weights_come_along_and_old_ids_go_on_to_name_their_runs(old_store):
    run = gl.runs(old_store).query("model == 'gcn'").iloc[0]["id"]
    before = gl.predictions(run, old_store)
    migration = gl.migrate(old_store)
    assert torch.equal(gl.predictions(run, old_store), before)
    assert torch.equal(gl.predictions(migration.moved[run], old_store), before)


def test_a_run_that_starts_from_another_starts_from_it_under_its_new_id(old_store, untrained):
    old = {record.id: record for record in Store(old_store).records()}
    (starting,) = (record for record in old.values() if record.spec.training["start"])
    moved = gl.migrate(old_store).moved
    record = gl.restore(moved[starting.id], old_store).record
    assert record.spec.training["start"] == moved[starting.spec.training["start"]]
    assert record.spec.departures["training.start"] == record.spec.training["start"]


def test_an_interrupted_run_is_continued_after_migration(old_store, monkeypatch):
    """What was trained stays trained: the next process starts from the checkpoint."""
    whole = gl.run("gcn", "karate", store=old_store.parent / "new", progress=False, **{"training.epochs": 3})
    runs = Store(old_store).records()
    (old,) = (r for r in runs if r.spec.training["epochs"] == 3 and r.seed == 0 and r.spec.model == "gcn")
    folder = old_store / old.id
    for name in ("result.json", "metrics.json", "environment.json", "best.pt"):
        (folder / name).unlink()
    saved = torch.load(old_store.parent / "new" / whole[0].id / "last.pt", weights_only=True)
    RunFolder(folder, old.spec).save_checkpoint("last", {k: v for k, v in saved.items() if k != "run"})
    new = gl.migrate(old_store).moved[old.id]
    assert not (old_store / new / "result.json").exists()
    trained = gl.run("gcn", "karate", store=old_store, progress=False, **{"training.epochs": 3})
    assert trained[0].id == new and trained[0].result == whole[0].result


def test_a_run_on_data_that_are_no_longer_there_is_left_and_named(old_store, monkeypatch):
    def gone(name, **options):
        if name == "karate":
            raise gl.GraphLabError("karate is nowhere to be had")
        return load(name, **options)

    monkeypatch.setattr("graphlab.experiment.migrate.load", gone)
    migration = gl.migrate(old_store)
    assert len(migration.left) == 5 and set(migration.left.values()) == {"karate is nowhere to be had"}
    assert len(gl.runs(old_store)) == 9


def test_a_migration_that_was_killed_is_started_again(old_store, monkeypatch):
    with monkeypatch.context() as patch:
        removed = []

        def die(path, **options):
            removed.append(path)
            if len(removed) == 3:
                raise KeyboardInterrupt
            rmtree(path, **options)

        rmtree = shutil.rmtree
        patch.setattr(shutil, "rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            gl.migrate(old_store)
    gl.migrate(old_store)
    assert len(gl.runs(old_store)) == 9 and len(gl.runs(old_store, trials=True)) == 11
    assert len(json.loads((old_store / "migrated.json").read_text())) == 11


def test_runs_of_a_model_whose_version_was_raised_since_are_read_and_not_taken_for_its_own(old_store, monkeypatch):
    monkeypatch.setattr(GCN, "version", 2)
    before = values(gl.runs(old_store).fillna(-1.0))
    migration = gl.migrate(old_store)
    assert values(gl.runs(old_store).fillna(-1.0)) == before
    again = gl.run("gcn", "karate", seeds=2, store=old_store, progress=False, **{"training.epochs": 3})
    assert not {record.id for record in again} & set(migration.moved.values())


@pytest.mark.slow
def test_two_processes_at_one_store(old_store):
    """The second had met a folder that the first had moved away, with a traceback."""
    code = "import sys, graphlab as gl; print(len(gl.migrate(sys.argv[1]).moved))"
    command = [sys.executable, "-c", code, str(old_store)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    moved = [process.communicate()[0].strip() for process in processes]
    assert sorted(moved) == ["0", "11"] and all(process.returncode == 0 for process in processes)
    assert len(Store(old_store).migrated()) == len(gl.runs(old_store, trials=True)) == 11


def test_a_finished_run_is_not_lost_to_one_that_was_only_begun(old_store, untrained):
    """A run of this version that was interrupted had taken the place of the finished one of 0.1.0."""
    plan = make_plan("gcn", "karate", {"training.epochs": 3})
    Store(old_store).folder(plan.spec(0)).begin()
    before = [record.test_value for record in Store(old_store).records() if record.result.status == "finished"]
    gl.migrate(old_store)
    after = [record.test_value for record in Store(old_store).records()]
    assert None not in after and sorted(after) == sorted(before)
    assert gl.run("gcn", "karate", store=old_store, progress=False, **{"training.epochs": 3})


def test_a_store_that_cannot_be_written_to_is_one_error(old_store):
    (old_store / "migrate.lock").mkdir()
    with pytest.raises(StoreError, match="cannot write to the store"):
        gl.migrate(old_store)
    assert len(gl.runs(old_store, trials=True)) == 11


def test_the_command(old_store, cli):
    ended = cli("migrate", "--store", old_store, "--json")
    assert ended.code == 0 and len(ended.json["moved"]) == 11 and ended.json["left"] == {}
    assert cli("migrate", "--store", old_store).out.startswith("0 runs migrated")
    assert cli("runs", "--store", old_store, "--json").code == 0


@pytest.mark.real_data
def test_runs_on_links_that_were_a_data_set_of_their_own_get_its_new_name(tmp_path):
    """As version 2 of the task had them; those of this version are other runs, since their metrics are calculated by
    another library."""
    new = make_plan("common-neighbours", "planetoid/cora@links-without-features").spec(0)
    old = replace(new, dataset="citation/cora-links", data="0" * 64, versions={**new.versions, "task": 2})
    result = Result("finished", "auroc", "max", 0, epochs=0, best_epoch=0, test={"auroc": 0.7, "ap": 0.7})
    store = Store(tmp_path)
    store.folder(old).begin()
    store.folder(old).finish(RunRecord(old, result, 1.0))
    assert gl.runs(tmp_path)["dataset"].tolist() == ["citation/cora-links"]
    (identity,) = gl.migrate(tmp_path).moved.values()
    (row,) = gl.runs(tmp_path).to_dict("records")
    assert row["dataset"] == new.dataset and row["test/auroc"] == 0.7 and row["id"] == identity != new.id
    assert store.folder(new).beside(identity).spec.data == new.data
    assert gl.migrate(tmp_path).moved == {}
