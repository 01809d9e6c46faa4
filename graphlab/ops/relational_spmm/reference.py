"""The slow reference: plain PyTorch, every message written out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from graphlab.ops.relational_spmm.signature import VARIANCE_FLOOR, Product, Reduce


def reference(product: Product) -> Tensor:
    """The product by gather, multiply and scatter, O(E B d) of memory; see `relational_spmm`."""
    graph, mask, weight, boundary = product.graph, product.edge_mask, product.edge_weight, product.boundary
    edge_index, edge_type = graph.edge_index, graph.edge_type
    if mask is not None and mask.dim() == 1:
        kept = mask.nonzero().squeeze(1)
        edge_index, edge_type = edge_index.index_select(1, kept), edge_type.index_select(0, kept)
        weight = weight.index_select(0, kept) if weight is not None else None
        mask = None

    source, target = edge_index
    relations = product.relation if product.relation.dim() == 3 else product.relation.unsqueeze(1)
    messages = _MESSAGES[product.message](product.x.index_select(0, source), relations.index_select(0, edge_type))
    if weight is not None:
        messages = messages * (weight[:, None, None] if weight.dim() == 1 else weight.unsqueeze(-1))
    gather = _Reduction(messages, target, mask, boundary, product.x.shape)
    if product.reduce != "pna":
        return gather(product.reduce)
    mean = gather("mean")
    square = _Reduction(
        messages.square(), target, mask, None if boundary is None else boundary.square(), product.x.shape
    )
    deviation = (square("mean") - mean.square()).clamp(min=VARIANCE_FLOOR).sqrt()
    return torch.cat([mean, gather("max"), gather("min"), deviation], dim=-1)


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
            return total if reduce == "sum" else total / self._count().clamp(min=1)
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
        present = self.start.new_ones(len(self.target), 1, 1) if self.mask is None else self.mask.unsqueeze(-1)
        count = self.start.new_zeros(len(self.start), *present.shape[1:])
        return count.index_add(0, self.target, present.to(count.dtype)) + self.has_boundary


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
