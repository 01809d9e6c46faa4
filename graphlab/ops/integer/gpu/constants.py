"""Small arrays of the host on a device: scales, biases and tables, which kernels only read."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphlab.ops.integer.rescale import INT32, Multiplier, Output

SMALL = 2**14
"""Bytes up to which an array is kept on the device."""

KEPT = 512
"""How many of these are kept: a network has a few an operation."""


def constant(values: np.ndarray, device: torch.device) -> Tensor:
    """Numbers of the host on a device. Small arrays are kept by their content, so that a network that runs again copies
    nothing; the result is not to be written to."""
    if values.nbytes > SMALL:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)
    return _kept(values.tobytes(), values.dtype.str, values.shape, device)


@lru_cache(maxsize=KEPT)
def _kept(content: bytes, dtype: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
    values = np.frombuffer(content, np.dtype(dtype)).reshape(shape)
    return torch.from_numpy(values.copy()).to(device)


class Rounding(NamedTuple):
    """What turns int32 sums into results: clamp(((sums * mantissa + 2^(right - 1)) >> right) + zero_point, low, high).

    Attributes:
        mantissa, right: int32 `[1]` or `[channels]`, on the device.
        zero_point, low, high: Of the result.
        dtype: int8, uint8 or int32.
    """

    mantissa: Tensor
    right: Tensor
    zero_point: int
    low: int
    high: int
    dtype: torch.dtype

    @classmethod
    def of_output(cls, output: Output, device: torch.device) -> Rounding:
        """To bytes."""
        factors = _factors(output.multiplier, device)
        dtype = torch.int8 if output.signed else torch.uint8
        return cls(*factors, output.zero_point, output.low, output.high, dtype)

    @classmethod
    def of_multiplier(cls, multiplier: Multiplier, device: torch.device) -> Rounding:
        """To int32, at its ends where a result is beyond."""
        return cls(*_factors(multiplier, device), 0, int(INT32.min), int(INT32.max), torch.int32)

    @property
    def is_per_channel(self) -> bool:
        return self.mantissa.numel() > 1


def _factors(multiplier: Multiplier, device: torch.device) -> tuple[Tensor, Tensor]:
    right = (31 - multiplier.shift.astype(np.int64)).astype(np.int32)
    return constant(multiplier.mantissa, device), constant(right, device)
