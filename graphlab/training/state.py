"""Where a run stands: the position of the loop, and the checkpoint that validation selects."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from graphlab.task.base import Direction, Learner


@dataclass
class Progress:
    """The next step to take, and what was seen so far.

    Batches, negatives and dropout are drawn from streams named by (seed, epoch, step): this position is
    the state of every random generator and of every loader.

    loss   sum of this epoch's losses so far
    curve  one row an epoch
    """

    epoch: int = 1
    step: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)


class Best:
    """The selected checkpoint, and for how long nothing has improved.

    Better is a better metric; of two equal ones that with the lower validation loss, where the task
    reports one; of two equal in both the earlier. `stale` counts the evaluations since the metric or that
    loss was last at its best.
    """

    def __init__(self, metric: str, direction: Direction) -> None:
        self.metric = metric
        self.sign = 1.0 if direction == "max" else -1.0
        self.epoch: int | None = None
        self.scores: dict[str, float] = {}
        self.weights: dict[str, Tensor] = {}
        self.lowest_loss = math.inf
        self.stale = 0

    def offer(self, epoch: int, scores: dict[str, float], learner: Learner) -> None:
        better = self.epoch is None or self._key(scores) > self._key(self.scores)
        loss = scores.get("loss", math.inf)
        self.stale = 0 if better or loss < self.lowest_loss else self.stale + 1
        self.lowest_loss = min(loss, self.lowest_loss)
        if better:
            self.epoch, self.scores = epoch, scores
            self.weights = {name: tensor.detach().clone() for name, tensor in learner.state_dict().items()}

    def _key(self, scores: dict[str, float]) -> tuple[float, float]:
        return self.sign * scores[self.metric], -scores.get("loss", 0.0)


@dataclass
class TrainingState:
    """Progress and best checkpoint of one learner."""

    learner: Learner
    best: Best
    progress: Progress = field(default_factory=Progress)

    def state_dict(self) -> dict[str, Any]:
        return {
            "model": self.learner.state_dict(),
            "best": dict(vars(self.best)),
            "progress": dict(vars(self.progress)),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.learner.load_state_dict(saved["model"])
        vars(self.best).update(saved["best"])
        vars(self.progress).update(saved["progress"])
