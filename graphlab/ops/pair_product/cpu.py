"""The CPU path: compiled loops over the rows of all graphs. Every row is written by one thread, in a fixed order, so
that bits do not depend on the number of threads; nothing is kept but what comes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.compiled import contracted, inlined, scratch
from graphlab.ops.pair_product.whole import PRODUCT, TO_LEFT, TO_RIGHT, First, whole_product
from graphlab.ops.threads import for_each, shares


def cpu(a: Tensor, b: Tensor, size: Tensor, left: Tensor | None = None, right: Tensor | None = None) -> Tensor:
    """`pair_product` in float32 or float64."""
    return _PairProduct.apply(a, b, size, left, right)  # pyright: ignore[reportReturnType]


class _PairProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, size: Tensor, left: Tensor | None, right: Tensor | None) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.places, ctx.heard = _places(size), None if left is None and right is None else _heard(size, left, right)
        return _run(ctx, a, b, PRODUCT, _forward)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        a, b = ctx.saved_tensors
        needs_a, needs_b = ctx.needs_input_grad[:2]
        of_a = _run(ctx, grad, b, TO_LEFT, _to_left) if needs_a else None
        return of_a, _run(ctx, a, grad, TO_RIGHT, _to_right) if needs_b else None, None, None, None


def _run(ctx: Any, one: Tensor, other: Tensor, is_first: First, masked: Any) -> Tensor:
    out = torch.empty_like(one, memory_format=torch.contiguous_format)
    if ctx.heard is None:
        return whole_product(one, other, out, ctx.places, is_first)
    arrays = (one.detach().contiguous().numpy(), other.detach().contiguous().numpy(), out.numpy())
    for_each(lambda rows: masked(*arrays, ctx.places, ctx.heard, *rows), shares(len(ctx.places[0])))
    return out


def _places(size: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each row u of each graph: the graph's size, where its pairs start, and u."""
    n = size.numpy()
    graph = np.repeat(np.arange(len(n)), n)
    first, block = np.cumsum(n) - n, np.cumsum(n**2) - n**2
    return n[graph], block[graph], np.arange(len(graph)) - first[graph]


def _heard(size: Tensor, left: Tensor | None, right: Tensor | None) -> tuple[np.ndarray, ...]:
    """Whether all v count for a pair (u, w), bool `[T]`; else those of row w: `node[start[w]:start[w + 1]]`, w counted
    over all graphs; and the nodes of the largest graph."""
    n, _, own = _places(size)
    whole = np.zeros(int((size**2).sum()), np.bool_) if left is None else left.contiguous().numpy()
    pairs = np.zeros(0, np.int64) if right is None else np.flatnonzero(right.numpy())
    row_start = np.r_[0, np.cumsum(n)]
    row = np.searchsorted(row_start, pairs, side="right") - 1
    start = np.searchsorted(row, np.arange(len(own) + 1))
    return whole, start, pairs - row_start[row], np.arange(n.max(initial=0))


@inlined
def _nodes(heard, pair, w, n):
    whole, start, node, every = heard
    return every[:n] if whole[pair] else node[start[w] : start[w + 1]]


@contracted
def _forward(a, b, out, places, heard, first, last):
    """out[u, v] = sum over w of a[u, w] b[w, v], a row u at a time, which stays in the first cache."""
    for r in range(first, last):
        n, block, u = places[0][r], places[1][r], places[2][r]
        row = block + u * n
        out[row : row + n] = 0
        for w in range(n):
            factor = a[row + w]
            for v in _nodes(heard, row + w, r - u + w, n):
                other, acc = b[block + w * n + v], out[row + v]
                for k in range(len(acc)):
                    acc[k] += factor[k] * other[k]


@contracted
def _to_left(grad, b, out, places, heard, first, last):
    """out[u, w] = sum over v of grad[u, v] b[w, v]."""
    acc = scratch(b, b.shape[1])
    for r in range(first, last):
        n, block, u = places[0][r], places[1][r], places[2][r]
        row = block + u * n
        for w in range(n):
            for k in range(len(acc)):
                acc[k] = 0
            for v in _nodes(heard, row + w, r - u + w, n):
                coming, other = grad[row + v], b[block + w * n + v]
                for k in range(len(acc)):
                    acc[k] += coming[k] * other[k]
            for k in range(len(acc)):
                out[row + w, k] = acc[k]


@contracted
def _to_right(a, grad, out, places, heard, first, last):
    """out[w, v] = sum over u of a[u, w] grad[u, v], a row w at a time."""
    for r in range(first, last):
        n, block, w = places[0][r], places[1][r], places[2][r]
        row = block + w * n
        out[row : row + n] = 0
        for u in range(n):
            factor = a[block + u * n + w]
            for v in _nodes(heard, block + u * n + w, r, n):
                coming, acc = grad[block + u * n + v], out[row + v]
                for k in range(len(acc)):
                    acc[k] += factor[k] * coming[k]
