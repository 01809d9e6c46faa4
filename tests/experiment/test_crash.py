"""Runs that are killed, shared between processes, or out of disk: nothing done twice, nothing lost."""

import errno
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from graphlab.core.errors import StoreError
from graphlab.experiment import execute as execute_module
from graphlab.experiment.run import run
from graphlab.records.store import Store
from graphlab.task.kinds.node_classification import NodeClassification
from graphlab.testing.examples import example
from graphlab.training import loop

FORK = multiprocessing.get_context("fork")


SAMPLED = {"training.epochs": 4, "task.batch_size": 5, "task.fan_outs": (3, 2)}


def go_sampled(store, dies_in_step=None):
    """Train on sampled mini-batches, with a checkpoint after each step, and die in the step of this process that is
    named."""
    loop.CHECKPOINT_SECONDS = -1.0
    steps, compute = [], NodeClassification.loss

    def loss(task, learner, batch):
        steps.append(batch)
        if len(steps) == dies_in_step:
            os.kill(os.getpid(), signal.SIGKILL)
        return compute(task, learner, batch)

    NodeClassification.loss = loss
    run("sage", example("node-classification"), store=store, progress=False, **SAMPLED)


def test_sampled_mini_batches_killed_in_every_step_come_to_the_same_bits(tmp_path):
    """Three steps an epoch, twelve in all; each process but the last does one and dies in the next."""

    def child(store, *rest):
        process = FORK.Process(target=go_sampled, args=(store, *rest))
        process.start()
        process.join()
        return process.exitcode

    assert child(tmp_path / "whole") == 0
    deaths = 0
    while child(tmp_path / "killed", 2) == -signal.SIGKILL:
        deaths += 1
        (last,) = (tmp_path / "killed").glob("*/last.pt")
        progress = torch.load(last, weights_only=True)["progress"]
        assert 3 * (progress["epoch"] - 1) + progress["step"] == deaths
    assert deaths == 11
    assert len(records_of(tmp_path / "whole")) == 1
    assert records_of(tmp_path / "killed") == records_of(tmp_path / "whole")


def go(store, seeds, log=None, epochs=400):
    """Run the seeds in this process, quietly, with frequent checkpoints; append to `log` each run that is executed."""
    loop.CHECKPOINT_SECONDS = 0.02
    execute = execute_module._execute

    def logged(plan, spec, *rest):
        record = execute(plan, spec, *rest)
        with Path(log).open("a") as file:
            file.write(f"{spec.seed}\n")
        return record

    if log:
        execute_module._execute = logged
    settings = {"training.epochs": epochs, "training.evaluate_every": 7}
    run("gcn", example("node-classification"), seeds=seeds, store=store, progress=False, **settings)


def records_of(store):
    """What a run leaves that must not depend on how often it was stopped."""
    found = {}
    for folder in sorted(p.parent for p in Path(store).glob("*/result.json")):
        best = torch.load(folder / "best.pt", weights_only=True)
        found[folder.name] = (
            (folder / "spec.json").read_bytes(),
            (folder / "result.json").read_bytes(),
            (folder / "metrics.json").read_bytes(),
            best["epoch"],
            {name: tensor.numpy().tobytes() for name, tensor in best["model"].items()},
        )
    return found


def test_killed_twenty_times_and_continued_equals_uninterrupted(tmp_path):
    started = time.monotonic()
    go(tmp_path / "whole", 5, epochs=200)
    seconds = time.monotonic() - started
    expected = records_of(tmp_path / "whole")
    assert len(expected) == 5

    dice, kills, rounds, positions = random.Random(7), 0, 0, set()
    store = tmp_path / "killed-0"
    while kills < 20 or records_of(store) != expected:
        child = FORK.Process(target=go, args=(store, 5), kwargs={"epochs": 200})
        child.start()
        child.join(dice.uniform(0.0, seconds / 6) if kills < 20 else None)
        if child.exitcode is None:
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            kills += 1
            checkpoints = [torch.load(p, weights_only=True)["progress"] for p in store.glob("*/last.pt")]
            positions |= {progress["epoch"] for progress in checkpoints}
        found = records_of(store)
        assert all(expected[name] == record for name, record in found.items())
        if len(found) == 5 and kills < 20:
            rounds += 1
            store = tmp_path / f"killed-{rounds}"
    assert len(positions) > 5, "no kill fell inside a run"


def test_two_processes_share_ten_seeds(tmp_path):
    log = tmp_path / "log"
    workers = [FORK.Process(target=go, args=(tmp_path / "store", 10, log, 100)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(1200)
    assert [worker.exitcode for worker in workers] == [0, 0]
    executed = sorted(int(line) for line in log.read_text().split())
    assert executed == list(range(10))
    assert sorted(r.seed for r in Store(tmp_path / "store").records()) == list(range(10))


def test_a_second_call_executes_nothing(tmp_path):
    go(tmp_path / "store", 2, tmp_path / "first")
    go(tmp_path / "store", 3, tmp_path / "second")
    assert (tmp_path / "second").read_text().split() == ["2"]


def test_a_run_whose_owner_died_is_taken_over(tmp_path):
    child = FORK.Process(target=go, args=(tmp_path / "store", 1))
    child.start()
    while not list((tmp_path / "store").glob("*/last.pt")):
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    (folder,) = [p.parent for p in (tmp_path / "store").glob("*/last.pt")]
    assert not (folder / "result.json").exists()
    assert [r.result.status for r in Store(tmp_path / "store").records()] == ["unfinished"]
    go(tmp_path / "store", 1)
    go(tmp_path / "fresh", 1)
    assert records_of(tmp_path / "store") == records_of(tmp_path / "fresh")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_stops_with_one_clear_error_and_the_run_goes_on_later(tmp_path, monkeypatch, number):
    go(tmp_path / "store", 1)
    before = records_of(tmp_path / "store")
    calls = []

    def fsync(handle):
        calls.append(handle)
        if len(calls) > 3:
            raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(StoreError, match=os.strerror(number)) as caught:
            go(tmp_path / "store", 2)
    assert caught.value.exit_code == 1
    assert records_of(tmp_path / "store") == before
    assert not list((tmp_path / "store").glob("*/.*.tmp"))
    go(tmp_path / "store", 2)
    go(tmp_path / "fresh", 2)
    assert records_of(tmp_path / "store") == records_of(tmp_path / "fresh")
