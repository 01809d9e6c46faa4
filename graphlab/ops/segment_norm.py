"""Normalisation of the rows of each segment: instance normalisation without images. Ulyanov et al., 2016, eq. 3.

y = gamma z + beta, z = (x - mean) / sqrt(var + eps), mean and biased variance of each column over a segment's rows

dx = gamma / sqrt(var + eps) (dy - mean(dy) - z mean(dy z))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.core.errors import InputError
from graphlab.ops.compiled import MAX_WIDTH, contracted, scratch
from graphlab.ops.threads import for_each, shares

ROWS = 4096
"""Rows of a segment that are summed by one thread, before the sums of such pieces are added up."""


def segment_norm(x: Tensor, size: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Rows of mean 0 and variance 1 in each column over the rows of a segment, scaled and shifted. Ulyanov et al.,
    2016, eq. 3.

    Args:
        x: `[T, d]`, the rows of the segments one segment after another.
        size: int64 `[G]`, the rows of each segment, T in all.
        weight, bias: `[d]`.
        eps: added to each variance, so that a segment of one row becomes the bias.

    Returns:
        `[T, d]` in the dtype of x; differentiable in x, weight and bias, once. On the CPU the same bits for any number
        of threads, and moments in float64: columns may vary by little beside their mean.

    Raises:
        InputError: an argument of the wrong shape or dtype.
    """
    _check(x, size, weight, bias)
    if x.is_cpu and x.dtype in (torch.float32, torch.float64) and weight.dtype == x.dtype and x.size(1) <= MAX_WIDTH:
        return _SegmentNorm.apply(x, size, weight, bias, eps)  # pyright: ignore[reportReturnType]
    return reference(x, size, weight, bias, eps)


def reference(x: Tensor, size: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """`segment_norm` by sums over segments in PyTorch."""
    size = size[size > 0]
    rows = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    if not len(rows):
        return x
    centred = rows - _means(rows, size).repeat_interleave(size, dim=0)
    rate = (_means(centred.square(), size) + eps).rsqrt()
    return (centred * rate.repeat_interleave(size, dim=0) * weight + bias).to(x.dtype)


def _means(rows: Tensor, size: Tensor) -> Tensor:
    return torch.segment_reduce(rows, "mean", lengths=size, axis=0)


def _check(x: Tensor, size: Tensor, weight: Tensor, bias: Tensor) -> None:
    if size.dtype != torch.int64 or size.dim() != 1:
        raise InputError(f"segment_norm: size is {size.dtype} {list(size.shape)}", hint="it is int64 [segments]")
    if x.dim() != 2 or len(x) != int(size.sum()):
        raise InputError(f"segment_norm: x has shape {list(x.shape)}", hint=f"the segments have {int(size.sum())} rows")
    for name, vector in (("weight", weight), ("bias", bias)):
        if vector.shape != x.shape[1:]:
            raise InputError(f"segment_norm: {name} has shape {list(vector.shape)}", hint=f"it is [{x.size(1)}]")


@dataclass(frozen=True)
class Pieces:
    """Rows of one segment, at most ROWS of them, for each piece: which do not hang on the number of threads.

    size     float64 `[S, 1]`, the rows of each segment that has any
    of       the segment of each piece
    start    where its rows start
    end      and end
    """

    size: np.ndarray
    of: np.ndarray
    start: np.ndarray
    end: np.ndarray

    @classmethod
    def of_segments(cls, size: np.ndarray) -> Pieces:
        size = size[size > 0]
        count = -(-size // ROWS)
        of = np.repeat(np.arange(len(size)), count)
        number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
        end = np.cumsum(size)
        start = (end - size)[of] + ROWS * number
        return cls(size[:, None].astype(np.float64), of, start, np.minimum(start + ROWS, end[of]))

    @property
    def first(self) -> np.ndarray:
        """The first piece of each segment."""
        return np.flatnonzero(np.diff(self.of, prepend=-1))

    def run(self, loop: Any, *arrays: np.ndarray) -> None:
        places = (self.of, self.start, self.end)
        for_each(lambda part: loop(*arrays, places, *part), shares(len(self.of)))

    def means(self, loop: Any, *arrays: np.ndarray) -> np.ndarray:
        """What a loop sums over pieces into `[2, d]`, over the rows of each segment, float64 `[S, 2, d]`."""
        sums = np.zeros((len(self.of), 2, arrays[0].shape[1]))
        self.run(loop, *arrays, sums)
        return np.add.reduceat(sums, self.first) / self.size[:, :, None]


class _SegmentNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        out = torch.empty_like(x, memory_format=torch.contiguous_format)
        ctx.save_for_backward(x, weight)
        ctx.pieces = None
        if x.numel():
            rows, ctx.pieces = x.detach().contiguous().numpy(), Pieces.of_segments(size.numpy())
            shift = rows[ctx.pieces.start[ctx.pieces.first]].astype(np.float64)
            mean, square = ctx.pieces.means(_moments, rows, shift).transpose(1, 0, 2)
            ctx.centre, ctx.rate = (shift, mean), 1 / np.sqrt(np.maximum(square - mean**2, 0) + eps)
            scale = ctx.rate * weight.detach().double().numpy()
            ctx.pieces.run(_normalise, rows, *ctx.centre, scale, bias.detach().double().numpy(), out.numpy())
        return out

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        into = torch.empty_like(x, memory_format=torch.contiguous_format)
        if ctx.pieces is None:
            return into, None, torch.zeros_like(weight), torch.zeros_like(weight), None
        rows, back = x.detach().contiguous().numpy(), grad.contiguous().numpy()
        means = ctx.pieces.means(_gradient_sums, rows, back, *ctx.centre, ctx.rate)
        scale = ctx.rate * weight.detach().double().numpy()
        ctx.pieces.run(_to_rows, rows, back, *ctx.centre, ctx.rate, scale, means, into.numpy())
        of_bias, of_weight = torch.from_numpy((means * ctx.pieces.size[:, :, None]).sum(0)).to(weight.dtype)
        return into, None, of_weight, of_bias, None


@contracted
def _moments(x, shift, sums, places, first, last):
    """Sums of x - shift and of its square, shift a row of the segment: of numbers near their mean nothing cancels."""
    width = x.shape[1]
    one, two = scratch(sums, width), scratch(sums, width)
    for piece in range(first, last):
        start = shift[places[0][piece]]
        for k in range(width):
            one[k], two[k] = 0, 0
        for i in range(places[1][piece], places[2][piece]):
            row = x[i]
            for k in range(width):
                value = row[k] - start[k]
                one[k] += value
                two[k] += value * value
        for k in range(width):
            sums[piece, 0, k], sums[piece, 1, k] = one[k], two[k]


@contracted
def _normalise(x, shift, mean, scale, bias, out, places, first, last):
    for piece in range(first, last):
        segment = places[0][piece]
        start, centre, rate = shift[segment], mean[segment], scale[segment]
        for i in range(places[1][piece], places[2][piece]):
            row, result = x[i], out[i]
            for k in range(len(row)):
                result[k] = (row[k] - start[k] - centre[k]) * rate[k] + bias[k]


@contracted
def _gradient_sums(x, grad, shift, mean, rates, sums, places, first, last):
    """Sums of dy and of dy z."""
    width = x.shape[1]
    one, two = scratch(sums, width), scratch(sums, width)
    for piece in range(first, last):
        segment = places[0][piece]
        start, centre, rate = shift[segment], mean[segment], rates[segment]
        for k in range(width):
            one[k], two[k] = 0, 0
        for i in range(places[1][piece], places[2][piece]):
            row, back = x[i], grad[i]
            for k in range(width):
                one[k] += back[k]
                two[k] += back[k] * (row[k] - start[k] - centre[k])
        for k in range(width):
            sums[piece, 0, k], sums[piece, 1, k] = one[k], two[k] * rate[k]


@contracted
def _to_rows(x, grad, shift, mean, rates, scale, means, out, places, first, last):
    width = x.shape[1]
    slope = scratch(means, width)
    for piece in range(first, last):
        segment = places[0][piece]
        start, centre, rate, factor = shift[segment], mean[segment], rates[segment], scale[segment]
        ones, products = means[segment, 0], means[segment, 1]
        for k in range(width):
            slope[k] = rate[k] * products[k]
        for i in range(places[1][piece], places[2][piece]):
            row, back, result = x[i], grad[i], out[i]
            for k in range(width):
                z = (row[k] - start[k] - centre[k]) * slope[k]
                result[k] = factor[k] * (back[k] - ones[k] - z)
