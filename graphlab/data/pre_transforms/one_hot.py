"""Categories of nodes as one-hot columns, for models that need continuous features."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError
from graphlab.data.dataset import Dataset
from graphlab.data.pre_transform import PreTransform, PreTransformConfig
from graphlab.data.spec import Categorical


class OneHot(PreTransform):
    """A column a category, those of several vocabularies side by side, and none beside them."""

    def __init__(self, config: PreTransformConfig, dataset: Dataset) -> None:
        super().__init__(config, dataset)
        if not isinstance(dataset.spec.node, Categorical):
            has = "none" if dataset.spec.node is None else "numbers"
            raise IncompatibleError(
                f"{self.name} is for nodes with categories, and those of {dataset.name} carry {has}",
                hint="choose constant, degree, one-hot-degree or identity, or leave the pre-transform out",
            )

    @property
    def width(self) -> int:
        return 0

    def columns(self, graph: Data) -> Tensor:
        return torch.zeros(int(graph.num_nodes or 0), 0)
