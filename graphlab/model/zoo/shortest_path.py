"""The distance of two nodes as a score of links. Liben-Nowell and Kleinberg, CIKM 2003.

score(u, v) = 1 / distance(u, v), 0 where no path joins them
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import dijkstra

from graphlab.core.citation import Citation
from graphlab.model.base import ModelConfig
from graphlab.model.source_scores import SourceScores
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.walks import adjacency_matrix


class Config(ModelConfig):
    """No settings."""


class ShortestPath(SourceScores):
    """No parameters: one over the number of links on a shortest path. A node has the score 0 with itself."""

    citation = Citation(
        key="libennowell2003",
        title="The Link Prediction Problem for Social Networks",
        authors="Liben-Nowell, David and Kleinberg, Jon",
        venue="CIKM",
        year=2003,
        url="https://doi.org/10.1145/956863.956972",
    )

    def rows(self, encoding: Adjacency, sources: np.ndarray) -> np.ndarray:
        distance = dijkstra(adjacency_matrix(encoding), indices=sources, unweighted=True)
        distance[np.arange(len(sources)), sources] = np.inf
        return 1 / distance
