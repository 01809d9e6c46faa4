"""How a search chooses the next architecture. Each strategy is an Optuna sampler, Optuna's own or one of ours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseGASampler, BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from graphlab.core.citation import Citation
from graphlab.core.config import Config
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.driver.ledger import ATTEMPT, NOTES, SLOT, Fate, Ledger, Outcome, fate
from graphlab.nas.objectives.objective import Objective
from graphlab.nas.space import Architecture, Space


class StrategyConfig(Config):
    """Base of a strategy's settings."""


class Strategy(ABC):
    """Base of the strategies: built from its Config, the space, what is optimised, and a stream of randomness.

    What it chooses depends on these and on the outcomes so far alone, so that a search goes on as if it had never
    stopped.
    """

    citation: ClassVar[Citation]
    Config: ClassVar[type[StrategyConfig]] = StrategyConfig

    def __init__(self, config: Any, space: Space, objective: Objective, stream: SeedStream) -> None:
        self.config, self.space, self.objective, self.stream = config, space, objective, stream

    @abstractmethod
    def sampler(self) -> BaseSampler:
        """A new sampler, which knows nothing yet."""


MOST_MUTATED = 100
"""Neighbours of an architecture that are tried before one is drawn from the whole space."""

MOST_INVALID = 3
"""Choices for one evaluation that were no network, after which one is drawn from the whole space."""


class Reseeded(BaseSampler):
    """A sampler of Optuna's, made afresh for each trial with the trial's own seed.

    Its state is then the study's alone: the trial is the same whoever asks for it, and after whatever interruption.
    Where it names what was evaluated before, as it may for ever on lists of options, a neighbour of that is taken.
    Where it chooses what is no network, it is asked again.
    """

    def __init__(self, make: Callable[[int], BaseSampler], space: Space, stream: SeedStream) -> None:
        self._make, self._space, self._stream = make, space, stream
        self._sampler: BaseSampler = RandomSampler(0)
        self._ledger: Ledger | None = None
        self._neighbour: Architecture | None = None

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        stream = trial_stream(self._stream, trial)
        self._sampler = self._make(stream.integer() % 2**32)
        self._sampler.before_trial(study, trial)
        repeated = trial.user_attrs.get(ATTEMPT, 0) > 0
        self._neighbour = self._near_the_last(study, trial, stream.child("neighbour").numpy()) if repeated else None
        is_settled = trial.system_attrs.get("fixed_params") or self._neighbour is not None
        if is_settled and isinstance(self._sampler, BaseGASampler):
            # Optuna does not ask where all is fixed, but genetic algorithms note the generation when they are asked.
            space = self._sampler.infer_relative_search_space(study, trial)
            self._sampler.sample_relative(study, trial, space)

    def _near_the_last(self, study: Study, trial: FrozenTrial, random: np.random.Generator) -> Architecture | None:
        """A neighbour, not evaluated yet, of what the last trial for the same evaluation named; None if that was no
        network, and the sampler is to choose again."""
        if self._ledger is None:
            self._ledger = Ledger(study, self._space)
        self._ledger.refresh()
        slot = trial.user_attrs[SLOT]
        trials = study.get_trials(deepcopy=False)
        repeats = (one for one in reversed(trials[: trial.number]) if fate(one) is Fate.REPEAT)
        last = next(one for one in repeats if one.user_attrs.get(SLOT) == slot)
        if self._space.is_valid(last.params):
            for _ in range(MOST_MUTATED):
                near = self._space.mutate(last.params, random)
                if self._space.key(near) not in self._ledger.by_key:
                    return near
        elif trial.user_attrs[ATTEMPT] < MOST_INVALID:
            return None
        return self._space.sample(random)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        if self._neighbour is not None:
            return {decision.name: decision.distribution for decision in self._space.decisions}
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if self._neighbour is not None:
            return dict(self._neighbour)
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        self._sampler.after_trial(study, trial, state, values)


def trial_stream(stream: SeedStream, trial: FrozenTrial) -> SeedStream:
    marks = trial.user_attrs
    return asking_stream(stream, marks.get(SLOT, -trial.number), marks.get(ATTEMPT, 0))


def asking_stream(stream: SeedStream, slot: int, attempt: int) -> SeedStream:
    """The randomness of one asking: the same after an interruption, another for each repeat."""
    return stream.child("trial", slot, attempt)


@dataclass(frozen=True)
class Proposal:
    """An architecture to be evaluated, and what its strategy wants to find beside its outcome."""

    values: Architecture
    notes: Mapping[str, Any] = field(default_factory=dict)


class Controller(Strategy):
    """Base of our own strategies: `ask` proposes, `tell` learns from an outcome.

    outcomes  told so far, the failed and the pruned included
    seen      their keys
    in_hand   keys of what other workers evaluate now
    known     both: what is not to be proposed
    """

    def __init__(self, config: Any, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        if len(objective.names) > 1:
            raise IncompatibleError(
                f"{type(self).__name__} optimises one objective, not {len(objective.names)}",
                hint="use nsga2, tpe or random for several",
            )
        self.outcomes: list[Outcome] = []
        self.seen: set[str] = set()
        self.in_hand: set[str] = set()

    @abstractmethod
    def ask(self, random: np.random.Generator) -> Proposal: ...

    def tell(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.seen.add(outcome.key)

    @property
    def known(self) -> Set[str]:
        return self.seen | self.in_hand if self.in_hand else self.seen

    def is_new(self, values: Architecture) -> bool:
        return self.space.key(values) not in self.known

    def sampler(self) -> BaseSampler:
        return ControllerSampler(type(self)(self.config, self.space, self.objective, self.stream))


class ControllerSampler(BaseSampler):
    """Tells the controller what has finished since, and takes its proposal."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._ledger: Ledger | None = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {decision.name: decision.distribution for decision in self._controller.space.decisions}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if self._ledger is None:
            self._ledger = Ledger(study, self._controller.space)
        for outcome in self._ledger.refresh():
            self._controller.tell(outcome)
        space = self._controller.space
        others = (other.params for other in self._ledger.in_hand if other.number != trial.number)
        self._controller.in_hand = {space.key(values) for values in others if space.is_complete(values)}
        proposal = self._controller.ask(trial_stream(self._controller.stream, trial).numpy())
        if proposal.notes:
            study._storage.set_trial_user_attr(trial._trial_id, NOTES, dict(proposal.notes))
        return dict(proposal.values)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        raise AssertionError(f"{param_name} is not a decision of {self._controller.space.name}")
