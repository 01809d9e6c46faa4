"""The CPU path: compiled loops over the rows of all graphs. Every row is written by one thread, in a fixed order, so
that bits do not depend on the number of threads; nothing is kept but what comes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.compiled import contracted, inlined, scratch
from graphlab.ops.threads import for_each, shares


def cpu(a: Tensor, b: Tensor, size: Tensor, left: Tensor | None = None, right: Tensor | None = None) -> Tensor:
    """`pair_product` in float32 or float64."""
    return _PairProduct.apply(a, b, size, left, right)  # pyright: ignore[reportReturnType]


class _PairProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, size: Tensor, left: Tensor | None, right: Tensor | None) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.places, ctx.masks = _places(size), _masks(left, right)
        return _run(_forward, ctx, a, b, torch.empty_like(a, memory_format=torch.contiguous_format))

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        a, b = ctx.saved_tensors
        needs_a, needs_b = ctx.needs_input_grad[:2]
        of_a = _run(_to_left, ctx, grad, b, torch.empty_like(grad, memory_format=torch.contiguous_format))
        of_b = _run(_to_right, ctx, a, grad, torch.empty_like(grad, memory_format=torch.contiguous_format))
        return of_a if needs_a else None, of_b if needs_b else None, None, None, None


def _run(loop: Any, ctx: Any, one: Tensor, other: Tensor, out: Tensor) -> Tensor:
    arrays = (one.detach().contiguous().numpy(), other.detach().contiguous().numpy(), out.numpy())
    for_each(lambda rows: loop(*arrays, ctx.places, ctx.masks, *rows), shares(len(ctx.places[0])))
    return out


def _places(size: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each row u of each graph: the graph's size, where its pairs start, and u."""
    n = size.numpy()
    graph = np.repeat(np.arange(len(n)), n)
    first, block = np.cumsum(n) - n, np.cumsum(n**2) - n**2
    return n[graph], block[graph], np.arange(len(graph)) - first[graph]


def _masks(left: Tensor | None, right: Tensor | None) -> tuple[bool, np.ndarray, np.ndarray]:
    """Whether all w count; else which do by either side."""
    one, other = (np.zeros(0, np.bool_) if mask is None else mask.contiguous().numpy() for mask in (left, right))
    return left is None and right is None, one, other


@inlined
def _counts(mask, place):
    return len(mask) > 0 and mask[place]


@contracted
def _forward(a, b, out, places, masks, first, last):
    """out[u, v] = sum over w of a[u, w] b[w, v], a row u at a time, which stays in the first cache."""
    every, left, right = masks
    for r in range(first, last):
        n, block, u = places[0][r], places[1][r], places[2][r]
        row = block + u * n
        out[row : row + n] = 0
        for w in range(n):
            factor = a[row + w]
            whole = every or _counts(left, row + w)
            for v in range(n):
                if whole or _counts(right, block + w * n + v):
                    other, acc = b[block + w * n + v], out[row + v]
                    for k in range(len(acc)):
                        acc[k] += factor[k] * other[k]


@contracted
def _to_left(grad, b, out, places, masks, first, last):
    """out[u, w] = sum over v of grad[u, v] b[w, v]."""
    every, left, right = masks
    acc = scratch(b, b.shape[1])
    for r in range(first, last):
        n, block, u = places[0][r], places[1][r], places[2][r]
        row = block + u * n
        for w in range(n):
            whole = every or _counts(left, row + w)
            for k in range(len(acc)):
                acc[k] = 0
            for v in range(n):
                if whole or _counts(right, block + w * n + v):
                    coming, other = grad[row + v], b[block + w * n + v]
                    for k in range(len(acc)):
                        acc[k] += coming[k] * other[k]
            for k in range(len(acc)):
                out[row + w, k] = acc[k]


@contracted
def _to_right(a, grad, out, places, masks, first, last):
    """out[w, v] = sum over u of a[u, w] grad[u, v], a row w at a time."""
    every, left, right = masks
    for r in range(first, last):
        n, block, w = places[0][r], places[1][r], places[2][r]
        row = block + w * n
        out[row : row + n] = 0
        for u in range(n):
            factor = a[block + u * n + w]
            whole = every or _counts(left, block + u * n + w)
            for v in range(n):
                if whole or _counts(right, row + v):
                    coming, acc = grad[block + u * n + v], out[row + v]
                    for k in range(len(acc)):
                        acc[k] += factor[k] * coming[k]
