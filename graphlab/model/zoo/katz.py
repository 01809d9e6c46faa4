"""Katz's index. Katz, Psychometrika 18, 1953; as a score of links Liben-Nowell and Kleinberg, CIKM 2003.

score(u, v) = sum over t >= 1 of beta^t (number of walks of t links from u to v) = ((I - beta A)^-1 - I)_uv
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, PositiveFloat
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig
from graphlab.model.source_scores import SourceScores
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.walks import katz, largest_growth


class Config(ModelConfig):
    """beta  weight of a link: a walk of t counts beta^t; below 1 / spectral radius of the adjacency"""

    beta: Annotated[PositiveFloat, FloatRange(0.0005, 0.05, log=True)] = 0.005


@dataclass(frozen=True, eq=False)
class Walks(Adjacency):
    """The graph, and a bound of the factor by which terms of the sum over walks grow."""

    growth: float


class Katz(SourceScores):
    """No parameters: walks between two nodes, shorter ones weighing more; the sum is computed until it converges."""

    citation = Citation(
        key="katz1953",
        kind="article",
        title="A New Status Index Derived from Sociometric Analysis",
        authors="Katz, Leo",
        venue="Psychometrika 18",
        year=1953,
        url="https://doi.org/10.1007/BF02289026",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.beta = config.beta

    def encode(self, graph: Data) -> Walks:
        """Raises InputError where beta is so large that the sum is infinite."""
        rows = super().encode(graph)
        return Walks(rows.start, rows.neighbour, largest_growth(rows, self.beta))

    def rows(self, encoding: Walks, sources: np.ndarray) -> np.ndarray:
        return katz(encoding, sources, self.beta, encoding.growth)
