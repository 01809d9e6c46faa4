"""Random search: every decision drawn on its own, by Optuna's random sampler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphlab.core.citation import Citation
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.optuna.samplers import SamplerStrategy


class Random(SamplerStrategy):
    """Each decision uniform on its options, and evenly on a range or its logarithm."""

    sampler_name = "RandomSampler"
    nestable = True
    raceable = True
    citation = Citation(
        key="bergstra2012",
        kind="article",
        title="Random Search for Hyper-Parameter Optimization",
        authors="Bergstra, James and Bengio, Yoshua",
        venue="JMLR",
        year=2012,
        url="https://jmlr.org/papers/v13/bergstra12a.html",
    )

    def options(self) -> Mapping[str, Any]:
        return {}

    def ask(self, random: np.random.Generator) -> Proposal:
        """For another strategy, which asks this one: drawn without Optuna."""
        return Proposal(self.space.sample(random))
