"""The same integers by operations of torch, for a GPU without Triton: exact, with memory for every message."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.ops.integer.gpu.constants import Rounding
from graphlab.ops.integer.gpu.layout import DeviceWeights
from graphlab.ops.integer.rescale import INT32
from graphlab.ops.neighbour_sum import Neighbours

FULL = 255


def product(
    x: Tensor, weight: DeviceWeights, rounding: Rounding | None, bias: Tensor | None, zero_point: int
) -> Tensor:
    """See `graphlab.ops.integer.product`. Integers below 2^53 are exact in float64, which GPUs multiply matrices of."""
    sums = ((x.double() - zero_point) @ weight.unpacked().double()).long()
    return _rounded(sums if bias is None else sums + bias, rounding)


def neighbour_sum(
    neighbours: Neighbours,
    x: Tensor,
    rounding: Rounding | None,
    weight: Tensor | None,
    bias: Tensor | None,
    zero_point: int,
) -> Tensor:
    """See `graphlab.ops.integer.neighbour_sum`."""
    messages = x.index_select(0, neighbours.source).long() - zero_point
    messages = messages if weight is None else messages * weight.long().unsqueeze(1)
    sums = messages.new_zeros(neighbours.num_targets, x.size(1)).index_add_(0, neighbours.target, messages)
    return _rounded(sums if bias is None else sums + bias, rounding)


def neighbour_softmax(neighbours: Neighbours, source: Tensor, target: Tensor, table: Tensor, steps: Rounding) -> Tensor:
    """See `graphlab.ops.integer.softmax`. steps: multipliers of the slope, and of the step to the table."""
    i = neighbours.target
    z = source.index_select(0, neighbours.source).long() + target.index_select(0, i)
    z = z.clamp(int(INT32.min), int(INT32.max))
    (slope, step), (slope_right, step_right) = steps.mantissa, steps.right
    leaky = torch.where(z < 0, _rescaled(z, slope, slope_right), z)
    largest = leaky.new_full((neighbours.num_targets, source.size(1)), torch.iinfo(torch.int64).min)
    largest = largest.scatter_reduce_(0, i.unsqueeze(1).expand_as(leaky), leaky, "amax")
    behind = (largest.index_select(0, i) - leaky).clamp(max=int(INT32.max))
    parts = table[_rescaled(behind, step, step_right).clamp(max=FULL)].long()
    total = torch.zeros_like(largest).index_add_(0, i, parts).index_select(0, i)
    weights = torch.div(FULL * parts + (total >> 1), total, rounding_mode="floor")
    return weights.t().to(torch.uint8).contiguous()


def rescale(sums: Tensor, rounding: Rounding) -> Tensor:
    """See `graphlab.ops.integer.requantise`."""
    return _rounded(sums, rounding)


def _rounded(sums: Tensor, rounding: Rounding | None) -> Tensor:
    if rounding is None:
        return sums.to(torch.int32)
    steps = _rescaled(sums, rounding.mantissa, rounding.right) + rounding.zero_point
    return steps.clamp(rounding.low, rounding.high).to(rounding.dtype)


def _rescaled(sums: Tensor, mantissa: Tensor, right: Tensor) -> Tensor:
    right = right.long()
    return (sums.long() * mantissa.long() + (torch.ones_like(right) << (right - 1))) >> right
