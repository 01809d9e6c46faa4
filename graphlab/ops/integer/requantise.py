"""Rows of int32 sums rounded by multipliers in fixed point, on the CPU or a GPU; `rescale.py` has the definition."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.integer import devices
from graphlab.ops.integer.rescale import INT32, Multiplier, Output, requantise, rescale


def requantise_rows(sums: Tensor, output: Output) -> Tensor:
    """Sums as 8-bit integers.

    Args:
        sums: int32 `[n, channels]`.
        output: The scale, zero point and range of the result.

    Returns:
        int8 or uint8 `[n, channels]`.

    Raises:
        InputError: Other types or shapes, or multipliers that do not fit the channels.
    """
    _check(sums)
    output.check_channels(sums.size(1))
    if devices.on_gpu(sums):
        from graphlab.ops.integer.gpu import dispatch

        return dispatch.requantise(sums, output)
    return torch.from_numpy(requantise(sums.numpy(), output))


def rescale_rows(sums: Tensor, multiplier: Multiplier) -> Tensor:
    """Sums times their multipliers as int32, at its ends where a result is beyond.

    Args:
        sums: int32 `[n, channels]`.
        multiplier: One, or one a channel.

    Returns:
        int32 `[n, channels]`.

    Raises:
        InputError: Other types or shapes, or multipliers that do not fit the channels.
    """
    _check(sums)
    if len(multiplier.mantissa) not in (1, sums.size(1)):
        raise InputError(
            f"{len(multiplier.mantissa)} multipliers for {sums.size(1)} channels", hint="give one, or one a channel"
        )
    if devices.on_gpu(sums):
        from graphlab.ops.integer.gpu import dispatch

        return dispatch.rescale(sums, multiplier)
    return torch.from_numpy(np.clip(rescale(sums.numpy(), multiplier), INT32.min, INT32.max).astype(np.int32))


def _check(sums: Tensor) -> None:
    if sums.dtype != torch.int32 or sums.dim() != 2:
        raise InputError(f"sums {tuple(sums.shape)} of {sums.dtype}", hint="give int32 [n, channels]")
