"""What `gin` has beside products: sums in which a node has a weight of its own, norms, rows side by side, pooling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.integer.gpu.constants import constant
from graphlab.ops.integer.requantise import requantise_rows
from graphlab.quantization.operations import Operation, Sum
from graphlab.quantization.rows import Edges, Grid, Rows


@dataclass(frozen=True)
class OwnSum(Operation):
    """Sums over in-neighbours, all of the same weight, and the node itself with another: the last edges of the graph
    are a loop a node.

    Attributes:
        neighbour, own: Both weights in steps, 0 to 255.
        step: What a step stands for.
    """

    kind: ClassVar[str] = "own-sum"
    neighbour: int
    own: int
    step: float
    _weighted: list[tuple[Edges, Edges]] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, source: str, target: str, grid: Grid, weights: Grid, own: float) -> OwnSum:
        """With 1 for neighbours and `own` for the node itself, as integers of the grid of weights.

        Raises:
            InputError: A weight is negative.
        """
        steps = (weights.integers(torch.tensor([1.0, own])).to(torch.int32) - weights.zero_point) * weights.finer
        if int(steps.min()) < 0 or int(steps.max()) > 255:
            raise InputError(
                f"a node counts {own:.3g} times itself", hint="sums on integers have weights of 0 and more"
            )
        return cls(source, target, grid, False, int(steps[0]), int(steps[1]), weights.scale / weights.finer)

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        if not self._weighted or self._weighted[0][0] is not edges:
            device = edges.neighbours.source.device
            weight = torch.full((len(edges.neighbours),), self.neighbour, dtype=torch.uint8, device=device)
            weight[len(weight) - edges.neighbours.num_targets :] = self.own
            self._weighted[:] = [(edges, Edges(edges.neighbours, weight, self.step))]
        total = Sum(self.source, self.target, self.grid, self.relu, bias=None)
        return total.run(rows, self._weighted[0][1], by_definition)


@dataclass(frozen=True)
class Norm(Operation):
    """Each column times a factor, of either sign, and an offset, rounded once: a batch norm of a trained network.

    Factors and offsets are kept as integers of one exponent, the largest factor with 30 bits.

    Attributes:
        factor, offset: float64 `[d]`.
    """

    kind: ClassVar[str] = "norm"
    factor: Tensor
    offset: Tensor

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        assert self.grid is not None
        read = rows[self.source]
        factor, offset = (
            self.factor.numpy() * float(read.scale) / self.grid.scale,
            self.offset.numpy() / self.grid.scale,
        )
        largest = max(np.abs(factor).max(initial=0), np.abs(offset).max(initial=0) * 2.0**-16, 2.0**-16)
        shift = 30 - int(np.ceil(np.log2(largest)))
        factors, start = (np.rint(each * 2.0**shift).astype(np.int64) for each in (factor, offset))
        # Both zero points and half of the last bit are in the offsets, of at most 55 bits.
        start += (np.int64(1) << np.int64(shift - 1)) - read.zero_point * factors
        start += np.int64(self.grid.zero_point) << np.int64(shift)
        device = read.integers.device
        steps = read.integers.long().mul_(constant(factors, device)).add_(constant(start, device))
        low = self.grid.zero_point if self.relu else self.grid.lowest
        steps = steps.bitwise_right_shift_(shift).clamp_(low, self.grid.highest)
        return self.result(steps.to(self.grid.dtype), self.grid.scale)


@dataclass(frozen=True)
class Beside(Operation):
    """Rows of one grid side by side, with those of `others`."""

    kind: ClassVar[str] = "beside"
    others: tuple[str, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.source, *self.others)

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        assert self.grid is not None
        return self.result(torch.cat([rows[name].integers for name in self.reads], dim=1), self.grid.scale)


@dataclass(frozen=True)
class Pool(Operation):
    """Sums over the nodes of each graph, or their means, rounded once to a grid."""

    kind: ClassVar[str] = "pool"
    is_mean: bool
    _of_graphs: list[tuple[Edges, Edges]] = field(default_factory=list, repr=False, compare=False)

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        assert self.grid is not None
        if edges.graphs is None:
            raise InputError("these are edges of a network that does not pool", hint="make them by this network")
        if not self._of_graphs or self._of_graphs[0][0] is not edges:
            self._of_graphs[:] = [(edges, Edges(edges.graphs, None, 1.0))]
        grid = None if self.is_mean else self.grid
        sums = Sum(self.source, self.target, grid, False, bias=None).run(rows, self._of_graphs[0][1], by_definition)
        if not self.is_mean:
            return sums
        output = self.grid.output(float(sums.scale) / edges.graphs.degrees.clip(1), relu=False)
        return self.result(requantise_rows(sums.integers.t().contiguous(), output).t().contiguous(), self.grid.scale)
