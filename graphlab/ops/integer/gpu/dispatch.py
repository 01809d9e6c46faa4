"""The one way to integers on a GPU: checks, then the kernels, or operations of torch where there is no Triton."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.integer.blocks import BYTES, check_bias
from graphlab.ops.integer.devices import check_device
from graphlab.ops.integer.gpu import plain
from graphlab.ops.integer.gpu.constants import Rounding, constant
from graphlab.ops.integer.gpu.layout import DeviceWeights
from graphlab.ops.integer.product import Weights
from graphlab.ops.integer.rescale import Multiplier, Output
from graphlab.ops.neighbour_sum import Neighbours


class Paths(NamedTuple):
    """What computes each function."""

    product: Callable[..., Tensor]
    neighbour_sum: Callable[..., Tensor]
    neighbour_softmax: Callable[..., Tensor]
    rescale: Callable[..., Tensor]


PLAIN = Paths(plain.product, plain.neighbour_sum, plain.neighbour_softmax, plain.rescale)


@cache
def paths() -> Paths:
    """The kernels if there is a compiler for them; if not, operations of torch, with a warning the first time."""
    if find_spec("triton") is None:
        warnings.warn(
            "Triton is not installed: integer networks take their plain path on a GPU, with memory for every message",
            stacklevel=4,
        )
        return PLAIN
    from graphlab.ops.integer.gpu import launch

    return Paths(launch.product, launch.neighbour_sum, launch.neighbour_softmax, launch.rescale)


def product(
    x: Tensor,
    weight: Tensor | Weights | DeviceWeights,
    output: Output | None,
    bias: Tensor | None,
    zero_point: int,
) -> Tensor:
    """See `graphlab.ops.integer.product.product`."""
    _check_bytes("rows", x, 2)
    if isinstance(weight, Tensor):
        check_device("weights", weight, x)
    weight = weight if isinstance(weight, DeviceWeights) else DeviceWeights.of(weight, x.device)
    check_device("weights", weight.data, x)
    if x.size(1) != weight.shape[0]:
        raise InputError(
            f"rows {tuple(x.shape)} times weights {weight.shape}", hint="rows have as many columns as weights have rows"
        )
    rounding, start = _rounding(output, weight.shape[1], x), _bias(bias, weight.shape[1], x)
    return paths().product(x, weight, rounding, start, int(zero_point))


def neighbour_sum(
    neighbours: Neighbours,
    x: Tensor,
    output: Output | None,
    weight: Tensor | None,
    bias: Tensor | None,
    zero_point: int,
) -> Tensor:
    """See `graphlab.ops.integer.neighbour_sum.neighbour_sum`; its shapes are checked there."""
    _check_bytes("rows", x, 2)
    check_device("edges", neighbours.source, x)
    if weight is not None:
        _check_bytes("weights of edges", weight, 1)
        check_device("weights of edges", weight, x)
    rounding, start = _rounding(output, x.size(1), x), _bias(bias, x.size(1), x)
    return paths().neighbour_sum(neighbours, x, rounding, weight, start, int(zero_point))


def neighbour_softmax(
    neighbours: Neighbours, source: Tensor, target: Tensor, multipliers: Multiplier, table: np.ndarray
) -> Tensor:
    """See `graphlab.ops.integer.softmax.neighbour_softmax`, which checks its arguments. multipliers: of the slope, and
    of the step to the table."""
    check_device("edges", neighbours.source, source)
    check_device("scores of targets", target, source)
    steps = Rounding.of_multiplier(multipliers, source.device)
    entries = constant(table.astype(np.int32), source.device)
    return paths().neighbour_softmax(neighbours, source, target, entries, steps)


def requantise(sums: Tensor, output: Output) -> Tensor:
    """See `graphlab.ops.integer.requantise.requantise_rows`."""
    rounding = _rounding(output, sums.size(1), sums)
    assert rounding is not None
    return paths().rescale(sums, rounding)


def rescale(sums: Tensor, multiplier: Multiplier) -> Tensor:
    """See `graphlab.ops.integer.requantise.rescale_rows`."""
    return paths().rescale(sums, Rounding.of_multiplier(multiplier, sums.device))


def _check_bytes(what: str, values: Tensor, num_dims: int) -> None:
    if values.dtype not in BYTES or values.dim() != num_dims:
        raise InputError(
            f"{what} {tuple(values.shape)} of {values.dtype} on {values.device}",
            hint=f"integer kernels of a GPU take int8 or uint8 of {num_dims} dimensions",
        )


def _rounding(output: Output | None, channels: int, beside: Tensor) -> Rounding | None:
    if output is None:
        return None
    output.check_channels(channels)
    return Rounding.of_output(output, beside.device)


def _bias(bias: Tensor | None, channels: int, beside: Tensor) -> Tensor | None:
    """int32 on the device of the rows; one of the host is kept there. What lies on a GPU is not waited for."""
    if bias is None:
        return None
    if not bias.is_cpu and bias.dtype != torch.int32:
        raise InputError(f"a bias of {bias.dtype} on {bias.device}", hint="give int32 [channels]")
    if not bias.is_cpu and tuple(bias.shape) == (channels,):
        check_device("a bias", bias, beside)
        return bias.contiguous()
    values = check_bias(bias, channels)
    assert values is not None
    return constant(values.astype(np.int32), beside.device)
