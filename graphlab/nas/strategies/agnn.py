"""AGNN: a reinforced conservative controller. Zhou et al., "Auto-GNN", Frontiers in Big Data 2022, section 4.

The best architecture so far is kept, and each proposal changes decisions of one kind in it. Every kind has a recurrent
policy of its own, which reads the best architecture and draws that kind's decisions anew; the kind is that whose
decisions have the highest entropy, or is drawn by it. The reward is the proposal's validation less the best before it.

The paper leaves open what a policy reads and how its kind is drawn in practice; here it reads every decision of the
best architecture in order, and the kind is drawn from the softmax of the entropies, each as a share of what it can be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeFloat, PositiveFloat, PositiveInt
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Architecture, Decision, Space
from graphlab.nas.core.strategy import Proposal, Strategy, StrategyConfig
from graphlab.nas.strategies.graphnas import Controller, draw

ENTROPIES = "entropies"
"""In the notes of a proposal: by kind, the mean entropy of its decisions as a share of what it can be."""

Reading = tuple[Tensor, tuple[Tensor, Tensor]]
"""What a policy saw last, and its state."""

WIDER_AFTER = 4
"""Proposals that were seen before, after which one kind more is changed: else a search would end in the first
architecture of which no neighbour is better."""

MOST_DRAWN = 60
"""Proposals that were seen before, after which chance is asked."""


class Config(StrategyConfig):
    """hidden_dim  of each recurrent policy
    lr          of their optimiser, Adam; ten times that of GraphNAS, whose searches are ten times as long
    startup     evaluations drawn at random, the best of which is the first that is kept; none where a search begins
                with hand-set networks, whose best takes its place
    choose      the kind to change: drawn by the entropies, or always that of the highest
    explore     chance that one decision of the kind is drawn evenly
    decay       of the moving average of rewards, which scales them
    entropy     weight of the entropy in the policies' objective
    clip_norm   largest norm of a gradient
    """

    hidden_dim: PositiveInt = 100
    lr: PositiveFloat = 3.5e-3
    startup: PositiveInt = 10
    choose: Literal["drawn", "highest"] = "drawn"
    explore: Annotated[float, Field(ge=0, le=1)] = 0.1
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.95
    entropy: NonNegativeFloat = 1e-4
    clip_norm: PositiveFloat = 5.0


class AGNN(Strategy):
    """Changes one kind of decision at a time in the best architecture, and keeps what is better."""

    Config = Config
    citation = Citation(
        key="zhou2022",
        kind="article",
        title="Auto-GNN: Neural Architecture Search of Graph Neural Networks",
        authors="Zhou, Kaixiong and Huang, Xiao and Song, Qingquan and Chen, Rui and Hu, Xia",
        venue="Frontiers in Big Data",
        year=2022,
        url="https://arxiv.org/abs/1909.03184",
    )

    def __init__(self, config: Config, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        stream.child("policies").seed_torch()
        self.policies = {kind: Controller(space.decisions, config.hidden_dim) for kind in space.kinds}
        self._weights = [weight for policy in self.policies.values() for weight in policy.parameters()]
        self.optimizer = torch.optim.Adam(self._weights, lr=config.lr)
        self.baseline = self.spread = 0.0
        self._best: Outcome | None = None
        self._has_starts = False
        self._scores: dict[str, float] = {}
        self._readings: dict[tuple[Any, ...], Reading] = {}

    def ask(self, random: np.random.Generator) -> Proposal:
        if self._kept is None or (len(self.outcomes) < self.config.startup and not self._has_starts):
            return Proposal(self.space.sample(random))
        best = self._kept.values
        with torch.no_grad():
            entropies = {kind: self._redraw(kind, best, random)[1] for kind in self.policies if self._made(kind, best)}
            for tried in range(MOST_DRAWN):
                values, changes = best, []
                for kind in self._choose(entropies, 1 + tried // WIDER_AFTER, random):
                    if not self._made(kind, values):
                        continue  # a change before this one took its decisions away
                    drawn, _ = self._redraw(kind, values, random)
                    changes.append({"kind": kind, "in": values, "drawn": drawn})
                    values = self.space.complete({**values, **drawn}, random)
                if self.space.is_valid(values) and self.is_new(values):
                    return Proposal(values, {"changes": changes, ENTROPIES: entropies})
        return Proposal(self.space.mutate(best, random), {ENTROPIES: entropies})

    @property
    def _kept(self) -> Outcome | None:
        """The architecture that is changed: the leader of a race, else the best so far."""
        return self.leader or self._best

    def tell(self, outcome: Outcome) -> None:
        super().tell(outcome)
        self._has_starts = self._has_starts or bool(outcome.start)
        if outcome.rank is None:
            return
        if outcome.score is not None:
            self._scores[outcome.key] = outcome.score
            if "changes" in outcome.notes:
                self._learn(outcome)
        if self._best is None or self._best.rank is None or outcome.rank > self._best.rank:
            self._best = outcome

    def _learn(self, outcome: Outcome) -> None:
        """One step along the gradient of the reward, centred by its moving average and scaled by its moving size."""
        changes, decay = outcome.notes["changes"], self.config.decay
        before = self._scores.get(self.space.key(changes[0]["in"]))
        if before is None:
            return  # the parent broke a limit
        reward = (outcome.score or 0.0) - before
        self.spread = max(abs(reward), decay * self.spread)
        self.baseline += (1 - decay) * (reward - self.baseline)
        if not self.spread:
            return
        likelihood, entropy = self._likelihood(changes)
        loss = -(reward - self.baseline) / self.spread * likelihood - self.config.entropy * entropy
        self.optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(self._weights, self.config.clip_norm)
        self.optimizer.step()
        self._readings.clear()

    def _choose(self, entropies: Mapping[str, float], count: int, random: np.random.Generator) -> list[str]:
        """So many kinds, by their entropies."""
        kinds = list(entropies)
        values = np.array(list(entropies.values()))
        if self.config.choose == "highest":
            return [kinds[i] for i in np.argsort(-values, kind="stable")[:count]]
        chances = np.exp(values - values.max())
        order = random.choice(len(kinds), min(count, len(kinds)), replace=False, p=chances / chances.sum())
        return [kinds[i] for i in order]

    def _redraw(self, kind: str, best: Architecture, random: np.random.Generator) -> tuple[Architecture, float]:
        """This kind's decisions drawn anew, and their mean entropy as a share of what it can be."""
        policy, made = self.policies[kind], self._made(kind, best)
        seen, state = self._read_once(kind, best)
        chosen: Architecture = {}
        shares: list[float] = []
        evenly = random.integers(len(made)) if random.random() < self.config.explore else None
        for i, decision in enumerate(made):
            logits, state = policy.step(decision, seen, state)
            logits = self._without_the_same(logits, decision, best, len(made))
            shares.append(_entropy_share(logits))
            option = draw(torch.where(logits.isfinite(), 0.0, logits) if i == evenly else logits, random)
            chosen[decision.name] = decision.options[option]
            seen = policy.embed(decision, option)
        return chosen, float(np.mean(shares))

    def _likelihood(self, changes: Sequence[Mapping[str, Any]]) -> tuple[Tensor, Tensor]:
        """The log probability of what was drawn, one kind after the other, and the sum of the entropies."""
        total, entropy = torch.zeros(()), torch.zeros(())
        for change in changes:
            kind, values = change["kind"], change["in"]
            policy, made = self.policies[kind], self._made(kind, values)
            seen, state = self._read(kind, values)
            for decision in made:
                logits, state = policy.step(decision, seen, state)
                logits = self._without_the_same(logits, decision, values, len(made))
                option = decision.nearest(change["drawn"][decision.name])
                total = total + torch.log_softmax(logits, 0)[option]
                possible = torch.log_softmax(logits[logits.isfinite()], 0)
                entropy = entropy - (possible.exp() * possible).sum()
                seen = policy.embed(decision, option)
        return total, entropy

    def _read_once(self, kind: str, values: Architecture) -> Reading:
        """`_read`, kept until the policies learn."""
        key = (kind, *values.items())
        if key not in self._readings:
            self._readings[key] = self._read(kind, values)
        return self._readings[key]

    def _read(self, kind: str, values: Architecture) -> Reading:
        """Where a kind's policy is after it has read an architecture."""
        policy = self.policies[kind]
        seen, state = policy.initial()
        for decision in self.space.decisions:
            if decision.name in values:
                state = policy.cell(seen, state)
                seen = policy.embed(decision, decision.nearest(values[decision.name]))
        return seen, state

    def _made(self, kind: str, values: Architecture) -> list[Decision]:
        return [decision for decision in self.space.kinds[kind] if decision.name in values]

    @staticmethod
    def _without_the_same(logits: Tensor, decision: Decision, values: Architecture, count: int) -> Tensor:
        """Where a kind makes one decision, another value than before is drawn."""
        if count > 1 or len(decision.options) == 1:
            return logits
        same = torch.zeros_like(logits, dtype=torch.bool)
        same[decision.nearest(values[decision.name])] = True
        return logits.masked_fill(same, -math.inf)


def _entropy_share(logits: Tensor) -> float:
    chances = torch.softmax(logits, 0)
    possible = int((chances > 0).sum())
    return float(torch.special.entr(chances).sum()) / math.log(possible) if possible > 1 else 0.0
