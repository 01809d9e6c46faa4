"""ParZC: zero-cost statistics of single tensors, and a trained ranking of networks by them. Dong et al., AAAI 2025.

Proxies of an untrained network are sums over its parameter tensors, which count all of them alike. Here the terms stay
apart: a small mixer over them learns the order of the evaluations so far by a differentiable Kendall's tau (see
`graphlab.nas.surrogates.zero_cost_mixer`), and the network of a pool that it puts first is evaluated next.

Read of the paper are the mixer and the loss with a = 0.5. Ours are: the statistics, those of our proxies that are
sums; no Bayesian layers, which are to say how sure a score is; scores standardised before the loss; a pool that is
drawn once, whose first networks are evaluated before there is a ranking; the sizes.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveFloat, PositiveInt
from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal, Strategy, StrategyConfig
from graphlab.nas.objectives import networks_of
from graphlab.nas.proxies import TensorProxy
from graphlab.nas.registry import PROXIES, find_proxy
from graphlab.nas.surrogates.points import scores_of, targets_of
from graphlab.nas.surrogates.zero_cost_mixer import Tokens, ZeroCostMixer, fit_mixer


class Config(StrategyConfig):
    """proxies    whose terms are the statistics of a tensor
    startup    evaluations before the ranking is trained
    every      evaluations between trainings, each from new weights
    pool       networks whose statistics are computed, from which the next is chosen
    width      of the mixer
    epochs     of a training, with all pairs at once
    lr         of it, AdamW
    sharpness  a, how fast a difference counts as an order
    """

    proxies: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = ("snip", "grad-norm", "parameters")
    startup: Annotated[int, Field(ge=2)] = 10
    every: PositiveInt = 5
    pool: Annotated[int, Field(ge=2)] = 200
    width: PositiveInt = 16
    epochs: PositiveInt = 150
    lr: PositiveFloat = 0.01
    sharpness: PositiveFloat = 0.5


class ParZC(Strategy):
    """What a trained mixer of zero-cost statistics puts first among many."""

    Config = Config
    citation = Citation(
        key="dong2025",
        title="ParZC: Parametric Zero-Cost Proxies for Efficient NAS",
        authors=(
            "Dong, Peijie and Li, Lujun and Pan, Xinglin and Wei, Zimian and Liu, Xiang and Wang, Qiang and "
            "Chu, Xiaowen"
        ),
        venue="AAAI",
        year=2025,
        url="https://arxiv.org/abs/2402.02105",
    )

    def __init__(self, config: Config, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        self.networks = networks_of(objective)
        self.proxies = [_summed(name) for name in config.proxies]
        task = self.networks.plan(space.sample(stream.child("check").numpy())).task
        for proxy in self.proxies:
            proxy.check(task)
        self._ranked: list[Outcome] = []
        self._statistics: dict[str, Tensor] = {}
        self._trained_on = 0
        self._order: list[str] = []

    def tell(self, outcome: Outcome) -> None:
        super().tell(outcome)
        if outcome.rank is not None:
            self._ranked.append(outcome)

    def ask(self, random: np.random.Generator) -> Proposal:
        if len(self._ranked) >= self.config.startup:
            self._train_when_due()
        taken = self.taken
        for key in self._order or self._pool:
            if key not in taken:
                return Proposal(self._pool[key], {"ranked": self._trained_on})
        return Proposal(self.space.sample(random))

    def _train_when_due(self) -> None:
        """Order the pool by the evaluations up to the last multiple of `every`."""
        config = self.config
        due = len(self._ranked) - (len(self._ranked) - config.startup) % config.every
        if due == self._trained_on:
            return
        known = [outcome for outcome in self._ranked[:due] if len(self._statistics_of(outcome.key, outcome.values))]
        tokens = self._tokens([self._statistics[outcome.key] for outcome in known])
        stream = self.stream.child("fit", due)
        mixer = ZeroCostMixer(self._tokens.length, len(self.proxies) + 1, config.width, stream)
        wanted = torch.from_numpy(targets_of(scores_of(known))).float()
        fit_mixer(mixer, tokens, wanted, config.epochs, config.lr, config.sharpness)
        with torch.no_grad():
            scores = mixer(self._tokens([self._statistics[key] for key in self._described])).tolist()
        ranked = dict(zip(self._described, scores, strict=True))
        self._order = sorted(ranked, key=ranked.__getitem__, reverse=True)
        self._trained_on = due

    @cached_property
    def _pool(self) -> dict[str, Architecture]:
        random = self.stream.child("pool").numpy()
        drawn = (self.space.sample(random) for _ in range(self.config.pool))
        return {self.space.key(values): values for values in drawn}

    @cached_property
    def _described(self) -> list[str]:
        """Keys of the pool's networks that have statistics."""
        return [key for key, values in self._pool.items() if len(self._statistics_of(key, values))]

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens([self._statistics[key] for key in self._described])

    def _statistics_of(self, key: str, values: Architecture) -> Tensor:
        """`[tensors, proxies]` of the untrained network, without a row for one that cannot be built."""
        if key not in self._statistics:
            try:
                self._statistics[key] = self._measured(values)
            except ConfigError:
                self._statistics[key] = torch.zeros(0, len(self.proxies))
        return self._statistics[key]

    def _measured(self, values: Architecture) -> Tensor:
        plan, seed = self.networks.plan(values), self.networks.seeds[0]
        task = plan.make_task(seed, self.networks.device)
        learner = plan.make_learner(task, seed)
        return torch.tensor([proxy.by_tensor(learner, task) for proxy in self.proxies], dtype=torch.float64).T


def _summed(name: str) -> TensorProxy:
    """Raises ConfigError for a proxy that is no sum over tensors."""
    proxy = find_proxy(name)
    if not isinstance(proxy, TensorProxy):
        summed = [each for each in PROXIES.names() if isinstance(find_proxy(each), TensorProxy)]
        raise ConfigError(
            f"{name} has no value for a single parameter tensor", hint=f"choose among {', '.join(summed)}"
        )
    return proxy
