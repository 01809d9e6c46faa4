"""Common neighbours and their weighted forms. Liben-Nowell and Kleinberg, CIKM 2003; Adamic and Adar, Social Networks
25, 2003; Zhou, Lu and Zhang, European Physical Journal B 71, 2009.

    score(u, v) = sum over w in N(u) and N(v) of weight(degree(w))
"""

from __future__ import annotations

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


class CommonNeighbours(LinkModel):
    """No parameters: the number of shared neighbours, each weighted by how few others it has."""

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

    def score_links(self, graph: Data, pairs: Tensor) -> Tensor:
        num_nodes = int(graph.num_nodes or 0)
        source, target = visible_edges(graph)
        edges = (source * num_nodes + target).sort().values
        degree = source.bincount(minlength=num_nodes)
        start = degree.cumsum(0) - degree
        first, second = pairs.unbind(1)
        row = torch.arange(len(pairs), device=pairs.device).repeat_interleave(degree[first])
        offset = torch.arange(len(row), device=pairs.device) - (degree[first].cumsum(0) - degree[first])[row]
        neighbour = edges[start[first][row] + offset] % num_nodes
        shared = torch.isin(second[row] * num_nodes + neighbour, edges)
        weight = self._weigh(degree[neighbour].clamp(min=2).float()) * shared
        return weight.new_zeros(len(pairs)).index_add(0, row, weight)

    def _weigh(self, degree: Tensor) -> Tensor:
        if self.weight == "count":
            return torch.ones_like(degree)
        return 1 / (degree.log() if self.weight == "adamic-adar" else degree)
