"""The degree of each node as one-hot columns. Xu et al., How Powerful are Graph Neural Networks?, ICLR 2019, section 7,
for graphs whose nodes carry nothing."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset
from graphlab.data.node_vectors import node_degrees
from graphlab.data.pre_transform import PreTransform
from graphlab.data.pre_transforms.degree import Config as DegreeConfig


class Config(DegreeConfig):
    """max_degree  the degree that the last column stands for, together with all higher ones; by default the highest in
    the data set
    """

    max_degree: Annotated[int, Field(ge=0)] | None = None


class OneHotDegree(PreTransform):
    """A column for each degree from 0 to `max_degree`. PyG's OneHotDegree fails where a degree is higher."""

    Config = Config
    reads_edges = True

    def __init__(self, config: Config, dataset: Dataset) -> None:
        super().__init__(config, dataset)
        highest = config.max_degree
        if highest is None:
            graphs = (graph for graph in dataset.graphs if graph.num_nodes)
            highest = max((int(self._degrees(graph).max()) for graph in graphs), default=0)
        self.max_degree = highest

    @property
    def width(self) -> int:
        return self.max_degree + 1

    def columns(self, graph: Data) -> Tensor:
        return F.one_hot(self._degrees(graph).clamp(max=self.max_degree), self.width).float()

    def _degrees(self, graph: Data) -> Tensor:
        return node_degrees(graph["edge_index"], int(graph.num_nodes or 0), self.config.in_degree)
