"""The loop of a search: ask, evaluate, tell, on as many processes as share the study."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from optuna import Study, Trial, TrialPruned
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from graphlab.core.errors import DivergenceError, GraphLabError, StoreError
from graphlab.experiment.execute import OutOfMemoryError, UnforeseenError, is_out_of_memory
from graphlab.nas.driver.crew import Crew
from graphlab.nas.driver.ledger import ATTEMPT, RESULT, SAME_AS, Ledger, Outcome
from graphlab.nas.driver.study import quiet_optuna
from graphlab.nas.objectives.objective import Objective
from graphlab.nas.space import Architecture, Space

MOST_ASKED = 100
"""Askings for one evaluation after which a strategy that only names what is known has nothing left to name."""

POLL_SECONDS = 0.1

OnOutcome = Callable[[Outcome, int], None]
"""Told of each outcome of the study, whoever's, and how many there are with it."""


class Explorer:
    """One worker at a study of `count` evaluations.

    Every evaluation is a slot, which one worker at a time has, so that none is lost and none counted twice. A trial
    that names an architecture which was evaluated before ends there, failed in Optuna's words, and its slot is open
    again.

    outcomes   of the evaluations that were asked for; the study may have more, of a longer search
    exhausted  whether the strategy has nothing new to name
    """

    def __init__(self, study: Study, crew: Crew, space: Space, objective: Objective, count: int) -> None:
        self.study, self.crew, self.space, self.objective, self.count = study, crew, space, objective, count
        self.ledger = Ledger(study, space)
        self.outcomes: list[Outcome] = []
        self.exhausted = False
        self._on_outcome: OnOutcome = lambda outcome, number: None

    def explore(self, on_outcome: OnOutcome = lambda outcome, number: None) -> None:
        """Work until every evaluation is done, by whomever, or the strategy has nothing new to name.

        Goes on where an earlier search stopped.
        """
        self._on_outcome = on_outcome
        with quiet_optuna(), self.crew.joined():
            with self.crew.alone():
                self.crew.give_up_the_dead(self.study)
            while not self.exhausted:
                with self.crew.alone():
                    trial = self._take()
                if len(self.outcomes) >= self.count:
                    return
                if trial is None:
                    time.sleep(POLL_SECONDS)
                    continue
                # Who was taken for dead meanwhile goes on with another trial: whoever has this one finds its runs.
                with self.crew.at_work(trial), suppress(UpdateFinishedTrialError):
                    self._evaluate(trial)
            self._wait_for_the_others()

    def _wait_for_the_others(self) -> None:
        """Until what they have in hand is evaluated, or lost with them."""
        while True:
            with self.crew.alone():
                self.crew.give_up_the_dead(self.study)
                self._read()
            if all(trial.state == TrialState.WAITING for trial in self.ledger.in_hand):
                return
            time.sleep(POLL_SECONDS)

    def _read(self) -> None:
        for outcome in self.ledger.refresh():
            if outcome.slot < self.count:
                self.outcomes.append(outcome)
                self._on_outcome(outcome, len(self.outcomes))

    def _take(self) -> Trial | None:
        """A trial for the first evaluation that is open; None if all are done or other workers have the rest.

        One that was cut off has the choices that it had, so that it goes on where it stood. To be called alone.
        """
        self._read()
        if not self.ledger.waiting:
            slot = self.ledger.open_slot(self.count)
            if slot is None:
                self.crew.give_up_the_dead(self.study)
                return None
            self.study.enqueue_trial(dict(slot.choices), user_attrs=slot.marks)
        trial = self.study.ask()
        suggest(self.space, trial)  # before another worker asks, so that it is not told to do the same
        self.crew.take(trial)
        return trial

    def _evaluate(self, trial: Trial) -> None:
        raw = trial.params
        if not self.space.is_valid(raw):
            self._tell(trial, "", {SAME_AS: None})
            return
        values = self.space.canonical(raw)
        key = self.space.key(values)

        def on_step(step: int, value: float) -> None:
            if len(self.objective.names) > 1:
                return  # Optuna prunes by one objective alone
            trial.report(value, step)
            if trial.should_prune():
                raise TrialPruned

        if key in self.ledger.by_key:
            self._tell(trial, key, {})
            return
        try:
            found = self.objective.evaluate(values, on_step)
            _check_numbers(found.metrics)
        except TrialPruned:
            self._tell(trial, key, {}, state=TrialState.PRUNED)
        except StoreError:
            raise  # nothing more can be written down
        except GraphLabError as error:
            self._tell(trial, key, {"error": error.message})
        except Exception as error:
            failure = OutOfMemoryError(error) if is_out_of_memory(error) else UnforeseenError(error)
            self._tell(trial, key, {"error": failure.message, "traceback": failure.traceback})
        else:
            for metric, beyond in self.objective.excess(found.metrics).items():
                trial.set_constraint(metric, beyond)
            result = {"metrics": dict(found.metrics), "runs": list(found.runs)}
            self._tell(trial, key, result, self._values(found.metrics))

    def _values(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """By objective, the worst that can be where a limit was broken before anything was measured."""
        worst = {"maximize": -math.inf, "minimize": math.inf}
        directions = self.objective.directions
        return tuple(metrics.get(name, worst[directions[name]]) for name in self.objective.names)

    def _tell(
        self,
        trial: Trial,
        key: str,
        result: dict[str, Any],
        values: tuple[float, ...] = (),
        state: TrialState = TrialState.FAIL,
    ) -> None:
        """What came of a trial; nothing, where its architecture was evaluated before or by another worker meanwhile."""
        with self.crew.alone():
            self._read()
            known = self.ledger.by_key.get(key)
            if known:
                result, values, state = {SAME_AS: known.number}, (), TrialState.FAIL
            trial.set_user_attr(RESULT, {"key": key, **result})
            if values:
                self.study.tell(trial, list(values))
            else:
                self.study.tell(trial, state=state)
        if SAME_AS in result:
            self.exhausted = trial.user_attrs[ATTEMPT] + 1 >= MOST_ASKED


def _check_numbers(metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise DivergenceError(f"{name} is {value}")


def suggest(space: Space, trial: Trial) -> None:
    """Write down the decisions that are made, in order, as the study's sampler chooses them."""
    values: Architecture = {}
    for decision in space.decisions:
        if decision.is_made(values):
            values[decision.name] = trial._suggest(decision.name, decision.distribution)
