"""Nodes as vectors without weights: continuous features as they are, categories as one-hot columns side by side."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.spec import Categorical, Features
from graphlab.model.base import input_dim


def vector_dim(features: Features | None, model: str) -> int:
    """Width of `node_vectors`. Raises IncompatibleError, naming the model, where nodes carry nothing."""
    return sum(features.sizes) if isinstance(features, Categorical) else input_dim(features, model)


def node_vectors(batch: Data, features: Features | None) -> Tensor:
    """`[num_nodes, vector_dim]`."""
    x: Tensor = batch["x"]
    if not isinstance(features, Categorical):
        return x
    return torch.cat([F.one_hot(x[:, k].long(), size) for k, size in enumerate(features.sizes)], dim=1).float()
