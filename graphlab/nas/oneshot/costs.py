"""What an architecture costs, as a sum over its options: a cost that has a gradient for their probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlab.experiment.plan import Plan
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.objectives import NetworkObjective
from graphlab.nas.oneshot.supernets import path
from graphlab.task.base import Learner

FITTED = 200
"""Architectures that an additive cost is fitted to."""


@dataclass(frozen=True)
class AdditiveCost:
    """The logarithm of a network's parameters, standardised over the space, as a constant and a part for each option.

    Attributes:
        constant: Of every architecture.
        parts: By decision, `[options]`, float32.
        residual: Standard deviation of what the sum leaves, in that of the costs.
    """

    constant: float
    parts: Mapping[str, Tensor]
    residual: float

    def __call__(self, mixture: Mapping[str, Tensor]) -> Tensor:
        """The expected cost under a mixture, a scalar with a gradient for its weights."""
        parts = [weights @ self.parts[name].to(weights) for name, weights in mixture.items()]
        return self.constant + torch.stack(parts).sum()

    def of(self, space: Space, values: Architecture) -> float:
        return float(self(path(space, values)))


def fit_costs(space: Space, architectures: Sequence[Architecture], costs: Sequence[float]) -> AdditiveCost:
    """The sum over options that is nearest to standardised costs in least squares, the smallest of all such sums."""
    known = np.array([torch.cat(list(path(space, values).values())).numpy() for values in architectures])
    wanted = np.asarray(costs, dtype=float)
    wanted = (wanted - wanted.mean()) / max(float(wanted.std()), 1e-12)
    design = np.hstack([np.ones((len(known), 1)), known]).astype(float)
    solution = np.linalg.lstsq(design, wanted, rcond=None)[0]
    sizes = [len(decision.options) for decision in space.decisions]
    parts = torch.tensor(solution[1:], dtype=torch.float32).split(sizes)
    residual = float(np.std(wanted - design @ solution))
    names = [decision.name for decision in space.decisions]
    return AdditiveCost(float(solution[0]), dict(zip(names, parts, strict=True)), residual)


def parameter_costs(space: Space, networks: NetworkObjective, random: np.random.Generator) -> AdditiveCost:
    """Fitted to the parameters of FITTED networks, drawn as random search draws them."""
    drawn = [space.sample(random) for _ in range(FITTED)]
    return fit_costs(space, drawn, [math.log(num_parameters(networks.plan(values))) for values in drawn])


def num_parameters(plan: Plan) -> int:
    """Of a network and its head, without its numbers."""
    with torch.device("meta"):
        model = plan.model.build(plan.spec_seen, plan.model_config)
        return Learner(model, plan.task.head(plan.task_config, model, plan.spec_seen)).num_parameters
