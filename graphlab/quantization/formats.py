"""Number formats: how many bits a number takes, which integers it is stored as, and what one integer step is worth.

Every format stores `value ~ (integer - zero_point) * scale`, with integers in `lowest..highest`. Formats differ in the
integers they allow and in how scale and zero point follow from a range of values. `parse` reads a format's name.

References: Jacob et al., CVPR 2018 (affine integers); Rastegari et al., ECCV 2016 (binary); Li and Liu, 2016 (ternary).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.quantization.ranges import extremes, weighted_mean

Granularity = Literal["tensor", "channel", "node"]

SMALLEST_SCALE = 2.0**-62
"""The scale of values that are all zero. Its square and its inverse are still normal float32 numbers."""

TERNARY_THRESHOLD = 0.7
"""Weights below this share of the mean magnitude are left out of the ternary scale (Li and Liu, eq. 6)."""

ALTERNATIVES = (
    "int2..int8, int16 or uint2..uint8, uint16, then -symmetric, then -channel or -node; q<m>.<n> for fixed point, as "
    "q3.4; binary or ternary, then -channel or -node; float32 for no quantisation"
)


class Format(ABC):
    """A number format, a frozen dataclass.

    Attributes:
        bits: bits that a stored number takes.
        granularity: which values share a scale and a zero point: all, those of a channel, or those of a node.
    """

    bits: int
    granularity: Granularity

    @property
    @abstractmethod
    def name(self) -> str:
        """What `parse` reads."""

    @property
    @abstractmethod
    def lowest(self) -> int:
        """The smallest stored integer."""

    @property
    @abstractmethod
    def highest(self) -> int:
        """The largest stored integer."""

    @abstractmethod
    def range_parameters(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and zero point for values between `low` <= 0 and `high` >= 0.

        Args:
            low: finite, of any shape.
            high: finite, of the same shape.

        Returns:
            Scale of the dtype of `low` and zero point int32, both of its shape.
        """

    def value_parameters(self, value: Tensor, dim: int | None) -> tuple[Tensor, Tensor]:
        """Scale and zero point that fit the values of a tensor.

        Args:
            value: of any shape.
            dim: dimension whose entries have a scale each; None for one scale.

        Returns:
            Scale and zero point, of size 1 in every other dimension.

        Raises:
            InputError: a value is NaN or infinite, or the range is wider than the dtype holds.
        """
        return self.range_parameters(*extremes(value, dim))

    def nearest(self, steps: Tensor) -> Tensor:
        """Round values in units of the scale to integers, without bounds and in place. Ties go to even numbers."""
        return steps.round_()


@dataclass(frozen=True)
class Affine(Format):
    """Integers with a scale and a zero point.

    Symmetric integers have zero point 0; signed ones leave out the lowest, so that the range is symmetric too. Others
    use all integers and a zero point among them. The value zero is stored exactly in both.

    Args:
        bits: 2 to 8, or 16.
    """

    bits: int
    signed: bool = True
    symmetric: bool = False
    granularity: Granularity = "tensor"

    def __post_init__(self) -> None:
        if self.bits not in (*range(2, 9), 16):
            raise InputError(f"integers of {self.bits} bits are not supported", hint="use 2 to 8 or 16 bits")
        _check_granularity(self.granularity)

    @property
    def name(self) -> str:
        symmetric = "-symmetric" if self.symmetric else ""
        return f"{'' if self.signed else 'u'}int{self.bits}{symmetric}{_suffix(self.granularity)}"

    @property
    def lowest(self) -> int:
        return int(self.symmetric) - 2 ** (self.bits - 1) if self.signed else 0

    @property
    def highest(self) -> int:
        return 2 ** (self.bits - 1) - 1 if self.signed else 2**self.bits - 1

    def range_parameters(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        if self.symmetric:
            largest = torch.maximum(-low, high) if self.signed else high
            return _scale(largest, self.highest), _zeros(low)
        scale = _scale(high - low, self.highest - self.lowest)
        return scale, (self.lowest - (low / scale).round()).to(torch.int32)


@dataclass(frozen=True)
class FixedPoint(Format):
    """Signed fixed point Q m.n: steps of 2^-n, from -2^m to 2^m - 2^-n. The scale depends on no value.

    Args:
        integer: m, bits before the point, without the sign.
        fraction: n, bits behind the point.
    """

    integer: int
    fraction: int
    granularity: Granularity = field(default="tensor", init=False, repr=False)
    bits: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if min(self.integer, self.fraction) < 0 or not 1 <= self.integer + self.fraction <= 15:
            raise InputError(
                f"fixed point with {self.integer} and {self.fraction} bits is not supported",
                hint="use 1 to 15 bits in all, not counting the sign",
            )
        object.__setattr__(self, "bits", 1 + self.integer + self.fraction)

    @property
    def name(self) -> str:
        return f"q{self.integer}.{self.fraction}"

    @property
    def lowest(self) -> int:
        return -(2 ** (self.integer + self.fraction))

    @property
    def highest(self) -> int:
        return 2 ** (self.integer + self.fraction) - 1

    def range_parameters(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        return torch.full_like(low, 2.0**-self.fraction), _zeros(low)


@dataclass(frozen=True)
class _Signs(Format):
    """Integers from -1 to 1."""

    granularity: Granularity = "tensor"  # pyright: ignore[reportIncompatibleMethodOverride, reportAssignmentType] a field stands for the property

    def __post_init__(self) -> None:
        _check_granularity(self.granularity)

    @property
    def lowest(self) -> int:
        return -1

    @property
    def highest(self) -> int:
        return 1


@dataclass(frozen=True)
class Binary(_Signs):
    """-s and s, of which s is the mean magnitude (XNOR-Net). Zero counts as positive: no code stands for it.

    A range gives s as half of its largest magnitude, the middle of each half of the range.
    """

    bits: int = field(default=1, init=False, repr=False)

    @property
    def name(self) -> str:
        return f"binary{_suffix(self.granularity)}"

    def range_parameters(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        return _scale(torch.maximum(-low, high), 2), _zeros(low)

    def value_parameters(self, value: Tensor, dim: int | None) -> tuple[Tensor, Tensor]:
        extremes(value, dim)
        scale = weighted_mean(value.abs(), torch.ones_like(value), dim).clamp(min=SMALLEST_SCALE)
        return scale, _zeros(scale)

    def nearest(self, steps: Tensor) -> Tensor:
        """The nearest odd integer; ties go up."""
        return steps.div_(2).floor_().mul_(2).add_(1)


@dataclass(frozen=True)
class Ternary(_Signs):
    """-s, 0 and s, stored in two bits. s is the mean magnitude of weights above 0.7 of the mean magnitude of all.

    Values round to the nearest of the three, which is the best assignment for a given s. A range gives s as two thirds
    of its largest magnitude, so that three cells of one width cover it.
    """

    bits: int = field(default=2, init=False, repr=False)

    @property
    def name(self) -> str:
        return f"ternary{_suffix(self.granularity)}"

    def range_parameters(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        return _scale(torch.maximum(-low, high), 1.5), _zeros(low)

    def value_parameters(self, value: Tensor, dim: int | None) -> tuple[Tensor, Tensor]:
        extremes(value, dim)
        size = value.abs()
        threshold = TERNARY_THRESHOLD * weighted_mean(size, torch.ones_like(size), dim)
        scale = weighted_mean(size, (size > threshold).to(size.dtype), dim).clamp(min=SMALLEST_SCALE)
        return scale, _zeros(scale)


def parse(text: str) -> Format | None:
    """The format of a name, such as `int8`, `uint4-symmetric-channel`, `q3.4`, `ternary`.

    Returns:
        None for `float32`, which stands for no quantisation.

    Raises:
        InputError: no format has this name.
    """
    if text == "float32":
        return None
    if match := re.fullmatch(r"(u?)int(\d+)(-symmetric)?(?:-(channel|node))?", text):
        unsigned, bits, symmetric, granularity = match.groups()
        if int(bits) in (*range(2, 9), 16) and not bits.startswith("0"):
            return Affine(int(bits), not unsigned, bool(symmetric), _granularity(granularity))
    elif match := re.fullmatch(r"q(\d+)\.(\d+)", text):
        integer, fraction = int(match[1]), int(match[2])
        if 1 <= integer + fraction <= 15 and text == f"q{integer}.{fraction}":
            return FixedPoint(integer, fraction)
    elif match := re.fullmatch(r"(binary|ternary)(?:-(channel|node))?", text):
        kind = Binary if match[1] == "binary" else Ternary
        return kind(_granularity(match[2]))
    raise InputError(f"no number format is named {text!r}", hint=f"formats: {ALTERNATIVES}")


def _scale(width: Tensor, steps: float) -> Tensor:
    return (width / steps).clamp(min=SMALLEST_SCALE)


def _zeros(like: Tensor) -> Tensor:
    return torch.zeros_like(like, dtype=torch.int32)


def _suffix(granularity: Granularity) -> str:
    return "" if granularity == "tensor" else f"-{granularity}"


def _granularity(text: str | None) -> Granularity:
    return "channel" if text == "channel" else "node" if text == "node" else "tensor"


def _check_granularity(granularity: str) -> None:
    if granularity not in get_args(Granularity):
        raise InputError(
            f"no granularity is named {granularity!r}", hint=f"granularities: {', '.join(get_args(Granularity))}"
        )
