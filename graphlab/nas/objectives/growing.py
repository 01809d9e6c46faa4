"""An architecture starts from the weights of a smaller one, with which it computes the same. Chen et al. (Net2Net),
ICLR 2016; Cai et al. (EAS), AAAI 2018.

Its parents are the evaluated architectures from which one move leads to it; of several the best. A few epochs then take
the place of a whole training. What has no parent is trained whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.model.transform import TRANSFORM
from graphlab.model.zoo.gnn_micro import GNNMicro
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.elastic.moves import Move, moves_to
from graphlab.nas.elastic.net2net import grow
from graphlab.nas.elastic.slices import skeleton
from graphlab.nas.elastic.space import ElasticSpace
from graphlab.nas.objectives.sharing import MODEL, SharingObjective
from graphlab.records.store import Store
from graphlab.task.base import Learner

HEAD = "head."
"""Where a learner has the parameters of its head, which pass as they are: the last layer has one width."""


class GrowingObjective(SharingObjective):
    """As `SharingObjective`, but that all weights of an architecture come from one other, grown by a move.

    `inherited` is 1 of what has a parent, else 0. Raises IncompatibleError for a space without moves, and where there
    is a transform.
    """

    def __init__(self, dataset: Dataset, space: Space, store: Store, *, warm_up: int, **options: Any) -> None:
        if not isinstance(space, ElasticSpace):
            raise IncompatibleError(
                f"architectures of {space.name} have no moves that preserve what a network computes",
                hint="search elastic-gcn, elastic-gat or elastic-sage",
            )
        self.elastic: ElasticSpace = space
        super().__init__(dataset, space, store, warm_up=warm_up, **options)

    def require_shares(self, values: Architecture) -> None:
        """Raises IncompatibleError for networks that a transform has changed."""
        transform = self.plan(values).components.get(TRANSFORM)
        if transform:
            raise IncompatibleError(
                f"weights under the transform {transform.name} do not grow", hint="leave the transform out, or sharing"
            )

    def roles(self, learner: Learner, values: Architecture, seed: int) -> dict[str, nn.Parameter]:
        """All parameters, for this architecture alone: they have a use once they have grown."""
        key = self.space.key(values)
        return {role_of(key, seed, name): parameter for name, parameter in learner.named_parameters()}

    def inherit(self, learner: Learner, values: Architecture, seed: int) -> int:
        """Give a learner the weights of its best parent, grown; how many numbers those are."""
        for parent, move in self.parents(values):
            saved = self._saved(parent, learner, seed)
            if saved:
                self._load(learner, saved, values, parent, move, seed)
                return learner.num_parameters
        return 0

    def parents(self, values: Architecture) -> Iterator[tuple[Architecture, Move]]:
        """Evaluated architectures from which a move leads to this one, the best first."""
        moves = {self.space.key(parent): (parent, move) for parent, move in moves_to(self.elastic, values)}
        yield from (moves[key] for key in self.weights.ranked_keys() if key in moves)

    def _saved(self, parent: Architecture, learner: Learner, seed: int) -> dict[str, torch.Tensor]:
        """The parameters of an evaluated network by name; empty where they are no longer there."""
        names = [f"{MODEL}{name}" for name, _ in self._skeleton(parent).named_parameters()]
        names += [name for name, _ in learner.named_parameters() if name.startswith(HEAD)]
        key = self.space.key(parent)
        tensors = self.weights.best([role_of(key, seed, name) for name in names])
        if len(tensors) < len(names):
            return {}
        return {name: tensors[role_of(key, seed, name)].to(self.device) for name in names}

    def _load(
        self,
        learner: Learner,
        saved: dict[str, torch.Tensor],
        values: Architecture,
        parent: Architecture,
        move: Move,
        seed: int,
    ) -> None:
        own = {name.removeprefix(MODEL): tensor for name, tensor in saved.items() if name.startswith(MODEL)}
        larger = learner.model
        assert isinstance(larger, GNNMicro)
        random = SeedStream(seed).child("grow", self.space.key(values)).numpy()
        grown = grow(own, self._skeleton(parent), larger, move, random)
        parameters = dict(learner.named_parameters())
        heads = {name: tensor for name, tensor in saved.items() if name.startswith(HEAD)}
        with torch.no_grad():
            for name, tensor in ({f"{MODEL}{name}": tensor for name, tensor in grown.items()} | heads).items():
                parameters[name].copy_(tensor)

    def _skeleton(self, values: Architecture) -> GNNMicro:
        """A network of the space without its numbers."""
        return skeleton(self.space.settings(values)[1], 0.0, self.plan(values).spec_seen)


def role_of(key: str, seed: int, name: str) -> str:
    """What a parameter of an architecture is for; see `WeightStore`."""
    return f"{key}: seed {seed}: {name}"
