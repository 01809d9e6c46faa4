"""Policies over the decisions of a space: recurrent networks that name one option after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from graphlab.nas.space import Decision

INIT_RANGE = 0.1
"""Weights start uniform on +- this. Gao et al., IJCAI 2020."""

TEMPERATURE = 5.0
LOGIT_RANGE = 2.5
"""Logits are LOGIT_RANGE tanh(z / TEMPERATURE), so that no option is ever ruled out. Gao et al., IJCAI 2020."""


class Policy(nn.Module):
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


def sample(policy: Policy, random: np.random.Generator) -> dict[str, object]:
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


def log_likelihood(policy: Policy, values: Mapping[str, object]) -> tuple[Tensor, Tensor]:
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
