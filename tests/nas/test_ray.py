"""A search on a real Ray cluster of this machine, one of whose workers is killed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

import graphlab as gl
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.nas.objectives.training import TrainingObjective

PATIENCE = 600.0


def kill_one_that_works(folder: Path, killed: list[int], done: threading.Event) -> None:
    """The first other process that holds a place among the workers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for lock in folder.glob("*/workers/*-*.lock"):
            pid = int(lock.name.partition("-")[0])
            if pid != os.getpid():
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
                done.set()
                return
        time.sleep(0.05)


def test_a_killed_worker_is_started_again_and_nothing_is_lost(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason='needs Ray: pip install "graphlab[ray]"')
    monkeypatch.setenv("PYTHONPATH", str(Path(gl.__file__).parents[1]))
    killed: list[int] = []
    done = threading.Event()
    killer = threading.Thread(target=kill_one_that_works, args=(tmp_path / "searches", killed, done))
    killer.start()
    evaluate = TrainingObjective.evaluate

    def after_the_kill(*arguments):
        """In this process, which would be done with the search before the cluster has started."""
        assert done.wait(PATIENCE)
        return evaluate(*arguments)

    monkeypatch.setattr(TrainingObjective, "evaluate", after_the_kill)
    found = gl.search(
        "random",
        "karate",
        space="gcn",
        trials=16,
        on="validation",
        store=tmp_path,
        workers=3,
        launcher="ray",
        **{"training.epochs": 40},
    )
    killer.join()
    assert len(killed) == 1
    assert len(found.outcomes) == len({outcome.key for outcome in found.outcomes}) == 16
    runs = [run for outcome in found.outcomes for run in outcome.runs]
    assert len(runs) == len(set(runs)) == 16
    others = {lock.name.partition("-")[0] for lock in (tmp_path / "searches").glob("*/workers/*-*.lock")}
    assert str(killed[0]) in others  # it could not clear up after itself


def test_a_machine_without_ray_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="needs Ray"):
        gl.search("random", "karate", space="gcn", trials=2, on="validation", store=tmp_path, workers=2, launcher="ray")


def test_a_launcher_of_another_name_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="'rey'"):
        gl.search("random", "karate", space="gcn", trials=2, store=tmp_path, launcher="rey")
