"""The CPU path: compiled loops over blocks of columns, O(N B d) of memory.

A node's B queries of d numbers are cut into blocks of whole queries. A block walks the edges target by target:
forward, its accumulators stay in the first cache; backward, it adds to columns of the gradients that no other
block touches, so that neither locks nor a transposed graph are needed. Where there are fewer blocks than threads
the targets are cut into chunks as well. Messages are made again in the backward pass and never kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.relational_spmm.kernels import DISTMULT, ROTATE, TRANSE, extremes, moments, totals
from graphlab.ops.relational_spmm.signature import MOMENTS, VARIANCE_FLOOR, Product
from graphlab.ops.threads import for_each

BLOCK = 64
"""Columns a block, about: its accumulators fit the registers."""

MESSAGES = {"transe": TRANSE, "distmult": DISTMULT, "rotate": ROTATE}

REDUCES: dict[str, tuple[Callable[..., Any], Any]] = {
    "sum": (totals, False),
    "mean": (totals, True),
    "max": (extremes, 1),
    "min": (extremes, -1),
    "pna": (moments, VARIANCE_FLOOR),
}
"""What makes the loops of each reduction, and what they are told."""


def cpu(product: Product) -> Tensor:
    """The product on the CPU, in float32 or float64; see `relational_spmm`."""
    return _CPUProduct.apply(product.x, product.relation, product.edge_weight, product.boundary, product)  # type: ignore[return-value]


class _CPUProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x, relation, edge_weight, boundary, product: Product) -> Tensor:
        out = _Run(product, x, relation, edge_weight, boundary).forward()
        ctx.product = product
        ctx.save_for_backward(x, relation, edge_weight, boundary, None if product.reduce in ("sum", "mean") else out)
        return out

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        *inputs, out = ctx.saved_tensors
        grads = _Run(ctx.product, *inputs).backward(out, grad, weighted=ctx.needs_input_grad[2])
        given = zip(grads, inputs, strict=True)
        return (*(None if part is None else part.view_as(value) for part, value in given), None)


@dataclass(frozen=True)
class _Work:
    """What one call of a kernel does: columns `[first, first + width)` of the targets `[rows[0], rows[1])`."""

    first: int
    width: int
    rows: tuple[int, int]


class _Run:
    """One product's arguments as the kernels take them."""

    def __init__(
        self, product: Product, x: Tensor, relation: Tensor, weight: Tensor | None, boundary: Tensor | None
    ) -> None:
        rows, mask = product.graph.by_target, product.edge_mask
        self.reduce = product.reduce
        _, self.queries, self.dim = x.shape
        self.num_results = product.num_results
        self.x = _columns(x)
        self.shared = relation.dim() == 2
        self.relation = _columns(relation)
        self.weight = np.empty(0, self.x.dtype) if weight is None else weight.detach().contiguous().numpy()
        self.boundary = _columns(x[:0] if boundary is None else boundary)
        self.pairs = _pairs(product)
        self.edges = (rows.start.numpy(), rows.other.numpy(), rows.kind.numpy(), rows.edge.numpy())
        self.mask = np.empty(0, np.bool_) if mask is None else mask.numpy()
        self.message = MESSAGES[product.message]
        self.blocks = self._blocks()
        self.chunks = self._chunks()

    def forward(self) -> Tensor:
        width = MOMENTS * self.dim if self.reduce == "pna" else self.dim
        out = np.empty((self.num_results, self.queries * width), self.x.dtype)

        def run(work: _Work) -> None:
            forward, _ = self._loops(work)
            forward(*self._given(work), out, work.first, work.rows)

        for_each(run, [_Work(*block, rows) for block in self.blocks for rows in self.chunks])
        return torch.from_numpy(out).view(self.num_results, self.queries, width)

    def backward(self, out: Tensor | None, grad: Tensor, *, weighted: bool) -> tuple[Tensor | None, ...]:
        """Gradients of x, relation, edge weight and boundary, in their layout as columns.

        Blocks share no column of a node, and chunks of rows no target. What they share, the gradients of sources,
        relations and weights, each has of its own; these are summed in order.
        """
        grad_out, results = _columns(grad), self.x[:0] if out is None else _columns(out)
        grad_x = [np.zeros_like(self.x) for _ in self.chunks]
        grad_boundary = np.empty_like(self.boundary)
        grad_weight = [
            [np.zeros(len(self.weight) if weighted else 0, self.x.dtype) for _ in self.chunks] for _ in self.blocks
        ]
        grad_relation = [
            [np.zeros((len(self.relation), width), self.x.dtype) for _ in self.chunks] for _, width in self.blocks
        ]

        def run(place: tuple[int, int]) -> None:
            block, chunk = place
            work = _Work(*self.blocks[block], self.chunks[chunk])
            _, backward = self._loops(work)
            grads = (grad_x[chunk], grad_relation[block][chunk], grad_weight[block][chunk], grad_boundary)
            backward(*self._given(work), results, grad_out, grads, work.first, work.rows)

        for_each(run, [(block, chunk) for block in range(len(self.blocks)) for chunk in range(len(self.chunks))])
        return (
            torch.from_numpy(_sum(grad_x)),
            torch.from_numpy(self._relation_gradient([_sum(parts) for parts in grad_relation])),
            torch.from_numpy(_sum([_sum(parts) for parts in grad_weight])) if weighted else None,
            torch.from_numpy(grad_boundary) if len(self.boundary) else None,
        )

    def _given(self, work: _Work) -> tuple[Any, ...]:
        """What every kernel takes first; the relation vectors are a block's own."""
        if self.shared:
            relation = np.tile(self.relation, (1, work.width // self.dim))
        else:
            relation = np.ascontiguousarray(self.relation[:, work.first : work.first + work.width])
        return (
            self.edges,
            self.pairs,
            self.mask,
            self.weight,
            self.x,
            relation,
            self.boundary,
            REDUCES[self.reduce][1],
        )

    def _loops(self, work: _Work) -> tuple[Callable[..., None], Callable[..., None]]:
        make, _ = REDUCES[self.reduce]
        return make(self.message, len(self.weight) > 0, self.dim, work.width)

    def _relation_gradient(self, parts: list[np.ndarray]) -> np.ndarray:
        """From one gradient a block, `[R, width]`, to that of the relations."""
        if self.shared:
            return _sum([part.reshape(len(part), -1, self.dim).sum(1) for part in parts])
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _blocks(self) -> list[tuple[int, int]]:
        """(first, width) of blocks of whole queries."""
        step = max(1, BLOCK // self.dim)
        return [(q * self.dim, min(step, self.queries - q) * self.dim) for q in range(0, self.queries, step)]

    def _chunks(self) -> list[tuple[int, int]]:
        """Ranges of results with about as many edges each, as many as it takes to give every thread some work."""
        count = -(-torch.get_num_threads() // max(1, len(self.blocks)))
        if count == 1:
            return [(0, self.num_results)]
        start, node = self.edges[0], self.pairs[0]
        work = (start[node + 1] - start[node] + 1).cumsum()
        inner = np.searchsorted(work, np.linspace(0, work[-1] if len(work) else 0, count + 1)[1:-1]).tolist()
        return list(zip([0, *inner], [*inner, self.num_results], strict=True))


def _pairs(product: Product) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Node, slot, place and types a slot; without pairs, every node once."""
    pairs = product.pairs
    if pairs is not None:
        return pairs.node.numpy(), pairs.slot.numpy(), pairs.place.numpy(), product.types_per_slot
    everyone = np.arange(product.graph.num_nodes)
    place = np.arange(product.graph.num_sources, dtype=np.int32)[None]
    return everyone, np.zeros_like(everyone), place, 0


def _columns(values: Tensor) -> np.ndarray:
    """`[n, ...]` as `[n, columns]`, without a copy where it lies so already."""
    return values.detach().contiguous().flatten(1).numpy()


def _sum(parts: list[np.ndarray]) -> np.ndarray:
    """Into the first part: by numpy, since torch's threads, just woken, would compete with ours."""
    total, *rest = parts
    for part in rest:
        total += part
    return total
