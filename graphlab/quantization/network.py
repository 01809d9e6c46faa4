"""Networks that run on integers: a list of operations on rows of 8-bit numbers, each with a scale and a zero point.

A row's value is (integer - zero_point) scale. Features are rounded once, when they come in. From there on products and
sums are of integers, with int32 accumulators, and each operation rounds its result once, to the grid of the next; the
last leaves its accumulators, which times their scale are the logits. What stays in floats is named in `FLOAT_ISLANDS`.

References:
    Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR
    2018.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.integer.join import Term, join
from graphlab.ops.integer.join import reference as reference_join
from graphlab.ops.integer.neighbour_sum import neighbour_sum
from graphlab.ops.integer.neighbour_sum import reference as reference_sum
from graphlab.ops.integer.overflow import check_reach, product_reach, sum_reach
from graphlab.ops.integer.product import Weights, product
from graphlab.ops.integer.product import reference as reference_product
from graphlab.ops.integer.rescale import Output
from graphlab.ops.integer.rounding import round_rows
from graphlab.ops.neighbour_sum import Neighbours
from graphlab.quantization.formats import Affine, Format

FLOAT_ISLANDS = (
    "features are rounded to integers when they come in",
    "weights of edges that depend on degrees are computed once a graph, and rounded",
    "the last accumulators are multiplied by their scale",
)
"""What is computed in floats."""


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

    def integers(self, values: Tensor) -> Tensor:
        """Values `[n, d]` as integers, rounded half to even, as a quantiser of the format does.

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


@dataclass(frozen=True)
class Rows:
    """Integers `[n, d]` with their scale, one or one a column, and zero point."""

    integers: Tensor
    scale: float | np.ndarray
    zero_point: int = 0

    def values(self) -> Tensor:
        """What they stand for, float32 `[n, d]`."""
        steps = self.integers.to(torch.int32) - self.zero_point if self.zero_point else self.integers
        return steps * torch.as_tensor(np.asarray(self.scale), dtype=torch.float32)


@dataclass(frozen=True)
class Edges:
    """The edges of a graph, with weights in integers.

    weight: uint8 `[E]`, or None where all count one; times `scale` what they stand for.
    """

    neighbours: Neighbours
    weight: Tensor | None
    scale: float
    _checked: set[tuple[int, ...]] = field(default_factory=set, repr=False, compare=False)

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


@dataclass(frozen=True)
class Operation:
    """Reads rows by name and writes others. grid: of the result; None where accumulators are left."""

    kind: ClassVar[str]
    source: str
    target: str
    grid: Grid | None
    relu: bool

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        """The rows of the target. by_definition: by int64 and numpy in place of the kernels, to the same integers."""
        raise NotImplementedError

    def result(self, integers: Tensor, scale: float | np.ndarray) -> Rows:
        """Rows of the grid, or of accumulators of a scale."""
        return Rows(integers, scale) if self.grid is None else Rows(integers, self.grid.scale, self.grid.zero_point)

    def output(self, scale: float | np.ndarray) -> Output | None:
        return None if self.grid is None else self.grid.output(scale, self.relu)


@dataclass(frozen=True)
class Product(Operation):
    """Rows times weights of int8 `[in, out]`, with a scale for each output channel, float64 `[out]`."""

    kind: ClassVar[str] = "product"
    weight: Tensor
    weight_scale: Tensor
    weight_bits: int
    _laid_out: list[Weights] = field(default_factory=list, repr=False, compare=False)

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        read = rows[self.source]
        scale = np.asarray(read.scale) * self.weight_scale.numpy()
        if by_definition:
            integers = reference_product(read.integers, self.weight, self.output(scale), None, read.zero_point)
        else:
            if not self._laid_out:
                info = torch.iinfo(read.integers.dtype)
                reach = product_reach(self.weight, info.min, info.max, read.zero_point)
                check_reach(f"a row of {self.target}", reach)
                self._laid_out.append(Weights(self.weight))
            integers = product(read.integers, self._laid_out[0], self.output(scale), None, read.zero_point)
        return self.result(integers, scale)


@dataclass(frozen=True)
class Sum(Operation):
    """Sums over in-neighbours with the weights of edges, and a bias of float64 `[d]` in steps of the accumulators."""

    kind: ClassVar[str] = "sum"
    bias: Tensor | None

    def run(self, rows: Mapping[str, Rows], edges: Edges, by_definition: bool) -> Rows:
        read = rows[self.source]
        scale = np.asarray(read.scale) * edges.scale
        bias = None if self.bias is None else _steps(self.bias, scale)
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


def _steps(bias: Tensor, scale: float | np.ndarray) -> Tensor:
    """A bias in int32 steps of accumulators of a scale. Raises InputError where it has more than int32 can hold."""
    steps = np.rint(bias.numpy() / scale)
    if np.abs(steps).max(initial=0) >= 2**31:
        raise InputError(
            f"a bias of {np.abs(bias.numpy()).max():.3g} is more than 2^31 steps of its sums, {np.min(scale):.3g} each",
            hint="train with more bits for the rows before it, or a bias that is smaller",
        )
    return torch.from_numpy(steps.astype(np.int32))


OPERATIONS: dict[str, type[Operation]] = {each.kind: each for each in (Product, Sum, Join)}
INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True)
class IntegerNetwork:
    """Operations in their order, from rows named `input` to rows named `output`.

    Attributes:
        messages: How weights of edges follow from a graph, as `gcn`; see `graphlab.model.frozen`.
        grid: Of the features.
        adjacency: Grid of the weights of edges, whose zero point is its lowest integer; None where all count one.
        operations: In the order in which they are run.
    """

    messages: str
    grid: Grid
    adjacency: Grid | None
    operations: tuple[Operation, ...]

    def edges(self, edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> Edges:
        """The edges `[2, E]` of a graph with weights `[E]` as integers of the adjacency's grid.

        Weights of few bits are multiplied by a power of two, and their scale divided by it: sums then have finer steps,
        which a bias is rounded to.
        """
        neighbours = Neighbours(edge_index, num_nodes, num_nodes)
        if self.adjacency is None or weight is None:
            return Edges(neighbours, None, 1.0)
        steps = self.adjacency.integers(weight.unsqueeze(1)).squeeze(1).to(torch.int32) - self.adjacency.zero_point
        if steps.numel() and not 0 <= int(steps.min()) <= int(steps.max()) <= 255:
            raise InputError(
                "weights of edges are negative, or not within 8 bits of zero", hint="give weights of 0 and more"
            )
        finer = 2 ** ((255 // (self.adjacency.highest - self.adjacency.lowest)).bit_length() - 1)
        return Edges(neighbours, (steps * finer).to(torch.uint8), self.adjacency.scale / finer)

    def run(self, features: Tensor, edges: Edges, by_definition: bool = False) -> Rows:
        """The last rows.

        Args:
            features: Float `[num_nodes, d]`, or integers of the grid.
            edges: Of the graph.
            by_definition: By int64 and numpy in place of the kernels: to the same integers, slowly.
        """
        *_, (_, rows) = self.stages(features, edges, by_definition)
        return rows

    def stages(self, features: Tensor, edges: Edges, by_definition: bool = False) -> Iterator[tuple[str, Rows]]:
        """Rows by name, after each operation; the features as integers first."""
        integers = features if features.dtype == self.grid.dtype else self.grid.integers(features)
        rows = {INPUT: Rows(integers, self.grid.scale, self.grid.zero_point)}
        yield INPUT, rows[INPUT]
        last_use = _last_use(self.operations)
        for place, operation in enumerate(self.operations):
            rows[operation.target] = operation.run(rows, edges, by_definition)
            yield operation.target, rows[operation.target]
            for name in [name for name in rows if last_use.get(name, -1) == place]:
                del rows[name]

    @property
    def num_bytes(self) -> int:
        """Of the weights as they are kept in memory, without scales and biases."""
        return sum(each.weight.numel() for each in self.operations if isinstance(each, Product))


def _last_use(operations: Sequence[Operation]) -> dict[str, int]:
    """The place of the operation that is the last to read rows of a name."""
    uses: dict[str, int] = {}
    for place, operation in enumerate(operations):
        for name in (operation.source, getattr(operation, "other", operation.source)):
            uses[name] = place
    return uses


def tensors_of(operation: Operation) -> dict[str, Tensor]:
    """The tensors of an operation, by field."""
    return {name: value for name, value in vars(operation).items() if isinstance(value, Tensor)}


def settings_of(operation: Operation) -> dict[str, Any]:
    """The other fields of an operation, as plain values."""
    grid = None if operation.grid is None else vars(operation.grid)
    plain = {
        name: value
        for name, value in vars(operation).items()
        if not isinstance(value, Tensor) and name != "grid" and not name.startswith("_")
    }
    return {"kind": operation.kind, **plain, "grid": grid}
