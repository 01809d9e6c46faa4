"""Spaces to search, and two workers that wait for each other."""

from __future__ import annotations

import os
import time

import pytest

from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.outcome import TrialStatus
from graphlab.nas.optuna.history import status_of
from graphlab.nas.optuna.pools import WORKER
from graphlab.testing import searches
from graphlab.testing.searches import Letters, Toy


@pytest.fixture
def toy():
    return Toy()


@pytest.fixture
def letters():
    return Letters()


class Together:
    """Makes this process, one of two workers at a search, wait for the other. A search that nobody joins fails."""

    patience = 300.0

    def __init__(self, monkeypatch):
        self._patch = monkeypatch

    def before_it_evaluates(self):
        """Its trial waits in its hand until the other one has a trial too."""
        evaluate = SearchLoop._evaluate

        def wait_and_evaluate(loop, trial):
            self._wait(lambda: self._others(loop))
            evaluate(loop, trial)

        self._patch.setattr(SearchLoop, "_evaluate", wait_and_evaluate)

    def before_it_asks(self):
        """It asks for nothing until the other one has evaluated something."""
        run = SearchLoop.run

        def wait_and_run(loop, on_outcome):
            self._wait(lambda: any(status_of(trial) is TrialStatus.EVALUATED for trial in self._others(loop)))
            run(loop, on_outcome)

        self._patch.setattr(SearchLoop, "run", wait_and_run)

    def worker_of(self, outcome, study):
        return study.trials[outcome.number].user_attrs[WORKER]

    def is_mine(self, outcome, study):
        return self.worker_of(outcome, study).startswith(f"{os.getpid()}-")

    def _others(self, loop):
        trials = loop.history.study.get_trials(deepcopy=False)
        return [
            trial for trial in trials if trial.user_attrs.get(WORKER, loop.history.pool.name) != loop.history.pool.name
        ]

    def _wait(self, come):
        deadline = time.monotonic() + self.patience
        while not come():
            assert time.monotonic() < deadline, "nobody else joined the search"
            time.sleep(0.01)


@pytest.fixture
def together(monkeypatch):
    return Together(monkeypatch)


@pytest.fixture
def run_search():
    """`graphlab.testing.searches.run_search`."""
    return searches.run_search
