"""How a search chooses the next architecture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from graphlab.core.citation import Citation
from graphlab.core.config import Config
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Direction, Objective
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Architecture, Space

if TYPE_CHECKING:
    from graphlab.nas.core.history import History, Trial


class StrategyConfig(Config):
    """Base of a strategy's settings."""


@dataclass(frozen=True)
class Proposal:
    """Choices to be evaluated, and what their strategy wants to find beside the outcome."""

    choices: Architecture
    notes: Mapping[str, Any] = field(default_factory=dict)


class Strategy(ABC):
    """Base of the strategies: `ask` proposes, `tell` learns from an outcome.

    Built from its Config, the space, what is optimised, and a stream of randomness. What it proposes depends on these
    and on the outcomes so far alone, so that a search goes on as if it had never stopped.

    Attributes:
        outcomes: Those of which `tell` was called, the failed and the pruned included.
        seen: Their keys.
        under_way: Keys of what other workers evaluate now.
        taken: Both of these: what is not to be proposed.
        multi_objective: Whether several objectives are searched.
        nestable: Whether another strategy may call `ask` and `tell`, several times for one evaluation.
        raceable: Whether its architectures may be evaluated in parts: it learns from the lowest rung alone.
        leader: The first evaluation of the architecture that leads a race; None where there is none.
    """

    citation: ClassVar[Citation]
    Config: ClassVar[type[StrategyConfig]] = StrategyConfig
    multi_objective: ClassVar[bool] = False
    nestable: ClassVar[bool] = True
    raceable: ClassVar[bool] = True

    def __init__(self, config: Any, space: Space, objective: Objective, stream: SeedStream) -> None:
        self.config, self.space, self.objective, self.stream = config, space, objective, stream
        if len(objective.names) > 1 and not self.multi_objective:
            raise IncompatibleError(
                f"{type(self).__name__} optimises one objective, not {len(objective.names)}",
                hint="use nsga2, tpe or random for several",
            )
        self.outcomes: list[Outcome] = []
        self.seen: set[str] = set()
        self.under_way: set[str] = set()
        self.leader: Outcome | None = None
        self._num_read = 0

    @abstractmethod
    def ask(self, random: np.random.Generator) -> Proposal: ...

    def tell(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.seen.add(outcome.key)

    @property
    def taken(self) -> Set[str]:
        return self.seen | self.under_way if self.under_way else self.seen

    def is_new(self, values: Architecture) -> bool:
        return self.space.key(values) not in self.taken

    def propose(self, history: History, trial: Trial) -> Proposal:
        """Tell what has finished since the last call, and ask for a trial."""
        for outcome in history.outcomes[self._num_read :]:
            if outcome.is_new:
                self.tell(outcome.as_told)
        self._num_read = len(history.outcomes)
        self.under_way = history.keys_under_way(but=trial)
        return self.ask(trial_stream(self.stream, trial.index, trial.attempt).numpy())

    def fresh(self) -> Self:
        """A strategy of the same settings to which nothing was told."""
        return type(self)(self.config, self.space, self.objective, self.stream)

    def memory(self, directions: Sequence[Direction]) -> History:
        """A history in memory that this strategy can be asked about."""
        from graphlab.nas.core.history import MemoryHistory  # which imports Proposal from here

        return MemoryHistory(self.space, directions)


def trial_stream(stream: SeedStream, index: int, attempt: int) -> SeedStream:
    """The randomness of one trial: the same after an interruption, another for each repeat."""
    return stream.child("trial", index, attempt)
