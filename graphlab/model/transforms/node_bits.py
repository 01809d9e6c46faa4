"""A step and a bit width for each node, learned with the weights (A2Q); other places are rounded as `quantize` does.

For models of the nodes of one graph that each batch holds as a whole. The loss has a part for memory,

    penalty * (size - target size)^2,

of all rows together, in KiB. Rows have as many values as bits of both signs tell apart: a row of one bit is zero.

References:
    Zhu et al., A2Q: Aggregation-Aware Quantization for Graph Neural Networks, ICLR 2023.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from graphlab.core.config import Choices, FloatRange, NonNegativeFloat, PositiveFloat
from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import DataSpec
from graphlab.model.observation import OBSERVERS
from graphlab.model.protection import Protection
from graphlab.model.sparse_features import SparseRows
from graphlab.model.transform import Regulariser
from graphlab.model.transforms.quantize import Config as QuantizeConfig
from graphlab.model.transforms.quantize import Quantize
from graphlab.quantization.assignment import COMPONENTS, Assignment, Place
from graphlab.quantization.formats import SMALLEST_SCALE
from graphlab.quantization.learned_bits import (
    BITS_A_KIBIBYTE,
    MOST_BITS,
    Gradient,
    NodeBits,
    memory_loss,
    round_rows,
)

OF_ROWS = tuple(component for component in COMPONENTS if component in ("input", "linear", "aggregate"))
"""Components that can hold rows of nodes."""


class Config(QuantizeConfig):
    """scheme      as of `quantize`: the formats of all places that have no learned bits
    components  whose rows have learned bits, of input, linear and aggregate, with commas between them
    target      bits a number, in the mean over nodes and dimensions, that the loss pulls towards
    penalty     factor of the part of the loss for memory
    initial_bits
                of each row
    lr_factor   learning rate of steps and bits, as a multiple of the run's
    gradient    what steps and bits learn from: error, of each row's own mean error, or loss
    """

    scheme: str = "weight=int4-symmetric-channel"
    steps: Annotated[Literal["observed", "learned"], Choices(("observed", "learned"))] = "learned"

    components: str = "input"
    target: Annotated[float, Field(ge=1, le=MOST_BITS), FloatRange(1.0, 8.0)] = 2.0
    penalty: Annotated[NonNegativeFloat, FloatRange(1e-4, 1.0, log=True)] = 0.01
    initial_bits: Annotated[float, Field(ge=1, le=MOST_BITS), FloatRange(2.0, 8.0)] = 4.0
    lr_factor: Annotated[PositiveFloat, FloatRange(0.1, 10.0, log=True)] = 4.0
    gradient: Annotated[Gradient, Choices(("error", "loss"))] = "error"

    @field_validator("components")
    @classmethod
    def _check_components(cls, components: str) -> str:
        if unknown := set(_listed(components)) - set(OF_ROWS):
            raise ValueError(f"{', '.join(sorted(unknown))!r} has no rows of nodes; use {', '.join(OF_ROWS)}")
        return components


class LearnNodeBits(Quantize):
    """Learns a step and a bit width for each row of the components, and rounds other places by the scheme."""

    Config = Config
    version = 1
    num_nodes: int

    def apply(self, learner: nn.Module, spec: DataSpec) -> None:
        if spec.num_nodes is None:
            raise IncompatibleError(
                "node-bits learns bits for each node of one graph, and the batches here are several graphs or samples",
                hint="train on the nodes of one graph, without task.batch_size, or use transform=quantize",
            )
        self.num_nodes = spec.num_nodes
        super().apply(learner, spec)
        rows = tuple(module for module in learner.modules() if isinstance(module, NodeRows))
        if not rows:
            raise IncompatibleError(
                f"this model has no place of the components {self.config.components}",
                hint=f"set transform.components to others, of {', '.join(OF_ROWS)}, or use transform=quantize",
            )
        learner.add_module("memory", Memory(rows, self.config.target, self.config.penalty))

    def _activation(self, assignment: Assignment, point: str, protection: Protection | None) -> nn.Module | None:
        if Place.of_point(point).component not in _listed(self.config.components):
            return super()._activation(assignment, point, protection)
        return NodeRows(point, self.num_nodes, self.config)


class NodeRows(NodeBits):
    """Rows of the nodes of one graph at an observation point, with learned steps and bits.

    Args:
        point: Its name, for errors.
        num_nodes: Rows.
        config: Of the transform.

    Attributes:
        width: Numbers of a row, 0 until there are any.
    """

    reads_sparse_rows = True
    width: Tensor

    def __init__(self, point: str, num_nodes: int, config: Config) -> None:
        super().__init__(num_nodes, config.gradient, config.initial_bits)
        self.point, self.lr_factor = point, config.lr_factor
        self.register_buffer("width", torch.zeros((), dtype=torch.int64))

    def forward(self, value: Tensor | SparseRows) -> Any:
        """Of the type of the value. Raises IncompatibleError for values that are not a row a node."""
        num_rows, *others = value.shape if isinstance(value, Tensor) else value.pattern.shape
        if not others or num_rows != len(self.bits):
            raise IncompatibleError(
                f"{self.point} has values of shape {[num_rows, *others]}, and bits are of {len(self.bits):,} nodes",
                hint="map the graph that it was trained on; transform.components names what has rows of nodes",
            )
        if self.training:
            self.width.fill_(math.prod(others))
        return super().forward(value) if isinstance(value, Tensor) else replace(value, values=self._nonzero(value))

    def _nonzero(self, rows: SparseRows) -> Tensor:
        """The numbers that are not zero, rounded: zeros stay so, and add nothing to the gradients of steps and bits."""
        row, width = rows.pattern.row, rows.pattern.shape[1]
        if self.training and not self.is_known:
            with torch.no_grad():
                magnitude = rows.values.new_zeros(len(self.bits), 1).index_add_(0, row, rows.values.abs().unsqueeze(1))
                self._start(magnitude / width)
        if not self.is_known:
            return rows.values
        step, bits = self.step.abs().clamp(min=SMALLEST_SCALE)[row], self.bits[row]
        return round_rows(rows.values.unsqueeze(1), step, bits, self.gradient, width).squeeze(1)

    @property
    def average(self) -> float:
        """Mean of the nodes' bits."""
        return self.widths.double().mean().item()


class Memory(Regulariser):
    """The part of the loss for the size of rows. The rows stay parts of the modules that they are in.

    Args:
        rows: Whose bits are learned.
        target: Bits a number.
        strength: Factor.
    """

    def __init__(self, rows: tuple[NodeRows, ...], target: float, strength: float) -> None:
        super().__init__()
        self._rows, self.target, self.strength = rows, target, strength

    def regularisation(self) -> Tensor:
        widths = [int(each.width) for each in self._rows]
        numbers = sum(len(each.bits) * width for each, width in zip(self._rows, widths, strict=True))
        parts = [(each.bits.clamp(1, MOST_BITS), width) for each, width in zip(self._rows, widths, strict=True)]
        return self.strength * memory_loss(parts, self.target * numbers / BITS_A_KIBIBYTE)


def average_bits(learner: nn.Module) -> Mapping[str, float]:
    """The mean of the bits of the nodes, by the path of each place whose bits were learned."""
    rows = {path: module for path, module in learner.named_modules() if isinstance(module, NodeRows)}
    return {path.replace(f".{OBSERVERS}.", "."): module.average for path, module in rows.items()}


def _listed(components: str) -> list[str]:
    return [each.strip() for each in components.split(",")]
