"""The CPU path: compiled loops over blocks of columns, O(N B d) of memory.

A node's B queries of d numbers are cut into blocks of whole queries. A block walks the edges target by target:
forward, its accumulators stay in the first cache; backward, it adds to columns of the gradients that no other
block touches, so that neither locks nor a transposed graph are needed. Where there are fewer blocks than threads
the targets are cut into chunks as well. Messages are made again in the backward pass and never kept.
"""

from __future__ import annotations

from collections.abc import Callable
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


class _Run:
    """One product's arguments as the loops take them. A block is some of the queries, a chunk some of the results."""

    def __init__(
        self, product: Product, x: Tensor, relation: Tensor, weight: Tensor | None, boundary: Tensor | None
    ) -> None:
        rows, mask = product.graph.by_target, product.edge_mask
        _, self.queries, self.dim = x.shape
        per_block = max((n for n in range(1, BLOCK // self.dim + 1) if self.queries % n == 0), default=1)
        self.width, self.num_blocks = per_block * self.dim, self.queries // per_block
        self.num_results = product.num_results
        self.dtype = x.dtype
        self.x = self._in_blocks(x)
        self.shared = relation.dim() == 2
        self.relation = self._of_blocks(relation.detach())
        self.weight = np.empty(0, self.x.dtype) if weight is None else weight.detach().contiguous().numpy()
        self.boundary = self._in_blocks(x[:0] if boundary is None else boundary)
        self.pairs = _pairs(product)
        runs = product.graph.runs
        self.start = rows.start.numpy()
        self.edges = tuple(part.numpy() for part in (runs.run, runs.begin, rows.other, rows.kind, rows.edge))
        self.mask = np.empty(0, np.bool_) if mask is None else mask.numpy()
        self.moments = product.reduce == "pna"
        make, self.told = REDUCES[product.reduce]
        self.loops = make(MESSAGES[product.message], weight is not None, self.dim, self.width)
        self.chunks = self._chunks()

    def forward(self) -> Tensor:
        forward, _ = self.loops
        shape = (self.num_results, self.num_blocks, self.width)
        if self.moments:
            shape = (*shape[:2], self.width // self.dim, MOMENTS * self.dim)
        out = self._new(torch.empty, *shape)

        def run(place: tuple[int, int]) -> None:
            block, chunk = place
            forward(*self._given(block), out, block, self.chunks[chunk])

        for_each(run, self._places())
        width = MOMENTS * self.dim if self.moments else self.dim
        return torch.from_numpy(out).view(self.num_results, self.queries, width)

    def backward(self, out: Tensor | None, grad: Tensor, *, weighted: bool) -> tuple[Tensor | None, ...]:
        """Gradients of x, relation, edge weight and boundary.

        Blocks share no column of a node, and chunks of rows no target. What they share, the gradients of sources,
        relations and weights, each has of its own; these are summed in order.
        """
        _, backward = self.loops
        results = self.x[:0] if out is None else self._in_blocks(out)
        grad_out = self._in_blocks(grad)
        each = range(len(self.chunks))
        num_weights = len(self.weight) if weighted else 0
        grad_x = [self._new(torch.zeros, *self.x.shape) for _ in each]
        grad_relation = [self._new(torch.zeros, self.num_blocks, *self.relation.shape[1:]) for _ in each]
        grad_weight = [self._new(torch.zeros, self.num_blocks, num_weights) for _ in each]
        grad_boundary = self._new(torch.empty, *self.boundary.shape)

        def run(place: tuple[int, int]) -> None:
            block, chunk = place
            grads = (grad_x[chunk], grad_relation[chunk][block], grad_weight[chunk][block], grad_boundary)
            backward(*self._given(block), results, grad_out, grads, block, self.chunks[chunk])

        for_each(run, self._places())
        return (
            torch.from_numpy(_summed(grad_x)),
            torch.from_numpy(self._of_relations(_summed(grad_relation))),
            torch.from_numpy(_summed(grad_weight).sum(0)) if weighted else None,
            torch.from_numpy(grad_boundary) if len(self.boundary) else None,
        )

    def _given(self, block: int) -> tuple[Any, ...]:
        """What every loop takes first."""
        relation = self.relation[0 if self.shared else block]
        return (self.edges, self.pairs, self.mask, self.weight, self.x, relation, self.boundary, self.told)

    def _of_blocks(self, relation: Tensor) -> np.ndarray:
        """Relation vectors as blocks read them, `[blocks, R, width]`, or `[1, R, width]` where they are shared."""
        if self.shared:
            times = self.width // self.dim
            return (relation.contiguous() if times == 1 else relation.repeat(1, times)).unsqueeze(0).numpy()
        return relation.reshape(len(relation), self.num_blocks, self.width).transpose(0, 1).contiguous().numpy()

    def _of_relations(self, of_blocks: np.ndarray) -> np.ndarray:
        """The gradient of the relation vectors from that of blocks `[blocks, R, width]`."""
        if not self.shared:
            return np.ascontiguousarray(of_blocks.transpose(1, 0, 2))
        if of_blocks.shape[0] == 1 and self.width == self.dim:
            return of_blocks[0]
        return of_blocks.reshape(*of_blocks.shape[:2], self.width // self.dim, self.dim).sum((0, 2))

    def _new(self, make: Callable[..., Tensor], *shape: int) -> np.ndarray:
        """Memory of torch's, which begins at a cache line: vectors that lie across two take twice as long."""
        return make(shape, dtype=self.dtype).numpy()

    def _in_blocks(self, values: Tensor) -> np.ndarray:
        """`[n, B, d]` as `[n, blocks, width]`, and moments `[n, B, 4 d]` as `[n, blocks, width / d, 4 d]`."""
        values = values.detach().contiguous()
        if values.size(-1) == self.dim:
            return values.view(len(values), self.num_blocks, self.width).numpy()
        return values.view(len(values), self.num_blocks, self.width // self.dim, MOMENTS * self.dim).numpy()

    def _places(self) -> list[tuple[int, int]]:
        return [(block, chunk) for block in range(self.num_blocks) for chunk in range(len(self.chunks))]

    def _chunks(self) -> list[tuple[int, int]]:
        """Ranges of results with about as many edges each, as many as it takes to give every thread some work."""
        count = -(-torch.get_num_threads() // max(1, self.num_blocks))
        if count == 1:
            return [(0, self.num_results)]
        work = (np.diff(self.start)[self.pairs[0]] + 1).cumsum()
        total = work[-1] if len(work) else 0
        inner = np.searchsorted(work, [total * part // count for part in range(1, count)]).tolist()
        return list(zip([0, *inner], [*inner, self.num_results], strict=True))


def _summed(parts: list[np.ndarray]) -> np.ndarray:
    """The sum in order, in the place of the first. By numpy: torch's threads, just woken, would compete with ours."""
    total, *others = parts
    for part in others:
        total += part
    return total


def _pairs(product: Product) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Node, slot, place and types a slot; without pairs, every node once."""
    pairs = product.pairs
    if pairs is not None:
        return pairs.node.numpy(), pairs.slot.numpy(), pairs.place.numpy(), product.types_per_slot
    everyone = np.arange(product.graph.num_nodes)
    place = np.arange(product.graph.num_sources, dtype=np.int32)[None]
    return everyone, np.zeros_like(everyone), place, 0
