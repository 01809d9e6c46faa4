"""Operations of networks on integers: products, sums over neighbours, and sums of two rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.integer import devices
from graphlab.ops.integer.gpu.layout import DeviceWeights
from graphlab.ops.integer.join import Term, join
from graphlab.ops.integer.join import reference as reference_join
from graphlab.ops.integer.neighbour_sum import neighbour_sum
from graphlab.ops.integer.neighbour_sum import reference as reference_sum
from graphlab.ops.integer.overflow import check_reach, product_reach
from graphlab.ops.integer.pack import pack
from graphlab.ops.integer.product import Weights, product
from graphlab.ops.integer.product import reference as reference_product
from graphlab.ops.integer.rescale import Output
from graphlab.quantization.rows import Edges, Grid, Rows


@dataclass(frozen=True)
class Operation(ABC):
    """Reads rows by name and writes others. grid: of the result; None where accumulators are left."""

    kind: ClassVar[str]
    source: str
    target: str
    grid: Grid | None
    relu: bool

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the rows that it reads."""
        return (self.source,)

    @abstractmethod
    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        """The rows of the target. by_definition: by int64 and numpy in place of the kernels, to the same integers."""

    def result(self, integers: Tensor, scale: float | np.ndarray) -> Rows:
        """Rows of the grid, or of accumulators of a scale."""
        return Rows(integers, scale) if self.grid is None else Rows(integers, self.grid.scale, self.grid.zero_point)

    def output(self, scale: float | np.ndarray) -> Output | None:
        return None if self.grid is None else self.grid.output(scale, self.relu)


@dataclass(frozen=True)
class Product(Operation):
    """Rows times weights of int8 `[in, out]`, with a scale for each output channel, float64 `[out]`, and a bias of
    float64 `[out]` in steps of the accumulators."""

    kind: ClassVar[str] = "product"
    weight: Tensor
    weight_scale: Tensor
    weight_bits: int
    bias: Tensor | None = None
    _laid_out: dict[torch.device, Weights | DeviceWeights] = field(default_factory=dict, repr=False, compare=False)

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        read = rows[self.source]
        scale = np.asarray(read.scale) * self.weight_scale.numpy()
        bias = None if self.bias is None else steps_of(self.bias, scale)
        if by_definition:
            integers = reference_product(read.integers, self.weight, self.output(scale), bias, read.zero_point)
        else:
            if read.integers.device not in self._laid_out:
                self._lay_out(read, bias)
            weight = self._laid_out[read.integers.device]
            integers = product(read.integers, weight, self.output(scale), bias, read.zero_point)
        return self.result(integers, scale)

    def _lay_out(self, read: Rows, bias: Tensor | None) -> None:
        """Weights on the device of the rows, of few bits still packed on a GPU; sums are seen not to pass int32."""
        info, device = torch.iinfo(read.integers.dtype), read.integers.device
        check_reach(f"a row of {self.target}", product_reach(self.weight, info.min, info.max, read.zero_point, bias))
        if devices.on_gpu(read.integers):
            packed = pack(self.weight, 2 if self.weight_bits == 2 else 4) if self.weight_bits <= 4 else self.weight
            self._laid_out[device] = DeviceWeights.of(packed, device)
        else:
            self._laid_out[device] = Weights(self.weight)


@dataclass(frozen=True)
class Sum(Operation):
    """Sums over in-neighbours with the weights of edges, and a bias of float64 `[d]` in steps of the accumulators."""

    kind: ClassVar[str] = "sum"
    bias: Tensor | None

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        read = rows[self.source]
        scale = np.asarray(read.scale) * edges.scale
        bias = None if self.bias is None else steps_of(self.bias, scale)
        edges.check(read, bias)
        sums = reference_sum if by_definition else neighbour_sum
        integers = sums(edges.neighbours, read.integers, self.output(scale), edges.weight, bias, read.zero_point)
        return self.result(integers, scale)


@dataclass(frozen=True)
class Join(Operation):
    """The sum of two rows of different scales and a bias of float64 `[d]`, rounded once. Without a grid it is int32 in
    steps of the first rows' scale."""

    kind: ClassVar[str] = "join"
    other: str
    bias: Tensor

    @property
    def reads(self) -> tuple[str, ...]:
        return self.source, self.other

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        first, second = rows[self.source], rows[self.other]
        unit = float(np.asarray(first.scale).reshape(-1)[0]) if self.grid is None else self.grid.scale
        zero_point, low, high, dtype = 0, -(2**31), 2**31 - 1, torch.int32
        if self.grid is not None:
            zero_point, high, dtype = self.grid.zero_point, self.grid.highest, self.grid.dtype
            low = zero_point if self.relu else self.grid.lowest
        a, b = (Term(each.integers, each.scale, each.zero_point) for each in (first, second))
        add = reference_join if by_definition else join
        return self.result(add(a, b, self.bias.numpy(), unit, zero_point, low, high, dtype), unit)


def steps_of(bias: Tensor, scale: float | np.ndarray) -> Tensor:
    """A bias in int32 steps of accumulators of a scale. Raises InputError where it has more than int32 can hold."""
    steps = np.rint(bias.numpy() / scale)
    if np.abs(steps).max(initial=0) >= 2**31:
        raise InputError(
            f"a bias of {np.abs(bias.numpy()).max():.3g} is more than 2^31 steps of its sums, {np.min(scale):.3g} each",
            hint="train with more bits for the rows before it, or a bias that is smaller",
        )
    return torch.from_numpy(steps.astype(np.int32))


def tensors_of(operation: Operation) -> dict[str, Tensor]:
    """The tensors of an operation, by field."""
    return {name: value for name, value in vars(operation).items() if isinstance(value, Tensor)}


def settings_of(operation: Operation) -> dict[str, Any]:
    """The other fields of an operation, as plain values; a grid is a mapping."""
    plain = {
        name: dict(vars(value)) if isinstance(value, Grid) else value
        for name, value in vars(operation).items()
        if not isinstance(value, Tensor) and not name.startswith("_")
    }
    return {"kind": operation.kind, **plain}
