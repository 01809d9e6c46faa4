"""Bipartite matching."""

from __future__ import annotations

from graphlab.algorithms.algorithm import Algorithm

ALGORITHMS: tuple[Algorithm, ...] = ()
