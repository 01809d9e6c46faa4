"""Random search: every decision drawn on its own, by Optuna's random sampler."""

from __future__ import annotations

from optuna.samplers import BaseSampler, RandomSampler

from graphlab.core.citation import Citation
from graphlab.nas.strategy import Reseeded, Strategy


class Random(Strategy):
    """Each decision uniform on its options, and evenly on a range or its logarithm."""

    citation = Citation(
        key="bergstra2012",
        kind="article",
        title="Random Search for Hyper-Parameter Optimization",
        authors="Bergstra, James and Bengio, Yoshua",
        venue="JMLR",
        year=2012,
        url="https://jmlr.org/papers/v13/bergstra12a.html",
    )

    def sampler(self) -> BaseSampler:
        return Reseeded(lambda seed: RandomSampler(seed), self.space, self.stream)
