"""Attention functions: what each message counts. Gao et al., IJCAI 2020, table 1, as the published code has them.

With h_i what node i is in a head, j the sender of a message to i, and vectors l, r, g of the head's width:

    const    a_ij = 1                             gcn      a_ij = 1 / sqrt(|N(i)| |N(j)|)
    gat      e_ij = lrelu(l.h_i + r.h_j)          gat-sym  e_ij = lrelu(l.h_i + r.h_j) + lrelu(l.h_j + r.h_i)
    cos      e_ij = (l * h_i).(r * h_j)           linear   e_ij = tanh(l.h_j + r.h_j)
    generalized-linear  e_ij = g.tanh(l * h_i + r * h_j), with one g for all heads

and a_ij = softmax over j in N(i) of e_ij where there is an e. N(i) holds i itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.nn.inits import glorot

from graphlab.model.neighbourhood import Neighbourhood, Weighting
from graphlab.ops.additive_score import additive_score
from graphlab.ops.sparse_product import sparse_inner


class Fixed(nn.Module):
    """Coefficients of the graph's alone, `[E + num_nodes]`."""

    def __init__(self, weighting: Weighting, *_: Any) -> None:
        super().__init__()
        self.weighting: Weighting = weighting

    def forward(self, h: Tensor, near: Neighbourhood) -> Tensor:
        return near.weights(self.weighting, h.dtype)


class Learned(nn.Module, ABC):
    """The softmax of logits, with dropout: h `[num_nodes, heads, dim]` -> `[E + num_nodes, heads]`."""

    def __init__(self, heads: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.left, self.right = glorot_parameter(heads, dim), glorot_parameter(heads, dim)
        self.dropout = dropout

    def forward(self, h: Tensor, near: Neighbourhood) -> Tensor:
        return F.dropout(near.softmax(self.logits(h, near)), self.dropout, self.training)

    @abstractmethod
    def logits(self, h: Tensor, near: Neighbourhood) -> Tensor:
        """`[E + num_nodes, heads]`."""

    def parts(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """l.h and r.h of each node, `[num_nodes, heads]`."""
        left, right = torch.einsum("nhd,khd->knh", h, torch.stack([self.left, self.right]))
        return left, right


class GAT(Learned):
    def logits(self, h: Tensor, near: Neighbourhood) -> Tensor:
        left, right = self.parts(h)
        return F.leaky_relu(near.of_receiver(left) + near.of_sender(right), 0.2)


class SymmetricGAT(Learned):
    def logits(self, h: Tensor, near: Neighbourhood) -> Tensor:
        left, right = self.parts(h)
        there = F.leaky_relu(near.of_receiver(left) + near.of_sender(right), 0.2)
        return there + F.leaky_relu(near.of_sender(left) + near.of_receiver(right), 0.2)


class Cosine(Learned):
    def logits(self, h: Tensor, near: Neighbourhood) -> Tensor:
        return sparse_inner(near.pattern, h * self.left, h * self.right)


class Linear(Learned):
    def logits(self, h: Tensor, near: Neighbourhood) -> Tensor:
        left, right = self.parts(h)
        return near.of_sender((left + right).tanh())


class GeneralizedLinear(Learned):
    def __init__(self, heads: int, dim: int, dropout: float) -> None:
        super().__init__(heads, dim, dropout)
        self.out = nn.Parameter(glorot_parameter(1, dim).detach().squeeze(0))

    def logits(self, h: Tensor, near: Neighbourhood) -> Tensor:
        return additive_score(near.pattern, h * self.left, h * self.right, self.out)


def glorot_parameter(rows: int, columns: int) -> nn.Parameter:
    weight = nn.Parameter(torch.empty(rows, columns))
    glorot(weight)
    return weight


ATTENTIONS: dict[str, Callable[[int, int, float], nn.Module]] = {
    "gat": GAT,
    "gcn": partial(Fixed, "symmetric with self"),
    "cos": Cosine,
    "const": partial(Fixed, "sum with self"),
    "gat-sym": SymmetricGAT,
    "linear": Linear,
    "generalized-linear": GeneralizedLinear,
}
