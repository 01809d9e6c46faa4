"""Whether imported weights mean what an import takes them to mean, measured on validation.

Weights may fit a model in every shape and still be of another network: edges walked the other way, a norm, an order of
rows. The metric tells: weights under their own conventions are better than under others, and better than weights that
are drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import Plan
from graphlab.model.base import TripleModel
from graphlab.task.base import Learner
from graphlab.training.loop import evaluate

SAMPLE = 1024
"""Items of validation that the check looks at, at most."""

TRIPLES = (8, 32)
"""Triples that it looks at where each is two walks over a graph: fewest, and most."""

WALKED = 2**21
"""Edges that all these walks together may start out with."""

DRAWS = 2
"""Untrained models that the weights must be better than."""

SHARE = 0.15
"""By how much of the larger value metrics must differ to tell two conventions apart."""

UNTRAINED = "weights drawn at random"


@dataclass(frozen=True)
class Check:
    """The metric of the weights as they were imported, and of what they were held against, by name."""

    metric: str
    value: float
    others: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        return {"metric": self.metric, "validation": self.value, "others": dict(self.others)}


Reader = Callable[[Mapping[str, Any]], tuple[Plan, Learner]]
"""From changes of settings to the plan with them and its learner with the weights as they are read then."""


def check_conventions(
    plan: Plan, seed: int, learner: Learner, changes: Sequence[Mapping[str, Any]], read: Reader
) -> Check:
    """Hold weights against the same under other conventions, and against weights drawn at random.

    Args:
        learner: With the weights as they were imported.
        changes: Settings with which the weights would fit too.
        read: Gives plan and learner with such a change.

    Raises:
        InputError: Others are better by more than SHARE, or those at random as good.
    """
    metric, direction = plan.selection
    sign = 1 if direction == "max" else -1
    value = _score(plan, seed, learner)
    others = {_text_of_change(change): _score(*_in_order(read(change), seed)) for change in changes}
    better = [name for name, other in others.items() if sign * (other - value) > SHARE * max(abs(other), abs(value))]
    if better:
        best = max(better, key=lambda name: sign * others[name])
        raise InputError(
            f"with {best} the weights have {metric} {others[best]:.3f} on validation, as they are imported {value:.3f}",
            hint=f"they were trained with {best}: set it, or say check=False if you know better",
        )
    task = plan.make_task(seed)
    draws = [_score(plan, seed, plan.make_learner(task, seed + draw)) for draw in range(DRAWS)]
    untrained = max(draws, key=lambda score: sign * score)
    if sign * (value - untrained) <= SHARE * max(abs(value), abs(untrained)):
        raise InputError(
            f"the weights have {metric} {value:.3f} on validation, {UNTRAINED} {untrained:.3f}",
            hint="the order of entities, relations or classes, or the data, may be others; check=False imports them so",
        )
    return Check(metric, value, {**others, UNTRAINED: untrained})


def _score(plan: Plan, seed: int, learner: Learner) -> float:
    task = plan.make_task(seed, next(learner.parameters()).device, most_validation=sample_size(plan))
    with torch.random.fork_rng():
        return evaluate(learner, task, "validation", SeedStream(seed).child("check"))[plan.selection[0]]


def sample_size(plan: Plan) -> int:
    """How many items of validation are looked at."""
    if not issubclass(plan.model.cls, TripleModel) or not plan.model.cls.reads_graph:
        return SAMPLE
    fewest, most = TRIPLES
    num_edges = sum(graph.num_edges for graph in plan.dataset.graphs)
    return min(most, max(fewest, WALKED // max(1, num_edges)))


def _in_order(changed: tuple[Plan, Learner], seed: int) -> tuple[Plan, int, Learner]:
    plan, learner = changed
    return plan, seed, learner


def _text_of_change(change: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in change.items())
