"""Proposals that a proxy chooses: of several, the one to be trained. Abdelfattah et al., ICLR 2021, section 4.

Another strategy is asked a few times, each time as if other workers had in hand what it named before; the proxy looks
at the untrained networks and the best of them is proposed. The other strategy is told of its outcome as if it had been
alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveInt
from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal, Strategy, StrategyConfig
from graphlab.nas.objectives import networks_of
from graphlab.nas.registry import find_proxy, make_base


class Config(StrategyConfig):
    """base      the strategy that proposes: random, or one of our own, as evolution, local-search, graphnas, agnn
    proxy     what chooses among its proposals
    draws     proposals for one evaluation
    settings  the base's own
    """

    base: str = "evolution"
    proxy: str = "naswot"
    draws: PositiveInt = 8
    settings: dict[str, Any] = {}


class Screened(Strategy):
    """The best of a few proposals of another strategy, by a proxy of their untrained weights."""

    Config = Config
    citation = Citation(
        key="abdelfattah2021",
        title="Zero-Cost Proxies for Lightweight NAS",
        authors="Abdelfattah, Mohamed S. and Mehrotra, Abhinav and Dudziak, Łukasz and Lane, Nicholas D.",
        venue="ICLR",
        year=2021,
        url="https://arxiv.org/abs/2101.08134",
    )

    def __init__(self, config: Config, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        self.proxy = find_proxy(config.proxy)
        self.networks = networks_of(objective)
        self.proxy.check(self.networks.plan(space.sample(stream.child("check").numpy())).task)
        self.base = make_base(config.base, config.settings, space, objective, stream.child("base"))
        self._values: dict[str, float] = {}

    def ask(self, random: np.random.Generator) -> Proposal:
        drawn: dict[str, Proposal] = {}
        for _ in range(self.config.draws):
            self.base.under_way, self.base.leader = self.under_way | drawn.keys(), self.leader
            proposal = self.base.ask(random)
            drawn.setdefault(self.space.key(proposal.choices), proposal)
        fresh = {key: proposal for key, proposal in drawn.items() if self.is_new(proposal.choices)} or drawn
        for key, proposal in fresh.items():
            if key not in self._values:
                self._values[key] = self._guess(proposal.choices)
        best = max(fresh, key=self._values.__getitem__)
        return Proposal(fresh[best].choices, {**fresh[best].notes, self.proxy.name: self._values[best]})

    def _guess(self, values: Architecture) -> float:
        """The proxy's value; the worst of what has none or cannot be built, as may come out only then."""
        try:
            value = self.networks.guess(self.proxy, values)
        except ConfigError:
            return -math.inf
        return -math.inf if math.isnan(value) else value

    def tell(self, outcome: Outcome) -> None:
        super().tell(outcome)
        self.base.tell(outcome)
