"""Optuna's samplers as strategies, and the sampler by which a study takes what another strategy proposes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import optuna
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseGASampler, BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from graphlab.core.config import Choices, FloatRange, IntRange
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Direction
from graphlab.nas.core.space import Architecture, Decision, Space
from graphlab.nas.core.strategy import Proposal, Strategy, trial_stream
from graphlab.nas.optuna.internals import is_queued

if TYPE_CHECKING:
    from graphlab.nas.core.history import History, Trial

INDEX, ATTEMPT = "slot", "attempt"
"""What trials are marked with: which of the requested evaluations this is, and how many trials for it named what was
evaluated before. The names stand in stores."""

MOST_MUTATED = 100
"""Neighbours of an architecture that are tried before one is drawn from the whole space."""

MOST_INVALID = 3
"""Choices for one evaluation that were no network, after which one is drawn from the whole space."""


class SamplerStrategy(Strategy):
    """Base of the strategies that are a sampler of Optuna's.

    It chooses from the trials of a study, decision by decision, so that its history is a study, and it proposes one
    architecture at a time.

    Attributes:
        sampler_name: The sampler's class in `optuna.samplers`.
    """

    sampler_name: ClassVar[str]
    multi_objective = True
    nestable = False
    raceable = False

    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """What the sampler is built with, beside its seed."""

    def sampler(self) -> BaseSampler:
        """A new sampler, which knows nothing yet."""
        kind, options = getattr(optuna.samplers, self.sampler_name), self.options()
        return ReseededSampler(lambda seed: kind(seed=seed, **options), self.space, self.stream)

    def ask(self, random: np.random.Generator) -> Proposal:
        """Raises IncompatibleError: what is proposed depends on a study, which `propose` has."""
        raise IncompatibleError(
            f"{type(self).__name__} chooses from a study and cannot be asked by another strategy",
            hint="nest a strategy that is asked and told, such as random or evolution",
        )

    def propose(self, history: History, trial: Trial) -> Proposal:
        """What the sampler of the trial's study chooses, which is written down as it is chosen."""
        from graphlab.nas.optuna.history import StudyTrial  # which imports this module

        assert isinstance(trial, StudyTrial)
        return Proposal(trial.suggest())

    def memory(self, directions: Sequence[Direction]) -> History:
        from graphlab.nas.optuna.history import open_history

        return open_history(None, "simulation", self)


class ReseededSampler(BaseSampler):
    """A sampler of Optuna's, made afresh for each trial with the trial's own seed.

    Its state is then the study's alone: the trial is the same whoever asks for it, and after whatever interruption.
    Where it names what was evaluated before, as it may for ever on lists of options, a neighbour of that is taken.
    Where it chooses what is no network, it is asked again.

    Attributes:
        history: That of the study; set by the history itself.
    """

    history: History

    def __init__(self, make: Callable[[int], BaseSampler], space: Space, stream: SeedStream) -> None:
        self._make, self._space, self._stream = make, space, stream
        self._sampler: BaseSampler = RandomSampler(0)
        self._neighbour: Architecture | None = None

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        index, attempt = marks_of(trial)
        stream = trial_stream(self._stream, index, attempt)
        self._sampler = self._make(stream.integer() % 2**32)
        self._sampler.before_trial(study, trial)
        self._neighbour = None
        if attempt:
            self._neighbour = self._near_the_last(index, attempt, stream.child("neighbour").numpy())
        is_settled = is_queued(trial) or self._neighbour is not None
        if is_settled and isinstance(self._sampler, BaseGASampler):
            # Optuna does not ask where all is fixed, but genetic algorithms note the generation when they are asked.
            space = self._sampler.infer_relative_search_space(study, trial)
            self._sampler.sample_relative(study, trial, space)

    def _near_the_last(self, index: int, attempt: int, random: np.random.Generator) -> Architecture | None:
        """A neighbour, not evaluated yet, of what the last trial for the same evaluation named; None if that was no
        network, and the sampler is to choose again."""
        last = self.history.repeated[index]
        if self._space.is_valid(last):
            for _ in range(MOST_MUTATED):
                near = self._space.mutate(last, random)
                if self._space.key(near) not in self.history.by_key:
                    return near
        elif attempt < MOST_INVALID:
            return None
        return self._space.sample(random)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        if self._neighbour is not None:
            return {decision.name: distribution_of(decision) for decision in self._space.decisions}
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


class RecordingSampler(BaseSampler):
    """Chooses what another strategy has proposed, so that a study has it as choices of its own.

    Attributes:
        choices: Those of the trial that is about to be written down.
    """

    choices: Mapping[str, Any] = {}

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self.choices[param_name]


def sampler_of(strategy: Strategy) -> BaseSampler:
    """The sampler of a study that a strategy chooses for."""
    return strategy.sampler() if isinstance(strategy, SamplerStrategy) else RecordingSampler()


def marks_of(trial: FrozenTrial | optuna.Trial) -> tuple[int, int]:
    """Index and attempt of a trial; of one that no search made, numbers that no evaluation has."""
    return trial.user_attrs.get(INDEX, -trial.number), trial.user_attrs.get(ATTEMPT, 0)


def distribution_of(decision: Decision) -> BaseDistribution:
    """A decision's range as Optuna has it."""
    match decision.range:
        case Choices(options):
            return CategoricalDistribution(options)
        case IntRange(low, high, log, step):
            return IntDistribution(low, high, log=log, step=1 if log else step)
        case FloatRange(low, high, log):
            return FloatDistribution(low, high, log=log)


def suggest(space: Space, trial: optuna.Trial) -> Architecture:
    """Write down the decisions that are made, in order, as the study's sampler chooses them."""
    values: Architecture = {}
    for decision in space.decisions:
        if decision.is_made(values):
            values[decision.name] = _suggest_one(trial, decision)
    return values


def _suggest_one(trial: optuna.Trial, decision: Decision) -> Any:
    match decision.range:
        case Choices(options):
            return trial.suggest_categorical(decision.name, options)
        case IntRange(low, high, log, step):
            return trial.suggest_int(decision.name, low, high, log=log, step=1 if log else step)
        case FloatRange(low, high, log):
            return trial.suggest_float(decision.name, low, high, log=log)
