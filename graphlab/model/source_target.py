"""Models of directed links that give each node a row as a source and a row as a target."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

from torch import Tensor
from torch_geometric.data import Data

from graphlab.model.base import DirectedLinkModel


class SourceTarget(NamedTuple):
    """Rows of all nodes as sources and as targets, each `[num_nodes, dim]`."""

    source: Tensor
    target: Tensor


class SourceTargetModel(DirectedLinkModel):
    """Base of such models: score(u, v) = s_u . t_v."""

    @abstractmethod
    def encode(self, graph: Data) -> SourceTarget:
        """Rows of all nodes."""

    def score_nodes(self, encoding: SourceTarget, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        rows = encoding.source[sources]
        if candidates is None:
            return rows @ encoding.target.T
        return (rows.unsqueeze(1) * encoding.target[candidates]).sum(-1)

    def score_pairs(self, encoding: SourceTarget, pairs: Tensor) -> Tensor:
        source, target = pairs.unbind(1)
        return (encoding.source[source] * encoding.target[target]).sum(-1)
