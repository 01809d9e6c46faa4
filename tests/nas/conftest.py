"""Spaces to search, and two workers that wait for each other."""

from __future__ import annotations

import os
import time

import pytest

from graphlab.nas.driver.explorer import Explorer
from graphlab.nas.driver.ledger import WORKER, Fate, fate
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
        evaluate = Explorer._evaluate

        def wait_and_evaluate(explorer, trial):
            self._wait(lambda: self._others(explorer))
            evaluate(explorer, trial)

        self._patch.setattr(Explorer, "_evaluate", wait_and_evaluate)

    def before_it_asks(self):
        """It asks for nothing until the other one has evaluated something."""
        explore = Explorer.explore

        def wait_and_explore(explorer, on_outcome):
            self._wait(lambda: any(fate(trial) is Fate.DONE for trial in self._others(explorer)))
            explore(explorer, on_outcome)

        self._patch.setattr(Explorer, "explore", wait_and_explore)

    def worker_of(self, outcome, study):
        return study.trials[outcome.number].user_attrs[WORKER]

    def is_mine(self, outcome, study):
        return self.worker_of(outcome, study).startswith(f"{os.getpid()}-")

    def _others(self, explorer):
        trials = explorer.study.get_trials(deepcopy=False)
        return [trial for trial in trials if trial.user_attrs.get(WORKER, explorer.crew.name) != explorer.crew.name]

    def _wait(self, come):
        deadline = time.monotonic() + self.patience
        while not come():
            assert time.monotonic() < deadline, "nobody else joined the search"
            time.sleep(0.01)


@pytest.fixture
def together(monkeypatch):
    return Together(monkeypatch)


@pytest.fixture
def explore():
    """`graphlab.testing.searches.explore`."""
    return searches.explore
