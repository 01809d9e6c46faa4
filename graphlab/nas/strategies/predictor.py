"""A predictor of order: an ensemble of small graph networks. BRP-NAS, Dudziak et al., NeurIPS 2020.

The members' scores, each with mean 0 and variance 1 over a fixed pool, have a mean and a deviation; what has the
highest mean + beta deviations is evaluated next, out of the pool and the mutations of the best so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeFloat, PositiveFloat, PositiveInt
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Architecture
from graphlab.nas.core.strategy import Proposal, Strategy, StrategyConfig
from graphlab.nas.surrogates.graph_ensemble import Batch, Ensemble, batch_of, fit
from graphlab.nas.surrogates.points import scores_of


class Config(StrategyConfig):
    """startup   evaluations drawn at random before the ensemble is trained
    every     evaluations between trainings, each from new weights
    most      the best evaluations that it is trained on, since their pairs grow with the square
    members   networks, of `layers` layers of `width`, each trained for `epochs` with all pairs at once
    beta      deviations of the members that uncertainty is worth
    pool      architectures drawn once, from which the next is chosen
    parents   the best evaluations, each of which gives `children` mutations to choose from too
    """

    startup: Annotated[int, Field(ge=2)] = 20
    every: PositiveInt = 10
    most: Annotated[int, Field(ge=2)] = 300
    members: Annotated[int, Field(ge=2)] = 5
    width: PositiveInt = 16
    layers: PositiveInt = 2
    epochs: PositiveInt = 60
    lr: PositiveFloat = 0.02
    beta: NonNegativeFloat = 1.0
    pool: PositiveInt = 1000
    parents: PositiveInt = 5
    children: PositiveInt = 10


class Predictor(Strategy):
    """What an ensemble of graph networks, trained on pairs of evaluations, thinks best or knows least about."""

    Config = Config
    citation = Citation(
        key="dudziak2020",
        title="BRP-NAS: Prediction-based NAS using GCNs",
        authors=(
            "Dudziak, Łukasz and Chau, Thomas and Abdelfattah, Mohamed S. and Lee, Royson and Kim, Hyeji and "
            "Lane, Nicholas D."
        ),
        venue="NeurIPS",
        year=2020,
        url="https://arxiv.org/abs/2007.08668",
    )

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # pyright: ignore[reportArgumentType]
        self._ranked: list[Outcome] = []
        self._trained_on = 0

    def tell(self, outcome: Outcome) -> None:
        super().tell(outcome)
        if outcome.rank is not None:
            self._ranked.append(outcome)

    def ask(self, random: np.random.Generator) -> Proposal:
        if len(self._ranked) < self.config.startup:
            return Proposal(self.space.sample(random))
        self._train_when_due()
        children = self._children(random)
        with torch.no_grad():
            scores = self._ensemble(batch_of([self.space.graph(child) for child in children.values()]))
        bounds = self._pool_bounds | dict(zip(children, self._bounds(scores), strict=True))
        fresh = [key for key in bounds if key not in self.taken]
        if not fresh:
            return Proposal(self.space.sample(random))
        return Proposal((self._pool | children)[max(fresh, key=bounds.__getitem__)])

    def _train_when_due(self) -> None:
        config = self.config
        due = len(self._ranked) - (len(self._ranked) - config.startup) % config.every
        if due == self._trained_on:
            return
        stream = self.stream.child("fit", due)
        known = _best(self._ranked[:due], config.most)
        self._ensemble = Ensemble(self.space.num_labels, config.members, config.width, config.layers, stream)
        batch = batch_of([self.space.graph(outcome.values) for outcome in known])
        scores = np.array(scores_of(known))
        fit(self._ensemble, batch, scores, config.epochs, config.lr, stream.child("bootstrap"))
        with torch.no_grad():
            scores = self._ensemble(self._pool_batch)
        self._middle, self._spread = scores.mean(1, keepdim=True), scores.std(1, keepdim=True).clamp(min=1e-6)
        self._pool_bounds = dict(zip(self._pool, self._bounds(scores), strict=True))
        self._trained_on = due

    def _bounds(self, scores: Tensor) -> list[float]:
        scores = (scores - self._middle) / self._spread
        return (scores.mean(0) + self.config.beta * scores.std(0)).tolist()

    def _children(self, random: np.random.Generator) -> dict[str, Architecture]:
        """Mutations of the best, by key; the earlier of equals is the better."""
        best = _best(self._ranked, self.config.parents)
        mutated = (self.space.mutate(outcome.values, random) for outcome in best for _ in range(self.config.children))
        return {self.space.key(values): values for values in mutated}

    @cached_property
    def _pool(self) -> dict[str, Architecture]:
        random = self.stream.child("pool").numpy()
        drawn = (self.space.sample(random) for _ in range(self.config.pool))
        return {self.space.key(values): values for values in drawn}

    @cached_property
    def _pool_batch(self) -> Batch:
        return batch_of([self.space.graph(values) for values in self._pool.values()])


def _best(outcomes: Sequence[Outcome], count: int) -> list[Outcome]:
    """So many, the best first; the earlier of equals."""
    return sorted(outcomes, key=lambda outcome: outcome.rank or (), reverse=True)[:count]
