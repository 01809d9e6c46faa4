"""Personalised PageRank as a score of links. Jeh and Widom, WWW 2003; Liben-Nowell and Kleinberg, CIKM 2003, call it
rooted PageRank.

    pi_u = restart e_u + (1 - restart) A D^-1 pi_u
    score(u, v) = pi_u(v) + pi_v(u)

A published score is often pi_u(v) alone, with u the end that a file lists first. Pairs of an undirected graph have no
first end, so that both directions are added. On such a graph pi_v(u) = pi_u(v) degree(u) / degree(v), and one of the
two is computed.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig
from graphlab.model.source_scores import SourceScores
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.walks import personalised_pagerank


class Config(ModelConfig):
    """restart  probability of a walk to return to its source before a step"""

    restart: Annotated[float, Field(gt=0, lt=1), FloatRange(0.05, 0.5)] = 0.15


class PersonalisedPageRank(SourceScores):
    """No parameters: how often walks from each of two nodes, which return to it now and then, are at the other."""

    citation = Citation(
        key="jeh2003",
        title="Scaling Personalized Web Search",
        authors="Jeh, Glen and Widom, Jennifer",
        venue="WWW",
        year=2003,
        url="https://doi.org/10.1145/775152.775191",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.restart = config.restart

    def rows(self, encoding: Adjacency, sources: np.ndarray) -> np.ndarray:
        degree = np.maximum(encoding.degree, 1)
        return personalised_pagerank(encoding, sources, self.restart) * (1 + degree[sources, None] / degree)
