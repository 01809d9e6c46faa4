"""The loop of a search: ask, evaluate, tell, on as many processes as share the history."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from graphlab.core.errors import DivergenceError, GraphLabError, StoreError
from graphlab.experiment.execute import OutOfMemoryError, UnforeseenError, is_out_of_memory
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.fidelity import Fidelity
from graphlab.nas.core.history import History, Trial
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.outcome import Outcome, PrunedError, TrialResult
from graphlab.nas.core.race import Race, RaceConfig
from graphlab.nas.core.schedule import Schedule
from graphlab.nas.core.space import Architecture
from graphlab.nas.core.strategy import Proposal, Strategy

MOST_ATTEMPTS = 100
"""Trials for one evaluation after which a strategy that only names what is known has nothing left to name."""

POLL_SECONDS = 0.1

OnOutcome = Callable[[Outcome, int], None]
"""Called with each outcome of the search, whichever worker's, and how many there are with it."""


H = TypeVar("H", bound=History)


class SearchLoop(Generic[H]):
    """One worker at a search.

    Each evaluation has an index, and one worker at a time has it, so that none is lost and none counted twice. A trial
    that names an architecture which was evaluated before ends there, and its evaluation is open again.

    Args:
        budget: How long it goes on.
        starts: Hand-set networks by name, which are evaluated first.
        race: How architectures race; None evaluates each at once and whole.
        num_seeds: Seeds that a race has.

    Attributes:
        outcomes: Those of the requested evaluations; the history may have more, of a longer search.
        schedule: What evaluations are for, where that does not depend on the strategy.
        exhausted: Whether the strategy has nothing new to name.
        is_over: Whether the budget has no room for the next evaluation.
    """

    def __init__(
        self,
        strategy: Strategy,
        objective: Objective,
        history: H,
        budget: Budget,
        *,
        starts: Mapping[str, Architecture] | None = None,
        race: RaceConfig | None = None,
        num_seeds: int = 1,
    ) -> None:
        self.strategy, self.objective, self.history, self.budget = strategy, objective, history, budget
        cost = objective.whole_cost
        if race:
            self.schedule: Schedule = Race(history, starts or {}, cost, race, num_seeds)
        else:
            self.schedule = Schedule(history, starts or {}, cost * num_seeds)
        history.planned = self.schedule.planned
        self.outcomes: list[Outcome] = []
        self.exhausted = self.is_over = False
        self._on_outcome: OnOutcome = lambda outcome, number: None

    def run(self, on_outcome: OnOutcome = lambda outcome, number: None) -> None:
        """Work until every evaluation is done, by whomever, the budget is spent, or the strategy has nothing new.

        Goes on where an earlier search stopped.
        """
        self._on_outcome = on_outcome
        with self.history.open():
            with self.history.exclusive():
                self.history.fail_abandoned()
            while not self.exhausted and not self.is_over:
                with self.history.exclusive():
                    trial = self._ask()
                if len(self.outcomes) >= self.budget.count:
                    return
                if trial is None and self.is_over:
                    break
                if trial is None:
                    time.sleep(POLL_SECONDS)
                    continue
                with self.history.working_on(trial):
                    self._evaluate(trial)
            self._wait_for_other_workers()

    def _wait_for_other_workers(self) -> None:
        """Until what they evaluate is over, or lost with them."""
        while True:
            with self.history.exclusive():
                self.history.fail_abandoned()
                self._refresh()
            if not self.history.under_way():
                return
            time.sleep(POLL_SECONDS)

    def _refresh(self) -> None:
        for outcome in self.history.refresh():
            if outcome.index < self.budget.count:
                self.outcomes.append(outcome)
                self._on_outcome(outcome, len(self.outcomes))

    def _ask(self) -> Trial | None:
        """A trial for the first evaluation that is open; None if all are done or other workers have the rest.

        One that was interrupted has the choices that it had, so that it goes on where it stood. They are written down
        before another worker asks, so that it is not told to do the same.
        """
        self._refresh()
        self.is_over = not self._has_room()
        trial = None if self.is_over else self.history.start(self.budget.count)
        if trial is None:
            self.history.fail_abandoned()
            return None
        proposal = trial.proposal or self._proposal(trial)
        trial.record(replace(proposal, choices=self.history.space.checked(proposal.choices)))
        return trial

    def _has_room(self) -> bool:
        """Whether the budget has room for the next evaluation, as far as epochs and seconds are bounded."""
        if self.budget.epochs is None and self.budget.seconds is None:
            return True
        evaluation = self.history.next_evaluation(self.budget.count)
        cost = self.schedule.cost(evaluation.proposal if evaluation else None)
        return self.budget.leaves(*self.schedule.spent(), cost)

    def _proposal(self, trial: Trial) -> Proposal:
        self.strategy.leader = self.schedule.leader
        return self.schedule.completed(self.strategy.propose(self.history, trial))

    def _evaluate(self, trial: Trial) -> None:
        candidate = self.history.space.candidate(trial.choices)
        if candidate is None:
            self._tell(trial, TrialResult.repeat("", None))
            return
        key, fidelity = candidate.key, Fidelity.of(trial.notes)

        def on_step(step: int, value: float) -> None:
            if len(self.objective.names) == 1:  # pruning is by one objective alone
                trial.report(step, value)

        if self._earlier(key, fidelity):
            self._tell(trial, TrialResult(key))
            return
        try:
            if fidelity:
                evaluation = self.objective.evaluate_at(candidate.architecture, fidelity, on_step)
            else:
                evaluation = self.objective.evaluate(candidate.architecture, on_step)
            _check_numbers(evaluation.metrics)
        except PrunedError:
            self._tell(trial, TrialResult(key, pruned=True))
        except StoreError:
            raise  # nothing more can be written down
        except GraphLabError as error:
            self._tell(trial, TrialResult(key, record={"error": error.message}))
        except Exception as error:
            failure = OutOfMemoryError(error) if is_out_of_memory(error) else UnforeseenError(error)
            self._tell(trial, TrialResult(key, record={"error": failure.message, "traceback": failure.traceback}))
        else:
            record = {"metrics": dict(evaluation.metrics), "runs": list(evaluation.runs)}
            excess = self.objective.excess(evaluation.metrics)
            self._tell(trial, TrialResult(key, self._values(evaluation.metrics), excess, record=record))

    def _values(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """By objective, the worst that can be where a limit was broken before anything was measured."""
        worst = {"maximize": -math.inf, "minimize": math.inf}
        directions = self.objective.directions
        return tuple(metrics.get(name, worst[directions[name]]) for name in self.objective.names)

    def _earlier(self, key: str, fidelity: Fidelity | None) -> Outcome | None:
        """The evaluation that this one would repeat."""
        if fidelity is None or fidelity.is_new:
            return self.history.by_key.get(key)
        return self.history.by_evaluation.get(fidelity.key(key))

    def _tell(self, trial: Trial, result: TrialResult) -> None:
        """Write down what came of a trial: a repeat, if another worker has evaluated its architecture meanwhile."""
        with self.history.exclusive():
            self._refresh()
            earlier = self._earlier(result.key, Fidelity.of(trial.notes))
            if earlier:
                result = TrialResult.repeat(result.key, earlier.number)
            self.history.finish(trial, result)
        if result.is_repeat:
            self.exhausted = trial.attempt + 1 >= MOST_ATTEMPTS


def _check_numbers(metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise DivergenceError(f"{name} is {value}")
