"""The driver: every evaluation once, none lost, and the same trials after an interruption."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from graphlab.core.config import Choices
from graphlab.nas.driver.ledger import RESULT, SAME_AS, SLOT, Fate, fate
from graphlab.nas.driver.study import open_storage
from tests.nas.conftest import Score

OWN = ["evolution", "local-search", "agnn", "graphnas"]
OPTUNAS = ["random", "tpe", "nsga2"]
ALL = [*OWN, *OPTUNAS]


def named(explorer):
    return [outcome.key for outcome in explorer.ledger.outcomes]


@pytest.fixture
def score():
    from tests.nas.conftest import Score

    return Score


@pytest.mark.parametrize("strategy", ALL)
def test_as_many_different_architectures_as_were_asked_for(strategy, letters, score, explore):
    objective = score(letters)
    explorer = explore(strategy, letters, objective, 40)
    assert len(named(explorer)) == len(set(named(explorer))) == 40
    assert objective.calls == named(explorer)
    trials = explorer.study.get_trials(deepcopy=False)
    done = [trial.user_attrs[SLOT] for trial in trials if fate(trial) is Fate.DONE]
    assert sorted(done) == list(range(40))


@pytest.mark.parametrize("strategy", ALL)
def test_architectures_that_are_the_same_are_evaluated_once(strategy, toy, score, explore):
    objective = score(toy)
    explorer = explore(strategy, toy, objective, 30)
    assert len(set(objective.calls)) == len(objective.calls) == 30
    assert all("z" not in outcome.values.values() for outcome in explorer.ledger.outcomes)
    assert all(outcome.values["depth"] != 4 for outcome in explorer.ledger.outcomes)


@pytest.mark.parametrize("strategy", ALL)
@pytest.mark.parametrize("seed", [0, 7])
def test_a_seed_gives_the_same_trials_and_another_seed_others(strategy, seed, letters, score, explore):
    first, again, other = (explore(strategy, letters, score(letters), 30, seed=s) for s in (seed, seed, seed + 1))
    assert named(first) == named(again) != named(other)


@pytest.mark.parametrize("strategy", ALL)
@pytest.mark.parametrize("stop_at", [1, 17])
def test_a_search_that_was_stopped_ends_with_the_same_trials(strategy, stop_at, letters, score, explore, tmp_path):
    whole = explore(strategy, letters, score(letters), 30, where=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        explore(strategy, letters, score(letters, stop_at=stop_at), 30, where=tmp_path / "stopped")
    rest = score(letters)
    continued = explore(strategy, letters, rest, 30, where=tmp_path / "stopped")
    assert named(continued) == named(whole)
    assert [one.objectives for one in continued.ledger.outcomes] == [one.objectives for one in whole.ledger.outcomes]
    assert len(rest.calls) == 30 - stop_at


@pytest.mark.parametrize("strategy", ALL)
def test_more_trials_continue_a_search(strategy, letters, score, explore, tmp_path):
    first = explore(strategy, letters, score(letters), 12, where=tmp_path)
    more = score(letters)
    second = explore(strategy, letters, more, 20, where=tmp_path)
    assert named(second)[:12] == named(first)
    assert len(more.calls) == 8


def test_a_search_that_is_done_evaluates_nothing(letters, score, explore, tmp_path):
    explore("random", letters, score(letters), 10, where=tmp_path)
    again = score(letters)
    explore("random", letters, again, 10, where=tmp_path)
    assert again.calls == []


def test_a_space_that_is_used_up_ends_the_search(letters, score, explore):
    letters.decisions = letters.decisions[:2]
    explorer = explore("random", letters, score(letters), 40)
    assert len(named(explorer)) == 25
    assert explorer.exhausted


def test_what_diverges_is_on_record_and_counts(letters, score, explore):
    letters.decisions = tuple(replace(one, range=Choices(("d", "e"))) for one in letters.decisions)
    objective = score(letters)
    explorer = explore("random", letters, objective, 16)
    failed = [one for one in explorer.ledger.outcomes if one.state == "failed"]
    assert [("".join(one.values.values()), one.error, one.score) for one in failed] == [
        ("eeee", "the loss is nan", None)
    ]
    assert len(objective.calls) == 16


def test_pruning_stops_what_is_worse_than_the_median(letters, score, explore):
    pruner = optuna.pruners.MedianPruner(n_startup_trials=5)
    explorer = explore("random", letters, score(letters, steps=3), 40, pruner=pruner)
    states = [one.state for one in explorer.ledger.outcomes]
    assert len(states) == 40
    assert states[:5] == ["finished"] * 5
    assert 5 < states.count("pruned") < 35


def test_a_repeated_name_costs_nothing_and_says_whose_it_is(letters, score, explore):
    letters.decisions = letters.decisions[:2]
    explorer = explore("random", letters, score(letters), 20)
    trials = explorer.study.get_trials(deepcopy=False)
    repeats = [trial for trial in trials if SAME_AS in trial.user_attrs.get(RESULT, {})]
    assert explorer.ledger.repeats.total() == len(repeats) > 0
    for trial in repeats:
        first = trials[trial.user_attrs[RESULT][SAME_AS]]
        assert trial.params == first.params
        assert trial.values is None
        assert first.values


def test_several_objectives_are_all_told(letters, score, explore):
    explorer = explore("nsga2", letters, score(letters, names=("validation", "parameters")), 60)
    best = explorer.study.best_trials
    assert all(len(trial.values) == 2 for trial in best)
    every = [one.objectives for one in explorer.ledger.outcomes]
    for (a, b), (c, d) in itertools.product([tuple(t.values) for t in best], every):
        assert not (c >= a and d <= b and (c, d) != (a, b))


@pytest.mark.parametrize("strategy", ["evolution", "local-search", "agnn"])
def test_our_strategies_beat_chance(strategy, letters, score, explore):
    """On the mean over seeds: the objective has no local optimum."""
    found = {
        name: sum(
            max(one.score or 0 for one in explore(name, letters, score(letters), 60, seed=seed).ledger.outcomes)
            for seed in range(5)
        )
        for name in (strategy, "random")
    }
    assert found[strategy] > found["random"]


class TakenForDead(Score):
    """At its first evaluation somebody else fails the trial, as of a worker that gave no sign of life for too long."""

    folder: Path

    def evaluate(self, values, on_step):
        if not self.calls:
            study = optuna.load_study(study_name="study", storage=open_storage(self.folder, "study"))
            study.tell(study.trials[-1].number, state=TrialState.FAIL)
        return super().evaluate(values, on_step)


def test_a_worker_that_was_taken_for_dead_goes_on(letters, explore, tmp_path):
    objective = TakenForDead(letters)
    objective.folder = tmp_path
    found = explore("random", letters, objective, 5, where=tmp_path)
    assert sorted(one.slot for one in found.ledger.outcomes) == [0, 1, 2, 3, 4]
    assert len(objective.calls) == 6 and objective.calls[0] == objective.calls[1]
