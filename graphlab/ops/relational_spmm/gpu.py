"""The GPU path: Triton kernels that write every result once, O(N B d) of memory, the same bits every time.

Forward goes target by target. Backward has a pass by target, which leaves what the gradient of a message needs; a pass
by source, which sums the gradients of x and of the weights; and a pass by type, in chunks so that a frequent relation
is no bottleneck. Messages are made again in each pass and never kept.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.relational_spmm import gpu_kernels
from graphlab.ops.relational_spmm.graph import Rows
from graphlab.ops.relational_spmm.reference import expanded
from graphlab.ops.relational_spmm.signature import MOMENTS, VARIANCE_FLOOR, Product

BLOCK = 128
"""Columns a program, at most."""

TILE = 32
"""Edges that a program takes at a time, at most."""

AREA = 1024
"""Numbers that a program takes at a time, at most: eight a thread, so that the gradients of PNA fit the registers."""

PARTS = {"max": 2, "min": 2, "pna": 6}
"""Vectors a target that the gradient of its messages is made from; see `gpu_kernels`."""


def gpu(product: Product) -> Tensor:
    """The product on a GPU, in float32, bfloat16 or float16, summed in float32; see `relational_spmm`."""
    if product.pairs is not None:
        product = expanded(product)
    return _GPUProduct.apply(product.x, product.relation, product.edge_weight, product.boundary, product)  # type: ignore[return-value]


class _GPUProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x, relation, edge_weight, boundary, product: Product) -> Tensor:
        ctx.product = product
        ctx.save_for_backward(x, relation, edge_weight, boundary)
        return _Run(product, x, relation, edge_weight, boundary).forward()

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        return (*_Run(ctx.product, *ctx.saved_tensors).backward(grad.contiguous(), ctx.needs_input_grad), None)


class _Run:
    """One product's arguments as the kernels take them."""

    def __init__(
        self, product: Product, x: Tensor, relation: Tensor, weight: Tensor | None, boundary: Tensor | None
    ) -> None:
        self.graph = product.graph
        self.reduce = product.reduce
        _, self.queries, self.dim = x.shape
        self.columns = self.queries * self.dim
        self.x = x.contiguous()
        self.relation = relation.contiguous()
        self.weight = None if weight is None else weight.contiguous()
        self.boundary = None if boundary is None else boundary.contiguous()
        self.mask = None if product.edge_mask is None else product.edge_mask.contiguous().view(torch.uint8)
        self.block = min(BLOCK, 1 << max(0, self.columns - 1).bit_length())
        self.shape = {"BLOCK": self.block, "TILE": min(TILE, AREA // self.block)}
        self.constants = {
            "MESSAGE": product.message,
            "DIM": self.dim,
            "SHARED": relation.dim() == 2,
        }

    def forward(self) -> Tensor:
        width = MOMENTS * self.dim if self.reduce == "pna" else self.dim
        out = self.x.new_empty(self.graph.num_nodes, self.queries, width)
        self._launch(
            gpu_kernels.forward, len(out), *self._edges(self.graph.by_target), self.x, self.relation, self.boundary,
            out, VARIANCE_FLOOR, self.columns, REDUCE=self.reduce, **self.constants,
        )  # fmt: skip
        return out

    def backward(self, grad: Tensor, wanted: tuple[bool, ...]) -> tuple[Tensor | None, ...]:
        """Gradients of x, relation, edge weight and boundary."""
        of_x, of_relation, of_weight, of_boundary = wanted[:4]
        state, to_boundary = self._to_targets(grad)
        to_x, to_weight = self._to_sources(state, weighted=of_weight) if of_x or of_weight else (None, None)
        to_relation = self._to_relations(state) if of_relation else None
        return to_x, to_relation, to_weight, to_boundary if of_boundary else None

    def _to_targets(self, grad: Tensor) -> tuple[Tensor, Tensor | None]:
        """The state of each target, and the boundary's gradient."""
        if self.reduce == "sum":
            return grad, grad
        if self.reduce == "mean":
            state = grad / self._count().clamp(min=1)[:, None, None].float()
            return state, state.to(grad.dtype)
        num_nodes = self.graph.num_nodes
        state = self.x.new_empty(num_nodes, PARTS[self.reduce], self.columns, dtype=torch.float32)
        to_boundary = None if self.boundary is None else torch.empty_like(self.boundary)
        self._launch(
            gpu_kernels.backward_to_targets, num_nodes, *self._edges(self.graph.by_target), self.x, self.relation,
            self.boundary, grad, state, to_boundary, VARIANCE_FLOOR, self.columns,
            REDUCE=self.reduce, **self.constants,
        )  # fmt: skip
        return state, to_boundary

    def _to_sources(self, state: Tensor, *, weighted: bool) -> tuple[Tensor, Tensor | None]:
        to_x = torch.empty_like(self.x)
        blocks, num_edges = -(-self.columns // self.block), self.graph.num_edges
        parts = self.x.new_empty(blocks, num_edges, dtype=torch.float32) if weighted else None
        self._launch(
            gpu_kernels.backward_to_sources, len(to_x), *self._edges(self.graph.by_source), self.x, self.relation,
            state, to_x, parts, num_edges, self.columns, REDUCE=self._reduce_of_state, **self.constants,
        )  # fmt: skip
        return to_x, None if parts is None else parts.sum(0).to(self.x.dtype)

    def _to_relations(self, state: Tensor) -> Tensor:
        chunks = self.graph.by_type
        parts = self.x.new_empty(len(chunks.kind), self.columns, dtype=torch.float32)
        self._launch(
            gpu_kernels.backward_to_relations, len(parts), chunks.start, chunks.kind, chunks.source, chunks.target,
            chunks.edge, self.mask, self.weight, self.x, self.relation, state, parts, self.columns,
            REDUCE=self._reduce_of_state, **self.constants,
        )  # fmt: skip
        total = parts.new_zeros(len(self.relation), self.queries, self.dim)
        self._launch(gpu_kernels.sum_chunks, len(chunks.first) - 1, chunks.first, parts, total, self.columns)
        if self.relation.dim() == 2:
            total = total.sum(1)
        return total.to(self.relation.dtype)

    @property
    def _reduce_of_state(self) -> str:
        return "sum" if self.reduce == "mean" else self.reduce

    def _edges(self, rows: Rows) -> tuple[Tensor | None, ...]:
        return rows.start, rows.other, rows.kind, rows.edge, self.mask, self.weight

    def _count(self) -> Tensor:
        """Messages that each target receives. Unlike a count of the edges that a mask leaves, it waits for nothing."""
        arriving = self.graph.edge_index[1]
        one = torch.ones_like(arriving) if self.mask is None else self.mask.long()
        return arriving.new_zeros(self.graph.num_nodes).index_add(0, arriving, one) + (self.boundary is not None)

    def _launch(self, kernel: Any, num_rows: int, *arguments: Any, **constants: Any) -> None:
        if not num_rows or not self.columns:
            return
        grid = (num_rows, -(-self.columns // self.block))
        with torch.cuda.device_of(self.x):
            kernel[grid](*arguments, **constants, **self.shape, num_warps=4, enable_fp_fusion=False)
