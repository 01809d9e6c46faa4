"""Attention over neighbours with additive logits, without a message laid out. Veličković et al., ICLR 2018, eq. 1-4.

    l[e, h] = leaky_relu(source[j, h] + target[i, h] + edge[e, h])   for the edges e = (j, i)
    a[e, h] = exp l[e, h] / sum over the edges e' into i of exp l[e', h]
    out[i, h] = sum over the edges into i of a[e, h] x[j, h]

Memory beside the rows of nodes is two numbers an edge and head: the coefficients, and in the gradient those of the
logits. The gradient of a coefficient is an inner product of two rows, taken where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.core.errors import InputError
from graphlab.ops.compiled import MAX_WIDTH, at, contracted, scratch
from graphlab.ops.neighbour_sum import Neighbours, over_rows

STEP = 8
"""Widths of a head that are multiples of this, up to KNOWN, have loops of their own; the others share one."""

KNOWN = 64

TINY = 1e-16
"""Added to sums of exponentials, as PyG's softmax does."""


def neighbour_attention(
    neighbours: Neighbours,
    x: Tensor,
    source: Tensor,
    target: Tensor,
    edge: Tensor | None = None,
    slope: float = 0.2,
    dropout: float = 0.0,
) -> Tensor:
    """The sum of neighbours' rows by attention coefficients, for each head.

    Args:
        neighbours: The edges, loops among them where a node attends to itself.
        x: `[num_sources, heads, d]`.
        source: What a source adds to the logits, `[num_sources, heads]`.
        target: What a target adds, `[num_targets, heads]`.
        edge: What an edge adds, `[E, heads]`, in the order of `edge_index`; None for nothing.
        slope: Of the leaky ReLU below zero.
        dropout: Probability by which a coefficient is dropped; those that stay are scaled by 1 / (1 - dropout). Draws
            come from torch's generator.

    Returns:
        `[num_targets, heads, d]`, float32 at least, under autocast too; differentiable once.

    Raises:
        InputError: Shapes that do not fit the edges, or more than 1,024 heads.
    """
    heads = x.size(1) if x.dim() == 3 else 0
    fits = (
        x.dim() == 3
        and heads <= MAX_WIDTH
        and source.shape == (neighbours.num_sources, heads)
        and len(x) == len(source)
        and target.shape == (neighbours.num_targets, heads)
        and (edge is None or edge.shape == (len(neighbours), heads))
    )
    if not fits:
        shapes = ", ".join(str(tuple(each.shape)) for each in (x, source, target, *(() if edge is None else (edge,))))
        raise InputError(
            f"attention from {neighbours.num_sources} to {neighbours.num_targets} nodes over {len(neighbours)} edges "
            f"has rows and logits {shapes}",
            hint="give x [sources, heads, d], and logits [sources, heads], [targets, heads] and [edges, heads]",
        )
    dtype = torch.promote_types(x.dtype, torch.float32)
    x, source, target = x.to(dtype), source.to(dtype), target.to(dtype)
    edge = None if edge is None else edge.to(dtype)
    with torch.autocast(x.device.type, enabled=False):
        if x.device.type == "cpu" and x.size(2) <= MAX_WIDTH:
            return _Attention.apply(neighbours, x, source, target, edge, slope, dropout)  # pyright: ignore[reportReturnType]
        return reference(neighbours, x, source, target, edge, slope, dropout)


def reference(
    neighbours: Neighbours,
    x: Tensor,
    source: Tensor,
    target: Tensor,
    edge: Tensor | None = None,
    slope: float = 0.2,
    dropout: float = 0.0,
) -> Tensor:
    """`neighbour_attention` of messages `[E, heads, d]` that are laid out."""
    place = neighbours.target
    logits = source.index_select(0, neighbours.source) + target.index_select(0, place)
    logits = F.leaky_relu(logits if edge is None else logits + edge, slope)
    places = place.unsqueeze(1).expand_as(logits)
    largest = (
        logits.detach().new_zeros(target.shape).scatter_reduce(0, places, logits.detach(), "amax", include_self=False)
    )
    weight = (logits - largest.index_select(0, place)).exp()
    total = torch.zeros_like(target).index_add(0, place, weight)
    coefficients = F.dropout(weight / (total.index_select(0, place) + TINY), dropout)
    messages = coefficients.unsqueeze(2) * x.index_select(0, neighbours.source)
    return x.new_zeros(len(target), *x.shape[1:]).index_add(0, place, messages)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        neighbours: Neighbours,
        x: Tensor,
        source: Tensor,
        target: Tensor,
        edge: Tensor | None,
        slope: float,
        dropout: float,
    ) -> Tensor:
        x, source, target = x.contiguous(), source.contiguous(), target.contiguous()
        rows, start, other, place = neighbours.by_target
        extra = (source[:0] if edge is None else edge).detach().numpy()[slice(0) if edge is None else place]
        coefficients = x.new_empty(len(other), x.size(1))
        arrays = (rows, start, other, *(each.detach().numpy() for each in (source, target)), extra, slope)
        numbers = coefficients.numpy()
        over_rows(len(target), lambda first, last: _logits(*arrays, numbers, first, last))
        coefficients.exp_()
        over_rows(len(target), lambda first, last: _normalise(start, numbers, first, last))
        kept = torch.rand(coefficients.shape) >= dropout if dropout else torch.empty(0, x.size(1), dtype=torch.bool)
        scale = 1 / (1 - dropout) if dropout < 1 else 0.0
        out = x.new_empty(len(target), *x.shape[1:])
        sums = _loops(_known(x))[0]
        values = x.detach().numpy(), numbers, kept.numpy(), scale, out.numpy()
        over_rows(len(target), lambda first, last: sums(rows, start, other, *values, first, last))
        ctx.save_for_backward(x, source, target, coefficients, kept)
        ctx.neighbours, ctx.extra, ctx.slope, ctx.scale = neighbours, extra, slope, scale
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, source, target, coefficients, kept = ctx.saved_tensors
        grad, neighbours = grad.contiguous(), ctx.neighbours
        rows, start, other, place = neighbours.by_target
        _, by_row, by_column = _loops(_known(x))
        to_logits, to_target = torch.empty_like(coefficients), torch.empty_like(target)
        scores = (*(each.numpy() for each in (source, target)), ctx.extra, ctx.slope)
        values = grad.numpy(), x.numpy(), coefficients.numpy(), kept.numpy(), ctx.scale
        gradients = to_logits.numpy(), to_target.numpy()
        over_rows(
            len(target), lambda first, last: by_row(rows, start, other, *scores, *values, *gradients, first, last)
        )
        to_x, to_source = torch.empty_like(x), torch.empty_like(source)
        edges = neighbours.by_source
        values = grad.numpy(), coefficients.numpy(), kept.numpy(), ctx.scale, to_logits.numpy()
        results = to_x.numpy(), to_source.numpy()
        over_rows(len(source), lambda first, last: by_column(*edges, *values, *results, first, last))
        to_edge = None
        if ctx.needs_input_grad[4]:
            to_edge = torch.empty_like(to_logits).index_copy_(0, torch.from_numpy(place).long(), to_logits)
        return None, to_x, to_source, to_target, to_edge, None, None


def _known(x: Tensor) -> int:
    return x.size(2) if x.size(2) % STEP == 0 and x.size(2) <= KNOWN else 0


@contracted
def _logits(row_of, start, other, source, target, edge, slope, out, first, last):
    """The logits of each row less the largest of them, which changes no coefficient."""
    heads = target.shape[1]
    largest, rate, zero = scratch(target, heads), target.dtype.type(slope), target.dtype.type(0)
    for r in range(first, last):
        own = at(target, at(row_of, r))
        for h in range(heads):
            largest[h] = -np.inf
        for p in range(at(start, r), at(start, r + 1)):
            sent, row = at(source, at(other, p)), at(out, p)
            for h in range(heads):
                value = sent[h] + own[h]
                if len(edge):
                    value += edge[p, h]
                value = value if value > zero else rate * value
                row[h] = value
                largest[h] = max(largest[h], value)
        for p in range(at(start, r), at(start, r + 1)):
            row = at(out, p)
            for h in range(heads):
                row[h] -= largest[h]


@contracted
def _normalise(start, weight, first, last):
    """Each row's weights by their sum."""
    heads = weight.shape[1]
    total, tiny = scratch(weight, heads), weight.dtype.type(TINY)
    for i in range(first, last):
        for h in range(heads):
            total[h] = tiny
        for p in range(at(start, i), at(start, i + 1)):
            row = at(weight, p)
            for h in range(heads):
                total[h] += row[h]
        for p in range(at(start, i), at(start, i + 1)):
            row = at(weight, p)
            for h in range(heads):
                row[h] /= total[h]


@lru_cache
def _loops(known: int) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """The sums, the gradient by target and that by source, of heads whose width is `known` when they are compiled; 0
    where it is not."""

    @contracted
    def sums(row_of, start, other, x, weight, kept, scale, out, first, last):
        heads, width = x.shape[1], known if known else x.shape[2]
        total, zero, factor = scratch(x, width), x.dtype.type(0), x.dtype.type(scale)
        for r in range(first, last):
            i = at(row_of, r)
            for h in range(heads):
                head = np.uint64(h)
                for c in range(width):
                    total[c] = zero
                for p in range(at(start, r), at(start, r + 1)):
                    sent, w = x[np.uint64(at(other, p)), head], weight[np.uint64(p), head]
                    if len(kept):
                        w = w * factor if kept[np.uint64(p), head] else zero
                    for c in range(width):
                        total[c] += w * sent[c]
                row = out[np.uint64(i), head]
                for c in range(width):
                    row[c] = total[c]

    @contracted
    def by_row(
        row_of,
        start,
        other,
        source,
        target,
        edge,
        slope,
        grad,
        x,
        weight,
        kept,
        scale,
        to_logits,
        to_target,
        first,
        last,
    ):
        heads, width = x.shape[1], known if known else x.shape[2]
        zero, factor, rate = x.dtype.type(0), x.dtype.type(scale), x.dtype.type(slope)
        lanes = scratch(x, STEP)
        for r in range(first, last):
            i, begin, end = at(row_of, r), at(start, r), at(start, r + 1)
            for h in range(heads):
                head = np.uint64(h)
                received, mean = grad[np.uint64(i), head], zero
                for p in range(begin, end):
                    sent, total = x[np.uint64(at(other, p)), head], zero
                    if known:
                        for k in range(STEP):
                            lanes[k] = zero
                        for c in range(0, width, STEP):
                            for k in range(STEP):
                                lanes[k] += received[c + k] * sent[c + k]
                        for k in range(STEP):
                            total += lanes[k]
                    else:
                        for c in range(width):
                            total += received[c] * sent[c]
                    if len(kept):
                        total = total * factor if kept[np.uint64(p), head] else zero
                    to_logits[np.uint64(p), head] = total
                    mean += weight[np.uint64(p), head] * total
                own, to_own = target[np.uint64(i), head], zero
                for p in range(begin, end):
                    value = source[np.uint64(at(other, p)), head] + own
                    if len(edge):
                        value += edge[np.uint64(p), head]
                    total = weight[np.uint64(p), head] * (to_logits[np.uint64(p), head] - mean)
                    total = total if value > zero else rate * total
                    to_logits[np.uint64(p), head] = total
                    to_own += total
                to_target[np.uint64(i), head] = to_own

    @contracted
    def by_column(row_of, start, other, place, grad, weight, kept, scale, to_logits, to_x, to_source, first, last):
        heads, width = grad.shape[1], known if known else grad.shape[2]
        total, zero, factor = scratch(grad, width), grad.dtype.type(0), grad.dtype.type(scale)
        for r in range(first, last):
            j = at(row_of, r)
            for h in range(heads):
                head, to_own = np.uint64(h), zero
                for c in range(width):
                    total[c] = zero
                for q in range(at(start, r), at(start, r + 1)):
                    p, received = np.uint64(at(place, q)), grad[np.uint64(at(other, q)), head]
                    to_own += to_logits[p, head]
                    w = weight[p, head]
                    if len(kept):
                        w = w * factor if kept[p, head] else zero
                    for c in range(width):
                        total[c] += w * received[c]
                to_source[np.uint64(j), head] = to_own
                row = to_x[np.uint64(j), head]
                for c in range(width):
                    row[c] = total[c]

    return sums, by_row, by_column
