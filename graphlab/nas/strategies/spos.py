"""Single path one-shot with evolution: Guo et al., ECCV 2020.

Every step trains the weights of one architecture, drawn as random search draws them: those with many spellings come
more often. Then architectures evolve by the validation metric that they have with the inherited weights, and come in
the order of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeInt, PositiveInt, Probability
from graphlab.nas.core.space import Architecture
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.oneshot.strategy import OneShot, OneShotConfig
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.oneshot.training import SupernetTraining


class Config(OneShotConfig):
    """population   architectures of a generation, half of them children of two and half of one; 50 published
    generations  after the first; 20 published
    parents      the best so far, that children come from; 10 published
    mutation     chance that a decision of a child of one is drawn anew
    """

    epochs: PositiveInt = 1000
    population: Annotated[int, Field(ge=2)] = 50
    generations: NonNegativeInt = 20
    parents: Annotated[int, Field(ge=2)] = 10
    mutation: Probability = 0.1


class SPOS(OneShot):
    """The architectures that do best with the weights of a supernet that was trained one path at a time."""

    Config = Config
    citation = Citation(
        key="guo2020",
        title="Single Path One-Shot Neural Architecture Search with Uniform Sampling",
        authors=(
            "Guo, Zichao and Zhang, Xiangyu and Mu, Haoyuan and Heng, Wen and Liu, Zechun and Wei, Yichen and Sun, Jian"
        ),
        venue="ECCV",
        year=2020,
        url="https://arxiv.org/abs/1904.00420",
    )

    def candidates(self, training: SupernetTraining) -> Iterator[Proposal]:
        self.learn(training)
        return self.evolved(training, lambda values: training.score(path(self.space, values)))

    def learn(self, training: SupernetTraining) -> None:
        """Train the supernet, one path a step."""

        def epoch(number: int) -> None:
            random = training.stream.child("paths", number).numpy()
            for on_train, _ in training.losses(number):
                training.descend(on_train, path(self.space, self.space.sample(random)))

        training.run(epoch, {})

    def evolved(self, training: SupernetTraining, score: Callable[[Architecture], float]) -> Iterator[Proposal]:
        """Every architecture of an evolution, the best score first."""
        scores: dict[str, float] = {}
        known: dict[str, Architecture] = {}
        random = training.stream.child("evolution").numpy()
        wanted = [self.space.sample(random) for _ in range(self.config.population)]
        for generation in range(self.config.generations + 1):
            for values in wanted:
                key = self.space.key(values)
                if key not in known:
                    known[key], scores[key] = values, score(values)
            training.objective.on_work("generation", generation, self.config.generations)
            best = sorted(known, key=scores.__getitem__, reverse=True)
            wanted = self._children([known[key] for key in best[: self.config.parents]], random)
        for key in sorted(known, key=scores.__getitem__, reverse=True):
            yield Proposal(known[key], {"supernet": training.sign * scores[key]})

    def _children(self, parents: list[Architecture], random: np.random.Generator) -> list[Architecture]:
        half = self.config.population // 2
        crossed = [self._crossed(parents, random) for _ in range(half)]
        return crossed + [self._mutated(parents, random) for _ in range(self.config.population - half)]

    def _crossed(self, parents: list[Architecture], random: np.random.Generator) -> Architecture:
        """Each decision that of one of two parents."""
        one, other = (parents[random.integers(len(parents))] for _ in range(2))
        return self._valid(
            {name: (one, other)[random.integers(2)].get(name, value) for name, value in one.items()}, random
        )

    def _mutated(self, parents: list[Architecture], random: np.random.Generator) -> Architecture:
        parent = parents[random.integers(len(parents))]
        kept = {name: value for name, value in parent.items() if random.random() >= self.config.mutation}
        return self._valid(kept, random)

    def _valid(self, kept: Architecture, random: np.random.Generator) -> Architecture:
        """Completed by chance; if that is no network, one that is drawn."""
        values = self.space.complete(kept, random)
        return self.space.canonical(values) if self.space.is_valid(values) else self.space.sample(random)
