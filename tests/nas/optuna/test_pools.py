"""Workers that share a study in a folder: one at a time chooses, and only the dead lose their trials."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

import pytest

from graphlab.core.seeds import SeedStream
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.outcome import TrialStatus
from graphlab.nas.optuna.history import open_history, status_of
from graphlab.nas.strategies.evolution import Evolution
from graphlab.testing.searches import Letters, Score

FORK = multiprocessing.get_context("fork")


def worker(folder):
    space = Letters()
    objective = Score(space)
    strategy = Evolution(Evolution.Config(), space, objective, SeedStream(0))
    return SearchLoop(strategy, objective, open_history(folder, "study", strategy), Budget(3))


def take_and_wait(folder, pipe):
    loop = worker(folder)
    with loop.history.open():
        with loop.history.exclusive():
            trial = loop._ask()
        pipe.send((trial.number, dict(trial.choices)))
        pipe.recv()


def hold_and_wait(folder, pipe):
    with worker(folder).history.exclusive():
        pipe.send("held")
        pipe.recv()


@pytest.fixture
def start():
    """Starts another process, which ends when the test does."""
    processes = []

    def start(function, folder):
        here, there = FORK.Pipe()
        process = FORK.Process(target=function, args=(folder, there))
        process.start()
        processes.append(process)
        return process, here

    yield start
    for process in processes:
        process.kill()
        process.join()


def test_only_the_trial_of_a_dead_worker_is_made_again(tmp_path, start):
    other, pipe = start(take_and_wait, tmp_path)
    assert pipe.poll(60)
    number, choices = pipe.recv()
    mine = worker(tmp_path)

    def clear_up():
        with mine.history.open(), mine.history.exclusive():
            mine.history.fail_abandoned()
            mine._refresh()
        return status_of(mine.history.study.get_trials()[number])

    assert clear_up() is TrialStatus.OPEN, "its worker lives"
    os.kill(other.pid, signal.SIGKILL)
    other.join()
    assert clear_up() is TrialStatus.INTERRUPTED
    with mine.history.open(), mine.history.exclusive():
        again = mine._ask()
    assert again.index == 0 and again.number != number
    assert dict(again.choices) == choices
    mine._evaluate(again)
    mine.run()
    assert [outcome.index for outcome in sorted(mine.outcomes, key=lambda outcome: outcome.index)] == [0, 1, 2]


def test_one_worker_at_a_time_is_exclusive(tmp_path, start):
    """Another process has the turn: this one waits for it, also where the other is killed."""
    other, pipe = start(hold_and_wait, tmp_path)
    assert pipe.poll(60) and pipe.recv() == "held"
    entered = threading.Event()

    def enter():
        with worker(tmp_path).history.exclusive():
            entered.set()

    waiting = threading.Thread(target=enter, daemon=True)
    waiting.start()
    assert not entered.wait(0.3)
    os.kill(other.pid, signal.SIGKILL)
    assert entered.wait(30)
    waiting.join()
