"""Strategies that ask another one: that other, by name and with settings of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.nas.objectives.objective import Objective
from graphlab.nas.registry import find_strategy
from graphlab.nas.space import Space
from graphlab.nas.strategies.random import Random
from graphlab.nas.strategy import Controller, Proposal, Strategy


class _Chance(Controller):
    citation = Random.citation

    def ask(self, random: np.random.Generator) -> Proposal:
        return Proposal(self.space.sample(random))


def make_base(
    name: str, settings: Mapping[str, Any], space: Space, objective: Objective, stream: SeedStream
) -> Controller:
    """random, or one of our own strategies, which can be asked for several proposals and told of any outcome.

    Raises UnknownNameError, ConfigError for Optuna's samplers and for settings that the strategy does not take.
    """
    found: type[Strategy] = find_strategy(name)
    kind = _Chance if found is Random else found
    if not issubclass(kind, Controller):
        raise ConfigError(
            f"{name} makes one proposal at a time and cannot be asked by another strategy",
            hint="set strategy.base to random, evolution, local-search, graphnas or agnn",
        )
    return kind(kind.Config.parse(settings, where=f"strategy {name}"), space, objective, stream)
