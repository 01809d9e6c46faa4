"""Common neighbours and their weighted forms. Liben-Nowell and Kleinberg, CIKM 2003; Adamic and Adar, Social Networks
25, 2003; Zhou, Lu and Zhang, European Physical Journal B 71, 2009.

    score(u, v) = sum over w in N(u) and N(v) of weight(degree(w))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices
from graphlab.data.spec import DataSpec
from graphlab.model.base import LinkModel, ModelConfig, visible_edges


class Config(ModelConfig):
    """weight  of a shared neighbour of degree k: count is 1, adamic-adar 1 / log k, resource-allocation 1 / k"""

    weight: Annotated[Literal["count", "adamic-adar", "resource-allocation"], Choices()] = "count"


@dataclass(frozen=True)
class Neighbours:
    """The neighbours of each node.

    edges   int64 `[E]`, source * num_nodes + target, ascending
    degree  int64 `[num_nodes]`
    start   int64 `[num_nodes]`, where the edges of each node begin
    """

    edges: Tensor
    degree: Tensor
    start: Tensor

    @property
    def num_nodes(self) -> int:
        return len(self.degree)

    def of(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """All neighbours of some nodes `[P]`: the place in `nodes` of each, and the neighbour, both int64 `[S]`."""
        degree = self.degree[nodes]
        row = torch.arange(len(nodes), device=nodes.device).repeat_interleave(degree)
        offset = torch.arange(len(row), device=nodes.device) - (degree.cumsum(0) - degree)[row]
        return row, self.edges[self.start[nodes][row] + offset] % self.num_nodes


class CommonNeighbours(LinkModel):
    """No parameters: the number of shared neighbours, each weighted by how few others it has; in float64."""

    version = 2
    citation = Citation(
        key="libennowell2003",
        title="The Link Prediction Problem for Social Networks",
        authors="Liben-Nowell, David and Kleinberg, Jon",
        venue="CIKM",
        year=2003,
        url="https://doi.org/10.1145/956863.956972",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.out_dim = 1
        self.weight = config.weight

    def encode(self, graph: Data) -> Neighbours:
        num_nodes = int(graph.num_nodes or 0)
        source, target = visible_edges(graph)
        edges = (source * num_nodes + target).sort().values
        degree = source.bincount(minlength=num_nodes)
        return Neighbours(edges, degree, degree.cumsum(0) - degree)

    def score_nodes(self, encoding: Neighbours, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        """Of all nodes by the walks of two steps from each source, of candidates pair by pair."""
        if candidates is not None:
            pairs = torch.stack([sources.unsqueeze(1).expand_as(candidates), candidates], dim=-1)
            return self.score_pairs(encoding, pairs.flatten(0, 1)).view(candidates.shape)
        row, middle = encoding.of(sources)
        walk, end = encoding.of(middle)
        weight = self._weigh(encoding.degree[middle].clamp(min=2).double())[walk]
        scores = weight.new_zeros(len(sources) * encoding.num_nodes)
        return scores.index_add(0, row[walk] * encoding.num_nodes + end, weight).view(-1, encoding.num_nodes)

    def score_pairs(self, encoding: Neighbours, pairs: Tensor) -> Tensor:
        first, second = pairs.unbind(1)
        row, neighbour = encoding.of(first)
        shared = torch.isin(second[row] * encoding.num_nodes + neighbour, encoding.edges)
        weight = self._weigh(encoding.degree[neighbour].clamp(min=2).double()) * shared
        return weight.new_zeros(len(pairs)).index_add(0, row, weight)

    def _weigh(self, degree: Tensor) -> Tensor:
        if self.weight == "count":
            return torch.ones_like(degree)
        return 1 / (degree.log() if self.weight == "adamic-adar" else degree)
