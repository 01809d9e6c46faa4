"""GraphNAS: a recurrent policy by REINFORCE. Gao et al., IJCAI 2020, section 3.

The gradient is that of E[(R - b) log P(a)] + w H, with R the validation of what the choices a build, b its moving
average, and H the entropy of the decisions. The choices are those that the policy drew: where several spell one
network, the spelling that the search knows it by may be another. What chance alone chose is no draw of the policy, so
that nothing is learned of it.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch.nn.utils import clip_grad_norm_

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeFloat, PositiveFloat, PositiveInt
from graphlab.core.seeds import SeedStream
from graphlab.nas.controller import Policy, log_likelihood, sample
from graphlab.nas.driver.ledger import Outcome
from graphlab.nas.objectives.objective import Objective
from graphlab.nas.space import Space
from graphlab.nas.strategy import Controller, Proposal, StrategyConfig

MOST_DRAWN = 50
"""Draws of an architecture that was not seen before chance alone is asked."""

BY_CHANCE = "by_chance"
"""What a proposal of chance is noted with."""


class Config(StrategyConfig):
    """hidden_dim  of the recurrent policy
    lr          of its optimiser, Adam
    decay       of the moving average of rewards
    entropy     weight of the decisions' entropy
    clip_norm   largest norm of a gradient
    """

    hidden_dim: PositiveInt = 100
    lr: PositiveFloat = 3.5e-4
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.95
    entropy: NonNegativeFloat = 1e-4
    clip_norm: PositiveFloat = 5.0


class GraphNAS(Controller):
    """One policy draws whole architectures; what was better than the average becomes likelier."""

    Config = Config
    citation = Citation(
        key="gao2020",
        title="Graph Neural Architecture Search",
        authors="Gao, Yang and Yang, Hong and Zhang, Peng and Zhou, Chuan and Hu, Yue",
        venue="IJCAI",
        year=2020,
        url="https://doi.org/10.24963/ijcai.2020/195",
    )

    def __init__(self, config: Config, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        stream.child("policy").seed_torch()
        self.policy = Policy(space.decisions, config.hidden_dim)
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=config.lr)
        self.baseline: float | None = None

    def ask(self, random: np.random.Generator) -> Proposal:
        for _ in range(MOST_DRAWN):
            values = sample(self.policy, random)
            if self.space.is_valid(values) and self.is_new(values):
                return Proposal(values)
        return Proposal(self.space.sample(random), {BY_CHANCE: True})

    def tell(self, outcome: Outcome) -> None:
        super().tell(outcome)
        if outcome.score is None or BY_CHANCE in outcome.notes:
            return
        decay = self.config.decay
        before = outcome.score if self.baseline is None else self.baseline
        baseline = self.baseline = decay * before + (1 - decay) * outcome.score
        likelihood, entropy = log_likelihood(self.policy, outcome.params)
        loss = -(outcome.score - baseline) * likelihood - self.config.entropy * entropy
        self.optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(self.policy.parameters(), self.config.clip_norm)
        self.optimizer.step()
