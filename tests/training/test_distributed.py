"""Data-parallel runs under torchrun: two processes come to what one comes to, stop together and fail together."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from graphlab.experiment.run import run
from graphlab.records.store import Store
from graphlab.testing.examples import example
from tests.training import worker

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
PLAIN = {"model.dropout": 0.0, "training.epochs": 4}
# Twelve training graphs and 36 training triples: the last batch is odd, or a single item for two processes.
JOBS = {
    "node-classification": ("gcn", "node-classification", PLAIN),
    "node-classification, sampled": (
        "sage",
        "node-classification",
        PLAIN | {"task.batch_size": 5, "task.fan_outs": [3, 2]},
    ),
    "graph-classification, odd batches": ("gcn", "graph-classification", PLAIN | {"task.batch_size": 5}),
    "graph-classification, one left": ("gcn", "graph-classification", PLAIN | {"task.batch_size": 11}),
    "graph-regression": ("sage", "graph-regression", PLAIN | {"task.batch_size": 5, "training.clip_norm": 0.1}),
    "kg-transductive, one left": ("distmult", "kg-transductive", PLAIN | {"task.batch_size": 5}),
    "kg-inductive": ("nbfnet", "kg-inductive", {"training.epochs": 3, "task.batch_size": 8}),
}


def job(name, store, **extra):
    model, data, settings = JOBS[name]
    return {"model": model, "example": data, "settings": settings, "store": str(store), **extra}


def work(tmp_path, jobs):
    """Do the jobs on two processes."""
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps(jobs))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [*TORCHRUN, worker.__file__, str(file)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=1200)


def record(store):
    (found,) = Store(store).records()
    return found


def alone(name, store):
    model, data, settings = JOBS[name]
    (found,) = run(model, example(data), store=store, progress=False, **settings).records
    return found


def assert_same_run(found, expected):
    """Equal but for the order of sums."""
    assert found.id == expected.id
    assert found.result.status == "finished"
    assert found.result.best_epoch == expected.result.best_epoch
    assert found.result.validation == pytest.approx(expected.result.validation, rel=1e-4)
    assert found.result.test == pytest.approx(expected.result.test, rel=1e-4)
    assert len(found.curve) == len(expected.curve)
    for row, other in zip(found.curve, expected.curve, strict=True):
        assert row == pytest.approx(other, rel=1e-4)


@pytest.fixture(scope="module")
def two(made_once):
    """Stores of what two processes made of each job, trained, untrained and diverging."""

    def make(path):
        trained = [job(name, path / name, seeds=2) for name in JOBS]
        untrained = [job(name, path / "untrained" / name) for name in JOBS]
        for entry in untrained:
            entry["settings"] = entry["settings"] | {"training.epochs": 0}
        diverging = [job(name, path / "diverging" / name, nan=[1, 3]) for name in JOBS]
        done = work(path, trained + untrained + diverging)
        assert done.returncode == 0, done.stderr

    return made_once("two-processes", make)


@pytest.mark.parametrize("name", JOBS)
def test_two_processes_come_to_what_one_comes_to(two, tmp_path, name):
    first, second = Store(two / name).records()
    assert_same_run(first, alone(name, tmp_path))
    assert (first.seed, second.seed) == (0, 1)
    assert first.environment["processes"] == 2


@pytest.mark.parametrize("name", JOBS)
def test_evaluation_gathers_all_predictions_and_scores_once(two, tmp_path, name):
    model, data, settings = JOBS[name]
    (expected,) = run(model, example(data), store=tmp_path, progress=False, **settings | {"training.epochs": 0}).records
    found = record(two / "untrained" / name)
    assert found.result.validation == pytest.approx(expected.result.validation, rel=1e-6)
    assert found.result.test == pytest.approx(expected.result.test, rel=1e-6)
    exact = {"accuracy", "mrr", "hits@1"} & set(found.result.test)
    assert {key: found.result.test[key] for key in exact} == {key: expected.result.test[key] for key in exact}


@pytest.mark.parametrize("name", JOBS)
def test_a_shard_that_diverges_fails_the_run(two, name):
    found = record(two / "diverging" / name)
    assert found.result.status == "failed"
    assert "loss is nan in epoch" in found.result.error["message"]


@pytest.mark.slow
def test_stopping_one_process_stops_both_after_the_same_step(two, tmp_path):
    name = "graph-classification, odd batches"
    normalised = job(name, "") | {"model": "gin"}
    stops = [
        job(name, tmp_path / "gcn", stop=[1, 5]),
        normalised | {"store": str(tmp_path / "gin"), "stop": [0, 8]},
    ]
    done = work(tmp_path, stops)
    assert done.returncode == 1, done.stderr
    for store, position in (("gcn", (2, 2)), ("gin", (3, 2))):
        (folder,) = (p.parent for p in (tmp_path / store).glob("*/spec.json"))
        assert sorted(p.name for p in folder.iterdir()) == ["last.pt", "spec.json"]
        progress = torch.load(folder / "last.pt", weights_only=True)["progress"]
        assert (progress["epoch"], progress["step"]) == position
    shutil.copytree(tmp_path / "gcn", tmp_path / "one")

    again = [job(name, tmp_path / "gcn"), normalised | {"store": str(tmp_path / "gin")}]
    whole = normalised | {"store": str(tmp_path / "gin-whole")}
    done = work(tmp_path, [*again, whole])
    assert done.returncode == 0, done.stderr
    uninterrupted = Store(two / name).records()[0]
    for found, expected in (
        (record(tmp_path / "gcn"), uninterrupted),
        (record(tmp_path / "gin"), record(tmp_path / "gin-whole")),
    ):
        assert (found.result, found.curve) == (expected.result, expected.curve)
    assert_same_run(alone(name, tmp_path / "one"), uninterrupted)


@pytest.mark.slow
def test_a_process_that_fails_takes_the_other_with_it(tmp_path):
    done = work(tmp_path, [job("node-classification", tmp_path / "store", fail=[0, 2])])
    assert done.returncode == 1
    assert "this process fails" in done.stderr
    assert record(tmp_path / "store").result.status == "unfinished"
