"""The supernet of NAS-Bench-Graph's space with entangled operators.

The space has one width, so that no slices can be entangled. What can is the linear maps of the operators, which are of
one size: at each of the four places

    W     of what neighbours send: gcn, gin, cheb, sage, arma, graph, gat
    W'    of the node itself: cheb, sage, arma, graph, fc
    b     of all but skip

and, since sums over neighbours are linear, with A_o the coefficients of operator o, its sign included,

    sum_o a_o o(z) = (sum_o a_o A_o) W z + (sum of a_o with own map) W' z + (sum of a_o with bias) b + a_skip z

with one product by W, one by W', and one sum over neighbours; arma's ReLU keeps a sum of its own. Not entangled: the
vectors of gat's attention, link patterns, and the maps before and after the operators. That operators of different
kinds share maps is our reading of the paper, which entangles sizes of one operator; maps start as glorot has them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphlab.data.spec import DataSpec
from graphlab.model.attention import GAT, glorot_parameter
from graphlab.model.link_operators import HEADS, KINDS
from graphlab.model.link_patterns import OPERATORS
from graphlab.model.neighbourhood import Neighbourhood
from graphlab.model.sparse_features import by_input, linear
from graphlab.nas.oneshot.supernets.nas_bench_graph import NASBenchGraphSupernet
from graphlab.nas.spaces.nas_bench_graph import NODES

RECTIFIED = tuple(name for name in OPERATORS if name in KINDS and KINDS[name].rectified)
WITH_NEIGHBOURS = tuple(name for name in OPERATORS if name == "gat" or (name in KINDS and KINDS[name].heard))
OWN = tuple(name for name in OPERATORS if name in KINDS and KINDS[name].own)


class EntangledBenchSupernet(NASBenchGraphSupernet):
    """batch.x as vectors `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`."""

    def __init__(self, config: Any, spec: DataSpec, shrink: int, partial: int) -> None:
        super().__init__(config, spec, shrink, partial)
        self.operators = nn.ModuleList(EntangledOperators(self.width) for _ in NODES)

    def mixed_operators(self, node: int, weights: Tensor, taken: Tensor, near: Neighbourhood) -> Tensor:
        return self.operators[node](taken, weights, near)


class EntangledOperators(nn.Module):
    """All operators of a place on one set of maps: z `[num_nodes, dim]`, weights `[operators]` -> `[num_nodes, dim]`.

    An operator of weight 0 is not computed where the weights have no gradient.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.message, self.own = (by_input(glorot_parameter(dim, dim)) for _ in range(2))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.attention = GAT(HEADS, dim // HEADS, dropout=0.0)

    def forward(self, z: Tensor, weights: Tensor, near: Neighbourhood) -> Tensor:
        of = {name: weights[k] for k, name in enumerate(OPERATORS) if weights.requires_grad or weights[k] != 0}
        message = linear(z, self.message) if of.keys() & set(WITH_NEIGHBOURS) else z
        own = linear(z, self.own) if of.keys() & set(OWN) else z
        plain = {name: weight for name, weight in of.items() if name not in RECTIFIED}
        terms = [self._sums(plain, message, near)]
        terms += [weight * z for name, weight in plain.items() if name == "skip"]
        terms += _total([weight for name, weight in plain.items() if name in OWN], own)
        terms += _total([weight for name, weight in plain.items() if name != "skip"], self.bias)
        for name in of.keys() & set(RECTIFIED):
            total = near.sum(self._coefficients(name, message, near), message)
            terms.append(of[name] * (own + total + self.bias).relu())
        return torch.stack(torch.broadcast_tensors(*terms)).sum(0)

    def _sums(self, of: dict[str, Tensor], message: Tensor, near: Neighbourhood) -> Tensor:
        """What neighbours send, by the mixture of the coefficients of all operators."""
        terms = [
            weight * self._coefficients(name, message, near) for name, weight in of.items() if name in WITH_NEIGHBOURS
        ]
        if not terms:
            return torch.zeros_like(message)
        if all(each.dim() == 1 for each in terms):
            return near.sum(torch.stack(terms).sum(0), message)
        headed = torch.stack([each if each.dim() == 2 else each[:, None].expand(-1, HEADS) for each in terms])
        return near.sum(headed.sum(0), message.unflatten(1, (HEADS, -1))).flatten(1)

    def _coefficients(self, name: str, message: Tensor, near: Neighbourhood) -> Tensor:
        """`[E + num_nodes]`, or `[E + num_nodes, heads]` of gat."""
        if name == "gat":
            return self.attention(message.unflatten(1, (HEADS, -1)), near)
        weighting = KINDS[name].heard
        assert weighting is not None
        return KINDS[name].sign * near.weights(weighting, message.dtype)


def _total(weights: list[Tensor], value: Tensor) -> list[Tensor]:
    return [torch.stack(weights).sum() * value] if weights else []
