"""GraphNAS: a recurrent policy by REINFORCE. Gao et al., IJCAI 2020, section 3.

The gradient is that of E[(R - b) log P(a)] + w H, with R the validation of what the choices a build, b its moving
average, and H the entropy of the decisions. The choices are those that the policy drew: where several spell one
network, the spelling that the search knows it by may be another. What chance alone chose is no draw of the policy, so
that nothing is learned of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeFloat, PositiveFloat, PositiveInt
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Decision, Space
from graphlab.nas.core.strategy import Proposal, Strategy, StrategyConfig

INIT_RANGE = 0.1
"""Weights start uniform on +- this. Gao et al., IJCAI 2020."""

TEMPERATURE = 5.0
LOGIT_RANGE = 2.5
"""Logits are LOGIT_RANGE tanh(z / TEMPERATURE), so that no option is ever ruled out. Gao et al., IJCAI 2020."""

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


class GraphNAS(Strategy):
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
        self.controller = Controller(space.decisions, config.hidden_dim)
        self.optimizer = torch.optim.Adam(self.controller.parameters(), lr=config.lr)
        self.baseline: float | None = None

    def ask(self, random: np.random.Generator) -> Proposal:
        for _ in range(MOST_DRAWN):
            values = sample(self.controller, random)
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
        likelihood, entropy = log_likelihood(self.controller, outcome.params)
        loss = -(outcome.score - baseline) * likelihood - self.config.entropy * entropy
        self.optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(self.controller.parameters(), self.config.clip_norm)
        self.optimizer.step()


class Controller(nn.Module):
    """An LSTM that reads what was chosen so far and gives the distribution of the next decision.

    Decisions of one kind share an embedding of their options and a decoder.
    """

    def __init__(self, decisions: Sequence[Decision], hidden_dim: int) -> None:
        super().__init__()
        self.decisions = tuple(decisions)
        self.kinds = list(dict.fromkeys(decision.kind for decision in decisions))
        sizes = {decision.kind: len(decision.options) for decision in decisions}
        self.cell = nn.LSTMCell(hidden_dim, hidden_dim)
        self.start = nn.Parameter(torch.empty(1, hidden_dim))
        self.embeddings = nn.ModuleList(nn.Embedding(sizes[kind], hidden_dim) for kind in self.kinds)
        self.decoders = nn.ModuleList(nn.Linear(hidden_dim, sizes[kind]) for kind in self.kinds)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -INIT_RANGE, INIT_RANGE)

    def initial(self) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        zeros = torch.zeros_like(self.start)
        return self.start, (zeros, zeros)

    def step(
        self, decision: Decision, seen: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Logits `[options]` of a decision after what was `seen` `[1, hidden]`, and the new state."""
        state = self.cell(seen, state)
        logits = self.decoders[self.kinds.index(decision.kind)](state[0])[0]
        return LOGIT_RANGE * torch.tanh(logits / TEMPERATURE), state

    def embed(self, decision: Decision, option: int) -> Tensor:
        return self.embeddings[self.kinds.index(decision.kind)].get_parameter("weight")[option : option + 1]


def draw(logits: Tensor, random: np.random.Generator) -> int:
    """An option, drawn from its softmax."""
    chances = torch.softmax(logits.detach().double(), 0).numpy()
    return int(random.choice(len(chances), p=chances / chances.sum()))


def sample(policy: Controller, random: np.random.Generator) -> dict[str, object]:
    """Values of all decisions that are made, drawn one after the other."""
    values: dict[str, object] = {}
    seen, state = policy.initial()
    with torch.no_grad():
        for decision in policy.decisions:
            if not decision.is_made(values):
                continue
            logits, state = policy.step(decision, seen, state)
            option = draw(logits, random)
            values[decision.name] = decision.options[option]
            seen = policy.embed(decision, option)
    return values


def log_likelihood(policy: Controller, values: Mapping[str, object]) -> tuple[Tensor, Tensor]:
    """The log probability of an architecture, and the sum of the entropies of its decisions; scalars with gradients."""
    seen, state = policy.initial()
    total, entropy = torch.zeros(()), torch.zeros(())
    for decision in policy.decisions:
        if decision.name not in values:
            continue
        logits, state = policy.step(decision, seen, state)
        log_chances = torch.log_softmax(logits, 0)
        option = decision.nearest(values[decision.name])
        total = total + log_chances[option]
        entropy = entropy - (log_chances.exp() * log_chances).sum()
        seen = policy.embed(decision, option)
    return total, entropy
