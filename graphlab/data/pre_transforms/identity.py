"""One-hot ids of nodes: a vector of its own for each node of one graph."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError
from graphlab.data.dataset import Dataset
from graphlab.data.pre_transform import PreTransform, PreTransformConfig


class Identity(PreTransform):
    """The identity matrix. For data sets of one graph, as ids say nothing across graphs."""

    def __init__(self, config: PreTransformConfig, dataset: Dataset) -> None:
        super().__init__(config, dataset)
        if len(dataset.graphs) != 1:
            raise IncompatibleError(
                f"{self.name} is for one graph, and {dataset.name} has {len(dataset.graphs):,}",
                hint="choose constant, degree or one-hot-degree",
            )
        self.num_nodes = int(dataset.graph.num_nodes or 0)

    @property
    def width(self) -> int:
        return self.num_nodes

    def columns(self, graph: Data) -> Tensor:
        return torch.eye(self.num_nodes)
