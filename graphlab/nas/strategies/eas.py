"""Evolution by moves that preserve what a network computes: Cai et al. (EAS), AAAI 2018; Chen et al. (Net2Net), ICLR
2016.

EAS has a controller that chooses the moves; here the parent is the best of a few drawn from the latest evaluations, and
each of its moves is equally likely. Widths, heads and depth grow by one option a move.
"""

from __future__ import annotations

import numpy as np

from graphlab.core.citation import Citation
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.elastic.moves import moved, moves_from, roots
from graphlab.nas.elastic.space import ElasticSpace
from graphlab.nas.objectives.growing import GrowingObjective
from graphlab.nas.strategies.evolution import MOST_TRIED, Config, Evolution


class EAS(Evolution):
    """The narrowest network first, of each depth where networks do not grow deeper; then children of the best of a few
    drawn from the latest evaluations.

    The weights of a child are those of a parent, grown. Where nothing that was evaluated has a new child, a random
    architecture comes, which is trained whole unless an earlier one grows into it.
    """

    Config = Config
    raceable = False
    nestable = False
    citation = Citation(
        key="cai2018",
        title="Efficient Architecture Search by Network Transformation",
        authors="Cai, Han and Chen, Tianyao and Zhang, Weinan and Yu, Yong and Wang, Jun",
        venue="AAAI",
        year=2018,
        url="https://arxiv.org/abs/1707.04873",
    )

    def __init__(self, config: Config, space: Space, objective: Objective, stream: SeedStream) -> None:
        if not isinstance(space, ElasticSpace):
            raise IncompatibleError(
                f"architectures of {space.name} have no moves that preserve what a network computes",
                hint="search elastic-gcn, elastic-gat or elastic-sage",
            )
        if not isinstance(objective, GrowingObjective):
            raise IncompatibleError("eas passes weights on from parent to child", hint="set sharing, as sharing=20")
        super().__init__(config, space, objective, stream)
        self.elastic: ElasticSpace = space

    def ask(self, random: np.random.Generator) -> Proposal:
        for values in roots(self.elastic):
            if self.is_new(values):
                return Proposal(values)
        alive = self.alive()
        for _ in range(MOST_TRIED if alive else 0):
            parent = self.tournament(alive, random)
            children = self.children(parent)
            if children:
                return Proposal(children[random.integers(len(children))], {"parent": parent.key})
        return Proposal(self.space.sample(random))

    def children(self, parent: Outcome) -> list[Architecture]:
        """The architectures that one move leads to and that are new."""
        grown = (moved(self.elastic, parent.values, move) for move in moves_from(self.elastic, parent.values))
        return [values for values in grown if self.is_new(values)]
