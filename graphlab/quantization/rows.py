"""Rows of integers with their grid, and edges with weights in integers: what the operations of networks work on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.integer.overflow import check_reach, sum_reach
from graphlab.ops.integer.rescale import Output
from graphlab.ops.integer.rounding import round_rows
from graphlab.ops.neighbour_sum import Neighbours
from graphlab.quantization.formats import Affine, Format


@dataclass(frozen=True)
class Grid:
    """The numbers (integer - zero_point) scale of integers from lowest to highest, of 8 bits at most."""

    scale: float
    zero_point: int
    lowest: int
    highest: int

    @classmethod
    def of(cls, chosen: Format, scale: Tensor, zero_point: Tensor) -> Grid:
        """Of a format and what its quantiser has come to.

        Raises:
            InputError: Integers of more than 8 bits, or more than one scale.
        """
        if not isinstance(chosen, Affine) or chosen.bits > 8 or scale.numel() != 1:
            raise InputError(
                f"rows of format {chosen.name} do not run on integers",
                hint="give activations int2 to int8 or uint2 to uint8, with one scale for all",
            )
        return cls(float(scale), int(zero_point), chosen.lowest, chosen.highest)

    @property
    def dtype(self) -> torch.dtype:
        return torch.uint8 if self.lowest >= 0 else torch.int8

    @property
    def finer(self) -> int:
        return finer_steps(self.lowest, self.highest)

    def integers(self, values: Tensor) -> Tensor:
        """Values of any shape as integers, rounded half to even, as a quantiser of the format does.

        Raises:
            InputError: A value is NaN.
        """
        return round_rows(values, self.scale, self.zero_point, self.lowest, self.highest, self.dtype)

    def output(self, scale: float | np.ndarray, relu: bool) -> Output:
        """How sums of a scale become integers of this grid."""
        return Output.of(
            np.asarray(scale) / self.scale,
            self.zero_point,
            signed=self.dtype == torch.int8,
            low=self.lowest,
            high=self.highest,
            relu=relu,
        )


def finer_steps(lowest: int, highest: int) -> int:
    """The power of two by which integers of few bits can be multiplied and still have 8 bits."""
    return 2 ** (max(1, 255 // (highest - lowest)).bit_length() - 1)


@dataclass(frozen=True)
class Rows:
    """Integers `[n, d]` with their scale, one or one a column, and zero point."""

    integers: Tensor
    scale: float | np.ndarray
    zero_point: int = 0

    def values(self) -> Tensor:
        """What they stand for, float32 `[n, d]`."""
        steps = self.integers.to(torch.int32) - self.zero_point if self.zero_point else self.integers
        return steps * torch.as_tensor(np.asarray(self.scale), dtype=torch.float32, device=steps.device)


@dataclass(frozen=True)
class Edges:
    """The edges of a graph, with weights in integers.

    weight: uint8 `[E]`, or None where all count one; times `scale` what they stand for. graphs: from each node to the
    graph that it is of; None where nothing is pooled.
    """

    neighbours: Neighbours
    weight: Tensor | None
    scale: float
    graphs: Neighbours | None = None
    _checked: set[tuple[int, ...]] = field(default_factory=set, repr=False, compare=False)

    def to(self, device: torch.device | str) -> Edges:
        """The edges on a device; what was checked of them stays so."""
        neighbours = self.neighbours.to(device)
        if neighbours is self.neighbours:
            return self
        weight = None if self.weight is None else self.weight.to(device)
        graphs = None if self.graphs is None else self.graphs.to(device)
        return Edges(neighbours, weight, self.scale, graphs, self._checked)

    def check(self, rows: Rows, bias: Tensor | None) -> None:
        """See, once a graph, that sums of rows of 8 bits cannot pass int32.

        Raises:
            InputError: They can, with a degree as that of one of the nodes.
        """
        info = torch.iinfo(rows.integers.dtype)
        most = 0 if bias is None else int(bias.abs().max())
        key = info.min, info.max, rows.zero_point, most
        if key not in self._checked:
            bound = torch.tensor([-most, most])
            reach = sum_reach(self.neighbours, info.min, info.max, self.weight, rows.zero_point, bound)
            check_reach("the sum over the neighbours of a node", reach)
            self._checked.add(key)
