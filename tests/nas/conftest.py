"""A small space with conditional decisions and an equal pair of options, and an objective that counts its calls."""

from __future__ import annotations

import os
import time

import pytest

from graphlab.core.config import Choices, FloatRange, IntRange
from graphlab.core.errors import DivergenceError
from graphlab.core.seeds import SeedStream
from graphlab.nas.driver.explorer import Explorer
from graphlab.nas.driver.ledger import WORKER, Fate, fate
from graphlab.nas.driver.study import open_study
from graphlab.nas.objectives.objective import Evaluation, Objective
from graphlab.nas.registry import find_strategy
from graphlab.nas.space import Decision, Space


class Toy(Space):
    """`b` is made where `a` is not "x"; the values "y" and "z" of `a` mean the same; depth 4 is no network."""

    name = "toy"
    decisions = (
        Decision("a", Choices(("x", "y", "z")), "letter"),
        Decision("b", Choices((1, 2, 3, 4, 5)), "digit", {"a": ("y", "z")}),
        Decision("depth", IntRange(1, 4), "depth"),
        Decision("rate", FloatRange(0.001, 1.0, log=True), "rate"),
    )

    def canonical(self, values):
        made = self.made(values)
        return {**made, "a": "y"} if made["a"] == "z" else made

    def is_valid(self, values):
        return values["depth"] != 4

    def settings(self, values):
        return "toy", dict(values)


class Letters(Space):
    """Four choices of five: 625 architectures, all different."""

    name = "letters"
    decisions = tuple(Decision(f"letter_{i}", Choices(tuple("abcde")), "letter") for i in range(4))

    def settings(self, values):
        return "letters", dict(values)


class Score(Objective):
    """Letters from `a` on are worth more; "eeee" diverges. `calls` lists the keys that were evaluated."""

    directions = {"validation": "maximize", "parameters": "minimize"}

    def __init__(self, space, names=("validation",), stop_at=None, steps=0):
        self.space, self.names, self.calls, self.stop_at, self.steps = space, names, [], stop_at, steps
        self.check_names()

    @property
    def identity(self):
        return {"objectives": list(self.names)}

    def evaluate(self, values, on_step):
        if len(self.calls) == self.stop_at:
            raise KeyboardInterrupt
        self.calls.append(self.space.key(values))
        word = "".join(str(value) for value in values.values())
        if word == "eeee":
            raise DivergenceError("the loss is nan")
        score = sum("edcba".index(letter) * 5**-i for i, letter in enumerate(word) if letter in "abcde")
        for step in range(self.steps):
            on_step(step, score)
        return Evaluation({"validation": score, "parameters": float(word.count("a"))})


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
    """`explore(strategy, space, objective, count, where=None, seed=0)` gives the Explorer when it has ended."""

    def run(strategy, space, objective, count, where=None, seed=0, pruner=None, **settings):
        found = find_strategy(strategy)
        config = found.Config.parse(settings, where=strategy)
        made = found(config, space, objective, SeedStream(seed))
        directions = [objective.directions[name] for name in objective.names]
        study, crew = open_study(where, "study", made.sampler(), directions, pruner)
        explorer = Explorer(study, crew, space, objective, count)
        explorer.explore()
        return explorer

    return run
