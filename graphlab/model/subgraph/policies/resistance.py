"""Resistance distances of a graph as models are given it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data import connectivity


def resistances(graph: Data) -> Tensor:
    """Float64 `[n, n]`, infinite between components; each edge, whatever its direction or repeats, is one ohm."""
    n = int(graph.num_nodes or 0)
    source, target = graph["edge_index"].numpy()
    adjacency = np.zeros((n, n), dtype=bool)
    adjacency[source, target] = adjacency[target, source] = True
    np.fill_diagonal(adjacency, False)
    return torch.from_numpy(connectivity.resistances(adjacency)).fill_diagonal_(0)
