"""ShiftNAS: sub-networks sampled where training still helps, by cost. Zhang, Yu, Zhao and Ou, ICCV 2023.

Even sampling gives networks of middling cost most of the training. Here costs fall into bins of equally many
architectures. A step first draws a bin, with probability

    p(b) = (1 - e) g_b / sum g + e / B        g_b the running mean of what a step on a network of the bin takes off the
                                              held-out loss, 0 where it adds to it

then a network of that cost from a generator G, which maps a target cost C to logits of every decision and goes down

    L_val(path) + mu (cost(path) - C)^2        path ~ Gumbel arg-max of G(C), with the straight-through gradient

In the end the generator names networks of every bin, and the supernet ranks them by validation, as in SPOS.

The idea is recalled: a gap in performance shifts the sampling between costs, and a generator with the loss (cost - C)^2
gives networks of a cost. Ours is everything else: the held-out gain of a step as the gap; the cost, the logarithm of
the number of parameters as a sum over options that is fitted to the space, standardised; the generator's form, how
often it moves, even sampling at first and for a share of the steps after, mu, e, and the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeFloat, PositiveFloat, PositiveInt, Probability
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.objectives import networks_of
from graphlab.nas.oneshot.controllers import gumbel, straight_through
from graphlab.nas.oneshot.costs import AdditiveCost, parameter_costs
from graphlab.nas.oneshot.importance import probabilities
from graphlab.nas.oneshot.strategy import OneShot, OneShotConfig
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.oneshot.training import Loss, SupernetTraining

HIDDEN_DIM = 32
"""Of the generator."""

PLACED = 1000
"""Architectures whose costs say where the bins end."""

RATE = 0.1
"""Share of the newest gain in a running mean."""


class Config(OneShotConfig):
    """bins         of cost
    even         e, the share of the bins' probability that gains do not move
    explore      share of the steps on an architecture drawn as random search draws them
    warm_up      share of the epochs in which all are
    lr           of the generator's optimiser, Adam
    period       epochs from one step of the generator to the next
    cost_weight  mu
    temperature  of the relaxed choice, whose gradient the generator has
    draws        networks of each bin that the supernet ranks
    """

    epochs: PositiveInt = 1000
    bins: Annotated[int, Field(ge=2)] = 5
    even: Probability = 0.2
    explore: Probability = 0.3
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.2
    lr: PositiveFloat = 0.01
    period: PositiveInt = 2
    cost_weight: NonNegativeFloat = 1.0
    temperature: PositiveFloat = 1.0
    draws: PositiveInt = 60


class ShiftNAS(OneShot):
    """The best of every cost by a supernet that was trained where training helped most."""

    Config = Config
    citation = Citation(
        key="zhang2023shift",
        title="ShiftNAS: Improving One-shot NAS via Probability Shift",
        authors="Zhang, Mingyang and Yu, Xinyi and Zhao, Haodong and Ou, Linlin",
        venue="ICCV",
        year=2023,
        url="https://arxiv.org/abs/2307.08300",
    )

    def candidates(self, training: SupernetTraining) -> Iterator[Proposal]:
        bins, generator = self.learn(training)
        random = training.stream.child("named")
        scored: dict[str, tuple[float, Architecture, int]] = {}
        for k, target in enumerate(bins.targets):
            for draw in range(self.config.draws):
                values = self._generated(generator, target, random.child(k, draw))
                if (key := self.space.key(values)) not in scored:
                    scored[key] = training.score(path(self.space, values)), values, k
        for score, values, k in sorted(scored.values(), key=lambda each: each[0], reverse=True):
            yield Proposal(values, {"supernet": training.sign * score, "bin": k})

    def learn(self, training: SupernetTraining) -> tuple[CostBins, Generator]:
        """Train the supernet and the generator, and learn which bins gain."""
        stream = training.stream.child("shift")
        cost = parameter_costs(self.space, networks_of(self.objective), stream.child("fitted").numpy())
        bins = CostBins(self.space, cost, self.config.bins, stream.child("placed").numpy())
        generator = Generator(self.space, stream.child("generator"))
        optimizer = torch.optim.Adam(generator.parameters(), lr=self.config.lr)

        def epoch(number: int) -> None:
            learns = number > self.config.warm_up * training.epochs and number % self.config.period == 0
            for step, (on_train, on_held_out) in enumerate(training.losses(number)):
                child = stream.child("epoch", number, step)
                if learns:
                    self._improve(generator, optimizer, cost, bins, on_held_out, child.child("generator"))
                values = self._path(training, bins, generator, number, child)
                bins.add(values, self._gain(training, values, on_train, on_held_out))

        training.run(epoch, {"generator": generator, "generator optimizer": optimizer, "bins": bins})
        return bins, generator

    def _improve(
        self,
        generator: Generator,
        optimizer: torch.optim.Optimizer,
        cost: AdditiveCost,
        bins: CostBins,
        on_held_out: Loss,
        stream: SeedStream,
    ) -> None:
        """A step of the generator at the target of an evenly drawn bin."""
        target = bins.targets[stream.child("bin").numpy().integers(len(bins.targets))]
        drawn = generator.drawn(target, stream.child("path"), self.config.temperature)
        loss = on_held_out(drawn) + self.config.cost_weight * (cost(drawn) - target).square()
        weights = list(generator.parameters())
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        optimizer.step()

    def _path(
        self, training: SupernetTraining, bins: CostBins, generator: Generator, number: int, stream: SeedStream
    ) -> Architecture:
        """What a step trains."""
        random = stream.child("architecture").numpy()
        if number <= self.config.warm_up * training.epochs or random.random() < self.config.explore:
            return self.space.sample(random)
        chances = bins.chances(self.config.even)
        target = bins.targets[random.choice(len(chances), p=chances / chances.sum())]
        return self._generated(generator, target, stream.child("path"))

    def _generated(self, generator: Generator, target: float, stream: SeedStream) -> Architecture:
        """A network of about a cost; one that is drawn evenly where the generator's is none."""
        drawn = generator.drawn(target, stream, self.config.temperature)
        values = {each.name: each.options[int(drawn[each.name].argmax())] for each in self.space.decisions}
        return values if self.space.is_valid(values) else self.space.sample(stream.child("instead").numpy())

    def _gain(self, training: SupernetTraining, values: Architecture, on_train: Loss, on_held_out: Loss) -> float:
        """What a step of a network's weights takes off its held-out loss."""
        mixture = path(self.space, values)
        with torch.no_grad():
            before = float(on_held_out(mixture))
        training.descend(on_train, mixture)
        with torch.no_grad():
            return before - float(on_held_out(mixture))


class CostBins:
    """Bins of cost that hold equally many architectures, and what training gains in each.

    Attributes:
        edges: Costs where a bin ends and the next begins, `[bins - 1]`.
        targets: The median cost of each bin.
        gains: Running means.
    """

    def __init__(self, space: Space, cost: AdditiveCost, count: int, random: np.random.Generator) -> None:
        self.space, self.cost = space, cost
        costs = [cost.of(space, space.sample(random)) for _ in range(PLACED)]
        self.edges = np.quantile(costs, np.arange(1, count) / count)
        self.targets = np.quantile(costs, (np.arange(count) + 0.5) / count).tolist()
        self.gains = torch.zeros(count, dtype=torch.float64)

    def place(self, values: Architecture) -> int:
        return int(np.searchsorted(self.edges, self.cost.of(self.space, values), side="right"))

    def add(self, values: Architecture, gain: float) -> None:
        """Note what a step on an architecture has gained; what is not finite counts as nothing."""
        k = self.place(values)
        self.gains[k] += RATE * ((gain if np.isfinite(gain) else 0.0) - self.gains[k])

    def chances(self, even: float) -> np.ndarray:
        """The probability of each bin, `[bins]`."""
        return probabilities(self.gains.clamp_min(0), 1 - even).numpy()

    def state_dict(self) -> dict[str, Tensor]:
        return {"gains": self.gains}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.gains = state["gains"].cpu()


class Generator(nn.Module):
    """Logits of every decision for a target cost, of nearly equal options at first."""

    def __init__(self, space: Space, stream: SeedStream) -> None:
        super().__init__()
        self.sizes = {decision.name: len(decision.options) for decision in space.decisions}
        random = stream.torch()
        self.first = nn.Parameter(torch.randn(HIDDEN_DIM, 2, generator=random))
        self.second = nn.Parameter(0.01 * torch.randn(sum(self.sizes.values()), HIDDEN_DIM, generator=random))

    def logits(self, target: float) -> dict[str, Tensor]:
        hidden = (self.first @ torch.tensor([1.0, target])).tanh()
        return dict(zip(self.sizes, (self.second @ hidden).split(list(self.sizes.values())), strict=True))

    def drawn(self, target: float, stream: SeedStream, temperature: float) -> dict[str, Tensor]:
        """An option of each decision, as weights of 1 and 0 with the straight-through gradient."""
        return {
            name: straight_through(logits, gumbel(stream.child(name), len(logits)), temperature)
            for name, logits in self.logits(target).items()
        }
