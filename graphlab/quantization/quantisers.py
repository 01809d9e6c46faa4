"""Quantisers: modules that round values to a number format, with the straight-through gradient.

    integer = clamp(round(value / scale) + zero_point, lowest, highest)
    output  = (integer - zero_point) * scale

The gradient passes where the integer needed no clamp, and is zero elsewhere (Bengio et al., 2013; Jacob et al., CVPR
2018). Ties round to even. `WeightQuantiser` fits its scale to the tensor at each call, `ActivationQuantiser` takes it
from the ranges that it recorded while training, and `LearnedStep` learns it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from graphlab.core.errors import InputError
from graphlab.quantization.formats import SMALLEST_SCALE, FixedPoint, Format
from graphlab.quantization.observers import MinMax, Observer
from graphlab.quantization.rounding import check_broadcast, fake_quantise, learned_fake_quantise


class Quantiser(nn.Module, ABC):
    """Rounds values to the numbers of `format`.

    Args:
        number_format: what values are stored as.
        channel: dimension of the channels, for formats with a scale each. A scale a node goes along dimension 0.
    """

    def __init__(self, number_format: Format, channel: int = 0) -> None:
        super().__init__()
        self.format, self.channel = number_format, channel

    @property
    def dim(self) -> int | None:
        """The dimension whose entries have a scale each, if any."""
        return {"tensor": None, "channel": self.channel, "node": 0}[self.format.granularity]

    @property
    @abstractmethod
    def is_known(self) -> bool:
        """Whether `parameters_of` has scale and zero point to give."""

    @abstractmethod
    def parameters_of(self) -> tuple[Tensor, Tensor]:
        """Scale and zero point (int32) as they stand, broadcastable to the values.

        Raises:
            InputError: they are not known yet.
        """

    @abstractmethod
    def _prepare(self, value: Tensor, *, learns: bool) -> bool:
        """Fit scale and zero point to these values, where that is due; whether they are known.

        Args:
            learns: whether the values may change what is kept from call to call.
        """

    def integers(self, value: Tensor) -> Tensor:
        """The integers that values are stored as.

        Args:
            value: floating point, of any shape.

        Returns:
            int32, of the same shape.

        Raises:
            InputError: a value is NaN, or scale and zero point are not known yet.
        """
        with torch.no_grad():
            working = as_working(value.detach())
            self._prepare(working, learns=False)
            scale, zero_point = self.parameters_of()
            check_broadcast(working, scale)
            steps = self.format.nearest(working / scale.to(working.dtype))
            if steps.sum().isnan() and steps.isnan().any():
                raise InputError("values to quantise contain NaN", hint="look for a division by zero before this layer")
            steps = steps.add_(zero_point).clamp_(self.format.lowest, self.format.highest)
            return steps.to(torch.int32)

    def forward(self, value: Tensor) -> Tensor:
        """Values rounded to the format, of the same shape and dtype. NaN stays NaN."""
        working = as_working(value)
        if not self._prepare(working.detach(), learns=self.training):
            return value
        scale, zero_point = self.parameters_of()
        return fake_quantise(working, scale, zero_point, self.format).to(value.dtype)

    def extra_repr(self) -> str:
        return self.format.name


class WeightQuantiser(Quantiser):
    """Fits scale and zero point to the values of each call; they take no gradient.

    Args:
        number_format: what values are stored as.
        channel: dimension of the channels; 0 is that of the outputs of `nn.Linear`.
    """

    _scale: Tensor | None
    _zero_point: Tensor | None

    def __init__(self, number_format: Format, channel: int = 0) -> None:
        super().__init__(number_format, channel)
        self.register_buffer("_scale", None, persistent=False)
        self.register_buffer("_zero_point", None, persistent=False)

    @property
    def is_known(self) -> bool:
        return self._scale is not None

    def parameters_of(self) -> tuple[Tensor, Tensor]:
        """Those of the last call."""
        if self._scale is None or self._zero_point is None:
            raise unknown_parameters()
        return self._scale, self._zero_point

    def _prepare(self, value: Tensor, *, learns: bool) -> bool:
        self._scale, self._zero_point = self.format.value_parameters(value, self.dim)
        return True


class ActivationQuantiser(Quantiser):
    """Takes scale and zero point from the ranges of values seen while training.

    Until it has seen a batch in training mode, values pass unchanged; fixed point needs none.

    Args:
        number_format: what values are stored as.
        observer: decides the range; `MinMax()` by default.
        channel: dimension of the channels, the last by default.
    """

    def __init__(self, number_format: Format, observer: Observer | None = None, channel: int = -1) -> None:
        super().__init__(number_format, channel)
        self.observer = MinMax() if observer is None else observer

    def parameters_of(self) -> tuple[Tensor, Tensor]:
        if not self.is_known:
            raise unknown_parameters()
        return self.format.range_parameters(self.observer.low, self.observer.high)

    @property
    def is_known(self) -> bool:
        return self.observer.has_range or isinstance(self.format, FixedPoint)

    def _prepare(self, value: Tensor, *, learns: bool) -> bool:
        if learns:
            self.observer.record(value, self.format, self.dim)
        return self.is_known


class LearnedStep(Quantiser):
    """Learns the scale by gradient: learned step size quantisation, Esser et al., ICLR 2020. The zero point is 0.

    The first batch in training mode that is not all zero sets the scale to 2 mean|value| / sqrt(highest), of the
    largest mean where a channel is all zero; until then values pass unchanged.
    The gradient of the scale is that of the rounded value with rounding taken for constant, times
    1 / sqrt(values a scale * highest).

    Args:
        number_format: any but fixed point. Its integers are used with zero point 0.
        shape: of the scale, broadcastable to the values, such as `(num_channels, 1)`; a scalar by default.

    Raises:
        InputError: the format is fixed point, or its granularity and `shape` disagree.
    """

    num_batches: Tensor

    def __init__(self, number_format: Format, shape: tuple[int, ...] = ()) -> None:
        super().__init__(number_format)
        if isinstance(number_format, FixedPoint):
            raise InputError(
                f"the step of {number_format.name} is fixed and cannot be learned",
                hint="use an integer format, as int8-symmetric, or another quantiser",
            )
        if bool(shape) == (number_format.granularity == "tensor"):
            raise InputError(
                f"steps of shape {list(shape)} do not fit the format {number_format.name}",
                hint="give no shape for one step, and that of the steps for -channel and -node",
            )
        self.step = nn.Parameter(torch.ones(shape))
        self.register_buffer("num_batches", torch.zeros((), dtype=torch.int64))

    @property
    def is_known(self) -> bool:
        """Whether the first batch has set the step."""
        return bool(self.num_batches > 0)

    def parameters_of(self) -> tuple[Tensor, Tensor]:
        if not self.is_known:
            raise unknown_parameters()
        scale = self.step.detach().abs().clamp(min=SMALLEST_SCALE)
        return scale, torch.zeros_like(scale, dtype=torch.int32)

    def forward(self, value: Tensor) -> Tensor:
        working = as_working(value)
        if not self._prepare(working.detach(), learns=self.training):
            return value
        check_broadcast(working, self.step)
        scale = self.step.abs().clamp(min=SMALLEST_SCALE).to(working.dtype)
        values_a_step = max(1, working.numel() // max(1, scale.numel()))
        factor = 1 / math.sqrt(values_a_step * self.format.highest)
        zero_point = torch.zeros_like(scale, dtype=torch.int32)
        return learned_fake_quantise(working, scale, zero_point, self.format, factor).to(value.dtype)

    @torch.no_grad()
    def _prepare(self, value: Tensor, *, learns: bool) -> bool:
        if learns and not self.is_known and value.numel():
            check_broadcast(value, self.step)
            mean = (value.abs() / (value.numel() // self.step.numel())).sum_to_size(self.step.shape)
            if not bool(mean.isfinite().all()):
                raise InputError("values to quantise are NaN or infinite", hint="look for a diverging loss")
            if mean.any():  # weights that start at zero are rounded once they have moved
                mean = torch.where(mean > 0, mean, mean.max())
                self.step.copy_(2 * mean / math.sqrt(self.format.highest))
                self.num_batches += 1
        return self.is_known


def as_working(value: Tensor) -> Tensor:
    """Floating point of 32 bits at least: integers of 16 bits are exact there."""
    if not value.is_floating_point():
        raise InputError(f"values of type {value.dtype} are not quantised", hint="give floating-point values")
    return value.to(torch.promote_types(value.dtype, torch.float32))


def unknown_parameters() -> InputError:
    return InputError(
        "scale and zero point are not known yet", hint="pass values in training mode first, or load saved ones"
    )
