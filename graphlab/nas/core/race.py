"""Racing: many architectures for a few epochs on one seed, few of them for all epochs on many seeds.

A ladder of rungs leads from a few epochs to a whole training of the first seed. Of the architectures of a rung one in
`eta` goes on to the next, whenever there are enough, so that nobody waits: ASHA, Li et al., "A System for Massively
Parallel Hyperparameter Tuning", MLSys 2020. With `ladder="hyperband"` new architectures begin at higher rungs too, in
the proportions of Hyperband, Li et al., JMLR 2018.

Those that have been trained whole race over further seeds: whoever has the fewest of the leaders is trained with the
next seed, and who is worse than the leader by a paired t test over the seeds that both have is given no more: as in
irace, Lopez-Ibanez et al., Operations Research Perspectives 2016. A share of all epochs goes to further seeds; we give
it while the search goes on, and not in rounds, so that a search may be continued.

All of it depends on the evaluations so far alone, so that a search that was stopped goes on the same.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from graphlab.core.config import Config, PositiveInt, Share
from graphlab.nas.core.estimate import is_worse, shrunk_means
from graphlab.nas.core.fidelity import Fidelity
from graphlab.nas.core.history import History, OpenEvaluation
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.schedule import Schedule, at
from graphlab.nas.core.space import Architecture
from graphlab.nas.core.strategy import Proposal

Ladder = Literal["asha", "hyperband"]


class RaceConfig(Config):
    """How a race is run.

    ladder   asha: every new architecture begins at the lowest rung; hyperband: some begin higher
    eta      of the architectures of a rung one in so many goes on to the next, for so many times the epochs
    rungs    of the ladder, the last of which is a whole training; 1 trains everything whole
    share    of all epochs, what goes to further seeds of the leaders
    leaders  architectures at most that further seeds are shared among
    fewest   seeds before an architecture is dropped, and before one is the answer
    level    of the paired t test by which one is dropped
    """

    ladder: Ladder = "asha"
    eta: Annotated[int, Field(ge=2)] = 3
    rungs: PositiveInt = 3
    share: Share = 0.5
    leaders: Annotated[int, Field(ge=2)] = 8
    fewest: Annotated[int, Field(ge=2)] = 3
    level: Annotated[float, Field(gt=0, lt=0.5)] = 0.05

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the epochs, up to the end of each rung."""
        return tuple(self.eta ** (rung + 1 - self.rungs) for rung in range(self.rungs))

    @property
    def first_rungs(self) -> tuple[int, ...]:
        """Those at which new architectures begin, in turn: the first ones of Hyperband's brackets, each as often as
        its bracket has architectures."""
        if self.ladder == "asha":
            return (0,)
        halvings = range(self.rungs - 1, -1, -1)
        sizes = [math.ceil(self.rungs / (left + 1) * self.eta**left) for left in halvings]
        return tuple(rung for rung, size in enumerate(sizes) for _ in range(size))


@dataclass
class Standing:
    """Where an architecture stands in a race.

    Attributes:
        first: Its first evaluation.
        rungs: Its score at the end of each rung of the first seed that it was evaluated at, by share.
        seeds: Its score after a whole training, by seed.
        epochs: That it took.
        is_out: Whether one of its evaluations failed or broke a limit.
        outcomes: All its evaluations.
    """

    first: Outcome
    rungs: dict[float, float] = field(default_factory=dict)
    seeds: dict[int, float] = field(default_factory=dict)
    epochs: float = 0.0
    is_out: bool = False
    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Take up one more evaluation."""
        fidelity = outcome.fidelity or Fidelity()
        self.outcomes.append(outcome)
        self.epochs += outcome.epochs
        if outcome.score is None:
            self.is_out = True
            return
        if fidelity.seed == 0:
            self.rungs[fidelity.share] = outcome.score
        if fidelity.share == 1:
            self.seeds[fidelity.seed] = outcome.score


class Standings:
    """Where the architectures of a race stand.

    Attributes:
        by_key: Every architecture's standing.
        epochs: That all evaluations took.
        epochs_of_seeds: That evaluations of further seeds took.
    """

    def __init__(self, config: RaceConfig, outcomes: Sequence[Outcome] = ()) -> None:
        self.config = config
        self.by_key: dict[str, Standing] = {}
        self.epochs = self.epochs_of_seeds = self.seconds = 0.0
        self.num_new = 0
        self._ranked: list[Standing] | None = None
        for outcome in outcomes:
            self.add(outcome)

    def add(self, outcome: Outcome) -> None:
        """Take up one more evaluation."""
        self._ranked = None
        self.by_key.setdefault(outcome.key, Standing(outcome)).add(outcome)
        self.epochs += outcome.epochs
        self.seconds += outcome.seconds
        if outcome.fidelity and outcome.fidelity.seed:
            self.epochs_of_seeds += outcome.epochs
        self.num_new += outcome.is_new and not outcome.start

    @property
    def trained(self) -> list[Standing]:
        """Those that were trained whole, and are not out."""
        return [standing for standing in self.by_key.values() if standing.seeds and not standing.is_out]

    def estimates(self) -> dict[str, float]:
        """By key, what is expected of each that was trained whole: see `shrunk_means`."""
        trained = self.trained
        means = shrunk_means([list(standing.seeds.values()) for standing in trained])
        return {standing.first.key: mean for standing, mean in zip(trained, means, strict=True)}

    def ranked(self) -> list[Standing]:
        """Those that nothing speaks against, the most promising first: trained whole, and not worse than the leader by
        a paired test."""
        if self._ranked is None:
            self._ranked = self._rank()
        return self._ranked

    def _rank(self) -> list[Standing]:
        estimates = self.estimates()
        order = sorted(self.trained, key=lambda standing: (-estimates[standing.first.key], standing.first.index))
        if not order:
            return []
        leading = order[0].seeds
        return [order[0], *(standing for standing in order[1:] if not self._is_dropped(standing, leading))]

    @property
    def answer(self) -> Standing | None:
        """The most promising one that has seeds enough, or as many as any."""
        ranked = self.ranked()
        enough = min(self.config.fewest, max((len(standing.seeds) for standing in ranked), default=0))
        return next((standing for standing in ranked if len(standing.seeds) >= enough), None)

    def _is_dropped(self, standing: Standing, leading: Mapping[int, float]) -> bool:
        return is_worse(standing.seeds, leading, fewest=self.config.fewest, level=self.config.level)


class Race(Schedule):
    """Hand-set networks first; then promotions, further seeds of the leaders, and new architectures of the strategy's.

    Args:
        config: How the race is run.
        num_seeds: Seeds that there are.
    """

    def __init__(
        self,
        history: History,
        starts: Mapping[str, Architecture],
        whole_cost: float,
        config: RaceConfig,
        num_seeds: int,
    ) -> None:
        super().__init__(history, starts, whole_cost)
        self.config, self.num_seeds = config, num_seeds
        self.standings = Standings(config)
        self._num_read = 0

    @property
    def leader(self) -> Outcome | None:
        ranked = self._caught_up().ranked()
        return ranked[0].first.as_told if ranked else None

    def planned(self, evaluation: OpenEvaluation) -> Proposal | None:
        start = super().planned(evaluation)
        if start:
            return at(start, self._fidelity(1.0, is_new=True))
        return self._promotion() or self._further_seed()

    def completed(self, proposal: Proposal) -> Proposal:
        if Fidelity.of(proposal.notes):
            return proposal
        return at(proposal, self._fidelity(self.config.shares[self._first_rung()], is_new=True))

    def cost(self, proposal: Proposal | None) -> float:
        fidelity = Fidelity.of(proposal.notes) if proposal else None
        return fidelity.cost if fidelity else self.config.shares[self._first_rung()] * self.whole_cost

    def spent(self) -> tuple[float, float]:
        standings = self._caught_up()
        return standings.epochs + sum(fidelity.cost for _, fidelity in self._under_way()), standings.seconds

    def _caught_up(self) -> Standings:
        for outcome in self.history.outcomes[self._num_read :]:
            self.standings.add(outcome)
        self._num_read = len(self.history.outcomes)
        return self.standings

    def _under_way(self) -> list[tuple[str, Fidelity]]:
        """The evaluations of other workers, by architecture."""
        space, trials = self.history.space, self.history.under_way()
        pairs = [(trial.choices, Fidelity.of(trial.notes)) for trial in trials]
        return [
            (space.key(choices), fidelity) for choices, fidelity in pairs if fidelity and space.is_complete(choices)
        ]

    def _fidelity(self, share: float, *, seed: int = 0, before: float = 0.0, is_new: bool = False) -> Fidelity:
        cost = (share - before) * self.whole_cost
        return Fidelity(share, seed, before, is_new, self.config.shares[0], cost)

    def _first_rung(self) -> int:
        new = self._caught_up().num_new + sum(fidelity.is_new for _, fidelity in self._under_way())
        rungs = self.config.first_rungs
        return rungs[new % len(rungs)]

    def _promotion(self) -> Proposal | None:
        """The next rung of the best that has earned it, from the top rung down."""
        standings = [standing for standing in self._caught_up().by_key.values() if not standing.is_out]
        taken = {(key, fidelity.share) for key, fidelity in self._under_way() if not fidelity.seed}
        shares = self.config.shares
        for share, above in reversed(list(itertools.pairwise(shares))):
            there = [standing for standing in standings if share in standing.rungs]
            there.sort(key=lambda standing: (-standing.rungs[share], standing.first.index))
            for standing in there[: len(there) // self.config.eta]:
                if above not in standing.rungs and (standing.first.key, above) not in taken:
                    return at(Proposal(dict(standing.first.params)), self._fidelity(above, before=share))
        return None

    def _further_seed(self) -> Proposal | None:
        """The next seed of the leader that has the fewest, if less than its share has gone to further seeds."""
        standings, under_way = self._caught_up(), self._under_way()
        on_seeds = standings.epochs_of_seeds + sum(fidelity.cost for _, fidelity in under_way if fidelity.seed)
        if len(standings.trained) < 2 or on_seeds >= self.config.share * self.spent()[0]:
            return None
        ranked = standings.ranked()
        first = [standing for standing in ranked if standing.first.start and len(standing.seeds) < self.config.fewest]
        leaders = [*ranked[: self.config.leaders], *first]
        seeds = {standing.first.key: set(standing.seeds) for standing in leaders}
        for key, fidelity in under_way:
            if fidelity.share == 1 and key in seeds:
                seeds[key].add(fidelity.seed)
        open_ones = [standing for standing in leaders if len(seeds[standing.first.key]) < self.num_seeds]
        if not open_ones:
            return None
        chosen = min(open_ones, key=lambda standing: len(seeds[standing.first.key]))
        seed = min(set(range(self.num_seeds)) - seeds[chosen.first.key])
        return at(Proposal(dict(chosen.first.params)), self._fidelity(1.0, seed=seed))
