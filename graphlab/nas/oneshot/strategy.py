"""One-shot strategies: a supernet is trained once, and architectures are named by what it then says of them.

`first_order` and `second_order` are gradients of the bilevel problem of architecture search: the mixture that is best
on validation with the weights that are best on training. Liu et al., ICLR 2019, section 2.3.
"""

from __future__ import annotations

import heapq
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from graphlab.core.config import PositiveInt
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.model.transform import TRANSFORM
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal, Strategy, StrategyConfig
from graphlab.nas.objectives import networks_of
from graphlab.nas.oneshot.supernets import Supernet
from graphlab.nas.oneshot.training import SupernetTraining
from graphlab.nas.registry import find_supernet

DISTANCE = 0.01
"""Of the weights at which the second derivative is measured from those between, as a whole."""

BatchLoss = Callable[[], Tensor]

MOST_DRAWN = 200
"""Neighbours of the first candidate that are tried before one is drawn from the whole space."""

MOST_REPEATS = 5
"""Candidates in a row that were named before, after which there are no more."""


class OneShotConfig(StrategyConfig):
    """epochs  of the supernet's training
    shrink  widths of the supernet are those of the space's networks divided by this
    """

    epochs: PositiveInt = 200
    shrink: Annotated[int, Field(ge=1)] = 4


class OneShot(Strategy):
    """Trains a supernet before the first proposal, on the data that is searched on, and proposes the architectures that
    `candidates` gives, in this order, each to be trained on its own as of any other strategy. Outcomes change nothing.

    A neighbour of the first candidate is proposed where there are no more of them, which is also so once MOST_REPEATS
    of them in a row were candidates before.
    """

    raceable = False
    mixes: ClassVar[bool] = True
    """Whether it gives a weight to several options of a decision."""

    Config = OneShotConfig

    def __init__(self, config: Any, space: Space, objective: Objective, stream: SeedStream) -> None:
        super().__init__(config, space, objective, stream)
        build = self.supernet
        if self.mixes and not build.mixes:
            raise IncompatibleError(
                f"networks of {space.name} are slices of one weight and cannot be mixed",
                hint="search it with elastic or spos",
            )
        plan = networks_of(objective).plan(space.sample(stream.child("sample").numpy()))
        transform = plan.components.get(TRANSFORM)
        if transform and transform.name != build.transform:
            raise IncompatibleError(
                f"a supernet is trained without a transform, and the search has {transform.name}",
                hint="leave the transform out, or choose a strategy that trains each architecture on its own",
            )
        with torch.device("meta"):  # without its numbers: what cannot be built is refused before the search
            build(plan.model_config, plan.spec_seen, config.shrink, self.partial)
        self._named: dict[str, Proposal] = {}
        self._names: Iterator[Proposal] | None = None

    @property
    def partial(self) -> int:
        """Of so many channels one is mixed."""
        return 1

    @property
    def supernet(self) -> type[Supernet]:
        """The kind of supernet that is trained. Raises IncompatibleError for a space that has none."""
        return find_supernet(self.space)

    @abstractmethod
    def candidates(self, training: SupernetTraining) -> Iterator[Proposal]:
        """Trains the supernet; then the architectures that it favours, the best first."""

    def ask(self, random: np.random.Generator) -> Proposal:
        if self._names is None:
            self._names = self._different(self.candidates(self.make_training()))
        for proposal in chain(self._named.values(), self._names):
            if self.is_new(proposal.choices):
                return proposal
        return self._neighbour(random)

    def make_training(self) -> SupernetTraining:
        """The training of an untrained supernet; each has the same weights at first, and draws the same."""
        config, stream = self.config, self.stream.child("supernet")
        networks = networks_of(self.objective)
        return SupernetTraining(self.space, networks, stream, config.epochs, config.shrink, self.partial, self.supernet)

    def _different(self, candidates: Iterator[Proposal]) -> Iterator[Proposal]:
        """Each once, as they are asked for. Which they are hangs on no outcome, so that a search which goes on in
        another process has the same."""
        repeats = 0
        for proposal in candidates:
            key = self.space.key(proposal.choices)
            repeats = repeats + 1 if key in self._named else 0
            if repeats == MOST_REPEATS:
                return
            if not repeats:
                self._named[key] = proposal
                yield proposal

    def _neighbour(self, random: np.random.Generator) -> Proposal:
        first = next(iter(self._named.values())).choices
        for _ in range(MOST_DRAWN):
            near = self.space.mutate(first, random)
            if self.is_new(near):
                return Proposal(near)
        return Proposal(self.space.sample(random))


def likeliest(space: Space, chances: Mapping[str, np.ndarray]) -> Iterator[tuple[Architecture, float]]:
    """Every architecture of a space with the probability of its likeliest spelling, the likeliest first, each once.

    chances  of a decision's options, `[options]`, for each decision; all of them are made
    """
    names = list(chances)
    orders = [np.argsort(-chances[name], kind="stable") for name in names]
    logs = [
        [math.log(max(float(chances[name][i]), 1e-300)) for i in order]
        for name, order in zip(names, orders, strict=True)
    ]
    options = {decision.name: decision.options for decision in space.decisions}
    start: tuple[int, ...] = (0,) * len(names)
    waiting: list[tuple[float, tuple[int, ...]]] = [(-math.fsum(each[0] for each in logs), start)]
    pushed: set[tuple[int, ...]] = {start}
    named: set[str] = set()
    while waiting:
        negative, places = heapq.heappop(waiting)
        values = {name: options[name][order[k]] for name, order, k in zip(names, orders, places, strict=True)}
        if space.is_valid(values) and (key := space.key(values)) not in named:
            named.add(key)
            yield space.canonical(values), math.exp(-negative)
        for i, k in enumerate(places):
            after = (*places[:i], k + 1, *places[i + 1 :])
            if k + 1 < len(logs[i]) and after not in pushed:
                pushed.add(after)
                heapq.heappush(waiting, (negative + logs[i][k] - logs[i][k + 1], after))


def first_order(logits: Sequence[Tensor], validation: BatchLoss) -> list[Tensor]:
    """The gradient of the validation loss at the weights as they are."""
    return list(torch.autograd.grad(validation(), logits, materialize_grads=True))


def second_order(
    logits: Sequence[Tensor], weights: Sequence[Tensor], training: BatchLoss, validation: BatchLoss, lr: float
) -> list[Tensor]:
    """The gradient of the validation loss at weights one step of plain descent on, equations 7 and 8:

        w' = w - lr d_w L_train(w, a)        v = d_w' L_val(w', a)        e = DISTANCE / |v|
        d_a L_val(w', a) - lr (d_a L_train(w + e v, a) - d_a L_train(w - e v, a)) / 2e

    The losses must draw the same dropout at each call. The weights are left as they were. The logits may be on another
    device than the weights.
    """
    before = [weight.detach().clone() for weight in weights]

    def move(directions: Sequence[Tensor], distance: float | Tensor) -> None:
        with torch.no_grad():
            for weight, start, direction in zip(weights, before, directions, strict=True):
                weight.copy_(start + distance * direction)

    try:
        steepest = torch.autograd.grad(training(), weights, materialize_grads=True)
        move(steepest, -lr)
        both = torch.autograd.grad(validation(), [*weights, *logits], materialize_grads=True)
        v, direct = both[: len(before)], both[len(before) :]
        norm = torch.stack([each.square().sum() for each in v]).sum().sqrt()
        if norm == 0:
            return list(direct)
        e = DISTANCE / norm
        move(v, e)
        ahead = first_order(logits, training)
        move(v, -e)
        behind = first_order(logits, training)
    finally:
        move(before, 0.0)
    width = (2 * e).to(logits[0].device)
    return [d - lr * (p - m) / width for d, p, m in zip(direct, ahead, behind, strict=True)]
