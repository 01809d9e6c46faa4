"""The same number on every node, so that what a model tells apart is structure alone."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.pre_transform import PreTransform


class Constant(PreTransform):
    """A column of ones."""

    @property
    def width(self) -> int:
        return 1

    def columns(self, graph: Data) -> Tensor:
        return torch.ones(int(graph.num_nodes or 0), 1)
