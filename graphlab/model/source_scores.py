"""Link models without parameters that compute the scores of a node with all others at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.spec import DataSpec
from graphlab.model.base import LinkModel, ModelConfig, visible_edges
from graphlab.ops.adjacency import Adjacency

BLOCK = 2**22
"""Scores that are held at once, but for one source that has more: 32 MiB in float64."""


class SourceScores(LinkModel):
    """Base of such models; their encoding is the graph by rows, or what extends it.

    A subclass defines `rows`. Sources are taken in blocks, so that memory does not grow with their number; pairs are
    scored from the end that occurs in more of them.
    """

    def __init__(self, config: ModelConfig, spec: DataSpec) -> None:
        super().__init__()
        self.out_dim = 1

    def encode(self, graph: Data) -> Adjacency:
        return Adjacency.of(visible_edges(graph).t().numpy(force=True), int(graph.num_nodes or 0))

    @abstractmethod
    def rows(self, encoding: Any, sources: np.ndarray) -> np.ndarray:
        """Scores of different nodes `[B]` with all nodes, float64 `[B, num_nodes]`."""

    def score_nodes(self, encoding: Adjacency, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        nodes, row = np.unique(sources.numpy(force=True), return_inverse=True)
        width = encoding.num_nodes if candidates is None else candidates.shape[1]
        columns = None if candidates is None else candidates.numpy(force=True)
        scores = np.empty((len(row), width))
        for first, block in self._blocks(encoding, nodes):
            chosen = np.flatnonzero((row >= first) & (row < first + len(block)))
            own = block[row[chosen] - first]
            scores[chosen] = own if columns is None else np.take_along_axis(own, columns[chosen], axis=1)
        return torch.from_numpy(scores).to(sources.device)

    def score_pairs(self, encoding: Adjacency, pairs: Tensor) -> Tensor:
        ends = pairs.numpy(force=True)
        count = np.bincount(ends.ravel(), minlength=encoding.num_nodes)[ends]
        turned = (count[:, 1] > count[:, 0]) | ((count[:, 1] == count[:, 0]) & (ends[:, 1] < ends[:, 0]))
        source, target = (np.where(turned, ends[:, 1 - end], ends[:, end]) for end in (0, 1))
        nodes, row = np.unique(source, return_inverse=True)
        scores = np.empty(len(ends))
        for first, block in self._blocks(encoding, nodes):
            chosen = np.flatnonzero((row >= first) & (row < first + len(block)))
            scores[chosen] = block[row[chosen] - first, target[chosen]]
        return torch.from_numpy(scores).to(pairs.device)

    def _blocks(self, encoding: Adjacency, nodes: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        size = max(1, BLOCK // max(encoding.num_nodes, 1))
        for first in range(0, len(nodes), size):
            yield first, self.rows(encoding, nodes[first : first + size])
