"""What a race came to: each architecture once, with all its seeds, and which is the answer."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from graphlab.nas.core.outcome import EPOCHS, Outcome
from graphlab.nas.core.race import RaceConfig, Standing, Standings
from graphlab.nas.core.space import Space
from graphlab.nas.surrogates.shrunk import shrunk_to_neighbours
from graphlab.records.statistics import mean_interval, sample_std

if TYPE_CHECKING:
    import pandas as pd

MEANS = ("validation", "report", "test")
"""Metrics of which an architecture has the mean over its seeds."""


class RaceResult:
    """The architectures of a race that were trained whole.

    Attributes:
        standings: Where each stands.
        sign: 1 where more validation is better, else -1.
    """

    def __init__(self, space: Space, config: RaceConfig, outcomes: Sequence[Outcome], sign: float) -> None:
        self.space, self.outcomes, self.sign = space, outcomes, sign
        self.standings = Standings(config, outcomes)

    @cached_property
    def trained(self) -> dict[str, Outcome]:
        """By key, one outcome an architecture, with means over the seeds that it was trained whole with."""
        return {standing.first.key: self._merged(standing) for standing in self.standings.trained}

    @cached_property
    def estimates(self) -> dict[str, float]:
        """By key, the score to be expected of each: see `shrunk_to_neighbours`."""
        trained = self.standings.trained
        scores = [list(standing.seeds.values()) for standing in trained]
        estimates = shrunk_to_neighbours(self.space, [standing.first.values for standing in trained], scores)
        return {standing.first.key: estimate for standing, estimate in zip(trained, estimates, strict=True)}

    @cached_property
    def answer(self) -> Outcome | None:
        """The highest estimate of those that have seeds enough and were not dropped; the earliest of equals."""
        ranked = self.standings.ranked()
        enough = min(self.standings.config.fewest, max((len(standing.seeds) for standing in ranked), default=0))
        able = [standing.first for standing in ranked if len(standing.seeds) >= enough]
        if not able:
            return None
        return self.trained[max(able, key=lambda first: (self.estimates[first.key], -first.index)).key]

    def trajectory(self) -> list[dict[str, float]]:
        """After each whole training: evaluations and epochs so far, its validation, and the mean validation of the
        answer so far, by the estimates of the race itself."""
        standings, rows = Standings(self.standings.config), []
        for number, outcome in enumerate(self.outcomes, start=1):
            standings.add(outcome)
            if not _is_whole(outcome):
                continue
            answer = standings.answer
            best = self.sign * statistics.fmean(answer.seeds.values()) if answer else math.nan
            found = outcome.metrics["validation"]
            rows.append({"evaluation": number, EPOCHS: standings.epochs, "found": found, "best": best})
        return rows

    @property
    def df(self) -> pd.DataFrame:
        """One row an architecture that was trained whole, the highest estimate first: the hand-set network that it is,
        its seeds, mean validation with its 95 % interval, sample standard deviation, estimate, whether it was dropped,
        and the epochs that it took."""
        import pandas as pd

        kept = {standing.first.key for standing in self.standings.ranked()}
        order = sorted(self.standings.trained, key=lambda standing: -self.estimates[standing.first.key])
        return pd.DataFrame([self._row(standing, kept) for standing in order])

    def _row(self, standing: Standing, kept: set[str]) -> dict[str, object]:
        values = [self.sign * score for score in standing.seeds.values()]
        low, high = mean_interval(values) or (None, None)
        key = standing.first.key
        return {
            "start": standing.first.start,
            "architecture": self.space.spelt(standing.first.values),
            "seeds": len(values),
            "validation": statistics.fmean(values),
            "std": sample_std(values),
            "low": low,
            "high": high,
            "estimate": self.sign * self.estimates[key],
            "is_dropped": key not in kept,
            EPOCHS: standing.epochs,
            "key": key,
        }

    def whole(self, key: str) -> list[Outcome]:
        """The whole trainings of an architecture, one a seed, in order of the seeds."""
        outcomes = self.standings.by_key[key].outcomes
        seeds = {outcome.fidelity.seed: outcome for outcome in outcomes if _is_whole(outcome) and outcome.fidelity}
        return [seeds[seed] for seed in sorted(seeds)]

    def _merged(self, standing: Standing) -> Outcome:
        whole = self.whole(standing.first.key)
        metrics = {**whole[0].metrics, **_means(whole), EPOCHS: standing.epochs, "seeds": float(len(whole))}
        return replace(
            standing.first,
            state="finished",
            objectives=(metrics["validation"],),
            score=self.sign * metrics["validation"],
            metrics=metrics,
            runs=tuple(run for outcome in whole for run in outcome.runs),
            seconds=sum(outcome.seconds for outcome in standing.outcomes),
        )


def _is_whole(outcome: Outcome) -> bool:
    return outcome.score is not None and outcome.fidelity is not None and outcome.fidelity.share == 1


def _means(outcomes: Sequence[Outcome]) -> Mapping[str, float]:
    """Of the metrics that all have."""
    names = [name for name in MEANS if all(name in outcome.metrics for outcome in outcomes)]
    return {name: statistics.fmean(outcome.metrics[name] for outcome in outcomes) for name in names}
