"""Fixed-point requantisation: an int32 sum times a real number, in integers alone.

A real multiplier r >= 0 is kept as an int32 mantissa m in [2^30, 2^31) and an exponent `shift`,

    r = m 2^(shift - 31),

and a sum a becomes, with the one rounding of TFLite's TFLITE_SINGLE_ROUNDING,

    rescale(a) = floor((a m + 2^(30 - shift)) / 2^(31 - shift)).

This is a r rounded to the nearest integer; halves go up, towards plus infinity. The product is taken in int64, where it
is exact. gemmlowp rounds twice, which takes two operations more.

References:
    Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
    CVPR 2018, section 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from graphlab.core.errors import InputError

INT32 = np.iinfo(np.int32)


class Multiplier(NamedTuple):
    """Real multipliers m 2^(shift - 31) in fixed point.

    Attributes:
        mantissa: int32 `[1]` for a whole tensor or `[channels]`; 0, or in [2^30, 2^31).
        shift: int32, as many; in [-31, 30].
    """

    mantissa: np.ndarray
    shift: np.ndarray

    @classmethod
    def of(cls, real: ArrayLike) -> Multiplier:
        """The nearest fixed-point multipliers. A number below 2^-32, for which every sum becomes 0, is 0.

        Args:
            real: A number, or one a channel, in [0, 2^30).

        Raises:
            InputError: A number that is negative, not finite, or 2^30 and more.
        """
        values = np.atleast_1d(np.asarray(real, np.float64))
        if values.ndim != 1 or not np.all(np.isfinite(values)) or np.any(values < 0) or np.any(values >= 2.0**30):
            raise InputError(
                f"multipliers of shape {values.shape} cannot be kept in fixed point: smallest {np.min(values)}, "
                f"largest {np.max(values)}",
                hint="give one number or one a channel, each from 0 and below 2^30; scales are positive",
            )
        fraction, shift = np.frexp(values)
        mantissa = np.rint(fraction * 2.0**31).astype(np.int64)
        carries = mantissa == 2**31
        mantissa, shift = np.where(carries, 2**30, mantissa), shift + carries
        vanishes = (shift < -31) | (mantissa == 0)
        return cls(np.where(vanishes, 0, mantissa).astype(np.int32), np.where(vanishes, 0, shift).astype(np.int32))

    @property
    def real(self) -> np.ndarray:
        """What the multipliers are as float64, exactly."""
        return np.ldexp(self.mantissa.astype(np.float64), self.shift - 31)


def rescale(sums: np.ndarray, multiplier: Multiplier) -> np.ndarray:
    """Sums times their multipliers, rounded once; the definition that the kernels follow.

    Args:
        sums: Integers `[..., channels]` in the range of int32.
        multiplier: One, or one a channel.

    Returns:
        int64 `[..., channels]`.
    """
    right = 31 - multiplier.shift.astype(np.int64)
    half = np.left_shift(np.int64(1), right - 1)
    return (np.asarray(sums, np.int64) * multiplier.mantissa.astype(np.int64) + half) >> right


@dataclass(frozen=True)
class Output:
    """How int32 sums become 8-bit integers: clamp(rescale(sum) + zero_point, low, high).

    A ReLU is `low` at the zero point: `Output.of(..., relu=True)`.

    Attributes:
        multiplier: (scale of the sums) / (scale of the result), one or one a channel.
        zero_point: The integer of the result that stands for 0.
        low, high: Smallest and largest integer of the result.
        signed: int8 if true, else uint8.
    """

    multiplier: Multiplier
    zero_point: int
    low: int
    high: int
    signed: bool

    @classmethod
    def of(
        cls,
        multiplier: ArrayLike | Multiplier,
        zero_point: int = 0,
        *,
        signed: bool = True,
        low: int | None = None,
        high: int | None = None,
        relu: bool = False,
    ) -> Output:
        """An output from a real multiplier.

        Args:
            multiplier: Real, one or one a channel, or in fixed point already.
            zero_point: The integer of the result that stands for 0.
            signed: int8 if true, else uint8.
            low, high: Smallest and largest integer; by default those of the type. Fewer bits have a smaller range.
            relu: Raise `low` to the zero point.

        Raises:
            InputError: A range or a zero point that the type does not have.
        """
        info = np.iinfo(np.int8 if signed else np.uint8)
        low, high = info.min if low is None else int(low), info.max if high is None else int(high)
        zero_point = int(zero_point)
        if not info.min <= low <= zero_point <= high <= info.max:
            raise InputError(
                f"a result in [{low}, {high}] with zero point {zero_point} does not fit into {info.dtype}",
                hint=f"{info.min} <= low <= zero_point <= high <= {info.max}",
            )
        scale = multiplier if isinstance(multiplier, Multiplier) else Multiplier.of(multiplier)
        return cls(scale, zero_point, zero_point if relu else low, high, signed)

    @property
    def dtype(self) -> Any:
        """numpy's type of the result."""
        return np.int8 if self.signed else np.uint8

    def check_channels(self, channels: int) -> None:
        """Raises InputError unless there is one multiplier, or one for each of the channels."""
        if len(self.multiplier.mantissa) not in (1, channels):
            raise InputError(
                f"{len(self.multiplier.mantissa)} multipliers for {channels} channels",
                hint="give one for the tensor or one a channel",
            )


def requantise(sums: np.ndarray, output: Output) -> np.ndarray:
    """Sums as 8-bit integers; the definition that the kernels follow.

    Args:
        sums: Integers `[..., channels]` in the range of int32.
        output: The scale, zero point and range of the result.

    Returns:
        int8 or uint8 `[..., channels]`.
    """
    rescaled = rescale(sums, output.multiplier) + output.zero_point
    return np.clip(rescaled, output.low, output.high).astype(output.dtype)
