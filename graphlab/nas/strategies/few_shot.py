"""Few-shot search: a supernet split by gradient matching into several. Hu et al., ICLR 2022; Zhao et al., ICML 2021.

A supernet is trained a path at a time. Then, level after level, every part is split in two: of each decision, the
cosines between its options' gradients of the weights that they share are a graph, which a minimum cut divides; the
decision whose cut has the lowest mean similarity is split there, and two parts go on with the weights of the one that
they come from, each with its half of the options. The last parts are searched by single paths or by a mixture:

    spos   one evolution over all architectures, each with the weights of its part
    darts  a mixture a part; their likeliest come in turn, from the part with the best held-out score first

Recalled, not read. Ours are: cuts of equal halves, found by trying all of them; gradients on one training batch, the
mean of a few draws of the other decisions; shared weights as the tensors that all options of a decision reach; single
paths up to the last level for either base; the epochs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from graphlab.core.citation import Citation
from graphlab.core.config import NonNegativeInt, PositiveFloat, PositiveInt
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.oneshot.gradient_matching import drawn, similarities, smallest_cut
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.oneshot.training import SupernetTraining
from graphlab.nas.strategies.darts import DARTS
from graphlab.nas.strategies.spos import SPOS
from graphlab.nas.strategies.spos import Config as SPOSConfig


class Config(SPOSConfig):
    """epochs        of the whole supernet
    base          how the last parts are searched
    levels        of splits: so many times every part becomes two
    split_epochs  of each part
    contexts      draws of the other decisions that a decision's gradients are compared in
    lr            of a mixture's optimiser, where the base is darts
    """

    epochs: PositiveInt = 400
    base: Literal["spos", "darts"] = "spos"
    levels: NonNegativeInt = 2
    split_epochs: PositiveInt = 150
    contexts: PositiveInt = 4
    lr: PositiveFloat = 0.02


@dataclass(frozen=True)
class Part:
    """A sub-space with a supernet of its own.

    Attributes:
        name: Empty for the whole, else a digit for each split, 0 or 1.
        options: By decision, the places of the options that it has.
        training: Of its supernet.
    """

    name: str
    options: Mapping[str, Sequence[int]]
    training: SupernetTraining

    @property
    def file(self) -> str:
        return f"supernet-{self.name}" if self.name else "supernet"

    def holds(self, space: Space, values: Architecture) -> bool:
        return all(each.nearest(values[each.name]) in self.options[each.name] for each in space.decisions)


class FewShot(SPOS):
    """The best architectures by supernets that each have a part of the options."""

    mixes = True
    Config = Config
    citation = Citation(
        key="hu2022",
        title="Generalizing Few-Shot NAS with Gradient Matching",
        authors="Hu, Shoukang and Wang, Ruochen and Hong, Lanqing and Li, Zhenguo and Hsieh, Cho-Jui and Feng, Jiashi",
        venue="ICLR",
        year=2022,
        url="https://arxiv.org/abs/2203.15207",
    )

    def candidates(self, training: SupernetTraining) -> Iterator[Proposal]:
        parts = self.split(training)
        if self.config.base == "spos":
            for part in parts:
                self._train(part)
            return self.evolved(training, lambda values: self._score(parts, values))
        return self._by_mixtures(parts)

    def split(self, training: SupernetTraining) -> list[Part]:
        """The last parts, with the weights that they begin with."""
        every = {decision.name: tuple(range(len(decision.options))) for decision in self.space.decisions}
        parts = [Part("", every, training)]
        for _ in range(self.config.levels):
            for part in parts:
                self._train(part)
            parts = [half for part in parts for half in self._halves(part)]
        return parts

    def _train(self, part: Part) -> None:
        """Single paths of a part."""
        training = part.training

        def epoch(number: int) -> None:
            random = training.stream.child("paths", part.name, number).numpy()
            for on_train, _ in training.losses(number):
                training.descend(on_train, path(self.space, drawn(self.space, part.options, random)))

        training.run(epoch, {}, part.file)

    def _halves(self, part: Part) -> list[Part]:
        """The two that a part becomes; the part itself where nothing is left to split."""
        training = part.training
        stream = training.stream.child("matching", part.name)
        on_train, _ = next(training.losses(training.epochs + 1))
        matched = similarities(self.space, part.options, on_train, training.weights, self.config.contexts, stream)
        if not matched:
            return [part]
        cuts = {name: smallest_cut(matrix) for name, matrix in matched.items()}
        name = min(cuts, key=lambda name: cuts[name][0])
        groups = [tuple(part.options[name][k] for k in group) for group in cuts[name][1]]
        return [self._child(part, k, {**part.options, name: group}) for k, group in enumerate(groups)]

    def _child(self, part: Part, number: int, options: Mapping[str, Sequence[int]]) -> Part:
        training = part.training.untrained(self.config.split_epochs)
        training.learner.load_state_dict(part.training.learner.state_dict())
        return Part(f"{part.name}{number}", options, training)

    def _score(self, parts: Sequence[Part], values: Architecture) -> float:
        part = next(part for part in parts if part.holds(self.space, values))
        return part.training.score(path(self.space, values))

    def _by_mixtures(self, parts: Sequence[Part]) -> Iterator[Proposal]:
        """The next of each part in turn."""
        scored = sorted((self._mixture(part) for part in parts), key=lambda each: each[0], reverse=True)
        waiting = [names for _, names in scored]
        while waiting:
            for names in tuple(waiting):
                proposal = next(names, None)
                if proposal is None or not proposal.notes["probability"] > 0:
                    waiting.remove(names)
                else:
                    yield proposal

    def _mixture(self, part: Part) -> tuple[float, Iterator[Proposal]]:
        """The score of a part's mixture, and what it finds likely."""
        config = DARTS.Config.parse({"lr": self.config.lr, "shrink": self.config.shrink}, where="few-shot")
        base = DARTS(config, self.space, self.objective, self.stream.child(part.file))
        base.mixed_options = part.options
        mixture = base.learn(part.training, part.file)
        return part.training.score(mixture), base.likeliest(mixture)
