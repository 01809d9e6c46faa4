"""Pivotal attention of tuples of any length, a block of scores at a time, which the gradient makes again.

A block is all tuples of one graph that begin with some of its nodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.pivotal_attention.options import Options
from graphlab.ops.pivotal_attention.reference import attend

BLOCK = 2**18
"""Scores of a block, of all heads; 1 MiB in float32."""


def tuples(query: Tensor, keys: Sequence[Tensor], values: Sequence[Tensor], options: Options) -> Tensor:
    """`pivotal_attention` of tuples of any length."""
    return _Tuples.apply(options, query, *keys, *values)  # pyright: ignore[reportReturnType]


class _Tuples(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, options: Options, *inputs: Tensor) -> Tensor:
        ctx.save_for_backward(*inputs)
        ctx.options = options
        out = torch.empty_like(inputs[0])
        for graph, first in _blocks(inputs):
            out[graph, :, first] = _Block(graph, first, options, inputs)()
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        inputs: tuple[Tensor, ...] = ctx.saved_tensors
        results = [torch.zeros_like(each) for each in inputs]
        for graph, first in _blocks(inputs):
            with torch.enable_grad():
                block = _Block(graph, first, ctx.options, inputs)
                out = block()
            parts = torch.autograd.grad(out, block.inputs, grad[graph : graph + 1, :, first])
            for result, part in zip(block.of(results), parts, strict=True):
                result += part
        return None, *results


def _blocks(inputs: tuple[Tensor, ...]) -> list[tuple[int, slice]]:
    """Graphs, and ranges of first nodes."""
    query, pivots = inputs[0], max(1, inputs[1].size(2))
    first, a_node = query.size(2), max(1, math.prod(query.shape[3:-1])) * query.size(1) * pivots
    height = max(1, BLOCK // a_node)
    return [(graph, slice(i, i + height)) for graph in range(len(query)) for i in range(0, first, height)]


class _Block:
    """The work on one block: a graph and a range of first nodes."""

    def __init__(self, graph: int, first: slice, options: Options, inputs: tuple[Tensor, ...]) -> None:
        self.graph, self.first, self.options = graph, first, options
        self.inputs = [each.detach().requires_grad_(torch.is_grad_enabled()) for each in self.of(inputs)]

    def __call__(self) -> Tensor:
        query, *rest = self.inputs
        keys, values = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        options = self.options
        mask = None if options.mask is None else options.mask[self.graph : self.graph + 1, :, self.first]
        return attend(query, keys, values, mask, options.cap, options.scale, self._drop)

    def of(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The block's part of query, keys and values: where the pivot has the first place, all of them."""
        graphs = [each[self.graph : self.graph + 1] for each in tensors]
        k = len(tensors) // 2
        return [each if place in (1, 1 + k) else each[:, :, self.first] for place, each in enumerate(graphs)]

    def _drop(self, weights: Tensor) -> Tensor:
        return self.options.drop(weights, self.graph, self.first.start)
