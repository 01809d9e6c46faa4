"""What evaluations of a search are for, where that does not depend on the strategy: here, hand-set networks first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphlab.nas.core.fidelity import START, Fidelity
from graphlab.nas.core.history import History, OpenEvaluation
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal


class Schedule:
    """The first evaluations are of networks that people take; all others are the strategy's.

    Attributes:
        history: That of the search.
        whole_cost: Epochs that a whole evaluation takes at most.
        leader: The first evaluation of the architecture that leads, as far as the schedule knows of one.
    """

    def __init__(self, history: History, starts: Mapping[str, Architecture], whole_cost: float) -> None:
        self.history, self.whole_cost = history, whole_cost
        self._starts = list(different(history.space, starts).items())

    @property
    def leader(self) -> Outcome | None:
        return None

    def planned(self, evaluation: OpenEvaluation) -> Proposal | None:
        """What an evaluation is for; None if the strategy is to be asked."""
        if evaluation.attempt or evaluation.index >= len(self._starts):
            return None
        name, values = self._starts[evaluation.index]
        return Proposal(values, {START: name})

    def completed(self, proposal: Proposal) -> Proposal:
        """A proposal of the strategy's, with what the schedule adds to it."""
        return proposal

    def cost(self, proposal: Proposal | None) -> float:
        """Epochs that what is planned takes at most, or (None) what the strategy will propose."""
        return self.whole_cost

    def spent(self) -> tuple[float, float]:
        """Epochs and seconds of the evaluations so far, those under way at their longest."""
        epochs = sum(outcome.epochs for outcome in self.history.outcomes)
        seconds = sum(outcome.seconds for outcome in self.history.outcomes)
        under_way = (Fidelity.of(trial.notes) for trial in self.history.under_way())
        return epochs + sum(fidelity.cost if fidelity else self.whole_cost for fidelity in under_way), seconds


def different(space: Space, starts: Mapping[str, Architecture]) -> dict[str, Architecture]:
    """Networks of a space in its one spelling, each once."""
    by_key: dict[str, tuple[str, Architecture]] = {}
    for name, values in starts.items():
        candidate = space.candidate(values)
        if candidate:
            by_key.setdefault(candidate.key, (name, candidate.architecture))
    return dict(by_key.values())


def at(proposal: Proposal, fidelity: Fidelity) -> Proposal:
    """A proposal to be evaluated at this fidelity."""
    return replace(proposal, notes={**proposal.notes, **fidelity.to_notes()})
