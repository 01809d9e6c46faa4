"""Generalised relational sparse product: the message passing of NBFNet. Zhu et al., NeurIPS 2021, eq. 5-6.

    out[v, b] = (+) { w_e * (x[u, b] (x) relation[type_e, b]) : e = (u -> v) not masked } (+) boundary[v, b]

(x) combines a node with a relation (`message`), (+) gathers over the edges that arrive (`reduce`). Every
path that computes this product is reached through `relational_spmm`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor

from graphlab.core.errors import InputError

Message = Literal["transe", "distmult", "rotate"]
Reduce = Literal["sum", "mean", "max", "min", "pna"]

MOMENTS = 4
"""Vectors a node that `reduce="pna"` gives, side by side: mean, maximum, minimum, standard deviation."""

VARIANCE_FLOOR = 1e-6
"""Least variance under the root of PNA's standard deviation, which keeps its gradient finite."""


def relational_spmm(
    edge_index: Tensor,
    edge_type: Tensor,
    relation: Tensor,
    x: Tensor,
    *,
    edge_weight: Tensor | None = None,
    edge_mask: Tensor | None = None,
    boundary: Tensor | None = None,
    message: Message = "distmult",
    reduce: Reduce = "sum",
) -> Tensor:
    """Messages from `edge_index[0]` to `edge_index[1]`, combined with relations and reduced at the target.

    Args:
        edge_index: int64 `[2, E]`.
        edge_type: int64 `[E]`, in `[0, R)`.
        relation: `[R, d]` shared by all queries, or `[R, B, d]`, a set a query.
        x: `[N, B, d]`. The query axis lies inside the node axis, so that one edge moves one block of memory.
        edge_weight: `[E]` or `[E, B]`; scales the message. A weight of 0 still counts as an edge.
        edge_mask: bool `[E]` or `[E, B]`; where False the edge is not there, for no reduction.
        boundary: `[N, B, d]`, one more message that each node sends itself, counted by every reduction.
        message: transe `x + r`; distmult `x * r`; rotate `x * r` of complex numbers, real halves first (d even).
        reduce: `mean` divides by the number of messages, boundary included; `pna` gives the four moments
            mean, max, min and sqrt(max(E[m^2] - E[m]^2, 1e-6)) side by side.

    Returns:
        `[N, B, d]`, or `[N, B, 4 d]` for `pna`. A node that receives nothing gets 0 from every reduction,
        and the floor as its `pna` deviation.

    Raises:
        InputError: an argument of the wrong shape or dtype, or an unknown message or reduce.
    """
    _check(edge_index, edge_type, relation, x, edge_weight, edge_mask, boundary, message, reduce)
    if edge_mask is not None and edge_mask.dim() == 1:
        kept = edge_mask.nonzero().squeeze(1)
        edge_index, edge_type = edge_index.index_select(1, kept), edge_type.index_select(0, kept)
        edge_weight = edge_weight.index_select(0, kept) if edge_weight is not None else None
        edge_mask = None

    source, target = edge_index
    relations = relation if relation.dim() == 3 else relation.unsqueeze(1)
    messages = _MESSAGES[message](x.index_select(0, source), relations.index_select(0, edge_type))
    if edge_weight is not None:
        messages = messages * _over_queries(edge_weight)
    gather = _Reduction(messages, target, edge_mask, boundary, x.shape)
    if reduce != "pna":
        return gather(reduce)
    mean = gather("mean")
    square = _Reduction(messages.square(), target, edge_mask, None if boundary is None else boundary.square(), x.shape)
    deviation = (square("mean") - mean.square()).clamp(min=VARIANCE_FLOOR).sqrt()
    return torch.cat([mean, gather("max"), gather("min"), deviation], dim=-1)


def incoming_count(target: Tensor, num_nodes: int, edge_mask: Tensor | None = None) -> Tensor:
    """Edges that arrive at each node, by `edge_index[1]`: float32 `[N, 1, 1]`, or `[N, B, 1]` for a mask `[E, B]`."""
    present = torch.ones_like(target, dtype=torch.bool) if edge_mask is None else edge_mask
    counted = _over_queries(present).float()
    return counted.new_zeros(num_nodes, *counted.shape[1:]).index_add(0, target, counted)


class _Reduction:
    """Reduces messages `[E, B, d]` by target; messages under a False in `mask` `[E, B]` are not there."""

    def __init__(
        self, messages: Tensor, target: Tensor, mask: Tensor | None, boundary: Tensor | None, shape: torch.Size
    ) -> None:
        self.messages = messages
        self.target = target
        self.mask = mask
        self.start = messages.new_zeros(shape) if boundary is None else boundary
        self.has_boundary = boundary is not None

    def __call__(self, reduce: Reduce) -> Tensor:
        if reduce in ("sum", "mean"):
            total = self.start.index_add(0, self.target, self._masked(0.0))
            return total if reduce == "sum" else total / self._count().clamp(min=1).to(total.dtype)
        mode, identity = ("amax", -torch.inf) if reduce == "max" else ("amin", torch.inf)
        messages = self._masked(identity)
        index = self.target[:, None, None].expand_as(messages)
        out = self.start.scatter_reduce(0, index, messages, mode, include_self=self.has_boundary)
        if self.mask is None or self.has_boundary:
            return out
        return out.masked_fill(self._count() == 0, 0.0)

    def _masked(self, identity: float) -> Tensor:
        if self.mask is None:
            return self.messages
        return self.messages.masked_fill(~self.mask.unsqueeze(-1), identity)

    def _count(self) -> Tensor:
        return incoming_count(self.target, len(self.start), self.mask) + self.has_boundary


def _transe(node: Tensor, relation: Tensor) -> Tensor:
    return node + relation


def _distmult(node: Tensor, relation: Tensor) -> Tensor:
    return node * relation


def _rotate(node: Tensor, relation: Tensor) -> Tensor:
    node_re, node_im = node.chunk(2, dim=-1)
    relation_re, relation_im = relation.chunk(2, dim=-1)
    real = node_re * relation_re - node_im * relation_im
    imaginary = node_re * relation_im + node_im * relation_re
    return torch.cat([real, imaginary], dim=-1)


_MESSAGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "transe": _transe,
    "distmult": _distmult,
    "rotate": _rotate,
}


def _over_queries(value: Tensor) -> Tensor:
    """`[E]` or `[E, B]` to `[E, 1, 1]` or `[E, B, 1]`."""
    return value[:, None, None] if value.dim() == 1 else value.unsqueeze(-1)


def _check(
    edge_index: Tensor,
    edge_type: Tensor,
    relation: Tensor,
    x: Tensor,
    edge_weight: Tensor | None,
    edge_mask: Tensor | None,
    boundary: Tensor | None,
    message: str,
    reduce: str,
) -> None:
    _require(message in _MESSAGES, f"no message is named {message!r}", f"use one of {', '.join(_MESSAGES)}")
    _require(reduce in get_args(Reduce), f"no reduce is named {reduce!r}", f"use one of {', '.join(get_args(Reduce))}")
    _require(x.dim() == 3, f"x has shape {list(x.shape)}", "x is [num_nodes, queries, dim]")
    num_edges, (_, queries, dim) = edge_type.numel(), x.shape
    for name, value, shapes in (
        ("edge_index", edge_index, ([2, num_edges],)),
        ("edge_type", edge_type, ([num_edges],)),
        ("relation", relation, ([len(relation), dim], [len(relation), queries, dim])),
        ("edge_weight", edge_weight, ([num_edges], [num_edges, queries])),
        ("edge_mask", edge_mask, ([num_edges], [num_edges, queries])),
        ("boundary", boundary, (list(x.shape),)),
    ):
        if value is not None:
            expected = " or ".join(map(str, shapes))
            _require(list(value.shape) in shapes, f"{name} has shape {list(value.shape)}", f"expected {expected}")
    for name, value in (("relation", relation), ("edge_weight", edge_weight), ("boundary", boundary)):
        if value is not None:
            _require(value.dtype == x.dtype, f"{name} is {value.dtype} and x is {x.dtype}", "use one dtype for both")
    for name, value, dtype in (
        ("edge_index", edge_index, torch.int64),
        ("edge_type", edge_type, torch.int64),
        ("edge_mask", edge_mask, torch.bool),
    ):
        if value is not None:
            _require(value.dtype == dtype, f"{name} is {value.dtype}", f"it must be {dtype}")
    if message == "rotate":
        _require(dim % 2 == 0, f"rotate needs an even dim and x has {dim}", "its halves are real and imaginary parts")


def _require(holds: bool, message: str, hint: str) -> None:
    if not holds:
        raise InputError(f"relational_spmm: {message}", hint=hint)
