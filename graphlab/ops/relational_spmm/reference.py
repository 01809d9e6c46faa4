"""The slow reference: plain PyTorch, every message written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from graphlab.ops.relational_spmm.signature import VARIANCE_FLOOR, Product, Reduce


def reference(product: Product) -> Tensor:
    """The product by gather, multiply and scatter, O(E B d) of memory; see `relational_spmm`."""
    if product.pairs is not None:
        return reference(expanded(product))
    graph, weight, boundary = product.graph, product.edge_weight, product.boundary
    kept = torch.arange(graph.num_edges, device=product.x.device)
    if product.edge_mask is not None:
        kept = kept[product.edge_mask]
    source, target = graph.edge_index.index_select(1, kept)
    relations = product.relation if product.relation.dim() == 3 else product.relation.unsqueeze(1)
    relations = relations.index_select(0, graph.edge_type.index_select(0, kept))
    messages = _MESSAGES[product.message](product.x.index_select(0, source), relations)
    if weight is not None:
        messages = messages * weight.index_select(0, kept)[:, None, None]

    gather = _Reduction(messages, target, boundary, graph.num_nodes)
    if product.reduce != "pna":
        return gather(product.reduce)
    mean = gather("mean")
    squares = _Reduction(messages.square(), target, None if boundary is None else boundary.square(), graph.num_nodes)
    deviation = (squares("mean") - mean.square()).clamp(min=VARIANCE_FLOOR).sqrt()
    return torch.cat([mean, gather("max"), gather("min"), deviation], dim=-1)


def expanded(product: Product) -> Product:
    """The same product for pairs, with the edges of each written out."""
    assert product.pairs is not None
    graph, edge = product.pairs.expanded(product.graph, len(product.x), product.types_per_slot)
    return replace(
        product,
        graph=graph,
        edge_weight=None if product.edge_weight is None else product.edge_weight.index_select(0, edge),
        edge_mask=None if product.edge_mask is None else product.edge_mask.index_select(0, edge),
        pairs=None,
        types_per_slot=0,
    )


class _Reduction:
    """Reduces messages `[E, B, d]`, and the boundary `[N, B, d]` if there is one, by target."""

    def __init__(self, messages: Tensor, target: Tensor, boundary: Tensor | None, num_nodes: int) -> None:
        self.messages = messages
        self.target = target
        self.start = messages.new_zeros(num_nodes, *messages.shape[1:]) if boundary is None else boundary
        self.has_boundary = boundary is not None

    def __call__(self, reduce: Reduce) -> Tensor:
        if reduce == "sum":
            return self.start.index_add(0, self.target, self.messages)
        if reduce == "mean":
            count = torch.bincount(self.target, minlength=len(self.start)) + self.has_boundary
            return self("sum") / count.clamp(min=1).to(self.start.dtype)[:, None, None]
        index = self.target[:, None, None].expand_as(self.messages)
        if self.has_boundary:
            return self.start.scatter_reduce(0, index, self.messages, f"a{reduce}")
        # Not include_self=False: where the extreme equals the start, its gradient counts the start among the equals.
        start = torch.full_like(self.start, -math.inf if reduce == "max" else math.inf)
        received = torch.bincount(self.target, minlength=len(start)).bool()[:, None, None]
        return torch.where(received, start.scatter_reduce(0, index, self.messages, f"a{reduce}"), 0.0)


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
