"""Observers: which range of values a scale is to cover, recorded while training.

An observer holds `low` <= 0 and `high` >= 0, scalars or of size 1 in every dimension but the observed one, and the
number of batches that it has seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from graphlab.core.errors import InputError
from graphlab.quantization.formats import Format
from graphlab.quantization.ranges import extremes

SEARCHED_VALUES = 2**16
"""Values that the search for the least squared error looks at; more are thinned out evenly."""


class Observer(nn.Module, ABC):
    """Records ranges of values.

    Attributes:
        low: buffer, at most 0.
        high: buffer, at least 0.
        num_batches: buffer, int64. Batches recorded so far; before the first, the range means nothing.
    """

    low: Tensor
    high: Tensor
    num_batches: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.register_buffer("num_batches", torch.zeros((), dtype=torch.int64))
        self.register_load_state_dict_pre_hook(_take_shapes)

    @property
    def has_range(self) -> bool:
        """Whether any batch was recorded."""
        return bool(self.num_batches > 0)

    @abstractmethod
    def batch_range(self, value: Tensor, number_format: Format, dim: int | None) -> tuple[Tensor, Tensor]:
        """The range of one batch, which has values: low and high, of size 1 in every dimension but `dim`."""

    @abstractmethod
    def batch_weight(self) -> float | None:
        """The weight of a batch in a moving range; None if the range is that of all batches together."""

    @torch.no_grad()
    def record(self, value: Tensor, number_format: Format, dim: int | None) -> None:
        """Take a batch into account. An empty one changes nothing.

        Args:
            value: floating point, of any shape.
            number_format: what the values are to be stored as.
            dim: dimension whose entries have a range each; None for one range.

        Raises:
            InputError: a value is NaN or infinite, or `dim` has another size than before.
        """
        if value.numel() == 0:
            return
        low, high = self.batch_range(value.detach(), number_format, dim)
        if not self.has_range:
            self.low, self.high = low.clone(), high.clone()
        else:
            self._check_shape(low)
            self._move(low.to(self.low.dtype), high.to(self.high.dtype))
        self.num_batches += 1

    def _move(self, low: Tensor, high: Tensor) -> None:
        weight = self.batch_weight()
        if weight is None:
            self.low, self.high = torch.minimum(self.low, low), torch.maximum(self.high, high)
        else:
            self.low, self.high = self.low + weight * (low - self.low), self.high + weight * (high - self.high)

    def _check_shape(self, low: Tensor) -> None:
        if low.shape != self.low.shape:
            raise InputError(
                f"ranges of shape {list(self.low.shape)} were recorded, these values have ranges of {list(low.shape)}",
                hint="a range a node needs the same nodes in each batch; use one range, or one a channel",
            )


def _take_shapes(observer: nn.Module, state_dict: Mapping[str, Any], prefix: str, *_: object) -> None:
    """Before saved ranges are loaded: their shapes depend on the data."""
    for name in ("low", "high"):
        if (saved := state_dict.get(prefix + name)) is not None:
            setattr(observer, name, getattr(observer, name).new_zeros(saved.shape))


class MinMax(Observer):
    """From the lowest to the highest value.

    Args:
        momentum: weight of each batch in a moving average of ranges, which starts at the first; None for the extremes
            over all batches.
    """

    def __init__(self, momentum: float | None = None) -> None:
        super().__init__()
        self.momentum = _checked_momentum(momentum)

    def batch_range(self, value: Tensor, number_format: Format, dim: int | None) -> tuple[Tensor, Tensor]:
        return extremes(value, dim)

    def batch_weight(self) -> float | None:
        return self.momentum


class Percentile(Observer):
    """Between two order statistics, so that a few outliers do not widen the range.

    Of n values in order these are number max(1, int(share n)) and number int((1 - share) n), counted from 1.

    Args:
        share: share of the values that is cut off at each end, below one half.
        momentum: as in `MinMax`.
    """

    def __init__(self, share: float, momentum: float | None = None) -> None:
        super().__init__()
        if not 0 <= share < 0.5:
            raise InputError(f"a share of {share} cannot be cut off at each end", hint="use 0 to below 0.5")
        self.share, self.momentum = share, _checked_momentum(momentum)

    def batch_range(self, value: Tensor, number_format: Format, dim: int | None) -> tuple[Tensor, Tensor]:
        extremes(value, dim)
        rows, shape = _rows(value, dim)
        count = rows.shape[1]
        first = max(1, int(self.share * count))
        last = max(first, int((1 - self.share) * count))
        low, high = rows.kthvalue(first, dim=1).values, rows.kthvalue(last, dim=1).values
        return low.clamp(max=0).view(shape), high.clamp(min=0).view(shape)

    def batch_weight(self) -> float | None:
        return self.momentum


class SquaredError(Observer):
    """The range whose rounded values have the least squared error, averaged over all batches.

    The search tries `num_ranges` shares of the extremes, evenly spaced down from the whole, on 65,536 values at most.

    Args:
        num_ranges: how many ranges are tried.
    """

    def __init__(self, num_ranges: int = 50) -> None:
        super().__init__()
        self.num_ranges = num_ranges

    def batch_range(self, value: Tensor, number_format: Format, dim: int | None) -> tuple[Tensor, Tensor]:
        low, high = extremes(value, dim)
        rows, shape = _rows(value, dim)
        rows = rows[:, :: max(1, -(-rows.numel() // SEARCHED_VALUES))]
        low, high = low.reshape(-1, 1), high.reshape(-1, 1)
        best_share, best_error = torch.ones_like(low), torch.full_like(low, torch.inf)
        for step in range(self.num_ranges, 0, -1):
            share = step / self.num_ranges
            error = _squared_error(rows, number_format, low * share, high * share)
            is_better = error < best_error
            best_share = torch.where(is_better, share, best_share)
            best_error = torch.where(is_better, error, best_error)
        return (low * best_share).view(shape), (high * best_share).view(shape)

    def batch_weight(self) -> float:
        return 1 / (int(self.num_batches) + 1)


def _squared_error(rows: Tensor, number_format: Format, low: Tensor, high: Tensor) -> Tensor:
    scale, zero_point = number_format.range_parameters(low, high)
    steps = number_format.nearest(rows / scale)
    steps = torch.clamp(steps, number_format.lowest - zero_point, number_format.highest - zero_point)
    return (steps * scale - rows).square().sum(1, keepdim=True)


def _rows(value: Tensor, dim: int | None) -> tuple[Tensor, list[int]]:
    """The values that share a range, a row each, and the shape that a column of ranges has."""
    if dim is None:
        return value.reshape(1, -1), []
    shape = [1] * value.dim()
    shape[dim] = value.shape[dim]
    return value.movedim(dim, 0).reshape(value.shape[dim], -1), shape


def _checked_momentum(momentum: float | None) -> float | None:
    if momentum is not None and not 0 < momentum <= 1:
        raise InputError(f"momentum {momentum} is not a weight", hint="use a number above 0 and at most 1, or None")
    return momentum
