"""Which way pivotal attention is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.pivotal_attention.options import Options
from graphlab.ops.pivotal_attention.pairs import pairs
from graphlab.ops.pivotal_attention.reference import default_scale, reference
from graphlab.ops.pivotal_attention.tuples import tuples

SHORT = 2
"""Times the width of a head: as many pivots have scores that are no more numbers than the inputs are."""

FEW = 2**20
"""Scores that are laid out at once at any length, on a GPU too: a few MiB are not worth compiling kernels for."""

FAR = 2**27
"""Steps of memory from which on offsets within a tile of the GPU's kernels may not fit in 32 bits."""


def pivotal_attention(
    query: Tensor,
    keys: Sequence[Tensor],
    values: Sequence[Tensor],
    mask: Tensor | None = None,
    cap: float | None = None,
    scale: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Attention of k-tuples of nodes over the pivots that can take one of their places.

    Args:
        query: `[B, H, n1, ..., nk, d]`.
        keys: For each place of the tuple, `query`'s shape with the number of pivots p in that place; of pairs (i, k)
            first those of (j, k), then those of (i, j).
        values: Of the same shapes.
        mask: Broadcastable to `[B, H, n1, ..., nk, p]`: bool, True where a pivot counts nothing, or numbers that are
            added to scores. A row that is masked whole is the mean of its values. No gradient.
        cap: Scores s become cap tanh(s / cap), before the mask; None for none.
        scale: Of scores; 1 / sqrt(k d) if None.
        dropout: Probability by which a weight is dropped; those that stay are scaled by 1 / (1 - dropout). Draws come
            from torch's generator.

    Returns:
        The shape of `query`; differentiable once in query, keys and values.

    Raises:
        InputError: Shapes that do not fit each other.
    """
    k, shape = query.dim() - 3, query.shape
    pivots = keys[0].size(2) if keys and keys[0].dim() == query.dim() else 0
    expected = [(*shape[: 2 + m], pivots, *shape[3 + m :]) for m in range(k)]
    if [tuple(each.shape) for each in keys] != expected or [tuple(each.shape) for each in values] != expected:
        shapes = "; ".join(" ".join(str(tuple(each.shape)) for each in part) for part in ((query,), keys, values))
        raise InputError(
            f"pivotal attention of {k}-tuples has query, keys and values {shapes}",
            hint=f"give {k} keys and values, each of the query's shape but for the pivots in its place of the tuple",
        )
    if cap is not None and cap <= 0:
        raise InputError(f"scores are capped at {cap}", hint="give a cap above 0, or None")
    if mask is not None and mask.requires_grad:
        raise InputError("the mask of pivotal attention has no gradient", hint="give mask.detach()")
    scores = (*shape[:-1], pivots)
    try:
        mask = None if mask is None else mask.expand(scores)
    except RuntimeError as error:
        raise InputError(
            f"a mask {tuple(mask.shape) if mask is not None else ()} is not of scores {scores}",
            hint="give a mask that can be broadcast to them",
        ) from error
    scale = default_scale(query, keys) if scale is None else scale
    by_kernels = k == 2 and has_kernels((query, *keys, *values), mask)
    short = k == 2 and pivots <= SHORT * query.size(-1) and not by_kernels
    if short or math.prod(scores) <= FEW:
        return reference(query, keys, values, mask, cap, scale, dropout)
    options = Options(scale, mask, cap, dropout, seed=int(torch.randint(2**62, ())) if dropout else 0)
    if k != 2:
        return tuples(query, keys, values, options)
    path = pairs
    if by_kernels:
        from graphlab.ops.pivotal_attention.gpu import gpu

        path = gpu
    return path(query, (keys[1], keys[0]), (values[1], values[0]), options)


def has_kernels(inputs: Sequence[Tensor], mask: Tensor | None) -> bool:
    """Whether attention of pairs is computed by the GPU's kernels."""
    dtype, near = inputs[0].dtype, mask is None or max(mask.stride()[2:]) < FAR
    return (
        all(each.is_cuda and each.dtype == dtype for each in inputs)
        and dtype in (torch.float32, torch.bfloat16, torch.float16)
        and near
        and _has_triton()
    )


@cache
def _has_triton() -> bool:
    return find_spec("triton") is not None
