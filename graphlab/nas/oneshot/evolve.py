"""Evolution of architectures by a score that is cheap, as with the weights of a supernet. Guo et al. (SPOS), ECCV 2020,
section 3.3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from graphlab.core.config import NonNegativeInt, Probability
from graphlab.core.errors import ConfigError
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.oneshot.strategy import OneShotConfig

MOST_DRAWN = 1000
"""Architectures that are drawn for one that is allowed."""


class EvolveConfig(OneShotConfig):
    """population   architectures of a generation, half of them children of two and half of one; 50 published
    generations  after the first; 20 published
    parents      the best so far, that children come from; 10 published
    mutation     chance that a decision of a child of one is drawn anew
    """

    population: Annotated[int, Field(ge=2)] = 50
    generations: NonNegativeInt = 20
    parents: Annotated[int, Field(ge=2)] = 10
    mutation: Probability = 0.1


@dataclass(frozen=True)
class Scored:
    """An architecture and its score, more is better."""

    values: Architecture
    score: float


@dataclass(frozen=True)
class Evolve:
    """Children of the best so far, generation by generation.

    Attributes:
        is_allowed: What others than these are drawn again for.
        on_generation: Called after each generation with its number.
    """

    space: Space
    config: Any
    score: Callable[[Architecture], float]
    is_allowed: Callable[[Architecture], bool] = lambda values: True
    on_generation: Callable[[int], object] = lambda number: None

    def run(self, random: np.random.Generator) -> list[Scored]:
        """All that were scored, the best first. Raises ConfigError where nothing is allowed."""
        scored: dict[str, Scored] = {}
        drawn = [self._drawn(random) for _ in range(self.config.population)]
        for generation in range(self.config.generations + 1):
            for values in drawn:
                key = self.space.key(values)
                if key not in scored:
                    scored[key] = Scored(values, self.score(values))
            self.on_generation(generation)
            best = sorted(scored.values(), key=lambda each: each.score, reverse=True)
            drawn = self._children([each.values for each in best[: self.config.parents]], random)
        return sorted(scored.values(), key=lambda each: each.score, reverse=True)

    def _children(self, parents: list[Architecture], random: np.random.Generator) -> list[Architecture]:
        half = self.config.population // 2
        crossed = [self._crossed(parents, random) for _ in range(half)]
        return crossed + [self._mutated(parents, random) for _ in range(self.config.population - half)]

    def _crossed(self, parents: list[Architecture], random: np.random.Generator) -> Architecture:
        """Each decision that of one of two parents."""
        first, second = (parents[random.integers(len(parents))] for _ in range(2))
        return self._valid(
            {name: (first, second)[random.integers(2)].get(name, value) for name, value in first.items()}, random
        )

    def _mutated(self, parents: list[Architecture], random: np.random.Generator) -> Architecture:
        parent = parents[random.integers(len(parents))]
        kept = {name: value for name, value in parent.items() if random.random() >= self.config.mutation}
        return self._valid(kept, random)

    def _valid(self, kept: Architecture, random: np.random.Generator) -> Architecture:
        """Completed by chance; if that is no network, or not allowed, one that is drawn."""
        values = self.space.complete(kept, random)
        if not self.space.is_valid(values):
            return self._drawn(random)
        canonical = self.space.canonical(values)
        return canonical if self.is_allowed(canonical) else self._drawn(random)

    def _drawn(self, random: np.random.Generator) -> Architecture:
        for _ in range(MOST_DRAWN):
            values = self.space.sample(random)
            if self.is_allowed(values):
                return values
        raise ConfigError(
            f"none of {MOST_DRAWN:,} architectures of {self.space.name} keeps the limits", hint="allow more"
        )
