"""All networks of a search space at once, on one set of weights. Liu et al. (DARTS), ICLR 2019; Guo et al. (SPOS),
ECCV 2020.

Here is their base class, `Supernet`; each other file is the supernet of the space of its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.spec import DataSpec
from graphlab.model.base import Model
from graphlab.nas.core.space import Decision, Space

Mixture = Mapping[str, Tensor]
"""By decision, a weight for each of its options `[options]`."""


class Supernet(Model, ABC):
    """A network in which every decision of a space is a weighted sum over its options.

    `mixture` holds the weights. Where each decision has one option of weight 1 and the others 0, the rows are those of
    that architecture's network alone, and only it is computed. Batch norms use the batch's own moments and have no
    weights, since what they see changes with the mixture.

    config   of the space's model: where widths are not searched, and dropout
    shrink   all widths are those of the space's networks divided by this
    partial  one in so many channels goes through what is mixed, the others past it. Xu et al. (PC-DARTS), ICLR 2020

    Raises ConfigError for widths that cannot be divided so.
    """

    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    transform: ClassVar[str] = ""
    """The transform that the space's networks have and the supernet computes itself; empty for none."""
    mixes: ClassVar[bool] = True
    """Whether several options of a decision may have a weight."""

    def __init__(self, config: Any, spec: DataSpec, shrink: int, partial: int) -> None:
        super().__init__()
        self.mixture: Mixture = {}

    @abstractmethod
    def forward(self, batch: Data) -> Tensor: ...


def path(space: Space, values: Mapping[str, Any]) -> dict[str, Tensor]:
    """The mixture of one architecture: weight 1 for what it chooses, 0 for the rest, and for all options of decisions
    that it does not make."""
    return {decision.name: _chosen(decision, values.get(decision.name)) for decision in space.decisions}


def _chosen(decision: Decision, value: Any) -> Tensor:
    count = len(decision.options)
    return torch.zeros(count) if value is None else F.one_hot(torch.tensor(decision.nearest(value)), count).float()


def mixed(weights: Tensor, options: Sequence[Callable[[], Tensor]]) -> Tensor:
    """The weighted sum of what the options give; one of weight 0 is not asked."""
    if not weights.requires_grad:
        active = weights.nonzero().flatten().tolist()
        if len(active) == 1 and weights[active[0]] == 1:
            return options[active[0]]()
    else:
        active = range(len(options))
    terms = [weights[i] * options[i]() for i in active]
    return torch.stack(terms).sum(0) if len(terms) > 1 else terms[0]
