"""What surrogates have in common: architectures as points with distances around 1, and scores as targets around 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from graphlab.core.seeds import SeedStream
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Space

SAMPLED = 1000
"""Architectures whose spread gives the scale of the features."""

RAREST = 0.1
"""The least spread that is divided by: a feature that hardly any architecture has is not one that tells most."""

CLIP = 2.0
"""Scores as far below the median as so many times the best is above it are all the same: they failed."""


class Points:
    """Encodings in units of their spread in the space, over the median distance of two architectures.

    The scale is the space's alone: no score has a part in it.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        random = SeedStream(0).child("points", space.name).numpy()
        sample = np.stack([space.encode(space.sample(random)) for _ in range(SAMPLED)])
        self._scale = 1 / np.maximum(sample.std(0), RAREST)
        scaled = sample * self._scale
        squared = ((scaled[: SAMPLED // 2] - scaled[SAMPLED // 2 :]) ** 2).sum(1)
        self._scale /= np.sqrt(max(float(np.median(squared)), 1e-12))

    def __call__(self, architectures: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """float32 `[len(architectures), width]`."""
        return np.stack([self.space.encode(values) for values in architectures]) * self._scale


@lru_cache(maxsize=8)
def points_of(space: Space) -> Points:
    return Points(space)


def scores_of(outcomes: Sequence[Outcome]) -> list[float]:
    """Scores; what broke a limit lies below the worst that kept all, the further it broke it, and at most as far as
    the best lies above that. Deb, "An efficient constraint handling method", 2000."""
    kept = [outcome.score for outcome in outcomes if outcome.score is not None]
    worst, spread = (min(kept), max(kept) - min(kept)) if kept else (0.0, 0.0)
    return [
        worst - (spread or 1.0) * outcome.excess / (1 + outcome.excess) if outcome.score is None else outcome.score
        for outcome in outcomes
    ]


def targets_of(scores: Sequence[float]) -> np.ndarray:
    """Scores without their worst outliers, of mean 0 and variance 1."""
    values = np.array(scores, np.float64)
    middle = np.median(values)
    values = np.maximum(values, middle - CLIP * (values.max() - middle))
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1.0)
