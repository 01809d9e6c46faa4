"""Distances of a batch of vectors to the rows of a table, forward and backward: the scores of TransE (Bordes et al.,
NeurIPS 2013, eq. 1) and RotatE (Sun et al., ICLR 2019, eq. 2) against all entities.

Every distance is a sum over differences. The matrix form |a|^2 + |b|^2 - 2ab is never used: it cancels where vectors
are close. On the CPU the forward loop transposes a few rows of the table at a time, so that it adds to many sums at
once and no sum is reordered. The backward loop takes a few columns at a time and keeps their gradients in registers. No
array of differences is laid out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.core.errors import InputError
from graphlab.ops.compiled import contracted, inlined, scratch
from graphlab.ops.threads import for_each, shares

Norm = Literal["l1", "l2", "complex-l1"]

L1, L2, COMPLEX = 0, 1, 2
NORMS: dict[Norm, int] = {"l1": L1, "l2": L2, "complex-l1": COMPLEX}

TILE = 32
"""Rows of the table, or columns of a gradient, that are worked on at once. The compiler unrolls shorter loops into
single instructions before it looks for vectors, which takes up to fifty times as long."""

SUMMED = 32
"""Coordinates that are added to each other before they are added to the rest, against rounding."""

QUERIES = 64
"""Queries whose columns stay in the first cache with those of their gradients."""

PART = 4096
"""Rows of the table whose gradients of queries are added to each other before they are added to the rest."""

BLOCK = 2**22
"""Differences that the path in plain torch lays out at a time: 16 MiB of float32."""


def distances(query: Tensor, candidates: Tensor, norm: Norm) -> Tensor:
    """The distance of each query to each candidate.

        l1          sum_k |q_k - c_k|
        l2          sqrt(sum_k (q_k - c_k)^2)
        complex-l1  sum_k |q_k - c_k| of complex numbers, whose real halves come first

    Args:
        query: `[B, d]`.
        candidates: `[N, d]` that all queries share, or `[B, K, d]`, for each query its own.
        norm: one of the above. `complex-l1` needs an even d.

    Returns:
        `[B, N]` or `[B, K]`, float32 at least, under autocast too. Differentiable in both arguments, once; the gradient
        of an absolute value, of a modulus and of a whole `l2` distance is 0 where it is 0. No array `[B, N, d]` is laid
        out. On the CPU compiled loops give the same bits for any number of threads; other devices take blocks of
        candidates in plain torch.

    Raises:
        InputError: an unknown norm, or shapes that do not fit.

    References:
        Bordes et al., "Translating Embeddings for Modeling Multi-relational Data", NeurIPS 2013.
        Sun et al., "RotatE: Knowledge Graph Embedding by Relational Rotation in Complex Space", ICLR 2019.
    """
    _check(query, candidates, norm)
    dtype = torch.promote_types(torch.promote_types(query.dtype, candidates.dtype), torch.float32)
    with torch.autocast(query.device.type, enabled=False):
        return _Distances.apply(query.to(dtype), candidates.to(dtype), norm, query.is_cpu)  # pyright: ignore[reportReturnType]


def reference(query: Tensor, candidates: Tensor, norm: Norm) -> Tensor:
    """`distances` of differences `[B, N, d]` that are laid out."""
    difference = query.unsqueeze(1) - candidates
    match norm:
        case "l1":
            return torch.linalg.vector_norm(difference, ord=1, dim=-1)
        case "l2":
            return torch.linalg.vector_norm(difference, dim=-1)
        case "complex-l1":
            return torch.linalg.vector_norm(torch.stack(difference.chunk(2, dim=-1)), dim=0).sum(-1)


def in_blocks(query: Tensor, candidates: Tensor, norm: Norm) -> Tensor:
    """`distances` on any device, without gradients."""
    distance = query.new_empty(len(query), candidates.size(-2))
    for block in _blocks(query, candidates):
        difference = query.unsqueeze(1) - candidates[..., block, :]
        match norm:
            case "l1":
                distance[:, block] = difference.abs_().sum(-1)
            case "l2":
                distance[:, block] = difference.square_().sum(-1).sqrt_()
            case "complex-l1":
                distance[:, block] = _moduli(difference).sum(-1)
    return distance


def gradients_in_blocks(query: Tensor, candidates: Tensor, norm: Norm, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of both arguments, on any device; `factor`, `[B, N]`, is what each pair's terms are multiplied by."""
    to_query, to_candidates = torch.zeros_like(query), torch.empty_like(candidates)
    for block in _blocks(query, candidates):
        difference = query.unsqueeze(1) - candidates[..., block, :]
        slopes = factor[:, block].unsqueeze(-1)
        match norm:
            case "l1":
                slopes = difference.sign_().mul_(slopes)
            case "l2":
                slopes = difference.mul_(slopes)
            case "complex-l1":
                moduli = _moduli(difference)
                slopes = (slopes / moduli).masked_fill_(moduli == 0, 0)
                slopes = torch.cat([slopes * half for half in difference.chunk(2, dim=-1)], dim=-1)
        to_query += slopes.sum(1)
        to_candidates[..., block, :] = -(slopes.sum(0) if candidates.dim() == 2 else slopes)
    return to_query, to_candidates


def _moduli(difference: Tensor) -> Tensor:
    real, imaginary = difference.chunk(2, dim=-1)
    return real.square().addcmul_(imaginary, imaginary).sqrt_()


def _blocks(query: Tensor, candidates: Tensor) -> list[slice]:
    size = max(1, BLOCK // max(1, query.numel()))
    return [slice(start, start + size) for start in range(0, candidates.size(-2), size)]


def _check(query: Tensor, candidates: Tensor, norm: str) -> None:
    if norm not in NORMS:
        raise InputError(f"distances: there is no norm {norm!r}", hint=f"choose one of {', '.join(NORMS)}")
    shapes = f"query {list(query.shape)} and candidates {list(candidates.shape)}"
    shared = candidates.dim() == 2 or candidates.shape[:-2] == query.shape[:1]
    if query.dim() != 2 or candidates.dim() not in (2, 3) or query.size(1) != candidates.size(-1) or not shared:
        raise InputError(f"distances: {shapes} do not fit", hint="they are [B, d] and [N, d], or [B, d] and [B, K, d]")
    if norm == "complex-l1" and query.size(1) % 2:
        raise InputError(
            f"distances: complex numbers have two real ones each, and {shapes} have an odd width",
            hint="give real halves first, then imaginary ones of the same width",
        )


class _Distances(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, candidates: Tensor, norm: Norm, is_compiled: bool) -> Tensor:
        ctx.norm, ctx.is_compiled = norm, is_compiled
        distance = (_compiled if is_compiled else in_blocks)(query, candidates, norm)
        ctx.save_for_backward(query, candidates, distance if norm == "l2" else None)
        return distance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        query, candidates, distance = ctx.saved_tensors
        factor = grad if distance is None else (grad / distance).masked_fill_(distance == 0, 0)
        gradients = _compiled_gradients if ctx.is_compiled else gradients_in_blocks
        return *gradients(query, candidates, ctx.norm, factor), None, None


def _compiled(query: Tensor, candidates: Tensor, norm: Norm) -> Tensor:
    distance = query.new_empty(len(query), candidates.size(-2))
    queries, tables = _problems(query, candidates)
    out = distance.view(len(tables), queries.size(1), tables.size(1))
    loop = _forward_loop(NORMS[norm])
    arrays = (queries.numpy(), tables.numpy(), out.numpy())
    for_each(lambda units: loop(*arrays, *units), shares(len(tables) * -(-tables.size(1) // TILE)))
    return distance


def _compiled_gradients(query: Tensor, candidates: Tensor, norm: Norm, factor: Tensor) -> tuple[Tensor, Tensor]:
    """As `gradients_in_blocks`."""
    queries, tables = _problems(query, candidates)
    factors = factor.reshape(len(tables), queries.size(1), tables.size(1)).transpose(1, 2).contiguous()
    parts = -(-tables.size(1) // PART)
    to_queries, to_tables = queries.new_zeros(parts, *queries.shape), torch.zeros_like(tables)
    tiles = -(-(query.size(1) // 2 if norm == "complex-l1" else query.size(1)) // TILE)
    loop = _backward_loop(NORMS[norm])
    arrays = tuple(each.numpy() for each in (queries, tables, factors, to_queries, to_tables))
    for_each(lambda units: loop(*arrays, tiles, *units), shares(len(tables) * parts * tiles))
    return to_queries.sum(0).view_as(query), to_tables.view_as(candidates)


def _problems(query: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    """Queries `[G, B, d]` and tables `[G, N, d]`: one problem, or one a query where each has candidates of its own."""
    query, candidates = query.detach().contiguous(), candidates.detach().contiguous()
    if candidates.dim() == 2:
        return query.unsqueeze(0), candidates.unsqueeze(0)
    return query.unsqueeze(1), candidates


@inlined
def _fours(tables):
    """Room for numbers of four queries and TILE rows."""
    return scratch(tables, TILE), scratch(tables, TILE), scratch(tables, TILE), scratch(tables, TILE)


@inlined
def _clear(sums, zero):
    sum_a, sum_b, sum_c, sum_d = sums
    for j in range(TILE):
        sum_a[j], sum_b[j], sum_c[j], sum_d[j] = zero, zero, zero, zero


@inlined
def _add(totals, sums):
    total_a, total_b, total_c, total_d = totals
    sum_a, sum_b, sum_c, sum_d = sums
    for j in range(TILE):
        total_a[j] += sum_a[j]
        total_b[j] += sum_b[j]
        total_c[j] += sum_c[j]
        total_d[j] += sum_d[j]


@inlined
def _term(norm, real, imaginary):
    if norm == L1:
        return abs(real)
    if norm == L2:
        return real * real
    return np.sqrt(real * real + imaginary * imaginary)


@inlined
def _add_terms(norm, sums, x, y, real, imaginary):
    """The terms of one coordinate, x or x + iy, of four queries and TILE rows."""
    sum_a, sum_b, sum_c, sum_d = sums
    for j in range(TILE):
        sum_a[j] += _term(norm, x[0] - real[j], y[0] - imaginary[j])
        sum_b[j] += _term(norm, x[1] - real[j], y[1] - imaginary[j])
        sum_c[j] += _term(norm, x[2] - real[j], y[2] - imaginary[j])
        sum_d[j] += _term(norm, x[3] - real[j], y[3] - imaginary[j])


@inlined
def _slope(norm, factor, difference, zero):
    if norm == L2:
        return factor * difference
    return factor if difference > zero else (-factor if difference < zero else zero)


@inlined
def _put(norm, totals, row, start, width):
    for j in range(width):
        row[np.uint64(start + j)] = np.sqrt(totals[j]) if norm == L2 else totals[j]


@lru_cache
def _forward_loop(norm: int) -> Callable[..., None]:
    """Distances of some units, each of which is TILE rows of a table and all queries of its problem."""

    @contracted
    def loop(queries, tables, out, first, last):
        num_queries, num_rows, depth = queries.shape[1], tables.shape[1], tables.shape[2]
        half = depth // 2 if norm == COMPLEX else depth
        columns = np.empty((depth, TILE), tables.dtype)
        sums, totals, zero = _fours(tables), _fours(tables), tables.dtype.type(0)
        tiles = -(-num_rows // TILE)
        for unit in range(first, last):
            query, table, rows = queries[unit // tiles], tables[unit // tiles], out[unit // tiles]
            n = unit % tiles * TILE
            width = min(TILE, num_rows - n)
            for j in range(TILE):
                row = table[min(n + j, num_rows - 1)]
                for k in range(depth):
                    columns[k, j] = row[k]
            for a in range(0, num_queries, 4):
                # Past the end the last query is taken again, to the same result.
                b, c, d = min(a + 1, num_queries - 1), min(a + 2, num_queries - 1), min(a + 3, num_queries - 1)
                of_a, of_b, of_c, of_d = query[a], query[b], query[c], query[d]
                _clear(totals, zero)
                for begin in range(0, half, SUMMED):
                    _clear(sums, zero)
                    for k in range(begin, min(begin + SUMMED, half)):
                        i = k + depth - half  # k itself where numbers are real
                        x, y = (of_a[k], of_b[k], of_c[k], of_d[k]), (of_a[i], of_b[i], of_c[i], of_d[i])
                        _add_terms(norm, sums, x, y, columns[k], columns[i])
                    _add(totals, sums)
                _put(norm, totals[0], rows[a], n, width)
                _put(norm, totals[1], rows[b], n, width)
                _put(norm, totals[2], rows[c], n, width)
                _put(norm, totals[3], rows[d], n, width)

    return loop


@lru_cache
def _backward_loop(norm: int) -> Callable[..., None]:
    """Gradients of some units, each of which is TILE columns of a part of a table's rows."""

    @contracted
    def loop(queries, tables, factors, to_queries, to_tables, tiles, first, last):
        num_queries, num_rows, depth = queries.shape[1], tables.shape[1], tables.shape[2]
        half = depth // 2 if norm == COMPLEX else depth
        parts, zero = len(to_queries), tables.dtype.type(0)
        real, imaginary = scratch(tables, TILE), scratch(tables, TILE)
        of_real, of_imaginary = scratch(tables, TILE), scratch(tables, TILE)
        sum_real, sum_imaginary = scratch(tables, TILE), scratch(tables, TILE)
        xs, to_xs = np.zeros((QUERIES, TILE), tables.dtype), np.zeros((QUERIES, TILE), tables.dtype)
        ys, to_ys = np.zeros((QUERIES, TILE), tables.dtype), np.zeros((QUERIES, TILE), tables.dtype)
        for j in range(TILE):
            real[j], imaginary[j] = zero, zero
        for unit in range(first, last):
            problem, part, column = unit // tiles // parts, unit // tiles % parts, unit % tiles * TILE
            query, table, factor = queries[problem], tables[problem], factors[problem]
            to_query, to_table = to_queries[part, problem], to_tables[problem]
            width, other = min(TILE, half - column), column + depth - half
            for start in range(0, num_queries, QUERIES):
                count = min(QUERIES, num_queries - start)
                for b in range(count):
                    row = query[start + b]
                    for j in range(width):
                        xs[b, j], ys[b, j] = row[np.uint64(column + j)], row[np.uint64(other + j)]
                    for j in range(TILE):
                        to_xs[b, j], to_ys[b, j] = zero, zero
                for n in range(part * PART, min(part * PART + PART, num_rows)):
                    row, to_row, factors_of_row = table[n], to_table[n], factor[n, start:]
                    for j in range(width):
                        real[j], imaginary[j] = row[np.uint64(column + j)], row[np.uint64(other + j)]
                    for j in range(TILE):
                        sum_real[j], sum_imaginary[j] = zero, zero
                    for b in range(count):
                        f, x, y, to_x, to_y = factors_of_row[b], xs[b], ys[b], to_xs[b], to_ys[b]
                        if norm == COMPLEX:
                            for j in range(TILE):
                                over, up = x[j] - real[j], y[j] - imaginary[j]
                                modulus = np.sqrt(over * over + up * up)
                                slope = zero if modulus == zero else f / modulus
                                of_real[j], of_imaginary[j] = to_x[j] + slope * over, to_y[j] + slope * up
                                sum_real[j] -= slope * over
                                sum_imaginary[j] -= slope * up
                            for j in range(TILE):
                                to_y[j] = of_imaginary[j]
                        else:
                            for j in range(TILE):
                                over = x[j] - real[j]
                                slope = _slope(norm, f, over, zero)
                                of_real[j] = to_x[j] + slope
                                sum_real[j] -= slope
                        for j in range(TILE):
                            to_x[j] = of_real[j]
                    for j in range(width):
                        to_row[np.uint64(column + j)] += sum_real[j]
                        if norm == COMPLEX:
                            to_row[np.uint64(other + j)] += sum_imaginary[j]
                for b in range(count):
                    to_row = to_query[start + b]
                    for j in range(width):
                        to_row[np.uint64(column + j)] += to_xs[b, j]
                        if norm == COMPLEX:
                            to_row[np.uint64(other + j)] += to_ys[b, j]

    return loop
