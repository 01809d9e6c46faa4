"""The operators of NAS-Bench-Graph. Qin et al., NeurIPS 2022, section 3.1, as PyG has the layers of these names.

With d_i the number of nodes j that send i an edge, N(i), loops of the graph left out:

    gcn    sum_j W h_j / sqrt((1 + d_i)(1 + d_j)), j in N(i) and i    gin    W (h_i + sum_j h_j)
    cheb   W' h_i - sum_j W h_j / sqrt(d_i d_j)                       sage   W' h_i + mean_j W h_j
    arma   relu(W' h_i + sum_j W h_j / sqrt(d_i d_j))                 graph  W' h_i + sum_j W h_j
    gat    4 heads side by side of sum_j a_ij W h_j, j in N(i) and i, a as in `graphlab.model.attention`
    fc     W' h_i                                                     skip   h_i

each but skip with a bias, inside the ReLU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import glorot, uniform

from graphlab.model.attention import GAT, glorot_parameter
from graphlab.model.neighbourhood import Neighbourhood, Weighting
from graphlab.model.observation import observe
from graphlab.model.sparse_features import SparseRows, by_input, linear

HEADS = 4


@dataclass(frozen=True)
class Kind:
    """heard: how neighbours are summed, None without them; sign: of that sum; own: whether the node itself has a map;
    initial: what the weights start from, as in PyG's layer of the name."""

    heard: Weighting | None
    own: bool
    initial: Literal["glorot", "uniform"]
    sign: int = 1
    rectified: bool = False


KINDS = {
    "gcn": Kind("symmetric with self", own=False, initial="glorot"),
    "gin": Kind("sum with self", own=False, initial="uniform"),
    "cheb": Kind("symmetric", own=True, initial="glorot", sign=-1),
    "sage": Kind("mean", own=True, initial="uniform"),
    "arma": Kind("symmetric", own=True, initial="glorot", rectified=True),
    "graph": Kind("sum", own=True, initial="uniform"),
    "fc": Kind(None, own=True, initial="uniform"),
}


class Convolution(nn.Module):
    """x `[num_nodes, in_dim]` -> `[num_nodes, out_dim]`; maps come before sums, since rows of features are long."""

    def __init__(self, name: str, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.kind = kind = KINDS[name]
        self.heard = self._map(in_dim, out_dim) if kind.heard else None
        self.own = self._map(in_dim, out_dim) if kind.own else None
        self.observation_points = ("linear", "aggregate") if kind.heard else ()
        self.bias = nn.Parameter(torch.zeros(out_dim))
        if kind.initial == "uniform":
            uniform(in_dim, self.bias)

    def _map(self, in_dim: int, out_dim: int) -> nn.Parameter:
        weight = nn.Parameter(torch.empty(out_dim, in_dim))
        if self.kind.initial == "glorot":
            glorot(weight)
        else:
            uniform(in_dim, weight)
        return by_input(weight)

    def forward(self, x: Tensor | SparseRows, near: Neighbourhood) -> Tensor:
        out = self.bias
        if self.own is not None:
            out = linear(x, self.own) + out
        if self.heard is not None and self.kind.heard:
            h = observe(self, "linear", linear(x, self.heard))
            total = observe(self, "aggregate", near.sum(near.weights(self.kind.heard, h.dtype), h))
            out = self.kind.sign * total + out
        return out.relu() if self.kind.rectified else out


class HeadedAttention(nn.Module):
    """x `[num_nodes, in_dim]` -> `[num_nodes, out_dim]`, the heads side by side."""

    observation_points = ("linear", "attention", "aggregate")

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.weight = by_input(glorot_parameter(out_dim, in_dim))
        self.attention = GAT(HEADS, out_dim // HEADS, dropout=0.0)
        self.bias = nn.Parameter(torch.zeros(out_dim))

    def forward(self, x: Tensor | SparseRows, near: Neighbourhood) -> Tensor:
        h = observe(self, "linear", linear(x, self.weight)).unflatten(1, (HEADS, -1))
        coefficients = observe(self, "attention", self.attention(h, near))
        return observe(self, "aggregate", near.sum(coefficients, h)).flatten(1) + self.bias


class Skip(nn.Module):
    def forward(self, x: Tensor | SparseRows, near: Neighbourhood) -> Tensor | SparseRows:
        return x


def make_operator(name: str, in_dim: int, out_dim: int) -> nn.Module:
    if name == "skip":
        return Skip()
    return HeadedAttention(in_dim, out_dim) if name == "gat" else Convolution(name, in_dim, out_dim)
