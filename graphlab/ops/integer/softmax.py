"""Attention weights in integers: LeakyReLU and softmax over in-neighbours, in fixed point.

For an edge e = (j, i), with int32 scores s and t in a common scale, everything rounded as `rescale` does:

    z = s[j] + t[i], at the ends of int32 if beyond
    leaky = z, or rescale(z, slope) below 0
    k = min(255, rescale(d, scale / STEP)), d = (largest leaky of i) - leaky, at most 2^31 - 1
    p = TABLE[k] = round(2^15 exp(-k STEP)), 0 for k = 255
    weight = floor((255 p + floor(P / 2)) / P), P the sum of p over the edges into i

The neighbour with the largest score has k = 0, so that P is positive. Weights are rounded to 1/255
each: those into a node add up to 255 but for a half each, and those of more than 510 equal neighbours are all 0.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.compiled import at, compiled, inlined
from graphlab.ops.integer import devices
from graphlab.ops.integer.rescale import INT32, Multiplier, rescale
from graphlab.ops.neighbour_sum import Neighbours, over_rows

STEP = 1 / 32
"""Difference of logits between entries of the table; the last stands for 8 and more, of which exp is 0.0003."""

TABLE = np.rint(2.0**15 * np.exp(-STEP * np.arange(256))).astype(np.int64)
TABLE[255] = 0

FULL = 255
"""The weight that stands for 1."""


def neighbour_softmax(
    neighbours: Neighbours, source: Tensor, target: Tensor, scale: float, slope: float = 0.2
) -> Tensor:
    """Attention weights of the edges into each node, one set a head.

    Args:
        neighbours: The edges.
        source, target: Scores of both ends, int32.
        scale: What 1 in the scores stands for.
        slope: Of LeakyReLU below 0.

    Shapes:
        source `[num_sources, heads]`, target `[num_targets, heads]`.

    Returns:
        uint8 `[heads, E]` in the order of `edge_index`; 255 stands for 1.

    Raises:
        InputError: Other shapes or types, or a scale or slope that is negative.
    """
    _check(neighbours, source, target)
    multipliers = Multiplier.of([slope, scale / STEP])
    if devices.on_gpu(source):
        from graphlab.ops.integer.gpu import dispatch

        return dispatch.neighbour_softmax(neighbours, source, target, multipliers, TABLE)
    edges, heads = neighbours.by_target, source.size(1)
    out = np.zeros((heads, len(neighbours)), np.uint8)
    scores = source.detach().contiguous().numpy(), target.detach().contiguous().numpy()
    factors = _factors(multipliers)
    over_rows(neighbours.num_targets, lambda first, last: _softmax(*edges, *scores, TABLE, factors, out, first, last))
    return torch.from_numpy(out)


def reference(neighbours: Neighbours, source: Tensor, target: Tensor, scale: float, slope: float = 0.2) -> Tensor:
    """`neighbour_softmax` with arrays over all edges: the definition."""
    j, i, heads = neighbours.source.numpy(), neighbours.target.numpy(), source.size(1)
    z = source.numpy().astype(np.int64)[j] + target.numpy().astype(np.int64)[i]
    z = np.clip(z, INT32.min, INT32.max)
    leaky = np.where(z < 0, rescale(z, Multiplier.of(slope)), z)
    largest = np.full((neighbours.num_targets, heads), np.iinfo(np.int64).min)
    np.maximum.at(largest, i, leaky)
    behind = np.minimum(largest[i] - leaky, INT32.max)
    p = TABLE[np.minimum(rescale(behind, Multiplier.of(scale / STEP)), 255)]
    total = np.zeros_like(largest)
    np.add.at(total, i, p)
    return torch.from_numpy(((FULL * p + total[i] // 2) // total[i]).T.astype(np.uint8))


def _check(neighbours: Neighbours, source: Tensor, target: Tensor) -> None:
    shapes = (neighbours.num_sources, source.size(-1)), (neighbours.num_targets, source.size(-1))
    is_int32 = source.dtype == target.dtype == torch.int32
    if (tuple(source.shape), tuple(target.shape)) != shapes or not is_int32:
        raise InputError(
            f"scores {tuple(source.shape)} of {source.dtype} and {tuple(target.shape)} of {target.dtype}",
            hint=f"give int32 [{neighbours.num_sources}, heads] and [{neighbours.num_targets}, heads]",
        )


def _factors(both: Multiplier) -> np.ndarray:
    """Mantissa, half and shift to the right of the slope, and of the step to the table."""
    right = 31 - both.shift.astype(np.int64)
    return np.stack([both.mantissa.astype(np.int64), np.left_shift(np.int64(1), right - 1), right], axis=1)


@inlined
def _rescaled(value, factor):
    return (value * factor[0] + factor[1]) >> factor[2]


@inlined
def _leaky(source, target, lowest, highest, factor):
    z = min(max(np.int64(source) + np.int64(target), lowest), highest)
    return z if z >= 0 else _rescaled(z, factor)


@inlined
def _entry(table, largest, leaky, highest, factor):
    return at(table, min(_rescaled(min(largest - leaky, highest), factor), 255))


@compiled
def _softmax(row_of, start, other, place, source, target, table, factors, out, first, last):
    lowest, highest, slope, step = np.int64(-(2**31)), np.int64(2**31 - 1), factors[0], factors[1]
    for r in range(first, last):
        i, begin, end = np.uint64(at(row_of, r)), at(start, r), at(start, r + 1)
        for head in range(source.shape[1]):
            own, largest, total = target[i, head], np.int64(-(2**62)), np.int64(0)
            for p in range(begin, end):
                score = source[np.uint64(at(other, p)), head]
                largest = max(largest, _leaky(score, own, lowest, highest, slope))
            for p in range(begin, end):
                leaky = _leaky(source[np.uint64(at(other, p)), head], own, lowest, highest, slope)
                total += _entry(table, largest, leaky, highest, step)
            for p in range(begin, end):
                leaky = _leaky(source[np.uint64(at(other, p)), head], own, lowest, highest, slope)
                part = 255 * _entry(table, largest, leaky, highest, step) + (total >> 1)
                out[head, np.uint64(at(place, p))] = part // total
