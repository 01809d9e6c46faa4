"""Histories: one in memory and one that is a study come to the same, whatever becomes of their trials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.history import MemoryHistory
from graphlab.nas.core.outcome import TrialResult
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.optuna.history import open_history
from graphlab.nas.strategies.evolution import Evolution
from graphlab.testing.searches import Score, Toy

SPACE = Toy()
COUNT = 6
ENDS = ("finished", "infeasible", "pruned", "failed", "repeated", "abandoned", "abandoned early")


def histories():
    objective = Score(SPACE)
    strategy = Evolution(Evolution.Config(), SPACE, objective, SeedStream(0))
    return MemoryHistory(SPACE, objective.optimised), open_history(None, "study", strategy)


def end(history, trial, how, score):
    if how.startswith("abandoned"):
        history.fail_abandoned()
        return
    key = SPACE.key(trial.choices)
    metrics = {"metrics": {"validation": score}, "runs": ["0123456789abcdef"]}
    result = {
        "finished": TrialResult(key, (score,), {"parameters": -0.5}, record=metrics),
        "infeasible": TrialResult(key, (score,), {"parameters": 0.25, "bits": 0.5}, record=metrics),
        "pruned": TrialResult(key, pruned=True),
        "failed": TrialResult(key, record={"error": "the loss is nan"}),
        "repeated": TrialResult.repeat(key, 0),
    }[how]
    history.finish(trial, result)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ENDS), st.integers(0, 5)), max_size=15))
def test_a_history_in_memory_is_that_of_a_study(steps):
    memory, study = histories()
    for how, seed in steps:
        started = [history.start(COUNT) for history in (memory, study)]
        if None in started:
            assert started == [None, None]
            break
        facts = [(trial.number, trial.index, trial.attempt, trial.proposal) for trial in started]
        assert facts[0] == facts[1]
        proposal = started[0].proposal or Proposal(SPACE.sample(np.random.default_rng(seed)), {"seed": seed})
        for history, trial in zip((memory, study), started, strict=True):
            if how != "abandoned early":
                trial.record(proposal)
                assert trial.choices == proposal.choices
            end(history, trial, how, float(seed))
            history.refresh()
    assert [replace(outcome, seconds=0.0) for outcome in memory.outcomes] == [
        replace(outcome, seconds=0.0) for outcome in study.outcomes
    ]
    assert memory.repeats == study.repeats and memory.repeated == study.repeated
    assert memory.by_key.keys() == study.by_key.keys()


def test_each_evaluation_is_open_until_it_is_done():
    memory, _ = histories()
    proposal = Proposal(SPACE.sample(np.random.default_rng(0)))
    expected = [(0, 0), (0, 0), (0, 1), (0, 2), (1, 0)]
    for (index, attempt), how in zip(
        expected, ("abandoned", "repeated", "repeated", "failed", "finished"), strict=True
    ):
        trial = memory.start(2)
        assert (trial.index, trial.attempt) == (index, attempt)
        trial.record(proposal)
        end(memory, trial, how, 1.0)
    assert memory.start(2) is None
    assert [(outcome.index, outcome.state) for outcome in memory.refresh()] == [(0, "failed"), (1, "finished")]
    assert memory.refresh() == []


def test_choices_that_are_no_architecture_are_refused_and_those_of_no_network_are_no_candidate():
    """Depth 4 of this space is no network, and "z" means "y"."""
    choices = {"a": "z", "b": 2, "depth": 1, "rate": 0.1}
    candidate = SPACE.candidate(choices)
    assert (candidate.choices, candidate.architecture) == (choices, {**choices, "a": "y"})
    assert candidate.key == SPACE.key(choices) == SPACE.key({**choices, "a": "y"})
    assert SPACE.candidate({**choices, "depth": 4}) is None
    with pytest.raises(InputError, match="the value 9 for b"):
        SPACE.candidate({**choices, "b": 9})
    with pytest.raises(InputError, match="no value for depth"):
        SPACE.checked({"a": "z", "b": 2, "rate": 0.1})
