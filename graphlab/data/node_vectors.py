"""Nodes as vectors without weights: continuous features as they are, categories as one-hot columns side by side; and
how many edges they have."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.spec import Categorical, Features


def vector_width(features: Features | None) -> int:
    """Columns of `node_vectors`; 0 where nodes carry nothing."""
    if features is None:
        return 0
    return sum(features.sizes) if isinstance(features, Categorical) else features.dim


def node_vectors(graph: Data, features: Features | None) -> Tensor:
    """`[num_nodes, vector_width]`, float32 where nodes carry categories or nothing."""
    if features is None:
        return torch.zeros(int(graph.num_nodes or 0), 0)
    x: Tensor = graph["x"]
    if not isinstance(features, Categorical):
        return x
    return torch.cat([F.one_hot(x[:, k].long(), size) for k, size in enumerate(features.sizes)], dim=1).float()


def node_degrees(edge_index: Tensor, num_nodes: int, in_degree: bool = False) -> Tensor:
    """The edges out of each node, or into it, int64 `[num_nodes]`."""
    return torch.bincount(edge_index[int(in_degree)], minlength=num_nodes)
