"""Resistance distances: R(u, v) = L+_uu + L+_vv - 2 L+_uv of the Laplacian's pseudo-inverse. Klein and Randic, 1993."""

from __future__ import annotations

import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor
from torch_geometric.data import Data


def resistances(graph: Data) -> Tensor:
    """Float64 `[n, n]`, infinite between components; each edge, whatever its direction or repeats, is one ohm."""
    n = int(graph.num_nodes or 0)
    source, target = graph["edge_index"]
    adjacency = torch.zeros(n, n, dtype=torch.float64)
    adjacency[source, target] = adjacency[target, source] = 1
    adjacency.fill_diagonal_(0)
    _, part = connected_components(coo_matrix(adjacency.numpy()), directed=False)
    part = torch.from_numpy(part).long()
    together = part.unsqueeze(0) == part.unsqueeze(1)
    # With J / size added, a component's Laplacian is regular, and its inverse less J / size the pseudo-inverse.
    share = together.double() / together.sum(1, keepdim=True)
    inverse = torch.linalg.inv(torch.diag(adjacency.sum(1)) - adjacency + share)
    own = inverse.diagonal()
    distance = own.unsqueeze(0) + own.unsqueeze(1) - 2 * inverse
    return distance.masked_fill(~together, float("inf")).fill_diagonal_(0)
