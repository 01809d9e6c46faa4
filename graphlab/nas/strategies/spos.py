"""Single path one-shot with evolution: Guo et al., ECCV 2020.

Every step trains the weights of one architecture, drawn as random search draws them: those with many spellings come
more often. Then architectures evolve by the validation metric that they have with the inherited weights, and come in
the order of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveInt
from graphlab.nas.core.space import Architecture
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.oneshot.evolve import Evolve, EvolveConfig
from graphlab.nas.oneshot.strategy import OneShot
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.oneshot.training import SupernetTraining


class Config(EvolveConfig):
    """As `EvolveConfig`; a supernet that learns a path at a time needs more epochs."""

    epochs: PositiveInt = 1000


class SPOS(OneShot):
    """The architectures that do best with the weights of a supernet that was trained one path at a time."""

    mixes = False

    Config = Config
    citation = Citation(
        key="guo2020",
        title="Single Path One-Shot Neural Architecture Search with Uniform Sampling",
        authors=(
            "Guo, Zichao and Zhang, Xiangyu and Mu, Haoyuan and Heng, Wen and Liu, Zechun and Wei, Yichen and Sun, Jian"
        ),
        venue="ECCV",
        year=2020,
        url="https://arxiv.org/abs/1904.00420",
    )

    def candidates(self, training: SupernetTraining) -> Iterator[Proposal]:
        self.learn(training)
        return self.evolved(training, lambda values: training.score(path(self.space, values)))

    def learn(self, training: SupernetTraining) -> None:
        """Train the supernet, one path a step."""

        def epoch(number: int) -> None:
            random = training.stream.child("paths", number).numpy()
            for on_train, _ in training.losses(number):
                training.descend(on_train, path(self.space, self.space.sample(random)))

        training.run(epoch, {})

    def evolved(self, training: SupernetTraining, score: Callable[[Architecture], float]) -> Iterator[Proposal]:
        """Every architecture of an evolution, the best score first."""
        evolution = Evolve(
            self.space,
            self.config,
            score,
            on_generation=lambda done: training.objective.on_work("generation", done, self.config.generations),
        )
        for each in evolution.run(training.stream.child("evolution").numpy()):
            yield Proposal(each.values, {"supernet": training.sign * each.score})
